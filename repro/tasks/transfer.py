"""SentEval's transfer tasks: how well a linear classifier on frozen embeddings does.

Nested cross-validation for MR, CR, SUBJ and MPQA, cross-validation on the training set for TREC and MRPC, a fixed split
for SST (metrics/validation.py); the classifier is one of two probes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from repro.data import labelled
from repro.data.labelled import Labelled
from repro.data.registry import Dataset, contracts
from repro.errors import ReproError
from repro.metrics.bootstrap import paired_p_value
from repro.metrics.mcnemar import mcnemar
from repro.probes.adam import ADAM
from repro.probes.base import Probe
from repro.probes.exact import EXACT
from repro.probes.validation import SEED, fixed_split, folds_of, kfold, nested
from repro.tasks.base import Scores, Task

FOLDS = 10  # SentEval's configuration for comparable results (kfold 10)


@dataclass(frozen=True)
class TransferData:
    """Labelled sentences or pairs, sorted as SentEval sorts them, tokens joined with blanks; parts by split."""

    parts: dict[str, Labelled]  # `all`, or `train`, `test` and for `split` also `dev`
    files: dict[str, int]  # items of each file, before sorting


@dataclass(frozen=True)
class TransferTask(Task):
    """One of the seven tasks under one probe."""

    validation: str  # nested, kfold or split
    probe: Probe
    fold_count: int = FOLDS

    @property
    def source(self) -> tuple[str, ...]:
        """The data set, whatever the probe."""
        return (self.dataset,)

    @property
    def metrics(self) -> tuple[str, ...]:
        """Accuracy on the test items and on those that chose the penalty; F1 too for pairs."""
        return ("accuracy", "dev-accuracy", *(("f1",) if self.dataset == "MRPC" else ()))

    def load(self, root: Path, item: Dataset, limit: int | None = None) -> TransferData:
        """Read the task below a data folder; `limit` keeps the first items of each file."""
        folder = root / item.folder
        if not folder.is_dir():
            raise ReproError(f"{self.dataset}: no folder {folder}; run `repro fetch {self.dataset}` or check --data")
        parts: dict[str, list[Labelled]] = {}
        files = {}
        for split, name, read in _files(self.dataset, folder):
            files[name] = len(read)
            parts.setdefault(split, []).append(_cut(read, limit))
        return TransferData({split: sorted_as_senteval(read) for split, read in parts.items()}, files)

    def check_counts(self, data: TransferData, item: Dataset) -> None:
        """Hold the counts against the registry; too few sentences are how SimCSE's SUBJ came to 99 % (SimCSE#84)."""
        for path, rows, _ in contracts(item):
            found = data.files[path.name]
            if found != rows:
                why = ""
                if self.dataset == "SUBJ" and sum(data.files.values()) < 1000:
                    why = "; this is the truncated copy that SimCSE's readers were pointed to (SimCSE#84)"
                raise ReproError(
                    f"{self.dataset} {path.name}: expected {rows} items, found {found}{why}; "
                    f"`repro fetch {self.dataset}` gets the whole file"
                )

    def digest(self, data: TransferData) -> str:
        """Hex sha256 of sentences and labels in their sorted order."""
        state = hashlib.sha256()
        for split, part in data.parts.items():
            state.update(f"{split}\n".encode())
            second = part.second or ("",) * len(part)
            for row in zip(part.labels, part.first, second, strict=True):
                state.update(("\t".join(row) + "\n").encode())
        return state.hexdigest()

    def sentences(self, data: TransferData) -> list[str]:
        """Distinct sentences, in order of first occurrence."""
        return list(dict.fromkeys(s for part in data.parts.values() for s in (*part.first, *part.second)))

    def protocol(self, metric: str) -> dict[str, str]:
        """`probe:exact|metric:accuracy|cv:nested10|seed:1111`."""
        cv = self.validation + (str(self.fold_count) if self.validation != "split" else "")
        return {"metric": metric, "probe": self.probe.name, "cv": cv, "seed": str(SEED)}

    def score(self, data: TransferData, sentences: list[str], vectors: np.ndarray, encoder: str) -> TransferScores:
        """Fit and test the probe on `vectors[i]` (d,) of `sentences[i]`."""
        finite = np.isfinite(vectors).all(axis=1)
        if not finite.all():
            raise ReproError(f"{encoder}: the vector of {sentences[int(finite.argmin())]!r} is not finite")
        index = {sentence: i for i, sentence in enumerate(sentences)}
        features = np.concatenate([pair_features(part, index, vectors) for part in data.parts.values()])  # (n, d)
        labels = _codes(data)  # (n,) uint8
        split = np.concatenate([np.full(len(part), name) for name, part in data.parts.items()])  # (n,)
        try:
            if self.validation == "nested":
                dev, predicted = nested(self.probe, features, labels, self.fold_count)
            elif self.validation == "kfold":
                dev, predicted = kfold(self.probe, features, labels, split == "train", self.fold_count)
            else:
                dev, predicted = fixed_split(self.probe, features, labels, split == "train", split == "dev")
        except ReproError as error:
            raise ReproError(f"{encoder}, {self.name}: {error}") from error
        tested = split == ("all" if self.validation == "nested" else "test")
        return self._scores(data, predicted[tested], 100 * dev)

    def restore(self, data: TransferData, items: tuple[np.ndarray, ...]) -> TransferScores:
        """Scores from stored predictions; the dev accuracy is not among them."""
        return self._scores(data, items[0], None)

    def _scores(self, data: TransferData, predicted: np.ndarray, dev: float | None) -> TransferScores:
        gold = _codes(data)[-len(predicted) :]  # the tested part is the last one, or the only one
        weights = np.full(len(gold), 1 / len(gold))
        if self.validation == "nested":  # the mean over folds, which differ in size by a few items
            for _, test in folds_of(gold, self.fold_count):
                weights[test] = 1 / (self.fold_count * len(test))
        return TransferScores(predicted, gold, weights, dev, f1="f1" in self.metrics)


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
        """(n,) bool."""
        return np.asarray(self.predicted == self.gold)

    @property
    def values(self) -> dict[str, float]:
        """`accuracy`, `dev-accuracy` where it is known, `f1` of the class 1 where the task reports it."""
        once = np.ones((1, len(self.gold)))
        found = {"accuracy": float(self._accuracy(once)[0])}
        if self.dev is not None:
            found["dev-accuracy"] = self.dev
        if self.f1:
            found["f1"] = float(self._f1(once)[0])
        return found

    def _accuracy(self, counts: np.ndarray) -> np.ndarray:
        """Weighted accuracy of resamples, (resamples, n) counts → (resamples,)."""
        return np.asarray(100 * (counts @ (self.weights * self.correct)) / (counts @ self.weights))

    def _f1(self, counts: np.ndarray) -> np.ndarray:
        said, true = self.predicted == 1, self.gold == 1
        both = counts @ (said & true)
        return np.asarray(100 * 2 * both / np.maximum(counts @ said + counts @ true, 1))

    def items(self, metric: str) -> tuple[np.ndarray, ...]:
        """The predictions, for metrics on the test items."""
        return () if metric.startswith("dev") else (self.predicted,)

    def draws(self, metric: str, resamples: int, seed: int) -> np.ndarray | None:
        """Bootstrap draws (resamples,) over the test items; the same seed draws the same items for every encoder."""
        if metric.startswith("dev"):
            return None
        rng, n = np.random.default_rng(seed), len(self.gold)
        measure = {"accuracy": self._accuracy, "f1": self._f1}[metric]
        return np.concatenate(
            [measure(np.bincount(rng.integers(0, n, n), minlength=n)[None].astype(float)) for _ in range(resamples)]
        )

    def p_value(self, other: TransferScores, metric: str, difference: np.ndarray) -> tuple[float, str]:
        """McNemar's exact test on accuracy, the paired bootstrap on F1."""
        if metric != "accuracy":
            return paired_p_value(difference), "paired bootstrap"
        return mcnemar(self.correct, other.correct), "McNemar"


