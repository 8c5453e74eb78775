"""Argument similarity: correlation of cosines with graded similarity, averaged over folds (Sentence-BERT §4.3).

Two ways to hold data out, as in Misra et al. 2016: ten folds over all pairs, or one topic at a time. What needs no
training is scored on the same folds, so that both kinds of row stand in one column.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from repro.data.pairs import Pairs, joined
from repro.data.registry import Dataset
from repro.errors import ReproError
from repro.tasks.base import Data
from repro.tasks.similarity import SimilarityTask

FOLDS = 10
SEED = 1111  # of the ten folds; the paper does not say how they were drawn


@dataclass(frozen=True)
class ArgumentTask(SimilarityTask):
    """A corpus of graded pairs by topic, and how it is held out: `10fold` or `topics`."""

    validation: str

    cross_validated = True

    @property
    def source(self) -> tuple[str, ...]:
        """The corpus and its folds."""
        return (self.dataset, self.validation)

    @property
    def metrics(self) -> tuple[str, ...]:
        """The correlations, averaged over folds; the paper has the first two."""
        return ("pearson-mean", "spearman-mean", "kendall-mean")

    def _protocol(self, name: str) -> dict[str, str]:
        seed = {"seed": str(SEED)} if self.validation == "10fold" else {}
        return super()._protocol(name) | {"cv": self.validation} | seed

    def load(self, root: Path, item: Dataset, limit: int | None = None) -> Data:
        """The test pairs of each fold; `limit` keeps the first pairs of each topic."""
        topics = [topic.cut(limit) for part in super().load(root, item) for topic in _topics(part)]
        return topics if self.validation == "topics" else _ten_folds(topics)

    def folds(self, data: Data) -> Sequence[str]:
        """Names of the folds: each is the test set of a model trained on the others."""
        return [part.name for part in data]

    def held_out(self, data: Data, fold: str) -> tuple[Pairs, Data]:
        """(all other pairs as one, the fold's own)."""
        return joined("train", [part for part in data if part.name != fold]), [p for p in data if p.name == fold]


def _topics(part: Pairs) -> Iterator[Pairs]:
    """The topics that the labels of a file name; the whole file where it is one topic's."""
    if not part.labels:
        yield part
    for topic in dict.fromkeys(part.labels):
        rows = [row for row, label in enumerate(part.labels) if label == topic]
        yield replace(part.take(rows), name=topic, labels=())


def _ten_folds(topics: Data) -> Data:
    """All pairs in ten folds of a seeded shuffle."""
    pairs = joined("all", topics)
    if len(pairs) < 2 * FOLDS:
        raise ReproError(f"{len(pairs)} pairs are too few for {FOLDS} folds of two; raise --limit")
    order = np.random.default_rng(SEED).permutation(len(pairs))
    return [
        replace(pairs.take(rows), name=f"fold-{number}") for number, rows in enumerate(np.array_split(order, FOLDS), 1)
    ]


ARGUMENT_TASKS: dict[str, ArgumentTask] = {
    task.name: task
    for dataset in ("AFS", "BWS")
    for validation in ("10fold", "topics")
    for task in (ArgumentTask(f"{dataset.lower()}-{validation}", dataset, validation),)
}
