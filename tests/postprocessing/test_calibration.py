"""Calibrations: scikit-learn's scaler and decompositions, a closed form, and what cannot be fitted."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.decomposition import PCA, TruncatedSVD
from sklearn.preprocessing import StandardScaler

from repro.errors import ReproError
from repro.metrics.correlation import unit
from repro.postprocessing.calibration import Calibration
from repro.postprocessing.whitening import BLOCK


def drawn(n: int = 500, d: int = 12) -> np.ndarray:
    """float32 (n, d): correlated dimensions of very different variances, far from the origin."""
    rng = np.random.default_rng(0)
    mixed = rng.normal(size=(n, d)) * np.logspace(0, -2, d) @ np.linalg.qr(rng.normal(size=(d, d)))[0]
    return np.asarray(mixed + np.linspace(-2, 3, d), np.float32)


def without(vectors: np.ndarray, directions: np.ndarray) -> np.ndarray:
    """(n, d) less its projections on orthonormal directions (k, d)."""
    return np.asarray(vectors - (vectors @ directions.T) @ directions)


def svd(vectors: np.ndarray, k: int) -> np.ndarray:
    return np.asarray(TruncatedSVD(k, algorithm="arpack").fit(vectors).components_)


def pca(vectors: np.ndarray, k: int) -> np.ndarray:
    return np.asarray(PCA(k).fit(vectors).components_)


@pytest.mark.parametrize("k", [1, 4])
def test_the_top_singular_vectors_are_those_of_scikit_learn(k: int) -> None:
    vectors = drawn().astype(np.float64)
    scaled = StandardScaler().fit_transform(vectors) * np.sqrt(499 / 500)  # which divides by √n
    expected = {
        "none": without(vectors, svd(vectors, k)),
        "centre": without(vectors - vectors.mean(axis=0), pca(vectors, k)),
        "standardise": without(scaled, pca(scaled, k)),
    }
    for scaling, theirs in expected.items():
        ours = Calibration(scaling, k).fit(drawn()).transform(drawn())
        assert ours.dtype == np.float32
        np.testing.assert_allclose(ours, theirs, atol=1e-5)


def test_standardised_vectors_have_zero_mean_and_unit_variance() -> None:
    vectors = drawn(2 * BLOCK + 5)  # several blocks
    ours = Calibration().fit(vectors).transform(vectors)
    np.testing.assert_allclose(ours.mean(axis=0, dtype=np.float64), 0, atol=1e-4)
    np.testing.assert_allclose(ours.std(axis=0, ddof=1, dtype=np.float64), 1, atol=1e-4)


def test_two_clusters_on_a_line_lose_it_and_keep_the_rest() -> None:
    """x = ±5 e₁ ± 2 e₂ ± e₃, each of the eight once: the top direction is e₁, and ± 2 e₂ ± e₃ is left."""
    vectors = np.array([[a, b, c, 0] for a in (5, -5) for b in (2, -2) for c in (1, -1)], np.float32)
    ours = Calibration("none", 1).fit(vectors).transform(vectors)
    np.testing.assert_allclose(ours, vectors * [0, 1, 1, 0], atol=1e-6)


# (sentences, scaling, k): vectors of 16 dimensions that one direction is left of, whatever they are
ONE_LEFT = [(2, "standardise", 0), (2, "centre", 0), (2, "none", 1), (3, "centre", 1), (3, "standardise", 1)]
ONE_LEFT += [(3, "none", 2), (4, "standardise", 2)]


@pytest.mark.parametrize(("count", "scaling", "k"), ONE_LEFT)
def test_one_direction_that_is_left_is_refused(count: int, scaling: str, k: int) -> None:
    """Every cosine would be 1 or −1."""
    vectors = drawn(count, 16)
    with pytest.raises(ReproError, match="are left one direction, in which every cosine is 1 or −1"):
        Calibration(scaling, k).fit(vectors)
    more = drawn(count + 1, 16)
    left = Calibration(scaling, k).fit(more).transform(more)
    assert np.abs(unit(left) @ unit(left).T).min() < 0.999


def test_the_direction_of_a_large_common_mean_is_the_first_singular_vector() -> None:
    """Of vectors as they are the mean is removed, of centred ones the largest spread (closed form: e₃, e₁)."""
    rng = np.random.default_rng(0)
    vectors = (rng.normal(size=(400, 3)) * [1, 0.1, 0.1] + [0, 0, 100]).astype(np.float32)
    as_they_are, centred = (Calibration(scaling, 1).fit(vectors).removed for scaling in ("none", "centre"))
    np.testing.assert_allclose(np.abs(as_they_are[:, 0]), [0, 0, 1], atol=0.01)
    np.testing.assert_allclose(np.abs(centred[:, 0]), [1, 0, 0], atol=0.01)


def test_repeats_count_and_a_dimension_that_does_not_vary_becomes_nothing() -> None:
    vectors = drawn(40)
    vectors[:, 3] = 0.7
    rows = np.array([0, 0, 0, *range(40)])
    ours = Calibration().fit(vectors, rows).transform(vectors)
    theirs = StandardScaler().fit(np.delete(vectors[rows], 3, axis=1).astype(np.float64))
    scaled = theirs.transform(np.delete(vectors, 3, axis=1)) * np.sqrt((len(rows) - 1) / len(rows))
    np.testing.assert_allclose(np.delete(ours, 3, axis=1), scaled, atol=1e-5)
    np.testing.assert_array_equal(ours[:, 3], 0)


@pytest.mark.parametrize(
    ("vectors", "k", "message"),
    [
        (drawn(1), 0, "the corpus: fewer than two are too few to calibrate vectors"),
        (np.ones((9, 4), np.float32), 0, "the vectors of the corpus are all equal"),
        (np.full((9, 4), np.nan, np.float32), 0, "a vector of the corpus is not finite"),
        (drawn(), 12, "have rank 12; nothing is left without k = 12; lower k"),
        (drawn(5), 4, "have rank 4; nothing is left without k = 4; lower k"),
    ],
)
def test_what_cannot_be_calibrated(vectors: np.ndarray, k: int, message: str) -> None:
    with pytest.raises(ReproError, match=message):
        Calibration("standardise", k).fit(vectors, source="the corpus")


def test_vectors_of_another_length_are_refused() -> None:
    with pytest.raises(ReproError, match="is of 12 dimensions, the vectors have 11"):
        Calibration().fit(drawn()).transform(drawn(d=11))
