"""Rows of every kind through submitit: the outputs are those of a run in this process, also after a kill.

A two-layer BERT on the embedded data.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar

import pytest

from repro.encoders.recipe import FlowedRecipe, TimedRecipe, TransformerRecipe, WhitenedRecipe
from repro.errors import ReproError
from repro.evaluation import written
from repro.evaluation.config import Options
from repro.evaluation.executors import GPUS, Cluster, submit
from repro.evaluation.plan import Plan, plan
from repro.evaluation.run import run
from repro.evaluation.session import Session
from repro.evaluation.suite import Suite
from repro.evaluation.systems import FineTuned, PostProcessed, Pretrained, Quoted, Timed
from repro.evaluation.units import Outcome
from repro.paths import UNFINISHED
from repro.tables.spec import Average, Column, Difference, Row, Table
from repro.training import setups
from tests.processes import ROOT, members

OPTIONS = Options(suite=Suite("mini", offline=True), device="cpu", sample=16, resamples=50)
VOLATILE = ("seconds", "commit")
TIMES = ("value", "std")  # of a row that is timed


def table(base: Path) -> Table:
    """A row of every kind, and one whose weights are nowhere; columns on four data sets, one that is timed."""
    tiny = TransformerRecipe(str(base))
    training = setups.on(replace(setups.STSB, epochs=1, select_every=None), tiny)
    systems = {
        "plain": Pretrained(tiny),
        "first token": Pretrained(replace(tiny, pooling="cls"), ("sts12", "stsb"), "only asked for STS"),
        "whitened": PostProcessed(WhitenedRecipe(tiny, "nli", k=8)),
        "flowed": PostProcessed(FlowedRecipe(tiny, levels=1, depth=1, epochs=0.2), seeds=2),
        "trained": FineTuned((("stsb", training), ("stsb-dev", training)), seeds=2),
        "timed": Timed(TimedRecipe(tiny)),
        "timed in order": Timed(TimedRecipe(tiny, batching="none")),
        "quoted": Quoted(),
        "absent": Pretrained(TransformerRecipe("owner/nowhere")),
    }
    columns = (
        Column("sts12", "STS12", "sts12", "spearman-wmean"),
        Column("stsb", "STSb", "stsb"),
        Column("stsb-dev", "STSb dev", "stsb-dev"),
        Column("trec", "TREC", "trec", "accuracy"),
        Column("uniformity", "uniformity", "geometry", "uniformity"),
        Column("cpu", "CPU", "speed-cpu", "sentences-per-second"),
        Average("Avg.", ("sts12", "stsb")),
        Difference("gap", "dev less test", ("stsb-dev", "stsb")),
    )
    rows = tuple(Row(name, name.capitalize(), "Every kind", system) for name, system in systems.items())
    return Table("kinds-1", "Rows of every kind", "none", rows, columns)


def lines(finished: Plan) -> list[dict[str, str]]:
    """What the table's files would hold, times left out."""
    return [
        {
            name: text
            for name, text in line.items()
            if name not in VOLATILE and not (line["row"].startswith("timed") and name in TIMES)
        }
        for line in written.lines_of(finished)
    ]


def results(home: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in (home / "results").glob("*.json")}


@pytest.fixture(scope="module")
def in_process(tiny_bert: Path, tmp_path_factory: pytest.TempPathFactory) -> Plan:
    """The table as a run in this process leaves it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("REPRO_HOME", str(tmp_path_factory.mktemp("home")))
        return run(plan(table(tiny_bert), OPTIONS))


def same(finished: Plan, expected: Plan) -> None:
    """Every number, its interval, its items and its signature; the reasons where there is none; and all lines."""
    assert finished.stored.keys() == expected.stored.keys()
    for place, result in expected.stored.items():
        if place[1] != "cpu":
            assert replace(finished.stored[place], seconds=result.seconds) == result
    assert finished.why_not == expected.why_not
    assert lines(finished) == lines(expected)


def test_every_kind_of_row_is_measured_or_says_why(in_process: Plan) -> None:
    measured = {row: {column for other, column in in_process.stored if other == row} for row, _ in in_process.stored}
    scored = {"sts12", "stsb", "stsb-dev", "trec", "uniformity"}
    assert measured == {
        "plain": scored,
        "first token": {"sts12", "stsb"},
        "whitened": scored,
        "flowed": scored - {"trec"},  # what a map of the target is fitted on are pairs
        "trained": {"stsb", "stsb-dev"},
        "timed": {"cpu"},
        "timed in order": {"cpu"},
    }
    assert {column for row, column in in_process.why_not if row in ("quoted", "absent")} == {*scored, "cpu"}


def test_a_run_through_the_debug_executor_gives_the_same(in_process: Plan, tiny_bert: Path) -> None:
    said: list[str] = []
    same(run(plan(table(tiny_bert), OPTIONS), said.append, cluster=Cluster("debug")), in_process)
    assert len([line for line in said if line.startswith("submitted")]) == 3 + 2 + 2  # data sets, timings, seeds


SUBMIT = """
import sys
from dataclasses import replace
from pathlib import Path
from repro.evaluation.executors import Cluster
from repro.evaluation.plan import plan
from repro.evaluation.run import run
from tests.evaluation.test_executors import OPTIONS, table

