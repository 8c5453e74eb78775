"""The bootstrap against SciPy on explicit resamples and against closed forms."""

import numpy as np
import pytest
from scipy import stats

from repro.metrics import bootstrap


@pytest.mark.parametrize(("name", "oracle"), [("spearman", stats.spearmanr), ("pearson", stats.pearsonr)])
def test_each_draw_is_the_correlation_of_that_resample(name: str, oracle: object) -> None:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=60), np.round(rng.normal(size=60))
    draws = bootstrap.correlation_draws(x, y, name, resamples=20, seed=5)
    again = np.random.default_rng(5)
    for draw in draws:
        chosen = again.integers(0, 60, 60)
        assert draw == pytest.approx(oracle(x[chosen], y[chosen]).statistic, abs=1e-12)  # type: ignore[operator]


@pytest.mark.parametrize("rho", [0.0, 0.5, 0.9])
def test_spread_of_pearson_draws_is_the_closed_form(rho: float) -> None:
    # Fisher 1921: for normal variables the standard error of r is (1 − ρ²) / √(n − 1)
    rng = np.random.default_rng(1)
    n = 4000
    x = rng.normal(size=n)
    y = rho * x + np.sqrt(1 - rho**2) * rng.normal(size=n)
    draws = bootstrap.correlation_draws(x, y, "pearson", resamples=1000)
    assert draws.std() == pytest.approx((1 - rho**2) / np.sqrt(n - 1), rel=0.12)


def test_interval_is_the_percentile_interval() -> None:
    assert bootstrap.interval(np.arange(1001.0)) == pytest.approx((25.0, 975.0))
    assert bootstrap.interval(np.array([np.nan, 1.0, 1.0])) == (1.0, 1.0)


def test_same_seed_same_draws_and_another_seed_others() -> None:
    x, y = np.random.default_rng(2).normal(size=(2, 50))
    first, again, other = (bootstrap.correlation_draws(x, y, "spearman", 10, seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


def test_aggregates_of_one_subset_are_that_subset() -> None:
    x, y = np.random.default_rng(3).normal(size=(2, 80))
    draws = {a: bootstrap.aggregated_draws([(x, y)], "spearman", a, 30, 4) for a in ("all", "mean", "wmean")}
    np.testing.assert_array_equal(draws["all"], draws["mean"])
    np.testing.assert_allclose(draws["all"], draws["wmean"], rtol=1e-12)


def test_weighted_mean_weighs_by_pairs() -> None:
    rng = np.random.default_rng(4)
    parts = [tuple(rng.normal(size=(2, n))) for n in (30, 90)]
    each = [bootstrap.correlation_draws(x, y, "pearson", 25, 7 + i) for i, (x, y) in enumerate(parts)]
    found = bootstrap.aggregated_draws(parts, "pearson", "wmean", 25, 7)  # type: ignore[arg-type]
    np.testing.assert_allclose(found, (30 * each[0] + 90 * each[1]) / 120)


def test_p_value_of_no_difference_and_of_a_clear_one() -> None:
    assert bootstrap.paired_p_value(np.zeros(999)) == 1.0
    assert bootstrap.paired_p_value(np.full(999, 0.3)) == pytest.approx(0.002)
    assert bootstrap.paired_p_value(np.full(999, -0.3)) == pytest.approx(0.002)
