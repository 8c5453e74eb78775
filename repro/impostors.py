"""What lies in a file's place: a pointer that `git clone` leaves without LFS, or a web page."""

from __future__ import annotations

from pathlib import Path

from repro.errors import ReproError

_POINTER = b"version https://git-lfs.github.com/spec/"
_PAGES = (b"<!doctype html", b"<html")
LONGEST = 64  # bytes of a file's start that say so


def refuse(start: bytes, name: str) -> None:
    """ReproError where a file that begins like this is another thing than what it is named as."""
    if start.startswith(_POINTER):
        raise ReproError(f"{name} is a Git LFS pointer, not the file itself; run `git lfs pull` in its folder")
    if start[:LONGEST].lstrip(b"\xef\xbb\xbf \t\r\n").lower().startswith(_PAGES):
        raise ReproError(f"{name} is a web page, not the file itself; download it again")


def refuse_file(path: Path) -> None:
    """`refuse` for a file that is there."""
    with path.open("rb") as file:
        refuse(file.read(LONGEST), str(path))
