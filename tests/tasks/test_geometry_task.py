"""The geometry task: which pairs are positives, which sentences the data."""

from __future__ import annotations

import numpy as np
import pytest

from repro.data.pairs import Pairs
from repro.errors import ReproError
from repro.metrics import geometry
from repro.tasks import TASKS

TASK = TASKS["geometry"]
PARTS = [
    Pairs("train", ("a", "b"), ("b", "c"), np.array([5.0, 4.0])),
    Pairs("test", ("a", "d"), ("c", "e"), np.array([4.2, 0.0])),
]


def test_positives_are_above_four_and_every_sentence_counts_once() -> None:
    sentences = TASK.sentences(PARTS)
    assert sentences == ["a", "b", "c", "d", "e"]
    vectors = np.random.default_rng(0).normal(size=(5, 3)).astype(np.float32)
    found = TASK.score(PARTS, sentences, vectors, "x").values
    a, b, c = vectors[:3]
    assert found["alignment"] == pytest.approx(geometry.alignment(np.array([a, a]), np.array([b, c])))
    assert found["uniformity"] == pytest.approx(geometry.uniformity(vectors))
    assert set(found) == set(TASK.metrics)
    scores = TASK.score(PARTS, sentences, vectors, "x")
    assert scores.draws("alignment", 10, 0) is None
    assert scores.items("uniformity") == ()
    np.testing.assert_allclose(scores.items("isoscore")[0], geometry.spectrum(vectors))


def test_what_has_no_meaning_costs_no_other_measure() -> None:
    """Without a positive pair alignment is not defined, and for equal vectors there is no variance to be spread."""
    none = [Pairs("test", ("a",), ("b",), np.array([1.0]))]
    found = TASK.score(none, ["a", "b"], np.eye(2), "x").values
    assert np.isnan(found["alignment"])
    assert found["cosine"] == 0  # of two axes
    assert found["uniformity"] == pytest.approx(-4)  # log exp(−2 ‖(1, −1)‖²)
    equal = TASK.score(PARTS, TASK.sentences(PARTS), np.ones((5, 3)), "x").values
    assert np.isnan(equal["isoscore"])
    assert (equal["alignment"], equal["cosine"]) == (0, pytest.approx(1))


def test_a_vector_that_is_not_finite_is_refused() -> None:
    with pytest.raises(ReproError, match="x: the vector of 'a' is not finite"):
        TASK.score(PARTS, TASK.sentences(PARTS), np.full((5, 2), np.nan), "x")
