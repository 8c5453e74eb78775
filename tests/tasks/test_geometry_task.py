"""The geometry task: which pairs are positives, which sentences the data."""

from __future__ import annotations

import numpy as np
import pytest

from repro.data.readers import Pairs
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


def test_without_positives_or_with_a_vector_that_is_not_finite() -> None:
    none = [Pairs("test", ("a",), ("b",), np.array([1.0]))]
    with pytest.raises(ReproError, match="STSB has no pair with a gold score above 4"):
        TASK.score(none, ["a", "b"], np.eye(2), "x")
    with pytest.raises(ReproError, match="x: a vector of STSB is not finite"):
        TASK.score(none, ["a", "b"], np.full((2, 2), np.nan), "x")
