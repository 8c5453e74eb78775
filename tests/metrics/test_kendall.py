"""Kendall's τ-b against SciPy, against every pair of pairs in float64, and on explicit resamples."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
import pytest
from scipy import stats

from repro.metrics import metric
from repro.metrics.base import Samples
from repro.metrics.correlation import TIE, kendall, tied
from repro.metrics.kendall import WeightedKendall

Values = Callable[[np.ndarray], np.ndarray]


def every_pair(x: np.ndarray, y: np.ndarray) -> float:
    """τ-b by its definition (Kendall 1945) on float64 signs of all n² differences."""
    a, b = (np.sign(np.subtract.outer(values, values)).astype(np.float64) for values in (x, y))
    return float((a * b).sum() / np.sqrt((a**2).sum() * (b**2).sum()))


def drawn(n: int, first: Values, second: Values) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(n)
    x = rng.normal(size=n)
    return first(x), second(x + rng.normal(size=n))


KINDS: list[tuple[Values, Values]] = [
    (np.asarray, np.asarray),
    (np.asarray, np.round),
    (np.round, np.asarray),
    (np.round, np.round),
    (np.asarray, np.sign),
]


@pytest.mark.parametrize(("first", "second"), KINDS)
@pytest.mark.parametrize("n", [3, 4, 7, 64, 65, 1000])
def test_tau_is_scipys_and_that_of_every_pair(n: int, first: Values, second: Values) -> None:
    x, y = drawn(n, first, second)
    if min(len(set(x)), len(set(y))) == 1:
        assert np.isnan(kendall(x, y))
        return
    assert kendall(x, y) == pytest.approx(stats.kendalltau(x, y).statistic, abs=1e-14)
    assert kendall(x, y) == pytest.approx(every_pair(x, y), abs=1e-14)


@pytest.mark.parametrize(("first", "second"), KINDS)
def test_each_draw_is_scipys_tau_of_that_resample(first: Values, second: Values) -> None:
    x, y = drawn(60, first, second)
    draws = metric("kendall-all").draws(Samples([(x, y)]), resamples=20, seed=5)
    assert draws is not None
    rng = np.random.default_rng(5)
    for draw in draws:
        rows = rng.integers(0, 60, 60)
        assert draw == pytest.approx(100 * stats.kendalltau(x[rows], y[rows]).statistic, abs=1e-11)


def test_cosines_that_differ_by_rounding_are_ties() -> None:
    gold = np.array([0.0, 1, 2, 3, 4, 5])
    cosine = np.array([0.1, 0.2, 0.5 + TIE / 2, 0.5, 0.7, 0.6])
    assert kendall(cosine, gold) == pytest.approx(stats.kendalltau([1, 2, 3, 3, 5, 4], gold).statistic, abs=1e-15)
    assert kendall(cosine, gold) == pytest.approx(every_pair(tied(cosine), gold), abs=1e-15)
    assert np.isnan(kendall(0.5 + TIE / 6 * gold, gold))  # rounding is no correlation


@pytest.mark.parametrize("n", [3, 5, 1000])
def test_order_and_reversed_order_are_exactly_one(n: int) -> None:
    x = np.random.default_rng(n).permutation(n).astype(float)
    assert (kendall(x, x), kendall(x, -x)) == (1, -1)


def test_a_value_that_is_no_number_or_stands_alone_has_no_tau() -> None:
    for x, y in (([1.0, np.nan, 2.0], [1, 2, 3]), ([1, 2, 3], [1.0, np.nan, 2.0]), ([1.0], [2.0]), ([], [])):
        assert np.isnan(kendall(np.array(x), np.array(y)))


def test_counts_are_repetitions() -> None:
    rng = np.random.default_rng(0)
    x, y, counts = rng.integers(0, 9, 50), rng.integers(0, 5, 50), rng.integers(0, 4, 50)
    expected = stats.kendalltau(np.repeat(x, counts), np.repeat(y, counts)).statistic
    assert WeightedKendall(x, y)(counts.astype(float)) == pytest.approx(expected, abs=1e-14)
    assert np.isnan(WeightedKendall(x, y)(np.eye(50)[7] * 50))  # one pair, fifty times


def test_a_thousand_resamples_of_ten_thousand_pairs_are_quick() -> None:
    """SICK has 9,927 pairs; SciPy, which sorts each resample, needs ten times as long as this bound on one core."""
    x, y = drawn(10_000, np.asarray, np.asarray)
    start = time.process_time()
    metric("kendall-all").draws(Samples([(x, y)]), resamples=100)
    assert time.process_time() - start < 1
