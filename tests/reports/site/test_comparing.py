"""The tests that a page holds are those that `repro compare` prints."""

from __future__ import annotations

import base64
from itertools import combinations
from typing import Any

import numpy as np
import pytest

from repro import tables
from repro.evaluation.column import Column
from repro.evaluation.significance import Comparison
from repro.reports.layout import lay_out
from repro.reports.site.comparing import STEP, comparing
from repro.results.csv_lines import from_csv
from tests.reports.site.conftest import COMMITTED

TABLE = tables.get("sbert-1", "mini")
ROWS = [row.slug for row in TABLE.rows[:3]]
PAIRS = list(combinations(ROWS, 2))


def content(**tests: dict[tuple[str, str], Comparison]) -> dict[str, Any]:
    return comparing(lay_out(TABLE, from_csv(COMMITTED / "mini/sbert-1.csv")), tests)


def compared(low: float, high: float, p: float, test: str = "paired bootstrap", left_out: int = 0) -> Comparison:
    return Comparison(Column("sts12", "STS12", "sts12"), 0.0, (low, high), p, test, left_out)


def triples(packed: str) -> list[list[int]]:
    return np.frombuffer(base64.b64decode(packed), "<i2").reshape(-1, 3).tolist()


def test_numbers_of_every_row_are_there_whether_tested_or_not() -> None:
    shown = content()
    assert [row["slug"] for row in shown["rows"]] == [row.slug for row in TABLE.rows]
    for column, spec in zip(shown["columns"], TABLE.columns, strict=True):
        assert len(column["value"]) == len(TABLE.rows)
        assert "rows" not in column
        assert (column["why"] == "") == isinstance(spec, Column)


def test_bounds_p_and_test_of_each_pair_in_order() -> None:
    tests = {
        PAIRS[0]: compared(-1.234, 2.344, 0.5),
        PAIRS[1]: compared(-0.5, 0.5, 0.0004, "McNemar", left_out=7),
        PAIRS[2]: compared(1.0, 3.0, 0.0123),
    }
    shown = content(sts12=tests)
    column = shown["columns"][0]
    assert column["rows"] == [0, 1, 2]
    assert column["tests"] == ["paired bootstrap", "McNemar"]
    assert column["left_out"] == {1: 7}
    assert triples(shown["packed"][column["packed"]]) == [[-123, 234, 500], [-50, 50, STEP], [100, 300, 12]]


def test_a_pair_without_a_test_is_left_free_and_large_bounds_have_a_larger_unit() -> None:
    shown = content(sts12={PAIRS[0]: compared(-5000.0, 1.0, 0.2), PAIRS[1]: compared(0.0, 10.0, 1.0)})
    column = shown["columns"][0]
    assert column["unit"] == 1.0
    assert triples(shown["packed"][column["packed"]]) == [[-5000, 1, 200], [0, 10, 1000], [0, 0, -1]]


def test_a_column_may_have_every_kind_of_test() -> None:
    kinds = ["paired bootstrap", "McNemar", "t over seeds", "Student's t", "Welch's t"]
    rows = [row.slug for row in TABLE.rows[:4]]
    tests = {
        pair: compared(0.0, 1.0, 1.0, kind)
        for pair, kind in zip(combinations(rows, 2), [*kinds, kinds[0]], strict=True)
    }
    shown = content(sts12=tests)
    column = shown["columns"][0]
    assert column["tests"] == kinds
    assert [code for *_, code in triples(shown["packed"][column["packed"]])][:5] == [n * STEP + 1000 for n in range(5)]


def test_bounds_have_the_decimals_of_the_table() -> None:
    table = tables.get("whitening-r1", "mini")
    pair = (table.rows[0].slug, table.rows[1].slug)
    layout = lay_out(table, from_csv(COMMITTED / "mini/whitening-r1.csv"))
    found: Any = comparing(layout, {table.columns[0].slug: {pair: compared(0.0012, 0.0049, 0.002)}})
    column = found["columns"][0]
    assert column["unit"] == 0.0001
    assert triples(found["packed"][column["packed"]]) == [[12, 49, 2]]


def test_columns_with_the_same_tests_share_them() -> None:
    tests = {PAIRS[0]: compared(0.0, 1.0, 0.2)}
    first, second, *_ = content(sts12=tests, sts13=tests)["columns"]
    assert first["packed"] == second["packed"]


@pytest.mark.parametrize("bad", [compared(float("nan"), 1.0, 0.2), compared(0.0, float("inf"), 0.2)])
def test_what_is_not_finite_is_no_test(bad: Comparison) -> None:
    shown = content(sts12={PAIRS[0]: bad, PAIRS[1]: compared(0.0, 1.0, 0.2)})
    assert shown["columns"][0]["rows"] == [0, 2]
    assert "rows" not in content(sts12={PAIRS[0]: bad})["columns"][0]
