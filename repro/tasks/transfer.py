"""SentEval's transfer tasks: how well a linear classifier on frozen embeddings does.

Nested cross-validation for MR, CR, SUBJ and MPQA, cross-validation on the training set for TREC and MRPC, a fixed split
for SST (probes/validation.py); the classifier is one of two probes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from repro.data.pairs import Pairs
from repro.data.registry import Dataset, Source
from repro.errors import ReproError
from repro.metrics.base import Samples
from repro.metrics.mcnemar import mcnemar
from repro.probes.adam import ADAM
from repro.probes.base import Probe
from repro.probes.exact import EXACT
from repro.probes.validation import SEED, fixed_split, folds_of, kfold, nested
from repro.tasks.base import Data, Scores, Task

FOLDS = 10  # SentEval's configuration for comparable results (kfold 10)


@dataclass(frozen=True)
class TransferTask(Task):
    """One of the seven tasks under one probe. Its data are sorted as SentEval sorts them, tokens joined with blanks.

    The parts are the splits of the registry: `all`, or `train`, `test` and for a fixed split also `dev`.
    """

    validation: str  # nested, kfold or split
    probe: Probe
    fold_count: int = FOLDS

    second_first: ClassVar[bool] = False  # whether the length of the second sentence goes before that of the first

    @property
    def metrics(self) -> tuple[str, ...]:
        """Accuracy on the test items and on those that chose the penalty; F1 too for pairs."""
        return ("accuracy", "dev-accuracy", *(("f1",) if self.dataset == "MRPC" else ()))

    def _protocol(self, name: str) -> dict[str, str]:
        cv = self.validation + (str(self.fold_count) if self.validation != "split" else "")
        return {"metric": name, "probe": self.probe.name, "cv": cv, "seed": str(SEED)}

    def load(self, root: Path, item: Dataset, limit: int | None = None) -> Data:
        """One part a split; `limit` keeps the first items of each file."""
        files: dict[str, list[Pairs]] = {}
        for part in map(self._as_senteval, super().load(root, item)):
            files.setdefault(part.name, []).append(part.cut(limit))
        return [sorted_as_senteval(split, parts, self.second_first) for split, parts in files.items()]

    def _as_senteval(self, part: Pairs) -> Pairs:
        """A file as SentEval has it: its split's name, its text and its labels."""
        return part

    def _check_count(self, source: Source, count: int) -> None:
        """Too few sentences are how SimCSE's SUBJ came to 99 %."""
        if self.dataset == "SUBJ" and count < min(500, source.rows):
            raise ReproError(
                f"SUBJ {source.path.name}: expected {source.rows} items, found {count}; this is the truncated copy "
                "that SimCSE's readers were pointed to (SimCSE#84); `repro fetch SUBJ` gets the whole file"
            )
        super()._check_count(source, count)

    def _score(self, data: Data, row_of: Mapping[str, int], vectors: np.ndarray, encoder: str) -> Scores:
        """Choose a penalty, fit the probe and predict the test items, by the task's validation."""
        features = np.concatenate([self._features(part, row_of, vectors) for part in data])  # (n, d)
        labels = _codes(data)  # (n,) uint8
        split = _splits(data)  # (n,)
        try:
            if self.validation == "nested":
                dev, predicted = nested(self.probe, features, labels, self.fold_count)
            elif self.validation == "kfold":
                dev, predicted = kfold(self.probe, features, labels, split == "train", self.fold_count)
            else:
                dev, predicted = fixed_split(self.probe, features, labels, split == "train", split == "dev")
        except ReproError as error:
            raise ReproError(f"{encoder}, {self.name}: {error}") from error
        return self._scores(data, predicted[split == self._tested], 100 * dev)

    def _features(self, part: Pairs, row_of: Mapping[str, int], vectors: np.ndarray) -> np.ndarray:
        """(n, d) of the part's items."""
        return pair_features(part, row_of, vectors)

    def restore(self, data: Data, items: tuple[np.ndarray, ...]) -> Scores:
        """Scores from stored predictions; the dev accuracy is not among them."""
        return self._scores(data, items[0], None)

    def _scores(self, data: Data, predicted: np.ndarray, dev: float | None) -> Scores:
        gold = _codes(data)[_splits(data) == self._tested]
        weights = np.full(len(gold), 1 / len(gold))
        if self.validation == "nested":  # the mean over folds, which differ in size by a few items
            for _, test in folds_of(gold, self.fold_count):
                weights[test] = 1 / (self.fold_count * len(test))
        return TransferScores(predicted, gold, weights, dev, f1="f1" in self.metrics)

    @property
    def _tested(self) -> str:
        return "all" if self.validation == "nested" else "test"


