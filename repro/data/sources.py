"""The bytes of a public file: from a mirror or downloaded, held against the registry's checksum."""

from __future__ import annotations

import hashlib
from pathlib import Path, PurePosixPath
from urllib.parse import urlparse

from repro import progress
from repro.byte_counts import counting
from repro.data.registry import Source
from repro.errors import ReproError

_silent: set[str] = set()  # hosts that could not be reached in this process: asking again for each file takes seconds


def read(source: Source, folder: Path, mirror: Path | None, offline: bool) -> bytes:
    """Its verified bytes; a download goes to `folder` first. ReproError says why they cannot be had."""
    if mirror is not None:
        path = mirrored(source, mirror)
        if not path.is_file():
            raise ReproError(f"{path} is missing from the mirror; it should be a copy of {source.url}")
    elif offline:
        raise ReproError(f"{source.url} is not fetched yet; run without --offline or give --mirror DIR")
    else:
        path = _download(source, folder)
    data = path.read_bytes()
    checksum = hashlib.sha256(data).hexdigest()
    if checksum != source.sha256:
        raise ReproError(
            f"{path}: expected sha256 {source.sha256[:12]}…, found {checksum[:12]}… ({len(data)} bytes); "
            f"the file is truncated or altered, get it again from {source.url}"
        )
    return data


def mirrored(source: Source, mirror: Path) -> Path:
    """Where a mirror keeps the copy of a public file."""
    url = urlparse(source.url)
    return mirror / url.netloc / url.path.lstrip("/")


def _download(source: Source, folder: Path) -> Path:
    import pooch
    import requests

    url = urlparse(source.url)
    name = PurePosixPath(url.path).name
    getter = pooch.create(
        path=folder / "downloads",
        base_url="",
        registry={name: None},
        urls={name: source.url},
        retry_if_failed=2,
    )
    pooch.get_logger().setLevel("ERROR")
    try:
        if url.netloc in _silent:
            raise requests.ConnectionError(f"{url.netloc} did not answer before")
        with progress.step(0, progress.BYTES) as step:
            bar = counting(step)(unit="B")
            return Path(getter.fetch(name, downloader=pooch.HTTPDownloader(progressbar=bar, timeout=30)))
    except (requests.RequestException, ValueError) as error:
        if isinstance(error, requests.ConnectionError):
            _silent.add(url.netloc)
        raise ReproError(
            f"cannot download {source.url} ({type(error).__name__}); "
            "check the network, or name a folder of copies with --mirror DIR or REPRO_MIRROR"
        ) from error
