"""Which test a difference gets, and what it says."""

from types import SimpleNamespace
from typing import Any

import pytest

from repro import tables
from repro.cells import Cell
from repro.compare import Comparison, compare
from repro.errors import ReproError

COLUMN = next(column for column in tables.get("flow-2").scored() if column.slug == "stsb")


def cell(column: str, value: float, by_seed: tuple[float, ...] = ()) -> Cell:
    texts = ("flow-2", "row", column, "m", value, None, None, "stsb|agg:wmean", "row", "w", "d", "cpu", "float32", 0.1)
    scores = {f"seed-{seed}": value for seed, value in enumerate(by_seed)} or {"m": value}
    return Cell(*texts, "c", seeds=len(by_seed) or 1, scores=scores)  # type: ignore[arg-type]


def plan(table: str, **rows: Cell) -> Any:
    return SimpleNamespace(table=tables.get(table), stored={(row, found.column): found for row, found in rows.items()})


# Student's t by hand: d̄ / (s / √n); p from tables of t (2 degrees of freedom: p = 1 − t / √(2 + t²)),
# the interval d̄ ± 4.30265 s / √n. Welch with equal variances and sizes has n₁ + n₂ − 2 degrees.
@pytest.mark.parametrize(
    ("first", "second", "difference", "interval", "p", "test"),
    [
        ((1.0, 2.0, 3.0), (), 2.0, (-0.48414, 4.48414), 0.07418, "t over seeds"),
        ((), (1.0, 2.0, 3.0), -2.0, (-4.48414, 0.48414), 0.07418, "t over seeds"),
        ((1.0, 2.0, 3.0), (4.0, 5.0, 6.0), -3.0, (-5.26696, -0.73304), 0.02131, "Welch's t"),
    ],
)
def test_rows_of_several_seeds_are_tested_over_them(
    first: tuple[float, ...],
    second: tuple[float, ...],
    difference: float,
    interval: tuple[float, float],
    p: float,
    test: str,
) -> None:
    one, other = (cell("stsb", sum(seeds) / (len(seeds) or 1), seeds) for seeds in (first, second))
    (found,) = compare(plan("flow-2", a=one, b=other), "a", "b")
    assert found.difference == pytest.approx(difference)
    assert found.interval == pytest.approx(interval, abs=1e-4)
    assert found.p == pytest.approx(p, abs=1e-5)
    assert found.test == test


@pytest.mark.parametrize(("table", "column"), [("sbert-7", "cpu"), ("flow-2", "uniformity")])
def test_without_a_test_there_is_one_sentence(table: str, column: str) -> None:
    with pytest.raises(ReproError, match="a and b share no column with a test"):
        list(compare(plan(table, a=cell(column, 1.0), b=cell(column, 2.0)), "a", "b"))


@pytest.mark.parametrize(
    ("p", "text"), [(0.0123, "p = 0.012 (t)"), (0.001, "p = 0.001 (t)"), (0.0009, "p < 0.001 (t)")]
)
def test_a_small_p_is_not_zero(p: float, text: str) -> None:
    assert Comparison(COLUMN, 1.0, (0.0, 2.0), p, "t").p_text == text
