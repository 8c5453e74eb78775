"""The hub's cache: which files are sound, by the checksums that it names their contents after."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from repro import hub_cache

CONTENT = b"what a file holds\n"
NAMES = {
    "sha256": hashlib.sha256(CONTENT).hexdigest(),
    "blob": "d84fff8866663d7d5c9beedfa385066186802982",
    "another": "etag-of-a-proxy",
}


def cached(folder: Path, name: str, content: bytes) -> Path:
    """A file of a snapshot, as the cache has it: a link to the content under that name."""
    (folder / "blobs").mkdir()
    (folder / "blobs" / name).write_bytes(content)
    link = folder / "config.json"
    link.symlink_to(f"blobs/{name}")
    return link


@pytest.mark.parametrize("kind", NAMES)
def test_a_file_is_sound_when_its_content_has_the_name_s_checksum(kind: str, tmp_path: Path) -> None:
    assert hub_cache.is_sound(cached(tmp_path, NAMES[kind], CONTENT))


@pytest.mark.parametrize("kind", ["sha256", "blob"])
def test_a_file_of_other_bytes_is_not(kind: str, tmp_path: Path) -> None:
    link = cached(tmp_path, NAMES[kind], CONTENT.upper())
    assert not hub_cache.is_sound(link)
    hub_cache.remove(link)
    assert not list((tmp_path / "blobs").iterdir())
    assert not link.is_symlink()


POINTER = f"version https://git-lfs.github.com/spec/v1\noid sha256:{NAMES['sha256']}\nsize {len(CONTENT)}\n"
BLOBS = {  # as `git hash-object` gives them
    "of the content": NAMES["blob"],
    "of its pointer": hashlib.sha1(b"blob %d\0" % len(POINTER) + POINTER.encode()).hexdigest(),
}


@pytest.mark.parametrize("blob", BLOBS)
@pytest.mark.parametrize("name", ["etag-of-a-proxy", "5e2f-abc", hashlib.sha1(CONTENT).hexdigest()])
def test_whatever_its_name_is_the_listing_tells(blob: str, name: str, tmp_path: Path) -> None:
    link = cached(tmp_path, name, CONTENT)
    assert hub_cache.is_sound(link, BLOBS[blob])
    link.write_bytes(CONTENT.upper())
    assert not hub_cache.is_sound(link, BLOBS[blob])


def test_patterns() -> None:
    assert hub_cache.matches("1_Pooling/config.json", ["*.json"], ["onnx/*"])
    assert not hub_cache.matches("onnx/config.json", ["*.json"], ["onnx/*"])
    assert not hub_cache.matches("model.safetensors", ["*.json"], [])
