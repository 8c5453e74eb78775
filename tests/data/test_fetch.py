"""Fetching from the mirror: the contract of every file, and that nothing half-written is ever left."""

import errno
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path, PurePosixPath

import numpy as np
import pytest

from repro.checksums import sha256_of
from repro.data import fetch, registry, sources
from repro.data.lines import read_lines
from repro.errors import NotAvailable, ReproError

ITEM = "SICK"
URL = "raw.githubusercontent.com/brmson/dataset-sts/e1d3375f5b3bc24f21aa4e46f96eb379e9fc1081/data/sts/sick2014"


@pytest.fixture
def copy(mirror: Path, tmp_path: Path) -> Path:
    """A mirror of SICK alone that a test may damage."""
    shutil.copytree(mirror / URL, tmp_path / "mirror" / URL)
    for file in (tmp_path / "mirror" / URL).iterdir():
        file.chmod(0o644)
    return tmp_path / "mirror"


PUBLIC = [item.name for item in registry.datasets().values() if item.public]


def left_over(root: Path) -> list[str]:
    return [str(path.relative_to(root)) for path in root.rglob("*") if path.is_file() and path.suffix != ".lock"]


@pytest.mark.real
@pytest.mark.parametrize("name", PUBLIC)
def test_every_file_holds_the_registrys_contract(name: str, data: Path) -> None:
    item = registry.dataset(name)
    fetch.check(item, data)
    assert {source.path for source in item.contents} <= set(item.files)
    assert {path.name for path in (data / item.folder).iterdir()} == {path.name for path in item.files}
    assert fetch.is_complete(item, data)


@pytest.mark.real
def test_damaged_sources_are_named_and_leave_nothing(copy: Path, tmp_path: Path) -> None:
    target, file = tmp_path / "data", copy / URL / "SICK_train.txt"
    whole = file.read_bytes()
    for damaged in (whole[:1000], whole.replace(b"kids", b"cats", 1)):
        file.write_bytes(damaged)
        with pytest.raises(ReproError, match=r"SICK_train.txt: expected sha256 266cf8047149…, found .* bytes"):
            fetch.fetch(registry.dataset(ITEM), target, copy)
        assert left_over(target) == []
    file.unlink()
    with pytest.raises(ReproError, match=r"SICK_train.txt is missing from the mirror"):
        fetch.fetch(registry.dataset(ITEM), target, copy)
    assert left_over(target) == []


def retold(item: registry.Dataset, **changes: object) -> registry.Dataset:
    return replace(item, sources=(replace(item.sources[0], **changes), *item.sources[1:]))  # type: ignore[arg-type]


@pytest.mark.real
@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"rows": 4501}, r"SICK_train.txt: expected 4501 rows, found 4500"),
        ({"labels": "NEUTRAL:4500"}, r"SICK_train.txt: expected the label balance NEUTRAL:4500, found 1:304 2:334"),
    ],
)
def test_a_wrong_count_or_balance_is_refused(copy: Path, tmp_path: Path, changes: dict, message: str) -> None:
    with pytest.raises(ReproError, match=message):
        fetch.fetch(retold(registry.dataset(ITEM), **changes), tmp_path / "data", copy)
    assert left_over(tmp_path / "data") == []


@pytest.mark.real
def test_an_unlabelled_pair_is_refused(copy: Path, tmp_path: Path) -> None:
    file = copy / URL / "SICK_train.txt"
    file.write_bytes(file.read_bytes().replace(b"\t4.5\t", b"\t\t", 1))
    item = retold(registry.dataset(ITEM), sha256=sha256_of(file))
    with pytest.raises(ReproError, match=r"SICK_train.txt: pair 1 has no gold score \(found ''\)"):
        fetch.fetch(item, tmp_path / "data", copy)
    assert left_over(tmp_path / "data") == []


