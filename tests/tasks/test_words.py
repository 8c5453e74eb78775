"""Words by frequency: which words a range of ranks has, and what is averaged over them."""

from __future__ import annotations

import numpy as np
import pytest

from repro.data.pairs import Pairs
from repro.errors import NotAvailable, ReproError
from repro.tasks import TASKS
from repro.tasks.words import METRICS, WordsTask

TASK = WordsTask("words-test", "WIKI-SAMPLE", (1, 3))
# ten words on a line: word i at i, so that norms are i and neighbours are the numbers beside it
LINE = np.arange(10, dtype=np.float32)[:, None]


@pytest.mark.parametrize(
    ("counts", "words"),
    [
        ([0, 0, 5, 9, 7, 0, 0, 0, 0, 0], [4, 2]),  # 3 is first
        ([2, 2, 2, 2, 2, 2, 2, 2, 2, 2], [1, 2]),  # ties by place
        ([0, 0, 0, 0, 0, 0, 0, 1, 3, 0], [7]),  # what never occurs has no rank
    ],
)
def test_the_words_of_a_range_of_ranks(counts: list[int], words: list[int]) -> None:
    scores = TASK.score_words(np.array(counts), LINE, "model")
    np.testing.assert_array_equal(scores.samples("word-norm").joined()[0], words)
    assert scores.values["word-norm"] == pytest.approx(np.mean(words))


# on the line 4 has the neighbours 3, 5, 2, 6, 1, 7, 0 (or 8), and the largest products with 9, 8, 7, 6, 5, 3, 2
@pytest.mark.parametrize(
    ("metric", "value"),
    [
        ("word-norm", 4),
        ("word-distance-3", (1 + 1 + 2) / 3),
        ("word-distance-5", (1 + 1 + 2 + 2 + 3) / 5),
        ("word-distance-7", (1 + 1 + 2 + 2 + 3 + 3 + 4) / 7),
        ("word-product-3", 4 * (9 + 8 + 7) / 3),
        ("word-product-5", 4 * (9 + 8 + 7 + 6 + 5) / 5),
        ("word-product-7", 4 * (9 + 8 + 7 + 6 + 5 + 3 + 2) / 7),
    ],
)
def test_what_is_averaged(metric: str, value: float) -> None:
    counts = np.zeros(10)
    counts[[3, 4]] = 2, 1
    scores = TASK.score_words(counts, LINE, "model")
    assert scores.values[metric] == pytest.approx(value, abs=1e-5)
    assert scores.draws(metric, 10, 0) == pytest.approx(np.full(10, value), abs=1e-5)  # of one word


def test_the_text_is_every_sentence_and_the_signature_has_the_ranks() -> None:
    pairs = Pairs("train", ("a", "b"), ("b", "c"))
    assert TASK.text([Pairs("all", ("x", "x")), pairs]) == ["x", "x", "a", "b", "b", "c"]
    assert TASK.protocol("word-norm") == {"metric": "word-norm", "ranks": "1-2"}
    assert TASKS["words-wiki-sample-10k"].protocol(METRICS[-1]) == {"metric": "word-product-7", "ranks": "5000-9999"}


def test_what_cannot_be_measured() -> None:
    with pytest.raises(NotAvailable, match="model: WIKI-SAMPLE has 1 of its words, none from 1 on"):
        TASK.score_words(np.eye(10)[4], LINE, "model")
    with pytest.raises(ReproError, match="values that are not finite"):
        TASK.score_words(np.ones(10), LINE * np.nan, "model")
    with pytest.raises(ReproError, match="model: words-test is of a model's word vectors"):
        TASK.score([Pairs("all", ("x",))], ["x"], np.ones((1, 2)), "model")
