"""Triplets: is the anchor nearer to its positive than to its negative? Euclidean distance (Sentence-BERT §4.4)."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from repro.data.labelled import read_triplets
from repro.data.registry import Dataset, contracts
from repro.errors import NotAvailable, ReproError
from repro.metrics.correlation import TIE
from repro.metrics.mcnemar import mcnemar
from repro.tasks.base import Scores, Task

Triplets = list[tuple[str, str, str]]  # anchor, positive, negative


@dataclass(frozen=True)
class TripletTask(Task):
    """One split of a data set of triplets."""

    split: str

    @property
    def source(self) -> tuple[str, ...]:
        """The data set and its split."""
        return (self.dataset, self.split)

    @property
    def metrics(self) -> tuple[str, ...]:
        """Accuracy alone."""
        return ("accuracy",)

    def load(self, root: Path, item: Dataset, limit: int | None = None) -> Triplets:
        """Read the split; `limit` keeps its first triplets."""
        path = root / item.folder / f"{self.split}.csv"
        if not path.is_file():
            raise NotAvailable(f"{path} is not there; put the published {path.name} of {item.citation} in its place")
        return read_triplets(path)[:limit]

    def check_counts(self, data: Triplets, item: Dataset) -> None:
        """Hold the count against the registry."""
        expected = {path.stem: rows for path, rows, _ in contracts(item)}[self.split]
        if len(data) != expected:
            raise ReproError(f"{self.dataset} {self.split}.csv: expected {expected} triplets, found {len(data)}")

    def digest(self, data: Triplets) -> str:
        """Hex sha256 of the triplets."""
        return hashlib.sha256("".join("\t".join(triplet) + "\n" for triplet in data).encode()).hexdigest()

    def sentences(self, data: Triplets) -> list[str]:
        """Distinct sentences, in order of first occurrence."""
        return list(dict.fromkeys(sentence for triplet in data for sentence in triplet))

    def protocol(self, metric: str) -> dict[str, str]:
        """`metric:accuracy|sim:euclidean`."""
        return {"metric": metric, "sim": "euclidean"}

    def score(self, data: Triplets, sentences: list[str], vectors: np.ndarray, encoder: str) -> TripletScores:
        """`vectors[i]` (d,) belongs to `sentences[i]`; ReproError when a vector is not finite.

        Rounding three vectors to float32 changes the difference of the distances by up to four roundoffs of the longest
        one (`TIE`): distances within that count as equal.
        """
        if not np.isfinite(vectors).all():
            bad = sentences[int(np.isfinite(vectors).all(axis=1).argmin())]
            raise ReproError(f"{encoder}: the vector of {bad!r} is not finite")
        index = {sentence: i for i, sentence in enumerate(sentences)}
        rows = np.array([[index[sentence] for sentence in triplet] for triplet in data])  # (n, 3)
        anchor, positive, negative = (vectors[rows[:, i]].astype(np.float64) for i in range(3))  # (n, d) each
        near, far = (np.linalg.norm(anchor - other, axis=1) for other in (positive, negative))  # (n,) each
        longest = np.linalg.norm([anchor, positive, negative], axis=2).max(axis=0)  # (n,)
        return TripletScores(far - near > TIE * longest)

    def restore(self, data: Triplets, items: tuple[np.ndarray, ...]) -> TripletScores:
        """Scores from the stored answers."""
        return TripletScores(items[0].astype(bool))


@dataclass(frozen=True)
class TripletScores(Scores):
    """Which triplets came out right, (n,) bool; an equal distance is wrong."""

    right: np.ndarray

    @property
    def values(self) -> dict[str, float]:
        """{"accuracy": share × 100}."""
        return {"accuracy": 100 * float(self.right.mean())}

    def items(self, metric: str) -> tuple[np.ndarray, ...]:
        """The answers as 0 and 1."""
        return (self.right.astype(np.uint8),)

    def draws(self, metric: str, resamples: int, seed: int) -> np.ndarray:
        """Bootstrap draws (resamples,) over the triplets."""
        n = len(self.right)
        rng = np.random.default_rng(seed)
        return np.array([100 * self.right[rng.integers(0, n, n)].mean() for _ in range(resamples)])

    def p_value(self, other: TripletScores, metric: str, difference: np.ndarray) -> tuple[float, str]:
        """McNemar's exact test."""
        return mcnemar(self.right, other.right), "McNemar"


TRIPLET_TASKS: dict[str, TripletTask] = {"wikisec": TripletTask("wikisec", "WIKISEC", "test")}
