"""Is the difference between two rows more than chance? Tests over items, or seeds, that both rows were scored on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from statistics import fmean

import numpy as np

from repro.errors import ReproError
from repro.evaluation.column import Column
from repro.evaluation.plan import Plan
from repro.metrics.bootstrap import interval
from repro.results.result import Result, unpack
from repro.results.signature import check_comparable
from repro.tasks import TASKS


@dataclass(frozen=True)
class Comparison:
    """First row − second row in one column, its 95 % bootstrap interval, and the two-sided p of the named test.

    `left_out`: resamples in which the score of a row is not defined, such as one of equal gold scores.
    """

    column: Column
    difference: float
    interval: tuple[float, float]
    p: float
    test: str
    left_out: int = 0

    @property
    def p_text(self) -> str:
        """`p = 0.012 (paired bootstrap)`, and how many resamples were left out where some were."""
        note = f", {self.left_out} resamples without a score left out" if self.left_out else ""
        return (f"p = {self.p:.3f}" if self.p >= 0.001 else "p < 0.001") + f" ({self.test}{note})"


def compare(finished: Plan, first: str, second: str) -> Iterator[Comparison]:
    """Every column where both rows are stored and there is something to test with.

    Raises ReproError when there is no such column, or when the two were computed under different protocols.
    """
    shared = [
        c for c in finished.table.scored() if (first, c.slug) in finished.stored and (second, c.slug) in finished.stored
    ]
    if not shared:
        systems = [row.system for row in finished.table.rows if row.slug in (first, second)]
        how = next(filter(None, (system.unstored for system in systems)), "run the table first")
        raise ReproError(f"{finished.table.id}: {first} and {second} have no stored column in common; {how}")
    compared = [tested for column in shared if (tested := significance(finished, column, first, second))]
    if not compared:
        raise ReproError(
            f"{finished.table.id}: {first} and {second} share no column with a test: speed and geometry have none of "
            "one seed each"
        )
    yield from compared


def significance(finished: Plan, column: Column, first: str, second: str) -> Comparison | None:
    """The difference of two rows in one column; None when a cell is not stored or there is nothing to test with.

    Over the test items where both rows are one model each and the column has items; over seeds where there are several:
    Welch's t, or a t-test against the one value of a row that knows no seeds. Raises ReproError when the two were
    computed under different protocols.
    """
    results = [finished.stored.get((slug, column.slug)) for slug in (first, second)]
    one, other = results
    if one is None or other is None:
        return None
    check_comparable([one.signature, other.signature])
    values, others = _by_seed(one), _by_seed(other)
    if len(values) > 1 or len(others) > 1:
        return _over_seeds(column, values, others)
    return _over_items(finished, column, one, other) if one.items and other.items else None


def _over_items(finished: Plan, column: Column, one: Result, other: Result) -> Comparison | None:
    task, data = TASKS[column.task], finished.session.data(column.task)
    scores = [task.restore(data, tuple(map(unpack, result.items))) for result in (one, other)]
    draws = [score.draws(column.metric, finished.options.resamples, finished.options.seed) for score in scores]
    if draws[0] is None or draws[1] is None:
        return None
    differences = draws[0] - draws[1]
    defined = differences[np.isfinite(differences)]
    if not len(defined):
        return None
    p, test = scores[0].p_value(scores[1], column.metric, defined)
    return Comparison(
        column, one.value - other.value, interval(defined), p, test, left_out=len(differences) - len(defined)
    )


def _by_seed(result: Result) -> list[float]:
    return [value for name, value in result.scores.items() if name.startswith("seed-")] or [result.value]


def _over_seeds(column: Column, first: list[float], second: list[float]) -> Comparison | None:
    """None without a spread to hold the difference against: no seed changes anything, or a score is not finite."""
    from scipy.stats import ttest_1samp, ttest_ind

    if not np.isfinite([*first, *second]).all() or max(np.ptp(first), np.ptp(second)) == 0:
        return None
    if len(first) > 1 and len(second) > 1:
        tested, test = ttest_ind(first, second, equal_var=False), "Welch's t"
    else:
        tested, test = ttest_1samp(np.subtract(first, second), 0.0), "t over seeds"
    low, high = tested.confidence_interval(0.95)
    return Comparison(column, fmean(first) - fmean(second), (float(low), float(high)), float(tested.pvalue), test)
