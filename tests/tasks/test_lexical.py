"""Similarity against edit distance: what is correlated with what, and the number that the paper prints of the data."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.stats import spearmanr

from repro.data import registry
from repro.data.pairs import Pairs
from repro.tasks import TASKS
from repro.tasks.lexical import words

TASK = TASKS["stsb-edit-distance"]
PAIRS = [
    Pairs(
        "test",
        ("A dog runs.", "A cat sits.", "It is red.", "Dogs don't run."),
        ("a dog runs.", "A cat stood up.", "Snow fell on us", "Dogs do not run!"),
        np.array([5.0, 3.0, 0.0, 4.0]),
    )
]
DISTANCES = [0, 2, 4, 2]  # by hand: capitals are none, a full stop is a word, don't are the two words do n't


def test_similarities_are_held_against_edit_distances() -> None:
    similarities = np.array([0.9, 0.4, 0.1, 0.6])
    values = TASK.restore(PAIRS, (similarities,)).values
    assert values["spearman-all"] == pytest.approx(100 * spearmanr(similarities, DISTANCES).statistic)
    assert values["pearson-all"] == pytest.approx(100 * np.corrcoef(similarities, DISTANCES)[0, 1])


def test_vectors_and_pair_scorers_come_to_the_same() -> None:
    sentences = TASK.sentences(PAIRS)
    vectors = np.random.default_rng(0).normal(size=(len(sentences), 4)).astype(np.float32)
    unit = {s: v / np.linalg.norm(v) for s, v in zip(sentences, vectors.astype(np.float64), strict=True)}
    by_vectors = TASK.score(PAIRS, sentences, vectors, "model").values["spearman-all"]
    by_pairs = TASK.score_pairs(PAIRS, lambda a, b: np.array([unit[x] @ unit[y] for x, y in zip(a, b, strict=True)]))
    assert by_vectors == pytest.approx(by_pairs.values["spearman-all"])


def test_words_are_lower_cased_treebank_tokens() -> None:
    assert words("Don't stop, U.S.!") == ["do", "n't", "stop", ",", "u.s.", "!"]


def test_it_is_told_apart_from_the_correlation_with_gold_scores() -> None:
    ours, gold = TASK.protocol("spearman-all"), TASKS["stsb"].protocol("spearman-all")
    assert ours == gold | {"with": "edit-distance", "words": "treebank-lower"}
    assert TASK.source == TASKS["stsb"].source  # the same data, read once
    assert TASK.target == "stsb-all"


@pytest.mark.real
def test_the_gold_scores_correlation_is_the_papers(data: Path) -> None:
    """Li et al. 2020, Table 6: −24.61 on the dev set, and 100 with themselves."""
    task = TASKS["stsb-dev-edit-distance"]
    parts = task.load(data, registry.dataset("STSB"))
    value = task.restore(parts, tuple(part.gold for part in parts)).values["spearman-all"]
    assert value == pytest.approx(-24.61, abs=0.05)
