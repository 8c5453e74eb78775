"""The area under the ROC curve, against scikit-learn's and on resamples; reciprocal ranks."""

from __future__ import annotations

import math

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from repro.metrics import metric
from repro.metrics.base import Samples
from repro.metrics.ranking import auc, reciprocal_ranks


@pytest.mark.parametrize("decimals", [1, 8])  # with and without ties
def test_it_is_scikit_learns_on_every_resample(decimals: int) -> None:
    rng = np.random.default_rng(0)
    positive = rng.random(200) < 0.4
    scores = (rng.normal(size=200) / 5 + 0.1 * positive).round(decimals)
    measure = auc(scores, positive)
    for drawn in (np.arange(200), *(rng.integers(0, 200, 200) for _ in range(5))):
        assert measure(drawn) == pytest.approx(100 * roc_auc_score(positive[drawn], scores[drawn]), abs=1e-9)


@pytest.mark.parametrize(
    ("scores", "value"), [([0.1, 0.2, 0.8, 0.9], 100), ([0.9, 0.8, 0.2, 0.1], 0), ([0.5, 0.5, 0.5, 0.5], 50)]
)
def test_closed_forms(scores: list[float], value: float) -> None:
    items = Samples([(np.array(scores), np.array([False, False, True, True]))])
    assert metric("auc").value(items) == pytest.approx(value)


def test_one_kind_alone_has_no_area() -> None:
    assert math.isnan(auc(np.array([0.1, 0.2]), np.array([True, True]))(np.arange(2)))


def test_the_first_right_row_gives_the_rank() -> None:
    found = np.array([[4, 7, 2], [4, 7, 2], [4, 7, 2], [4, 7, 2]])
    assert reciprocal_ranks(found, [{4}, {2, 7}, {2}, {9}]).tolist() == [1, 1 / 2, 1 / 3, 0]
