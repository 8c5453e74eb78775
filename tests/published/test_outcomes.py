"""What is said of a claim: how many comparisons hold, which of them seeds leave open, and whether the claim does."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

from repro.published.comparisons import Comparison
from repro.published.outcomes import Finding, Outcome


def outcome(column: str, difference: float, interval: tuple[float, float] | None = None) -> Outcome:
    return Outcome(Comparison(column, "a", "b"), 50 + difference, 50, interval)


# outcomes by column, whether these are on most columns, the column of every comparison that can be made
@pytest.mark.parametrize(
    ("outcomes", "on_most", "due", "holds", "summary"),
    [
        ([], False, "xyz", None, "not measured"),
        ([outcome("x", 1), outcome("y", 1)], False, "xy", True, "holds 2/2"),
        ([outcome("x", 1), outcome("y", 1)], False, "xyz", None, "open 2/2, 1 not measured"),  # z may yet fall
        ([outcome("x", 1), outcome("y", -1)], False, "xy", False, "does not hold 1/2"),
        ([outcome("x", 1), outcome("y", -1)], False, "xyz", False, "does not hold 1/2, 1 not measured"),
        ([outcome("x", 1), outcome("y", -1)], True, "xy", False, "does not hold 1/2"),  # half is not most
        ([outcome("x", 1), outcome("y", 1), outcome("z", -1)], True, "xyz", True, "holds 2/3"),
        ([outcome("x", 1), outcome("y", 1)], True, "xyz", True, "holds 2/2, 1 not measured"),  # whatever z does
        ([outcome("x", 1), outcome("y", -1)], True, "xyz", None, "open 1/2, 1 not measured"),
        ([outcome("x", -1), outcome("y", -1)], True, "xyz", False, "does not hold 0/2, 1 not measured"),
        ([outcome("x", 1)], True, "xxyy", None, "open 1/1, 0/2 columns, 3 not measured"),  # a column half measured
        (
            [outcome("x", 1), outcome("x", -1), outcome("y", 1), outcome("y", 1), outcome("z", -1)],
            *(True, "xxyyzz", False, "does not hold 3/5, 1/3 columns, 1 not measured"),
        ),
        ([outcome("x", 1, (-1.0, 3.0)), outcome("y", 1, (0.5, 1.5))], False, "xy", None, "open 2/2, 1 ≈"),
        ([outcome("x", -1, (-3.0, 1.0))], False, "x", None, "open 0/1, 1 ≈"),  # it turns with what seeds leave open
        ([outcome("x", -1, (-3.0, 1.0)), outcome("y", -1)], False, "xy", False, "does not hold 0/2, 1 ≈"),
        ([outcome("x", 1, (-1.0, 3.0)), outcome("y", 1), outcome("z", 1)], True, "xyz", True, "holds 3/3, 1 ≈"),
        ([outcome("x", 1, (-1.0, 3.0)), outcome("y", 1), outcome("z", -1)], True, "xyz", None, "open 2/3, 1 ≈"),
        ([replace(outcome("x", 1), one_run=True)], False, "x", True, "holds 1/1, 1 of one run"),
        ([replace(outcome("x", -0.004), one_run=True)], False, "x", None, "open 0/1, 1 ≈, 1 of one run"),  # shown as 0
        ([outcome("x", -0.004)], False, "x", False, "does not hold 0/1"),  # a score that no seed changes
    ],
)
def test_what_a_finding_says(
    outcomes: list[Outcome], on_most: bool, due: str, holds: bool | None, summary: str
) -> None:
    found = Finding("x", tuple(outcomes), Counter(due), on_most=on_most)
    assert (found.holds, found.summary) == (holds, summary)
