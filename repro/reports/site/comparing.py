"""What a page needs to compare any two rows of a table: their numbers, and the tests between those that are stored."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from itertools import combinations, count

import numpy as np

from repro.evaluation.significance import Comparison, Pair
from repro.metrics import metric
from repro.reports.layout import Layout
from repro.reports.site.cards import Texts
from repro.results.csv_lines import number
from repro.tables.spec import AnyColumn, Column

LARGEST = 32_767  # of int16
STEP = 1_001  # p is stored in thousandths, as it is shown, beside the number of its test: int16 has room for 32
SMALL = 0.001  # a p below is shown as that


def comparing(layout: Layout, tests: Mapping[str, Mapping[Pair, Comparison]]) -> dict[str, object]:
    """Rows, columns, their measured and published numbers, and tests.

    `why` a column has no test, where it cannot have any. Of each column with tests: `rows`, the stored ones; `tests`,
    their names; and the number of a text in `packed` that holds (lower, upper, p) of each pair of them, in order, as
    base64 of int16, little-endian. Bounds are in units of `unit`. The third is the number of the test × 1,001 + p ×
    1,000, or −1 where a pair has no test. `left_out`: resamples without a score, of the pairs that have some, by the
    pair's place.
    """
    table, packed = layout.table, Texts()
    place = {row.slug: position for position, row in enumerate(table.rows)}
    by_cell = {(line["row"], line["column"]): line for line in layout.lines}

    def numbers(name: str, column: AnyColumn) -> list[float | None]:
        return [number(by_cell[row.slug, column.slug][name]) for row in table.rows]

    columns = []
    for column in table.columns:
        shown: dict[str, object] = {
            "label": column.label,
            "section": column.section,
            "why": _untested(column),
            "value": numbers("value", column),
            "published": numbers("published", column),
        }
        if column.slug in tests:
            shown |= _packed(tests[column.slug], place, packed, table.decimals)
        columns.append(shown)
    rows = [{"slug": row.slug, "label": row.label, "group": row.group} for row in table.rows]
    return {"decimals": table.decimals, "rows": rows, "columns": columns, "packed": packed.all()}


def _untested(column: AnyColumn) -> str:
    """Why no two rows can be tested in a column, or ''."""
    if not isinstance(column, Column):
        return "follows from other columns"
    of = metric(column.metric)
    if of.over_seeds == "median":
        return "a median over seeds, of which no test of means says anything"
    return "a time of one machine" if of.of_machine else ""


def _packed(
    tests: Mapping[Pair, Comparison], place: Mapping[str, int], packed: Texts, decimals: int
) -> dict[str, object]:
    tests = {pair: test for pair, test in tests.items() if np.isfinite([*test.interval, test.p]).all()}
    if not tests:
        return {}
    rows = sorted({slug for pair in tests for slug in pair}, key=lambda slug: place[slug])
    names = list(dict.fromkeys(test.test for test in tests.values()))
    largest = max(abs(bound) for test in tests.values() for bound in test.interval)
    units = (10.0**power for power in count(-max(2, decimals)))
    unit = next(unit for unit in units if largest <= unit * LARGEST)
    triples, left_out = [], {}
    for order, pair in enumerate(combinations(rows, 2)):
        test = tests.get(pair)
        triples.append((0, 0, -1) if test is None else _triple(test, names, unit))
        if test is not None and test.left_out:
            left_out[order] = test.left_out
    text = base64.b64encode(np.array(triples, "<i2").tobytes()).decode("ascii")
    return {
        "rows": [place[slug] for slug in rows],
        "tests": names,
        "unit": unit,
        "packed": packed.number(text),
        **({"left_out": left_out} if left_out else {}),
    }


def _triple(test: Comparison, names: list[str], unit: float) -> tuple[int, int, int]:
    low, high = (round(bound / unit) for bound in test.interval)
    p = 0 if test.p < SMALL else round(test.p * (STEP - 1))
    return low, high, names.index(test.test) * STEP + p
