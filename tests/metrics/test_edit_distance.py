"""The edit distance, held against NLTK's and against what it must satisfy."""

from __future__ import annotations

import numpy as np
import pytest
from nltk.metrics.distance import edit_distance as nltk_distance

from repro.metrics.edit_distance import edit_distance


@pytest.mark.parametrize(
    ("first", "second", "distance"),
    [
        ("kitten", "sitting", 3),  # Wagner and Fischer's textbook pair
        ("", "", 0),
        ("", "abc", 3),
        ("abc", "", 3),
        ("abc", "abc", 0),
        ("abc", "cab", 2),
        ("aaaa", "a", 3),
    ],
)
def test_known_distances(first: str, second: str, distance: int) -> None:
    assert edit_distance(first, second) == distance


def test_it_is_nltks() -> None:
    rng = np.random.default_rng(0)
    for _ in range(60):
        first, second = (list(map(str, rng.integers(0, 5, rng.integers(0, 12)))) for _ in range(2))
        assert edit_distance(first, second) == nltk_distance(first, second)
        assert edit_distance(first, second) == edit_distance(second, first)


def test_words_are_whole() -> None:
    assert edit_distance("a dog runs".split(), "the dog ran fast".split()) == 3