@dataclass(frozen=True)
class TransferScores(Scores):
    """Predictions on the test items. Accuracies and F1 are × 100."""

    predicted: np.ndarray  # (n,) uint8 class codes
    gold: np.ndarray  # (n,) uint8
    weights: np.ndarray  # (n,) of each item in the accuracy, summing to 1
    dev: float | None
    f1: bool

    @property
    def correct(self) -> np.ndarray:
        """Which test items are classified correctly, (n,) bool."""
        return np.asarray(self.predicted == self.gold)

    @property
    def metrics(self) -> tuple[str, ...]:
        """`accuracy`, `dev-accuracy` where it is known, `f1` of the class 1 where the task reports it."""
        return ("accuracy", *(("dev-accuracy",) if self.dev is not None else ()), *(("f1",) if self.f1 else ()))

    def samples(self, name: str) -> Samples:
        """The test items; the dev accuracy is a number without any."""
        if name == "dev-accuracy":
            return Samples([(np.array([self.dev]),)])
        return Samples([(self.predicted, self.gold) if name == "f1" else (self.correct, self.weights)])

    def items(self, name: str) -> tuple[np.ndarray, ...]:
        """The predictions, for metrics on the test items."""
        return () if name == "dev-accuracy" else (self.predicted,)

    def p_value(self, other: Any, name: str, difference: np.ndarray) -> tuple[float, str]:
        """McNemar's exact test on accuracy, the paired bootstrap on F1."""
        if name != "accuracy":
            return super().p_value(other, name, difference)
        return mcnemar(self.correct, other.correct), "McNemar"


def pair_features(part: Pairs, row_of: Mapping[str, int], vectors: np.ndarray) -> np.ndarray:
    """(n, d) vectors of single sentences; (n, 2d) of pairs: |u−v| beside u·v (SentEval mrpc.py)."""
    first = vectors[[row_of[sentence] for sentence in part.first]]  # (n, d)
    if not part.second:
        return first
    second = vectors[[row_of[sentence] for sentence in part.second]]  # (n, d)
    return np.hstack([np.abs(first - second), first * second])


def sorted_as_senteval(name: str, parts: Iterable[Pairs], second_first: bool = False) -> Pairs:
    """The files of a split as one, tokens joined with single blanks, sorted by (tokens, of each sentence; label).

    The sort decides which items share a fold. A line without a token becomes a full stop, as in SentEval's examples.
    """
    rows = [
        (first.split(), second.split(), label)
        for part in parts
        for first, second, label in zip(part.first, part.second or ("",) * len(part), part.labels, strict=True)
    ]
    leading, other = (1, 0) if second_first else (0, 1)
    rows.sort(key=lambda row: (len(row[leading]), len(row[other]), row[2]))
    firsts, seconds, labels = zip(*rows, strict=True)
    first, second = (tuple(" ".join(tokens) or "." for tokens in side) for side in (firsts, seconds))
    return Pairs(name, first, second if any(seconds) else (), labels=labels)


def _codes(data: Data) -> np.ndarray:
    """(n,) uint8 class of each item, part by part."""
    labels = np.concatenate([part.labels for part in data])
    return np.unique(labels, return_inverse=True)[1].astype(np.uint8)


def _splits(data: Data) -> np.ndarray:
    """(n,) split of each item, part by part."""
    return np.repeat([part.name for part in data], [len(part) for part in data])


_VALIDATION = {
    **dict.fromkeys(("MR", "CR", "SUBJ", "MPQA"), "nested"),
    "SST": "split",
    **dict.fromkeys(("TREC", "MRPC"), "kfold"),
}
TRANSFER_TASKS: dict[str, TransferTask] = {
    task.name: task
    for probe, suffix in ((EXACT, ""), (ADAM, "-adam"))
    for dataset, validation in _VALIDATION.items()
    for task in (TransferTask(dataset.lower() + suffix, dataset, validation, probe),)
}
