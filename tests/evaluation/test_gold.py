"""Gold scores as a row: measured from the data alone, stored, and refused where there are none."""

from __future__ import annotations

from dataclasses import replace

import pytest
from scipy.stats import spearmanr

from repro.evaluation.config import Options
from repro.evaluation.gold import Gold
from repro.evaluation.plan import plan
from repro.evaluation.run import run
from repro.evaluation.suite import Suite
from repro.metrics.edit_distance import edit_distance
from repro.tables import get
from repro.tables.spec import Column
from repro.tasks.lexical import words

MINI = Options(suite=Suite("mini"), device="cpu", resamples=20)
TABLE = get("flow-6", "mini")


def test_gold_scores_are_scored_as_similarities() -> None:
    table = replace(TABLE, rows=TABLE.rows[:1])
    assert isinstance(table.rows[0].system, Gold)
    finished = run(plan(table, MINI))
    (pairs,) = MINI.suite.load("stsb")
    distances = [edit_distance(words(a), words(b)) for a, b in zip(pairs.first, pairs.second, strict=True)]
    result = finished.stored["gold", "edit"]
    assert result.value == pytest.approx(100 * spearmanr(pairs.gold, distances).statistic, abs=1e-6)
    assert result.signature.system == {"encoder": "gold", "dtype": "fp32"}
    assert finished.stored["gold", "gold"].value == pytest.approx(100)
    assert plan(table, MINI).stored.keys() == finished.stored.keys()


def test_a_column_without_gold_scores_is_refused() -> None:
    table = replace(TABLE, rows=TABLE.rows[:1], columns=(Column("mr", "MR", "mr", "accuracy"),))
    planned = plan(table, MINI)
    assert planned.refused == ["mr has no pairs with a gold score, and its table has a row of them"]
