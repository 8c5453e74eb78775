"""SHA-256 of files, computed once for each state of a file: what data, weights and results hang on.

A digest is kept in this process and below the home, with what the file system says of the file: device, inode, size,
times of the last change of content and of inode. Whoever writes to a file moves the last of these, so an old digest is
never taken for a changed file. An entry holds a checksum of itself; one that was cut or altered is computed again.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path

from repro.errors import ReproError
from repro.paths import home

# A second change within the clock's granularity (up to two seconds, on FAT) would leave the times as they are.
YOUNG = 2_000_000_000  # nanoseconds
State = tuple[int, int, int, int, int]  # device, inode, size, content's and inode's time of change in nanoseconds

_known: dict[str, tuple[State, str]] = {}  # by absolute path
_storing: ContextVar[bool] = ContextVar("storing", default=True)


def sha256_of(path: Path) -> str:
    """Hex sha256 of a file's bytes; ReproError when it is missing, no regular file, or cannot be read."""
    name = os.path.abspath(path)
    try:
        status = os.stat(name)
        if not stat.S_ISREG(status.st_mode):
            raise ReproError(f"{path} is not a file; put the file there that belongs there")
        known = _known.get(name) or _stored(name)
        if known is not None and known[0] == _state(status):
            _known[name] = known
            return known[1]
        return _computed(name)
    except FileNotFoundError:
        raise ReproError(f"{path} is missing; put the file there that belongs there") from None
    except (OSError, ValueError) as error:  # a NUL in the name is a ValueError
        raise ReproError(f"{path} cannot be read ({getattr(error, 'strerror', None) or error})") from error


@contextmanager
def reading_only() -> Iterator[None]:
    """Inside, digests are looked up and computed but none is written to the home: for commands that only plan."""
    token = _storing.set(False)
    try:
        yield
    finally:
        _storing.reset(token)


def may_store() -> bool:
    """Whether what was found out may be written to the home: not inside `reading_only`."""
    return _storing.get()


def _state(status: os.stat_result) -> State:
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns


def _computed(name: str) -> str:
    digest, buffer = hashlib.sha256(), bytearray(1 << 20)
    view = memoryview(buffer)
    start = time.time_ns()
    with open(name, "rb", buffering=0) as file:
        before = _state(os.fstat(file.fileno()))
        while count := file.readinto(buffer):
            digest.update(view[:count])
        after = _state(os.fstat(file.fileno()))
    sha256 = digest.hexdigest()
    if before == after and min(abs(start - moment) for moment in after[3:]) > YOUNG:
        _known[name] = after, sha256
        if may_store():
            _store(name, after, sha256)
    return sha256


def _entry(name: str) -> Path:
    return home() / "checksums" / f"{hashlib.sha256(os.fsencode(name)).hexdigest()[:32]}.json"


def _sealed(name: str, state: State, digest: str) -> str:
    """The entry as text, its own checksum first."""
    content = json.dumps([name, *state, digest])
    return f"{hashlib.sha256(content.encode()).hexdigest()} {content}\n"


def _stored(name: str) -> tuple[State, str] | None:
    """What the home says of the file; None when there is no sound entry."""
    entry = _entry(name)
    try:
        if not entry.is_file() or entry.stat().st_size > 1 << 16:
            return None
        text = entry.read_text(encoding="utf-8")
        _, *numbers, digest = json.loads(text.partition(" ")[2])
        dev, ino, size, content, inode = numbers
        known: tuple[State, str] = (dev, ino, size, content, inode), digest
        return known if text == _sealed(name, *known) else None
    except (OSError, ValueError, TypeError, RecursionError):
        return None


def _store(name: str, state: State, digest: str) -> None:
    """Write the entry in place: a reader that meets half of it sees so. A home that is read-only has no entries."""
    entry = _entry(name)
    if entry.is_symlink() or (entry.exists() and not entry.is_file()):
        return
    try:
        entry.parent.mkdir(parents=True, exist_ok=True)
        entry.write_text(_sealed(name, state, digest), encoding="utf-8")
    except (OSError, ValueError):
        return
