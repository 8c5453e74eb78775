"""The geometry of an encoder on STS-B: alignment of its positives, uniformity and isotropy of its sentences.

As SimCSE has it (§2, figures 2 and 3): positives are the pairs with a gold score above 4, the data all sentences. The
paper does not say of which splits; here of all three, each distinct sentence once.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from repro.errors import ReproError
from repro.metrics import geometry, metric
from repro.metrics.base import Samples
from repro.tasks.base import Data, Scores
from repro.tasks.sts import StsData

POSITIVE = 4.0  # pairs scored above are positives
METRICS = ("alignment", "uniformity", "cosine", "isoscore")  # two of Wang and Isola, two of isotropy


@dataclass(frozen=True)
class GeometryTask(StsData):
    """Measures of vectors rather than of scores; raw values, not × 100."""

    keeps_items = True  # the spectrum
    version = 2

    @property
    def metrics(self) -> tuple[str, ...]:
        """Alignment, uniformity, average cosine and IsoScore."""
        return METRICS

    def _protocol(self, name: str) -> dict[str, str]:
        return {"metric": name} | ({"pos": f"gold>{POSITIVE:g}"} if name == "alignment" else {})

    def _score(self, data: Data, row_of: Mapping[str, int], vectors: np.ndarray, encoder: str) -> Scores:
        rows = [row_of[sentence] for sentence in self.sentences(data)]
        pairs = [
            (row_of[first], row_of[second])
            for part in data
            for first, second, gold in zip(part.first, part.second, part.gold, strict=True)
            if gold > POSITIVE
        ]
        first, second = np.array(pairs, np.int64).reshape(-1, 2).T
        return GeometryScores(vectors[rows], vectors[first], vectors[second])

    def restore(self, data: Data, items: tuple[np.ndarray, ...]) -> Scores:
        """Without its vectors: there is nothing to draw again."""
        return GeometryScores(*[np.empty((0, 0))] * 3)


@dataclass(frozen=True)
class GeometryScores(Scores):
    """The measures of vectors (n, d), and of the positives' vectors (p, d) each."""

    vectors: np.ndarray
    first: np.ndarray
    second: np.ndarray

    @property
    def metrics(self) -> tuple[str, ...]:
        """Alignment, uniformity, average cosine and IsoScore."""
        return METRICS

    @cached_property
    def spectrum(self) -> np.ndarray:
        """(d,) standard deviations along the principal axes, from large to small."""
        return geometry.spectrum(self.vectors)

    def samples(self, name: str) -> Samples:
        """The positives for the alignment, the spectrum for the IsoScore, else all vectors."""
        if name == "alignment":
            return Samples([(self.first, self.second)])
        return Samples([(self.spectrum if name == "isoscore" else self.vectors,)])

    @cached_property
    def values(self) -> dict[str, float]:
        """{metric: value}, NaN for one that these vectors do not have, such as alignment without a positive pair."""
        return {name: self._value(name) for name in METRICS}

    def _value(self, name: str) -> float:
        try:
            return metric(name).value(self.samples(name))
        except ReproError:
            return math.nan

    def items(self, name: str) -> tuple[np.ndarray, ...]:
        """The spectrum, for the plot; nothing else can be drawn again."""
        return (self.spectrum,) if name == "isoscore" else ()


GEOMETRY_TASKS = {"geometry": GeometryTask("geometry", "STSB", ("train", "dev", "test"))}