def pair_features(part: Labelled, index: dict[str, int], vectors: np.ndarray) -> np.ndarray:
    """(n, d) vectors of single sentences; (n, 2d) of pairs: |u−v| beside u·v (SentEval mrpc.py)."""
    first = vectors[[index[sentence] for sentence in part.first]]  # (n, d)
    if not part.second:
        return first
    second = vectors[[index[sentence] for sentence in part.second]]  # (n, d)
    return np.hstack([np.abs(first - second), first * second])


def sorted_as_senteval(parts: Iterable[Labelled]) -> Labelled:
    """The files of a split as one, tokens joined with single blanks, sorted by (tokens, of each sentence; label).

    The sort decides which items share a fold. A line without a token becomes a full stop, as in SentEval's examples.
    """
    rows = [
        (first.split(), second.split(), label)
        for part in parts
        for first, second, label in zip(part.first, part.second or ("",) * len(part), part.labels, strict=True)
    ]
    rows.sort(key=lambda row: (len(row[0]), len(row[1]), row[2]))
    firsts, seconds, labels = zip(*rows, strict=True)
    paired = any(seconds)
    return Labelled(
        "",
        tuple(" ".join(tokens) or "." for tokens in firsts),
        labels,
        tuple(" ".join(tokens) or "." for tokens in seconds) if paired else (),
    )


def _cut(part: Labelled, limit: int | None) -> Labelled:
    return Labelled(part.name, part.first[:limit], part.labels[:limit], part.second[:limit])


def _codes(data: TransferData) -> np.ndarray:
    labels = np.concatenate([part.labels for part in data.parts.values()])
    return np.unique(labels, return_inverse=True)[1].astype(np.uint8)


def _files(dataset: str, folder: Path) -> Iterator[tuple[str, str, Labelled]]:
    """(split, file name, content), the tested split last."""
    if dataset in labelled.BINARY_FILES:
        for name, label in zip(labelled.BINARY_FILES[dataset], "10", strict=True):
            yield "all", name, labelled.read_sentences(folder / name, label)
        return
    read, names = {
        "SST": (labelled.read_sst, {split: f"sentiment-{split}" for split in ("train", "dev", "test")}),
        "TREC": (labelled.read_trec, {"train": "train_5500.label", "test": "TREC_10.label"}),
        "MRPC": (
            labelled.read_mrpc,
            {"train": "msr_paraphrase_train.txt", "test": "msr_paraphrase_test.txt"},
        ),
    }[dataset]
    for split, name in names.items():
        yield split, name, read(folder / name)


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
