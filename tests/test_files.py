"""Atomic writes and what a full disk says."""

import errno
import os
from pathlib import Path

import pytest

from repro.errors import ReproError
from repro.files import write_atomic


@pytest.mark.parametrize(
    ("code", "message"), [(errno.ENOSPC, "the disk is full"), (errno.EACCES, "cannot write there")]
)
def test_a_failed_write_keeps_the_old_file_and_no_other(
    code: int, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "table.md"
    write_atomic(path, "old")

    def fail(handle: int) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(ReproError, match=f"table.md: .*{message}"):
        write_atomic(path, "new")
    assert path.read_text() == "old"
    assert [file.name for file in tmp_path.iterdir()] == ["table.md"]
