"""Fetching from the mirror: the contract of every file, and that nothing half-written is ever left."""

import errno
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path, PurePosixPath

import numpy as np
import pytest

from repro.data import fetch, registry
from repro.data.readers import read_lines
from repro.errors import ReproError

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
    fetch.check(registry.dataset(name), data)


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
        ({"labels": "NEUTRAL:4500"}, r"SICK_train.txt: expected the label balance NEUTRAL:4500, found CONTRADICTION"),
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
    from repro.files import sha256_file

    item = retold(registry.dataset(ITEM), sha256=sha256_file(file))
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


@pytest.mark.real
def test_somebody_elses_incomplete_folder_is_not_touched(mirror: Path, tmp_path: Path) -> None:
    mine = tmp_path / "data/downstream/SICK/notes.txt"
    mine.parent.mkdir(parents=True)
    mine.write_text("mine")
    with pytest.raises(ReproError, match="lacks some of its files; move it away"):
        fetch.fetch(registry.dataset(ITEM), tmp_path / "data", mirror)
    assert mine.read_text() == "mine"


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
