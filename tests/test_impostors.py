"""A pointer or a page in a file's place is named wherever a file is read, with what to do."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from repro.data.lines import own_lines, read_lines
from repro.encoders.vector_file import layout
from repro.encoders.vector_pair import VectorPair
from repro.errors import ReproError
from repro.impostors import refuse
from repro.postprocessing.whitening import Whitening
from repro.results.csv_lines import from_csv

POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"0" * 64 + b"\nsize 12345\n"
PAGES = [b"<!DOCTYPE html><html>", b"\xef\xbb\xbf<!doctype HTML>\n", b"\n  <html lang=en>"]
READERS: dict[str, Callable[[Path], object]] = {
    "own.txt": own_lines,
    "STS.input.MSRpar.txt": read_lines,
    "glove.txt": layout,
    "glove.npy": lambda path: VectorPair(path, path.with_suffix(".txt")).dimension,
    "fit.safetensors": Whitening.load,
    "sbert-1.csv": from_csv,
}


@pytest.mark.parametrize("name", READERS)
def test_a_pointer_is_named_wherever_a_file_is_read(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(POINTER)
    with pytest.raises(ReproError, match=rf"{name} is a Git LFS pointer, not the file itself; run `git lfs pull`"):
        READERS[name](tmp_path / name)


@pytest.mark.parametrize("name", READERS)
@pytest.mark.parametrize("page", PAGES)
def test_so_is_a_web_page(name: str, page: bytes, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(page)
    with pytest.raises(ReproError, match=rf"{name} is a web page, not the file itself; download it again"):
        READERS[name](tmp_path / name)


@pytest.mark.parametrize("start", [b"", b"versions of a text", b"the <html> tag", b"<htm", b"<!doctype of nothing"])
def test_texts_that_only_speak_of_it_are_texts(start: bytes) -> None:
    refuse(start, "x")
