"""Checksums of files: always of the bytes as they are, and computed again only when it must be."""

from __future__ import annotations

import hashlib
import os
import shutil
from multiprocessing import get_context
from pathlib import Path

import pytest

from repro import checksums
from repro.checksums import reading_only, sha256_of
from repro.errors import ReproError


def truth(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.fixture
def computed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of files that were read through; every file counts as old enough to be remembered."""
    names: list[str] = []
    original = checksums._computed

    def spy(name: str) -> str:
        names.append(name)
        return original(name)

    monkeypatch.setattr(checksums, "_computed", spy)
    monkeypatch.setattr(checksums, "YOUNG", -1)
    monkeypatch.setattr(checksums, "_known", {})
    return names


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "weights"
    path.write_bytes(os.urandom(3_000_000))
    return path


def test_a_file_is_read_once_a_process_and_once_a_home(
    file: Path, computed: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert [sha256_of(file) for _ in range(3)] == [truth(file)] * 3
    monkeypatch.setattr(checksums, "_known", {})  # another process
    assert sha256_of(file) == truth(file)
    assert len(computed) == 1


def flipped(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[1000] ^= 1
    with path.open("r+b") as opened:  # in place: the inode stays
        opened.write(data)


def appended(path: Path) -> None:
    with path.open("ab") as opened:
        opened.write(b"x")


def swapped(path: Path) -> None:
    other = path.with_name("other")
    other.write_bytes(path.read_bytes()[::-1])
    shutil.copystat(path, other)
    os.replace(other, path)


@pytest.mark.parametrize("change", [flipped, appended, swapped])
def test_a_change_is_seen_whatever_the_times_say(change: object, file: Path, computed: list[str]) -> None:
    before, times = sha256_of(file), file.stat()
    change(file)  # type: ignore[operator]
    os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns))  # somebody puts the old time back
    assert sha256_of(file) == truth(file) != before


def test_a_young_file_is_not_remembered(file: Path, computed: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checksums, "YOUNG", 2_000_000_000)
    for _ in range(2):
        assert sha256_of(file) == truth(file)
        flipped(file)  # too soon for some clocks to show it
    assert len(computed) == 2
    assert not checksums._known


def test_a_file_that_changes_while_it_is_read_is_not_remembered(
    file: Path, computed: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    states = iter([(1, 1, 1, 1, 1), (1, 1, 1, 2, 2)])
    monkeypatch.setattr(checksums, "_state", lambda status: next(states, (0, 0, 0, 0, 0)))
    sha256_of(file)
    assert not checksums._known


ENTRIES = {
    "cut": lambda text: text[:40],
    "empty": lambda text: "",
    "another digest": lambda text: text.replace(text[-70:-4], "0" * 66),
    "no JSON": lambda text: "x" * 64 + " {",
    "deep": lambda text: "x" * 64 + " " + "[" * 9000,
    "wrong types": lambda text: "x" * 64 + ' {"a": 1}',
}


@pytest.mark.parametrize("damage", ENTRIES)
def test_a_damaged_entry_is_ignored_and_written_anew(
    damage: str, file: Path, computed: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    sha256_of(file)
    (entry,) = (Path(os.environ["REPRO_HOME"]) / "checksums").iterdir()
    whole = entry.read_text()
    entry.write_text(ENTRIES[damage](whole))
    monkeypatch.setattr(checksums, "_known", {})
    assert sha256_of(file) == truth(file)
    assert len(computed) == 2
    assert entry.read_text() == whole


@pytest.mark.parametrize("what", ["fifo", "folder", "link"])
def test_what_is_no_entry_is_left_alone(
    what: str, file: Path, tmp_path: Path, computed: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    sha256_of(file)
    (entry,) = (Path(os.environ["REPRO_HOME"]) / "checksums").iterdir()
    entry.unlink()
    mine = tmp_path / "mine"
    mine.write_text("mine")
    {"fifo": os.mkfifo, "folder": os.mkdir, "link": lambda at: os.symlink(mine, at)}[what](entry)  # type: ignore[operator]
    monkeypatch.setattr(checksums, "_known", {})
    assert sha256_of(file) == truth(file)
    assert mine.read_text() == "mine"


def test_a_home_that_cannot_be_written_has_no_memory(
    file: Path, tmp_path: Path, computed: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home/checksums").write_text("a file")
    assert sha256_of(file) == truth(file)
    assert (tmp_path / "home/checksums").read_text() == "a file"
    (tmp_path / "home/checksums").unlink()
    (tmp_path / "home").rmdir()
    (tmp_path / "home").write_text("a file")
    monkeypatch.setattr(checksums, "_known", {})
    with pytest.raises(ReproError, match="home is no folder; move it away"):
        sha256_of(file)


def test_who_only_plans_writes_nothing(file: Path, tmp_path: Path, computed: list[str]) -> None:
    with reading_only():
        assert sha256_of(file) == truth(file)
    assert not (tmp_path / "home").exists()
    checksums._known.clear()
    sha256_of(file)
    checksums._known.clear()
    with reading_only():
        sha256_of(file)
    assert len(computed) == 2  # what is written down is read by those too


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda path: None, "is missing"),
        (os.mkdir, "is not a file"),
        (os.mkfifo, "is not a file"),
        (lambda path: os.symlink(path, path), "cannot be read"),
    ],
)
def test_what_is_no_file_is_one_sentence(make: object, message: str, tmp_path: Path) -> None:
    path = tmp_path / "x"
    make(path)  # type: ignore[operator]
    with pytest.raises(ReproError, match=message):
        sha256_of(path)
    with pytest.raises(ReproError, match="cannot be read"):
        sha256_of(tmp_path / "a\0b")


def _many(file: Path, home: Path) -> None:
    os.environ["REPRO_HOME"] = str(home)
    checksums.YOUNG = -1
    for _ in range(200):
        checksums._known.clear()
        assert sha256_of(file) == truth(file)


def test_many_processes_share_a_home(tmp_path: Path) -> None:
    file = tmp_path / "small"
    file.write_text("small")
    workers = [get_context("fork").Process(target=_many, args=(file, tmp_path / "home")) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    assert [worker.exitcode for worker in workers] == [0] * 4
