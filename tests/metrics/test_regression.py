"""Errors of predicted scores, against scikit-learn's and on resamples."""

import numpy as np
import pytest
from sklearn.metrics import mean_squared_error

from repro.metrics import metric
from repro.metrics.base import Samples
from repro.metrics.regression import squared_error


def test_the_squared_error_is_scikit_learns_on_every_resample() -> None:
    rng = np.random.default_rng(0)
    predicted, gold = rng.uniform(1, 5, (2, 50))
    measure = squared_error(predicted, gold)
    for drawn in (np.arange(50), *(rng.integers(0, 50, 50) for _ in range(3))):
        assert measure(drawn) == pytest.approx(mean_squared_error(gold[drawn], predicted[drawn]))
    samples = Samples([(predicted, gold)])
    assert metric("regressor-mse").value(samples) == measure(np.arange(50))


def test_correlations_of_predictions_are_those_of_similarities_under_other_names() -> None:
    x, y = np.random.default_rng(1).normal(size=(2, 40))
    samples = Samples([(x, y)])
    for name in ("pearson", "spearman"):
        found, other = metric(f"regressor-{name}"), metric(f"{name}-all")
        assert found.value(samples) == other.value(samples)
        np.testing.assert_array_equal(found.draws(samples, 20), other.draws(samples, 20))
