"""Timed rows: that they are timed, on random weights too, and judged by nobody; searches that are timed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from repro import tables
from repro.encoders import zoo
from repro.encoders.recipe import TimedRecipe, TransformerRecipe, WhitenedRecipe, WordVectorRecipe
from repro.errors import ReproError
from repro.evaluation import machine, timing, written
from repro.evaluation.config import Options
from repro.evaluation.encoding import EncodingUnit
from repro.evaluation.plan import plan
from repro.evaluation.run import run as compute
from repro.evaluation.session import Session
from repro.evaluation.suite import Suite
from repro.evaluation.systems import Timed, system_of
from repro.evaluation.units import Outcome
from repro.published import ledger
from repro.reports import markdown
from repro.reports.layout import cell_view
from repro.tables.spec import BEYOND, FLOW_SEEDS, Column, Row, Table
from repro.tasks import TASKS
from repro.tasks.throughput import RUNS

COLUMNS = tuple(Column(d, d, f"speed-{d}", "sentences-per-second") for d in ("cpu", "gpu"))
PAPER = next(row.published for row in tables.get("sbert-7").rows if row.slug == "sbert-base")


def table(base: Path) -> Table:
    recipes = {
        "in-order": TimedRecipe(TransformerRecipe(str(base)), "none"),
        "smart": TimedRecipe(TransformerRecipe(str(base))),
        "words": TimedRecipe(WordVectorRecipe("nowhere.txt"), random=True),
        "gone": TimedRecipe(WordVectorRecipe("nowhere.txt")),
    }
    return Table(
        "sbert-7", "T", "P", tuple(Row(n, n, BEYOND, Timed(r), PAPER) for n, r in recipes.items()), COLUMNS, decimals=0
    )


def test_rows_are_timed_once_and_stand_beside_the_papers_without_a_verdict(tiny_bert: Path) -> None:
    finished = plan(table(tiny_bert), Options(suite=Suite("mini"), device="cpu"))
    finished = compute(finished)
    for slug in ("in-order", "smart", "words"):
        cell = finished.stored[slug, "cpu"]
        assert cell.value > 10
        assert cell.std is not None
        assert cell.seeds == RUNS
        assert f"|on:{machine.hardware('cpu')}" in str(cell.signature)
    assert "|batching:none|" in str(finished.stored["in-order", "cpu"].signature)
    assert "|weights:random|" in str(finished.stored["words", "cpu"].signature)
    assert "word vectors nowhere.txt are not on this machine" in finished.why_not["gone", "cpu"]
    if ("smart", "gpu") not in finished.stored:
        assert finished.why_not["smart", "gpu"] == "there is no GPU here"
    line = next(line for line in written.lines_of(finished) if (line["row"], line["column"]) == ("smart", "cpu"))
    assert (line["verdict"], line["published"], line["delta"]) == ("other-hardware", "44.0", "")
    assert markdown.cell_text(cell_view(line, 0)).endswith(" (44)")
    again = plan(table(tiny_bert), Options(suite=Suite("mini"), device="cpu"))
    assert again.stored == finished.stored


def test_what_another_machine_timed_stands_in_the_table_that_asked(
    tiny_bert: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A cluster's node is not the machine that plans: its result is stored under its own hardware."""
    planned = plan(table(tiny_bert), Options(suite=Suite("mini"), device="cpu", rows=("smart",), tasks=("cpu",)))
    real, run_unit = machine.hardware, timing.TimingUnit.run

    def on_a_node(unit: timing.TimingUnit, session: Session) -> Outcome:
        monkeypatch.setattr(machine, "hardware", lambda device: "a node")
        try:
            return run_unit(unit, session)
        finally:
            monkeypatch.setattr(machine, "hardware", real)

    monkeypatch.setattr(timing.TimingUnit, "run", on_a_node)
    finished = compute(planned)
    assert "|on:a node|" in str(finished.stored["smart", "cpu"].signature)
    assert ("smart", "cpu") not in finished.why_not


