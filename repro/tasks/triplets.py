"""Triplets: is the anchor nearer to its positive than to its negative? Euclidean distance (Sentence-BERT §4.4)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from repro.data.pairs import joined
from repro.data.registry import Dataset, Source
from repro.metrics.base import Samples
from repro.metrics.correlation import TIE
from repro.metrics.mcnemar import mcnemar
from repro.tasks.base import Data, Scores, Task

METRICS = ("accuracy",)


@dataclass(frozen=True)
class TripletTask(Task):
    """One split of a data set of triplets: anchors, positives and negatives in three columns."""

    split: str

    @property
    def source(self) -> tuple[str, ...]:
        """The data set and its split."""
        return (self.dataset, self.split)

    @property
    def metrics(self) -> tuple[str, ...]:
        """Accuracy, which is all there is."""
        return METRICS

    def _protocol(self, name: str) -> dict[str, str]:
        return {"metric": name, "sim": "euclidean"}

    def files(self, item: Dataset) -> tuple[Source, ...]:
        """The file of the split."""
        return tuple(source for source in item.contents if source.split == self.split)

    def sentences(self, data: Data) -> list[str]:
        """Distinct sentences, triplet by triplet."""
        triplets = (triplet for part in data for triplet in zip(part.first, part.second, part.third, strict=True))
        return list(dict.fromkeys(sentence for triplet in triplets for sentence in triplet))

    def _score(self, data: Data, row_of: Mapping[str, int], vectors: np.ndarray, encoder: str) -> Scores:
        """Rounding three vectors to float32 changes the difference of the distances by up to four roundoffs of the
        longest one (`TIE`): distances within that count as equal.
        """
        triplets = joined(self.split, data)
        anchor, positive, negative = (
            vectors[[row_of[sentence] for sentence in side]].astype(np.float64)
            for side in (triplets.first, triplets.second, triplets.third)
        )  # (n, d) each
        near, far = (np.linalg.norm(anchor - other, axis=1) for other in (positive, negative))  # (n,) each
        longest = np.linalg.norm([anchor, positive, negative], axis=2).max(axis=0)  # (n,)
        return TripletScores(far - near > TIE * longest)

    def restore(self, data: Data, items: tuple[np.ndarray, ...]) -> Scores:
        """Scores from the stored answers."""
        return TripletScores(items[0].astype(bool))


@dataclass(frozen=True)
class TripletScores(Scores):
    """Which triplets came out right, (n,) bool; an equal distance is wrong."""

    right: np.ndarray

    @property
    def metrics(self) -> tuple[str, ...]:
        """Accuracy, which is all there is."""
        return METRICS

    def samples(self, name: str) -> Samples:
        """Which triplets came out right."""
        return Samples([(self.right,)])

    def items(self, name: str) -> tuple[np.ndarray, ...]:
        """The answers as 0 and 1."""
        return (self.right.astype(np.uint8),)

    def p_value(self, other: Any, name: str, difference: np.ndarray) -> tuple[float, str]:
        """McNemar's exact test on which triplets came out right."""
        return mcnemar(self.right, other.right), "McNemar"


TRIPLET_TASKS: dict[str, TripletTask] = {"wikisec": TripletTask("wikisec", "WIKISEC", "test")}
