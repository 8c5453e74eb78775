"""Where things live, atomic writes and checksums."""

from __future__ import annotations

import errno
import hashlib
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from repro.errors import ReproError


def home() -> Path:
    """Folder of fetched data and stored cells: `REPRO_HOME`, else `.repro` in the working directory."""
    return Path(os.environ.get("REPRO_HOME", ".repro"))


def sha256_file(path: Path) -> str:
    """Hex sha256 of a file's bytes."""
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
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise ReproError(f"{path}: the disk is full; free some space and run the command again") from error
        if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
            raise ReproError(f"{path}: cannot write there ({error.strerror}); choose a writable folder") from error
        raise


def write_atomic(path: Path, data: str | bytes) -> None:
    """Write a whole file with one rename, so that a reader sees the old bytes or the new ones.

    Raises ReproError when the disk is full or the folder cannot be written.
    """
    payload = data.encode("utf-8") if isinstance(data, str) else data
    with disk_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(payload)
                file.flush()
                os.fsync(file.fileno())
            os.chmod(name, 0o644)
            os.replace(name, path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
