"""Alignment, uniformity and isotropy of constructed points, in closed form."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest

from repro.errors import ReproError
from repro.metrics import geometry
from repro.metrics.correlation import unit


def on_circle(degrees: list[float]) -> np.ndarray:
    angles = np.radians(degrees)
    return np.stack([np.cos(angles), np.sin(angles)], axis=1)


@pytest.mark.parametrize("angle", [0.0, 30.0, 90.0, 180.0])
def test_alignment_of_pairs_at_an_angle(angle: float) -> None:
    first = 3 * on_circle([0, 70, 140])  # lengths do not count
    second = 0.5 * on_circle([angle, 70 + angle, 140 + angle])
    assert geometry.alignment(first, second) == pytest.approx(2 - 2 * math.cos(math.radians(angle)), abs=1e-12)


# (points, log mean exp(−2 d²) over pairs): one squared distance in all pairs, or two of them
UNIFORMITY = [
    (on_circle([0, 180]), -8.0),  # d² = 4
    (np.eye(5), -4.0),  # d² = 2
    (np.ones((6, 3)), 0.0),
    (on_circle([0, 90, 180]), math.log((2 * math.exp(-4) + math.exp(-8)) / 3)),
    # a zero vector has no direction: d² = 1 to what is on the sphere, 0 to another
    (np.array([[1.0, 0.0], [0.0, 0.0]]), -2.0),
    (np.vstack([np.eye(2), np.zeros((2, 2))]), math.log((math.exp(-4) + 4 * math.exp(-2) + 1) / 6)),
]


@pytest.mark.parametrize(("points", "expected"), UNIFORMITY)
def test_uniformity(points: np.ndarray, expected: float) -> None:
    assert geometry.uniformity(2 * points) == pytest.approx(expected, abs=1e-6)


def test_uniformity_of_one_point_is_not_above_its_bound() -> None:
    """A float32 product of a vector with itself may be a little more than 1."""
    for d in range(2, 400):
        assert -1e-5 < geometry.uniformity(np.tile(np.linspace(1, 2, d), (3, 1))) <= 0


def test_uniformity_over_blocks_is_that_over_all_pairs(monkeypatch: pytest.MonkeyPatch) -> None:
    from scipy.spatial.distance import pdist

    points = np.random.default_rng(0).normal(size=(50, 7))
    expected = math.log(np.exp(-2 * pdist(unit(points)) ** 2).mean())
    monkeypatch.setattr(geometry, "BLOCK", 8)
    assert geometry.uniformity(points) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize(
    ("points", "expected"),
    [(np.eye(4), 0.0), (np.ones((4, 2)), 1.0), (on_circle([0, 60]), 0.5), (on_circle([0, 120, 240]), -0.5)],
)
def test_average_cosine(points: np.ndarray, expected: float) -> None:
    assert geometry.average_cosine(3 * points) == pytest.approx(expected, abs=1e-12)


def test_the_spectrum_is_that_of_the_singular_values() -> None:
    vectors = np.random.default_rng(0).normal(size=(40, 6)) * np.arange(1, 7) + 9
    expected = np.linalg.svd(vectors - vectors.mean(axis=0), compute_uv=False) / math.sqrt(39)
    np.testing.assert_allclose(geometry.spectrum(vectors), expected, rtol=1e-10)


@pytest.mark.parametrize("used", [1, 2, 5, 8])
def test_isoscore_is_the_share_of_dimensions_that_are_used(used: int) -> None:
    """Equal variance in k of d dimensions: (k − 1) / (d − 1) (Rudman et al. 2022, §4)."""
    deviations = np.array([2.0] * used + [0.0] * (8 - used))
    assert geometry.isoscore(deviations) == pytest.approx((used - 1) / 7, abs=1e-12)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: geometry.uniformity(np.ones((1, 3))), "vectors make pairs from two on, and there are 1"),
        (lambda: geometry.average_cosine(np.ones((0, 3))), "and there are 0"),
        (lambda: geometry.spectrum(np.ones((1, 3))), "and there are 1"),
        (lambda: geometry.alignment(np.ones((0, 3)), np.ones((0, 3))), "positive pairs, and there is none"),
        (lambda: geometry.isoscore(np.zeros(3)), "no variance: all vectors are the same"),
        (lambda: geometry.isoscore(np.ones(1)), "there is one dimension"),
        (lambda: geometry.uniformity(np.array([[1.0, 0.0], [np.nan, 0.0]])), "vector 2 of 2 is not finite"),
    ],
)
def test_what_has_no_meaning_is_an_error_and_not_a_nan(call: Callable[[], float], message: str) -> None:
    with pytest.raises(ReproError, match=message):
        call()
