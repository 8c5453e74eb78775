"""What a kill leaves of a command: nothing half-written, and after the next run the same result and no rests.

A kill comes before each operation on files in turn, or in the middle of a large file.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from itertools import count
from pathlib import Path

import pytest

from repro.cli.main import main
from repro.data import registry
from repro.paths import UNFINISHED
from repro.results import csv_lines
from repro.training import trainer
from tests.conftest import WORDS
from tests.processes import Work, forked, killed_at, torn_at

VOLATILE = ("seconds", "commit")
SIZE = "--suite mini --device cpu --offline"


def table(out: Path) -> dict[str, object]:
    """The texts of a table, times and commit left out."""
    lines = csv_lines.from_csv(out / "mini/sbert-1.csv")
    stable = [{name: value for name, value in line.items() if name not in VOLATILE} for line in lines]
    return {"csv": stable, **{suffix: (out / f"mini/sbert-1.{suffix}").read_bytes() for suffix in ("md", "tex")}}


def model(out: Path) -> dict[str, object]:
    """The files of a trained model; of the log, steps and losses."""
    files = {path.name: path.read_bytes() for path in (out / "model").rglob("*") if path.is_file()}
    timed = {name: files.pop(name) for name in ("repro.json", trainer.LOG)}
    steps = [
        [line.get(name) for name in ("step", "loss", "dev")] for line in trainer.read_log(out / "model" / trainer.LOG)
    ]
    return {**files, "log": steps, "names": sorted(timed)}


def whole(name: str) -> Callable[[Path], dict[str, object]]:
    return lambda out: {name: (out / name).read_bytes()}


# arguments, with {base}, {text} and {out} to be filled in; and what must be the same
COMMANDS: dict[str, tuple[str, Callable[[Path], dict[str, object]]]] = {
    "table": (
        f"table sbert-1 {SIZE} --encoder {{base}} --row {{base}} --task sts12 --task stsb --out {{out}}",
        table,
    ),
    "encode": ("encode {base} {text} -o {out}/x.npy --offline", whole("x.npy")),
    "fit": ("fit {base} {text} -k 2 -o {out}/x.safetensors --offline", whole("x.safetensors")),
    "train": (
        "train stsb,epochs=2,select_every=2 --base {base} --suite mini --sample 32 --device cpu --checkpoint-every 1 "
        "-o {out}/model",
        model,
    ),
}


@pytest.fixture
def work(tmp_path: Path, tiny_bert: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], Work]:
    """A command, to be forked, with home and results in a folder of its own."""
    text = tmp_path / "sentences.txt"
    text.write_text("".join(f"the {word} sits on {WORDS[-i]} .\n" for i, word in enumerate(WORDS)))

    def in_folder(command: str, folder: str) -> Work:
        out = tmp_path / folder
        out.mkdir(exist_ok=True)
        arguments = COMMANDS[command][0].format(base=tiny_bert, text=text, out=out).split()

        def run() -> int:
            monkeypatch.setenv("REPRO_HOME", str(out / "home"))
            return main(arguments)

        return run

    return in_folder


def rests(folder: Path) -> list[str]:
    """What a run keeps while it is at work: unfinished files, trainings under way, data sets that are being built."""
    kinds = (UNFINISHED, ".training", ".partial-")
    return [str(path) for path in folder.rglob("*") if any(kind in path.name for kind in kinds)]


def finishes(run: Work) -> None:
    """A training whose output stands there already was killed when all was done but the sweeping up."""
    status, said = forked(run)
    assert status == 0 or said.endswith("is there already; name a new folder\n"), said


@pytest.mark.parametrize(("command", "step"), [("table", 17), ("encode", 6), ("fit", 6), ("train", 13)])
def test_kills_one_after_the_other_on_one_home(
    command: str, step: int, work: Callable[[str, str], Work], tmp_path: Path
) -> None:
    run, result = work(command, "killed"), COMMANDS[command][1]
    kills = next(number for number, event in enumerate(count(1, step)) if not killed_at(event, run))
    assert kills > 3
    assert forked(work(command, "whole"))[0] == 0
    assert result(tmp_path / "killed") == result(tmp_path / "whole")
    assert rests(tmp_path) == []


@pytest.mark.slow
@pytest.mark.parametrize("command", COMMANDS)
def test_a_kill_at_every_operation(command: str, work: Callable[[str, str], Work], tmp_path: Path) -> None:
    assert forked(work(command, "whole"))[0] == 0
    result = COMMANDS[command][1]
    for event in count(1):
        run = work(command, str(event))
        if not killed_at(event, run):
            break
        finishes(run)
        assert result(tmp_path / str(event)) == result(tmp_path / "whole")
        assert rests(tmp_path) == []
        shutil.rmtree(tmp_path / str(event))
    assert event > 30


@pytest.mark.parametrize(("command", "size"), [("table", 4096), ("encode", 1024), ("train", 100_000)])
def test_a_kill_in_the_middle_of_a_file(
    command: str, size: int, work: Callable[[str, str], Work], tmp_path: Path
) -> None:
    """Of embeddings, of vectors, of the first checkpoint."""
    run, result = work(command, "killed"), COMMANDS[command][1]
    assert torn_at(size, run)
    finishes(run)
    assert forked(work(command, "whole"))[0] == 0
    assert result(tmp_path / "killed") == result(tmp_path / "whole")
    assert rests(tmp_path) == []


# where a run may be killed between the rename that publishes a result and the removal of what it was built in
PLACES = {
    "table": ("home/results", "home/embeddings", "mini", ""),
    "encode": ("home/embeddings", ""),
    "train": ("home/models", ""),
}


@pytest.mark.parametrize("command", PLACES)
def test_a_run_that_has_nothing_left_to_do_sweeps_up(
    command: str, work: Callable[[str, str], Work], tmp_path: Path
) -> None:
    run, out = work(command, "out"), tmp_path / "out"
    assert forked(run)[0] == 0
    for place in PLACES[command]:
        (out / place / f"{UNFINISHED}left").mkdir()
    if command == "train":
        shutil.rmtree(out / "model")
        (trained,) = (path for path in (out / "home/models").iterdir() if (path / "repro.json").is_file())
        shutil.copytree(trained, trained.with_name(f"{trained.name}.training"))
    assert forked(run)[0] == 0
    assert rests(out) == []


@pytest.mark.real
@pytest.mark.parametrize("name", ["SICK", "STS16"])
def test_kills_of_a_fetch_one_after_the_other(
    name: str, mirror: Path, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run() -> int:
        return main(["fetch", name, "--mirror", str(mirror)])

    monkeypatch.setenv("REPRO_HOME", str(tmp_path))
    kills = next(number for number, event in enumerate(count(1, 4)) if not killed_at(event, run))
    assert kills > 3
    folder = registry.dataset(name).folder
    fetched = {path.name: path.read_bytes() for path in (tmp_path / "data" / folder).iterdir()}
    assert fetched == {path.name: path.read_bytes() for path in (data / folder).iterdir()}
    assert rests(tmp_path) == []
