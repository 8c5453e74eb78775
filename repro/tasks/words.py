"""Word vectors by frequency: how far those of frequent and of rare words lie from the origin and from their neighbours.

BERT-flow's Table 1: ranks are by frequency in a corpus, and what is averaged over the words of a range of ranks is the
l2 norm, the distance to the k nearest words, and the dot product with the k words of the largest. A word is a token of
the model's own vocabulary, which its own tokenizer finds in the corpus; special tokens have no rank. Neighbours are
taken from the whole vocabulary.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from repro.errors import NotAvailable, ReproError
from repro.metrics.base import Samples
from repro.metrics.words import nearest
from repro.tasks.base import Data, Scores, Task

NEIGHBOURS = (3, 5, 7)
METRICS = ("word-norm", *(f"word-{name}-{k}" for name in ("distance", "product") for k in NEIGHBOURS))
RANKS = {
    "100": (0, 100),
    "500": (100, 500),
    "5k": (500, 5_000),
    "10k": (5_000, 10_000),
}  # from, to; the most frequent: 0


@dataclass(frozen=True)
class WordsTask(Task):
    """The words of a range of ranks. Its data set is the corpus in which words are counted, every sentence of it."""

    ranks: tuple[int, int]

    of_words: ClassVar[bool] = True

    @property
    def metrics(self) -> tuple[str, ...]:
        """The mean norm, and for each k the mean distance and dot product."""
        return METRICS

    def _protocol(self, name: str) -> dict[str, str]:
        low, high = self.ranks
        return {"metric": name, "ranks": f"{low}-{high - 1}"}

    def text(self, data: Data) -> list[str]:
        """Every sentence, repeats included."""
        return [sentence for part in data for sentence in part.sentences]

    def score_words(self, counts: np.ndarray, table: np.ndarray, encoder: str) -> Scores:
        """Of how often each entry of a vocabulary is in the text (V,), and its vector (V, d) float32.

        Of equally frequent words the first of the vocabulary is more frequent; what never occurs has no rank.
        ReproError, naming the encoder, where a vector is not finite; NotAvailable where no word has such a rank.
        """
        if not np.isfinite(table).all():
            raise ReproError(f"{encoder}: its table of word vectors holds values that are not finite")
        order = np.argsort(-counts, kind="stable")[: np.count_nonzero(counts)]
        words = order[slice(*self.ranks)]  # (n,)
        if not len(words):
            raise NotAvailable(f"{encoder}: {self.dataset} has {len(order)} of its words, none from {self.ranks[0]} on")
        distances, products = nearest(table, words, max(NEIGHBOURS))  # (n, 7) each
        values = {"word-norm": np.linalg.norm(table[words].astype(np.float64), axis=1)}
        for k in NEIGHBOURS:
            values[f"word-distance-{k}"] = distances[:, :k].mean(axis=1, dtype=np.float64)
            values[f"word-product-{k}"] = products[:, :k].mean(axis=1, dtype=np.float64)
        return WordScores(values)

    def _score(self, data: Data, row_of: Mapping[str, int], vectors: np.ndarray, encoder: str) -> Scores:
        raise ReproError(f"{encoder}: {self.name} is of a model's word vectors, and not of its sentence vectors")

    def restore(self, data: Data, items: tuple[np.ndarray, ...]) -> Scores:
        """There is nothing to restore: words of two vocabularies are not the same items."""
        raise ReproError(f"{self.name} has no test items that two models share")


@dataclass(frozen=True)
class WordScores(Scores):
    """{metric: (n,) one value a word}."""

    of_words: Mapping[str, np.ndarray]

    @property
    def metrics(self) -> tuple[str, ...]:
        """As of the task."""
        return METRICS

    def samples(self, name: str) -> Samples:
        """One value a word."""
        return Samples([(self.of_words[name],)])


# the corpora that are counted: SimCSE's sentences of Wikipedia, a sample of them, and STS-B, which every suite has
CORPORA = {"wiki": "WIKI", "wiki-sample": "WIKI-SAMPLE", "stsb": "STSB"}
WORD_TASKS = {
    task.name: task
    for corpus, dataset in CORPORA.items()
    for end, ranks in RANKS.items()
    for task in (WordsTask(f"words-{corpus}-{end}", dataset, ranks),)
}
