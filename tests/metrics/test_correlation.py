"""Correlations against SciPy; cosines against their definition."""

import numpy as np
import pytest
from scipy import stats

from repro.metrics.correlation import Ranker, cosines, pearson, spearman


@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("n", [2, 3, 50, 5000])
def test_correlations_equal_scipy(n: int, ties: bool) -> None:
    rng = np.random.default_rng(n)
    x, y = rng.normal(size=n), rng.normal(size=n)
    if ties and n > 3:
        x, y = np.round(x * 2), np.round(y * 2)
    assert spearman(x, y) == pytest.approx(stats.spearmanr(x, y).statistic, abs=1e-12)
    assert pearson(x, y) == pytest.approx(stats.pearsonr(x, y).statistic, abs=1e-12)


def test_a_constant_has_no_correlation() -> None:
    assert np.isnan(pearson(np.full(5, 0.1), np.arange(5)))
    assert np.isnan(spearman(np.arange(5), np.full(5, 0.1)))


def test_ranks_with_counts_are_the_ranks_of_the_repeated_values() -> None:
    values = np.array([3.0, 1.0, 3.0, 2.0, 5.0])
    counts = np.array([2, 0, 1, 3, 1])
    expected = dict(zip(np.repeat(values, counts), stats.rankdata(np.repeat(values, counts)), strict=True))
    ranks = Ranker(values)(counts)
    assert [ranks[i] for i in (0, 2, 3, 4)] == [expected[values[i]] for i in (0, 2, 3, 4)]
    np.testing.assert_array_equal(Ranker(values)(), stats.rankdata(values))


def test_cosine_is_the_dot_product_of_unit_vectors_and_zero_for_a_zero_vector() -> None:
    vectors = np.array([[1, 0], [1, 1], [-2, 0], [0, 0]], np.float32)
    found = cosines(vectors, np.array([0, 0, 0, 0]), np.array([0, 1, 2, 3]))
    np.testing.assert_allclose(found, [1, np.sqrt(0.5), -1, 0], atol=1e-7)