def test_a_fast_encoder_is_measured_faster() -> None:
    import time

    task = TASKS["speed-cpu"]
    assert (task.timed, TASKS["stsb"].timed) == (True, False)
    data = Suite("mini").load("speed-cpu")
    slow, fast = (task.time(data, lambda _, s=seconds: time.sleep(s)) for seconds in (0.02, 0.002))  # type: ignore[misc]
    assert slow.repeats == RUNS
    assert 0 < slow.values["sentences-per-second"] < fast.values["sentences-per-second"]
    with pytest.raises(ReproError, match="speed is measured while encoding"):
        task.score(data, [], np.empty((0, 2)), "x")
    with pytest.raises(ReproError, match="stsb is not a task that times the encoding of sentences"):
        TASKS["stsb"].time(data, lambda sentences: None)


def test_the_papers_figures_are_in_the_ledger() -> None:
    row = next(row for row in tables.get("sbert-7").rows if row.slug == "sbert-base-smart")
    found = ledger.published(row.published, "gpu")
    assert found is not None
    assert found.value == 2042


def test_an_encoder_of_ones_own_is_timed_too(tiny_bert: Path) -> None:
    named = tables.get("sbert-7").with_encoders([str(tiny_bert)]).rows[-1]
    assert named.system.recipe == TimedRecipe(TransformerRecipe(str(tiny_bert)))
    with pytest.raises(ReproError, match="sbert-7 times an encoder alone; name it without post="):
        tables.get("sbert-7").with_encoders([f"{tiny_bert},post=whitening"])


SEARCH = (Column("mrr", "MRR", "retrieval-stsb", "mrr-at-10"), Column("ms", "ms", "search-stsb", "search-milliseconds"))
MINI = Options(suite=Suite("mini"), device="cpu")


def searched(base: Path, k: int = 8) -> Table:
    recipe = TransformerRecipe(str(base), pooling="mean")
    rows = [
        Row("plain", "P", BEYOND, system_of(recipe)),
        Row("map", "M", BEYOND, system_of(WhitenedRecipe(recipe, k=k))),
    ]
    return Table("t", "T", "P", tuple(rows), SEARCH)


def test_a_timed_search_is_stored_for_its_machine_and_a_score_for_all(
    tiny_bert: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    finished = compute(plan(searched(tiny_bert), MINI))
    for row in ("plain", "map"):
        result = finished.stored[row, "ms"]
        assert result.value > 0
        assert f"|on:{machine.hardware('cpu', '1 thread')}|" in str(result.signature)
        assert "|on:" not in str(finished.stored[row, "mrr"].signature)
    assert plan(searched(tiny_bert), MINI).stored == finished.stored
    monkeypatch.setattr(machine, "hardware", lambda device, threads="": "another machine")
    again = plan(searched(tiny_bert), MINI)
    assert set(again.stored) == {("plain", "mrr"), ("map", "mrr")}


def test_a_search_that_another_machine_timed_stands_in_the_table_that_asked(
    tiny_bert: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, run_unit = machine.hardware, EncodingUnit.run

    def on_a_node(unit: EncodingUnit, session: Session) -> Outcome:
        with pytest.MonkeyPatch.context() as node:
            node.setattr(machine, "hardware", lambda device, threads="": "a node")
            return run_unit(unit, session)

    monkeypatch.setattr(EncodingUnit, "run", on_a_node)
    finished = compute(plan(searched(tiny_bert), MINI))
    assert machine.hardware is real
    assert "|on:a node|" in str(finished.stored["plain", "ms"].signature)


def test_nothing_runs_beside_a_search_that_is_timed(tiny_bert: Path) -> None:
    for tasks, alone in (((), True), (("ms",), True), (("mrr",), False)):
        planned = plan(searched(tiny_bert), Options(suite=Suite("mini"), device="cpu", tasks=tasks, force=True))
        assert [unit.alone for unit in planned.units()] == [alone]


def test_an_encoder_of_ones_own_stands_among_searches_with_its_map(tiny_bert: Path) -> None:
    named = tables.get("whitening-r1").with_encoders([f"{tiny_bert},post=whitening"]).rows[-1]
    assert named.system == system_of(zoo.recipe(f"{tiny_bert},post=whitening"), FLOW_SEEDS)