base, *tasks = sys.argv[1:]
finished = run(plan(table(Path(base)), replace(OPTIONS, tasks=tuple(tasks))), print, cluster=Cluster("local", 2))
print("measured:", *(row for row, _ in finished.stored))
"""


@pytest.mark.slow
@pytest.mark.parametrize("jobs_die_too", [True, False])
def test_a_run_through_local_jobs_that_is_killed_goes_on(
    jobs_die_too: bool, in_process: Plan, tiny_bert: Path, tmp_path: Path
) -> None:
    """Killed alone, it leaves jobs behind that are still at work when it is started again."""
    home = tmp_path / "home"
    submitter = subprocess.Popen([sys.executable, "-c", SUBMIT, str(tiny_bert)], cwd=ROOT, start_new_session=True)
    while submitter.poll() is None and len(results(home)) < 2:
        time.sleep(0.01)
    if jobs_die_too:
        os.killpg(submitter.pid, signal.SIGKILL)
    submitter.kill()
    assert submitter.wait() == -signal.SIGKILL
    stored = results(home)
    same(run(plan(table(tiny_bert), OPTIONS), cluster=Cluster("local", 2)), in_process)
    assert members(submitter.pid, within=60) == []
    assert 2 <= len(stored) < len(results(home))
    assert stored.items() <= results(home).items() or not jobs_die_too  # nothing is computed twice
    assert not list(home.rglob(f"{UNFINISHED}*"))


@pytest.mark.slow
def test_what_is_timed_runs_alone_and_on_all_cores(tiny_bert: Path) -> None:
    """On fewer, its time would be that of another machine, and no number of this table's."""
    environment = {name: value for name, value in os.environ.items() if name != "OMP_NUM_THREADS"}
    submitter = subprocess.run(
        [sys.executable, "-c", SUBMIT, str(tiny_bert), "cpu"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    said = [line for line in submitter.stdout.splitlines() if "timed" in line]
    assert said == [
        "submitted timed: speed-cpu",
        "2 of 3: timed: speed-cpu done",
        "submitted timed in order: speed-cpu",
        "3 of 3: timed in order: speed-cpu done",
        "measured: timed timed in order",
    ]


@dataclass(frozen=True)
class Look:
    """A unit that reports which GPUs its process may use."""

    turn: ClassVar[int] = 0
    alone: ClassVar[bool] = False
    together: str = ""
    title: str = "a look"
    cells: tuple[tuple[str, str], ...] = (("row", "column"),)

    def joined(self, others: Sequence[Look]) -> Look:
        return self

    def run(self, session: Session) -> Outcome:
        return Outcome(failed={("row", "column"): ReproError(repr(os.environ.get(GPUS)))})


@pytest.mark.slow
@pytest.mark.parametrize("gpus", [None, "", "1,0"])
def test_jobs_here_have_the_gpus_of_who_submits_them(gpus: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)  # where a job finds this module
    monkeypatch.delenv(GPUS, raising=False)
    if gpus is not None:
        monkeypatch.setenv(GPUS, gpus)
    (outcome,) = submit(Cluster("local"), [Look()], OPTIONS, lambda line: None)
    assert str(outcome.failed["row", "column"]) == repr(gpus)
