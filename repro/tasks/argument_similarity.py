"""Argument similarity: correlation of cosines with graded similarity, averaged over folds (Sentence-BERT §4.3).

Two ways to hold data out, as in Misra et al. 2016: ten folds over all pairs, or one topic at a time. What needs no
training is scored on the same folds, so that both kinds of row stand in one column.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from repro.data.labelled import read_argument_pairs, read_bws
from repro.data.readers import Pairs, digest
from repro.data.registry import Dataset, contracts
from repro.errors import NotAvailable, ReproError
from repro.tasks import sts
from repro.tasks.base import Similarity, Task

FOLDS = 10
SEED = 1111  # of the ten folds; the paper does not say how they were drawn


@dataclass(frozen=True)
class ArgumentTask(Task):
    """A corpus of graded pairs by topic, and how it is held out: `10fold` or `topics`."""

    validation: str

    scores_pairs = True

    @property
    def source(self) -> tuple[str, ...]:
        """The corpus and its folds."""
        return (self.dataset, self.validation)

    @property
    def metrics(self) -> tuple[str, ...]:
        """Both correlations, averaged over folds."""
        return ("pearson-mean", "spearman-mean")

    def load(self, root: Path, item: Dataset, limit: int | None = None) -> list[Pairs]:
        """The test pairs of each fold; `limit` keeps the first pairs of each topic."""
        topics = [part for path, _, _ in contracts(item) for part in _topics(root / path, item)]
        if limit is not None:
            topics = [replace(t, first=t.first[:limit], second=t.second[:limit], gold=t.gold[:limit]) for t in topics]
        return topics if self.validation == "topics" else _ten_folds(topics)

    def check_counts(self, data: list[Pairs], item: Dataset) -> None:
        """Hold the number of pairs against the registry."""
        expected, found = sum(rows for _, rows, _ in contracts(item)), sum(map(len, data))
        if found != expected:
            raise ReproError(f"{self.dataset} in {item.folder}: expected {expected} pairs, found {found}")

    def digest(self, data: list[Pairs]) -> str:
        """Hex sha256 of the pairs, fold by fold."""
        return digest(data)

    def sentences(self, data: list[Pairs]) -> list[str]:
        """Distinct sentences of the pairs, in order of first occurrence."""
        return sts.sentences_of(data)

    def protocol(self, metric: str) -> dict[str, str]:
        """`agg:mean|corr:pearson|sim:cos|cv:topics`; the seed is that of the ten folds."""
        correlation, aggregation = metric.split("-")
        found = {"agg": aggregation, "corr": correlation, "sim": "cos", "cv": self.validation}
        return found | ({"seed": str(SEED)} if self.validation == "10fold" else {})

    def score(self, data: list[Pairs], sentences: list[str], vectors: np.ndarray, encoder: str) -> sts.StsScores:
        """Both correlations of every fold, averaged."""
        return sts.score(data, sentences, vectors, encoder)

    def score_pairs(self, data: list[Pairs], similarity: Similarity) -> sts.StsScores:
        """The same from a model that reads both sentences at once."""
        return sts.score_pairs(data, similarity)

    def restore(self, data: list[Pairs], items: tuple[np.ndarray, ...]) -> sts.StsScores:
        """Scores from stored cosines."""
        return sts.StsScores(items, tuple(part.gold for part in data))

    def folds(self, data: list[Pairs]) -> list[str]:
        """Names of the folds: each is the test set of a model trained on the others."""
        return [part.name for part in data]

    def held_out(self, data: list[Pairs], fold: str) -> tuple[Pairs, list[Pairs]]:
        """(all other pairs as one, the fold's own)."""
        test = [part for part in data if part.name == fold]
        others = [part for part in data if part.name != fold]
        return _join("train", others), test


def _topics(path: Path, item: Dataset) -> list[Pairs]:
    if not path.is_file():
        raise NotAvailable(f"{path} is not there; put the published {path.name} of {item.citation} in its place")
    if path.name.startswith("BWS"):
        return read_bws(path)
    rows = read_argument_pairs(path)
    first, second, gold = zip(*rows, strict=True)
    return [Pairs(path.stem.removeprefix("ArgPairs_"), first, second, np.array(gold))]


def _ten_folds(topics: list[Pairs]) -> list[Pairs]:
    """All pairs in ten folds of a seeded shuffle."""
    pairs = _join("all", topics)
    if len(pairs) < 2 * FOLDS:
        raise ReproError(f"{len(pairs)} pairs are too few for {FOLDS} folds of two; raise --limit")
    order = np.random.default_rng(SEED).permutation(len(pairs))
    folds = []
    for number, rows in enumerate(np.array_split(order, FOLDS), 1):
        first, second = (tuple(column[row] for row in rows) for column in (pairs.first, pairs.second))
        folds.append(Pairs(f"fold-{number}", first, second, pairs.gold[rows]))
    return folds


def _join(name: str, parts: list[Pairs]) -> Pairs:
    first = tuple(sentence for part in parts for sentence in part.first)
    second = tuple(sentence for part in parts for sentence in part.second)
    return Pairs(name, first, second, np.concatenate([part.gold for part in parts]))


ARGUMENT_TASKS: dict[str, ArgumentTask] = {
    task.name: task
    for dataset in ("AFS", "BWS")
    for validation in ("10fold", "topics")
    for task in (ArgumentTask(f"{dataset.lower()}-{validation}", dataset, validation),)
}