@pytest.mark.real
def test_a_full_disk_leaves_nothing(copy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(self: Path, data: bytes) -> int:
        with self.open("wb") as file:
            file.write(data[:10])
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(ReproError, match="the disk is full"):
        fetch.fetch(registry.dataset(ITEM), tmp_path / "data", copy)
    assert left_over(tmp_path / "data") == []


def fetch_all(root: Path, mirror: Path) -> None:
    for item in registry.datasets().values():
        if item.name.startswith(("STS", "SICK")):
            fetch.fetch(item, root, mirror)


@pytest.mark.real
def test_two_fetches_at_the_same_time(mirror: Path, tmp_path: Path) -> None:
    workers = [get_context("spawn").Process(target=fetch_all, args=(tmp_path / "data", mirror)) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    assert [worker.exitcode for worker in workers] == [0, 0]
    for name in ("STS12", "STS16", "STSB", "SICK"):
        fetch.check(registry.dataset(name), tmp_path / "data")
    assert not list((tmp_path / "data").rglob("*.partial-*"))


@pytest.mark.long
@pytest.mark.real
def test_a_killed_fetch_leaves_whole_data_sets_only_and_the_next_one_ends_it(mirror: Path, tmp_path: Path) -> None:
    environment = {**os.environ, "REPRO_HOME": str(tmp_path / "home")}
    command = [sys.executable, "-m", "repro.cli", "fetch", "--mirror", str(mirror)]
    child = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    child.stdout.readline()  # the first data set is done, the next one under way
    time.sleep(0.01)
    child.send_signal(signal.SIGKILL)
    child.wait()
    root = tmp_path / "home/data"
    for name in PUBLIC:
        if (root / registry.dataset(name).folder).exists():
            fetch.check(registry.dataset(name), root)
    done = subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE, text=True)
    for name in PUBLIC:
        fetch.check(registry.dataset(name), root)
    for name in set(registry.datasets()) - set(PUBLIC):
        assert f"{name}: not fetched, " in done.stdout
    assert not list(root.rglob("*.partial-*"))


@pytest.mark.real
@pytest.mark.parametrize("killed", ["while building", "after the rename"])
def test_what_a_killed_fetch_left_is_swept_by_the_next(mirror: Path, tmp_path: Path, killed: str) -> None:
    item = registry.dataset("SICK")
    if killed == "after the rename":
        fetch.fetch(item, tmp_path, mirror)
    left = tmp_path / item.folder.parent / f".{item.folder.name}.partial-abc"
    left.mkdir(parents=True)
    fetch.fetch(item, tmp_path, mirror)
    fetch.check(item, tmp_path)
    assert not left.exists()


YEAR = registry.dataset("STS16")


@pytest.fixture
def fetched(data: Path, tmp_path: Path) -> Path:
    """A data folder of the suite's own with STS16 and somebody's notes beside its files."""
    folder = shutil.copytree(data / YEAR.folder, tmp_path / "home/data" / YEAR.folder)
    (folder / "notes.txt").write_text("mine")
    return tmp_path / "home/data"


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def swap_lines(path: Path) -> None:
    lines = path.read_bytes().split(b"\n")
    other = next(i for i, line in enumerate(lines) if line != lines[0])
    lines[0], lines[other] = lines[other], lines[0]
    path.write_bytes(b"\n".join(lines))


def replace_by(make: Callable[[Path], object]) -> Callable[[Path], None]:
    def do(path: Path) -> None:
        path.unlink()
        make(path)

    return do


DAMAGES: dict[str, tuple[Callable[[Path], object], str]] = {
    "gone": (Path.unlink, "is missing"),
    "empty": (lambda path: path.write_bytes(b""), "is empty"),
    "cut": (lambda path: os.truncate(path, path.stat().st_size - 40), "is altered"),
    "one byte": (
        lambda path: path.write_bytes(bytes([path.read_bytes()[0] ^ 1]) + path.read_bytes()[1:]),
        "is altered",
    ),
    "two lines swapped": (swap_lines, "is altered"),
    "a line more": (lambda path: path.write_bytes(path.read_bytes() + b"5\n"), "is altered"),
    "a folder": (replace_by(Path.mkdir), "is not a file"),
    "a fifo": (replace_by(os.mkfifo), "is not a file"),
    "a link to itself": (replace_by(lambda path: path.symlink_to(path)), "is not a file"),
    "a link to nowhere": (replace_by(lambda path: path.symlink_to("nowhere")), "is not a file"),
}


@pytest.mark.real
@pytest.mark.parametrize("name", ["STS.gs.headlines.txt", "STS.input.plagiarism.txt"])
@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_file_is_replaced_and_its_neighbours_stay(
    damage: str, name: str, fetched: Path, mirror: Path, data: Path, caplog: pytest.LogCaptureFixture
) -> None:
    do, why = DAMAGES[damage]
    folder = fetched / YEAR.folder
    inodes = {path.name: path.stat().st_ino for path in folder.iterdir() if path.name != name}
    do(folder / name)
    assert dict(fetch.damages(YEAR, fetched)) == {YEAR.folder / name: why}
    with pytest.raises(NotAvailable, match=rf"{name} {why}; `repro fetch STS16` replaces it, but not now: https"):
        fetch.fetch(YEAR, fetched, offline=True)
    assert not caplog.records
    fetch.fetch(YEAR, fetched, mirror)
    assert contents(folder) == {**contents(data / YEAR.folder), "notes.txt": b"mine"}
    assert {path.name: path.stat().st_ino for path in folder.iterdir() if path.name != name} == inodes
    assert [record.getMessage() for record in caplog.records] == [f"{folder}: {name} {why}; fetched again"]


@pytest.mark.real
def test_a_folder_with_somebodys_files_in_the_place_of_a_file_is_moved_aside(
    fetched: Path, mirror: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = fetched / YEAR.folder / "STS.gs.headlines.txt"
    path.unlink()
    path.mkdir()
    (path / "mine").write_text("mine")
    fetch.fetch(YEAR, fetched, mirror)
    assert fetch.is_complete(YEAR, fetched)
    assert (path.with_name(f"{path.name}.aside-1") / "mine").read_text() == "mine"
    assert "moved to STS.gs.headlines.txt.aside-1" in caplog.text


@pytest.mark.real
def test_a_folder_of_somebodys_becomes_a_data_set_and_keeps_what_was_there(mirror: Path, tmp_path: Path) -> None:
    mine = tmp_path / "data/downstream/SICK/notes.txt"
    mine.parent.mkdir(parents=True)
    mine.write_text("mine")
    fetch.fetch(registry.dataset(ITEM), tmp_path / "data", mirror)
    assert fetch.is_complete(registry.dataset(ITEM), tmp_path / "data")
    assert mine.read_text() == "mine"


@pytest.mark.real
@pytest.mark.parametrize("where", ["home", "home/data", "home/data/downstream", "home/data/downstream/SICK"])
def test_a_file_in_the_way_of_a_folder_is_one_sentence(where: str, mirror: Path, tmp_path: Path) -> None:
    (tmp_path / where).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / where).write_text("a file")
    with pytest.raises(ReproError, match=r"move it away|move away what has it|name another") as caught:
        fetch.fetch(registry.dataset(ITEM), tmp_path / "home/data", mirror)
    assert str(tmp_path / where) in str(caught.value)
    assert (tmp_path / where).read_text() == "a file"


@pytest.mark.real
def test_files_and_folders_are_on_the_disk_before_a_rename_shows_them(
    mirror: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []
    sync, replace_ = os.fsync, os.replace

    def note(handle: int) -> None:
        done.append(os.path.basename(os.readlink(f"/proc/self/fd/{handle}")))
        sync(handle)

    def rename(old: Path, new: Path) -> None:
        done.append(f"→ {Path(new).name}")
        replace_(old, new)

    monkeypatch.setattr(os, "fsync", note)
    monkeypatch.setattr(os, "replace", rename)
    fetch.fetch(registry.dataset(ITEM), tmp_path, mirror)
    files = {"SICK_train.txt", "SICK_trial.txt", "SICK_test_annotated.txt"}
    assert set(done[:3]) == files
    assert done[3:] == ["SICK", "→ SICK", "downstream"]
    (tmp_path / "downstream/SICK/SICK_trial.txt").unlink()
    done.clear()
    fetch.fetch(registry.dataset(ITEM), tmp_path, mirror)
    assert set(done[:3]) == files
    assert done[3:] == ["SICK", "→ SICK_trial.txt", "SICK"]


def heal_and_die(root: Path, mirror: Path, steps: int) -> None:
    """Fetch, and end without a word at the given rename or sync."""
    left = iter(range(steps))

    def until_then(call: Callable[..., None]) -> Callable[..., None]:
        return lambda *paths: call(*paths) if next(left, None) is not None else os._exit(9)

    os.fsync, os.replace = until_then(os.fsync), until_then(os.replace)
    fetch.fetch(YEAR, root, mirror)


@pytest.mark.real
@pytest.mark.parametrize("steps", [0, 3, 10, 11, 12, 13, 14])  # ten files and their folder, then three renames
def test_a_kill_at_any_write_leaves_what_the_next_fetch_mends(
    steps: int, fetched: Path, mirror: Path, data: Path
) -> None:
    folder = fetched / YEAR.folder
    for name in ("STS.gs.headlines.txt", "STS.input.plagiarism.txt", "STS.gs.postediting.txt"):
        (folder / name).write_bytes(b"0\n")
    child = get_context("fork").Process(target=heal_and_die, args=(fetched, mirror, steps))
    child.start()
    child.join(60)
    assert child.exitcode == 9
    assert fetch.is_complete(YEAR, fetched) == (steps > 13)
    fetch.fetch(YEAR, fetched, mirror)
    assert contents(folder) == {**contents(data / YEAR.folder), "notes.txt": b"mine"}
    assert not list(folder.parent.glob("*.partial-*"))


@pytest.mark.real
def test_another_conversion_is_refused(copy: Path, tmp_path: Path) -> None:
    item = registry.dataset(ITEM)
    (path, _), *others = item.digests
    with pytest.raises(NotAvailable, match=rf"{path}: the conversion gave sha256 .*constraints.txt"):
        fetch.fetch(replace(item, digests=((path, "0" * 64), *others)), tmp_path / "data", copy)
    assert left_over(tmp_path / "data") == []


@pytest.mark.real
def test_modes_are_as_open_gives_them(mirror: Path, tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        folder = fetch.fetch(registry.dataset(ITEM), tmp_path, mirror)
    finally:
        os.umask(before)
    assert (folder.stat().st_mode & 0o777, (folder / "SICK_train.txt").stat().st_mode & 0o777) == (0o750, 0o640)


@pytest.mark.real
def test_glove_rows_equal_the_text_file(data: Path, fixtures: Path) -> None:
    name = "glove.840B.300d.sick.txt"
    found, expected = (
        {line.split(" ")[0]: line.split(" ")[1:] for line in read_lines(path)}
        for path in (data / "vectors/glove.840B.300d.sick" / name, fixtures / name)
    )
    assert found.keys() == expected.keys()
    for word in expected:
        np.testing.assert_array_equal(np.array(found[word], np.float32), np.array(expected[word], np.float32))


def test_no_network_is_one_sentence(tmp_path: Path) -> None:
    # sockets to other hosts are blocked in the tests, as they are without a network
    item = registry.dataset(ITEM)
    source = replace(item.sources[0], url="http://127.0.0.1:9/SICK_train.txt", path=PurePosixPath("x"))
    with pytest.raises(ReproError, match=r"cannot download http://127.0.0.1:9/SICK_train.txt .* --mirror DIR"):
        fetch.fetch(replace(item, sources=(source,)), tmp_path / "data")
    assert left_over(tmp_path / "data") == []


def test_a_host_that_does_not_answer_is_asked_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import pooch
    import requests

    asked = []

    def get(self: object, url: str, *_: object) -> None:
        asked.append(url)
        raise requests.ConnectionError("nobody there")

    monkeypatch.setattr(pooch.HTTPDownloader, "__call__", get)
    monkeypatch.setattr(sources, "_silent", set())
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    for name in ("SICK", "STS16", "BWS"):
        with pytest.raises(NotAvailable, match=r"cannot download https://raw\.githubusercontent\.com/"):
            fetch.fetch(registry.dataset(name), tmp_path)
    assert len(set(asked)) == 1
