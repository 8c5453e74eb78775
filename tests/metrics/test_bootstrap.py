"""The bootstrap against SciPy on explicit resamples and against closed forms."""

import numpy as np
import pytest

from repro.metrics import base, bootstrap, metric
from repro.metrics.base import Samples
from repro.metrics.bootstrap import intervals, resample_counts
from repro.metrics.correlation import CORRELATIONS
from tests.metrics import oracles


def draws_of(name: str, x: np.ndarray, y: np.ndarray, resamples: int = 1000, seed: int = bootstrap.SEED) -> np.ndarray:
    return bootstrap.draws(CORRELATIONS[name].resampled(x, y), len(x), resamples, seed)


@pytest.mark.parametrize("name", CORRELATIONS)
def test_each_draw_is_the_correlation_of_that_resample(name: str) -> None:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=60), np.round(rng.normal(size=60))
    draws = draws_of(name, x, y, 20, 5)
    again = np.random.default_rng(5)
    for draw in draws:
        chosen = again.integers(0, 60, 60)
        assert draw == pytest.approx(oracles.CORRELATIONS[name](x[chosen], y[chosen]).statistic, abs=1e-12)


@pytest.mark.parametrize("rho", [0.0, 0.5, 0.9])
def test_spread_of_pearson_draws_is_the_closed_form(rho: float) -> None:
    # Fisher 1921: for normal variables the standard error of r is (1 − ρ²) / √(n − 1)
    rng = np.random.default_rng(1)
    n = 4000
    x = rng.normal(size=n)
    y = rho * x + np.sqrt(1 - rho**2) * rng.normal(size=n)
    draws = draws_of("pearson", x, y)
    assert draws.std() == pytest.approx((1 - rho**2) / np.sqrt(n - 1), rel=0.12)


def test_interval_is_the_percentile_interval() -> None:
    assert bootstrap.interval(np.arange(1001.0)) == pytest.approx((25.0, 975.0))
    assert bootstrap.interval(np.array([np.nan, 1.0, 1.0])) == (1.0, 1.0)
    assert np.isnan(bootstrap.interval(np.full(3, np.nan))).all()


def test_same_seed_same_draws_and_another_seed_others() -> None:
    x, y = np.random.default_rng(2).normal(size=(2, 50))
    first, again, other = (draws_of("spearman", x, y, 10, seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


def test_p_value_of_no_difference_and_of_a_clear_one() -> None:
    assert bootstrap.paired_p_value(np.zeros(999)) == 1.0
    assert bootstrap.paired_p_value(np.full(999, 0.3)) == pytest.approx(0.002)
    assert bootstrap.paired_p_value(np.full(999, -0.3)) == pytest.approx(0.002)


def test_draws_without_a_correlation_are_no_evidence() -> None:
    nothing, clear = np.full(500, np.nan), np.full(499, 0.3)
    assert bootstrap.paired_p_value(np.concatenate([nothing, clear])) == bootstrap.paired_p_value(clear) == 0.004
    assert np.isnan(bootstrap.paired_p_value(nothing))


@pytest.mark.parametrize("name", CORRELATIONS)
def test_a_resample_of_equal_values_has_no_correlation(name: str) -> None:
    x, y = np.array([0.1, 0.1 + 1e-9, 0.1, 0.7]), np.array([1.0, 2.0, 3.0, 4.0])
    draws = draws_of(name, x, y, 200, 3)
    rng = np.random.default_rng(3)
    resamples = [set(rng.integers(0, 4, 4)) for _ in range(200)]
    expected = [3 not in drawn or len(drawn) == 1 for drawn in resamples]  # only x[3] differs from the others
    np.testing.assert_array_equal(np.isnan(draws), expected)
    assert np.isnan(draws_of(name, np.full(4, np.nan), y, 7)).all()


@pytest.mark.parametrize("name", ["spearman-all", "spearman-mean", "spearman-wmean", "pearson-all", "accuracy", "f1"])
@pytest.mark.parametrize("together", [base.TOGETHER, 100])
def test_rows_drawn_together_are_those_drawn_one_by_one(
    name: str, together: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ties, few items, subsets of different sizes, a constant variable and a NaN included."""
    monkeypatch.setattr(base, "TOGETHER", together)
    rng = np.random.default_rng(3)
    of = metric(name)
    if name in ("accuracy", "f1"):
        weights = rng.uniform(size=50)
        columns = [
            (rng.integers(0, 2, 50), weights if name == "accuracy" else rng.integers(0, 2, 50)) for _ in range(4)
        ]
        many = [Samples([pair]) for pair in columns]
    else:
        gold = [np.round(rng.uniform(0, 5, n), 1) for n in (4, 60, 300)]
        made = [[(np.round(y / 6 + rng.normal(size=len(y)) / 9, digits), y) for y in gold] for digits in (9, 2, 1, 0)]
        made[3][1] = (np.zeros(60), gold[1])
        made[0][2] = (np.where(np.arange(300) == 7, np.nan, made[0][2][0]), gold[2])
        many = [Samples(subsets) for subsets in made]
    parts = of.drawn(many, 200, 5)
    for row, samples in enumerate(many):
        subsets = [samples.joined()] if of.aggregation == "all" else samples.subsets
        resampled = of.statistic.resampled
        assert resampled is not None
        alone = [
            bootstrap.draws(resampled(*columns), len(columns[0]), 200, 5 + number)
            for number, columns in enumerate(subsets)
        ]
        assert parts[:, row] == pytest.approx(np.array(alone), abs=1e-9, nan_ok=True)
        assert of.draws(samples, 200, 5) == pytest.approx(of.combined(parts[:, row], samples), abs=1e-9, nan_ok=True)
        assert of.drawn_as(samples) == of.drawn_as(many[0])


def test_weighted_and_plain_means_are_made_of_the_same_draws() -> None:
    samples = Samples([(np.arange(3.0), np.arange(3.0))] * 2)
    kinds = {name: metric(f"spearman-{name}").drawn_as(samples) for name in ("all", "mean", "wmean")}
    assert kinds["mean"] == kinds["wmean"] != kinds["all"]
    assert metric("spearman-mean").drawn_as(Samples(samples.subsets[:1])) == kinds["all"]


def test_intervals_are_the_interval_of_each_row() -> None:
    draws = np.random.default_rng(1).normal(size=(3, 100))
    draws[1, :5] = np.nan
    assert intervals(draws) == pytest.approx(np.array([bootstrap.interval(row) for row in draws]))


def test_counts_are_those_of_the_draws() -> None:
    for item in range(9):
        of_item = bootstrap.draws(lambda rows, item=item: float((rows == item).sum()), 9, 20, 4)  # type: ignore[misc]
        assert (resample_counts(9, 20, 4)[:, item] == of_item).all()
