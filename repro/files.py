"""Where things live, atomic writes and checksums."""

from __future__ import annotations

import errno
import hashlib
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from repro.errors import ReproError


def home() -> Path:
    """Folder of fetched data and stored cells: `REPRO_HOME`, else `.repro` in the working directory."""
    return Path(os.environ.get("REPRO_HOME", ".repro"))


def sha256_file(path: Path) -> str:
    """Hex sha256 of a file's bytes; computed once a process while size and time of the file stay the same."""
    status = path.stat()
    return _sha256(path.absolute(), (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns))


@cache
def _sha256(path: Path, state: tuple[int, ...]) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


@contextmanager
def disk_errors(path: Path) -> Iterator[None]:
    """Turn a full disk or a refused write below `path` into one clear sentence."""
    try:
        yield
    except Exception as error:
        code = getattr(error, "errno", None)
        if code in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG) or "os error 28" in str(error):  # as safetensors says it
            raise ReproError(f"{path}: the disk is full; free some space and run the command again") from error
        if code in (errno.EACCES, errno.EPERM, errno.EROFS):
            reason = os.strerror(code)
            raise ReproError(f"{path}: cannot write there ({reason}); choose a writable folder") from error
        raise


@contextmanager
def new_file(path: Path) -> Iterator[Path]:
    """A name beside `path` to write to; at the end the file takes the place of `path` with one rename.

    Raises ReproError when the disk is full or the folder cannot be written; `path` then stays as it was.
    """
    with disk_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        os.close(handle)
        try:
            yield Path(name)
            with open(name, "rb") as file:
                os.fsync(file.fileno())
            os.chmod(name, 0o644)
            os.replace(name, path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise


def write_atomic(path: Path, data: str | bytes) -> None:
    """Write a whole file with one rename, so that a reader sees the old bytes or the new ones (errors: `new_file`)."""
    with new_file(path) as unfinished:
        unfinished.write_bytes(data.encode("utf-8") if isinstance(data, str) else data)


def set_aside(path: Path) -> Path:
    """Rename what stands at `path` (a file, folder, link …) to a free name beside it; that name."""
    number = 1
    while os.path.lexists(aside := path.with_name(f"{path.name}.aside-{number}")):
        number += 1
    os.rename(path, aside)
    return aside
