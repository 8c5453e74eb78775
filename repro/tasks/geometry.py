"""The geometry of an encoder on STS-B: alignment of its positives, uniformity and isotropy of its sentences.

As SimCSE has it (§2, figures 2 and 3): positives are the pairs with a gold score above 4, the data all sentences. The
paper does not say of which splits; here of all three, each distinct sentence once.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from repro.data.readers import Pairs
from repro.errors import ReproError
from repro.metrics import geometry
from repro.tasks.base import Scores
from repro.tasks.sts import StsTask

POSITIVE = 4.0  # pairs scored above are positives
METRICS = ("alignment", "uniformity", "cosine", "isoscore")


@dataclass(frozen=True)
class GeometryTask(StsTask):
    """Measures of vectors rather than of scores; raw values, not × 100."""

    scores_pairs = False
    keeps_items = True  # the spectrum

    @property
    def metrics(self) -> tuple[str, ...]:
        """Two of Wang and Isola, two of isotropy."""
        return METRICS

    def protocol(self, metric: str) -> dict[str, str]:
        """`metric:alignment|pos:gold>4`."""
        return {"metric": metric} | ({"pos": f"gold>{POSITIVE:g}"} if metric == "alignment" else {})

    def score(  # type: ignore[override]
        self, parts: list[Pairs], sentences: list[str], vectors: np.ndarray, encoder: str
    ) -> GeometryScores:
        """All four, and the spectrum."""
        index = {sentence: row for row, sentence in enumerate(sentences)}
        rows = np.array([index[sentence] for sentence in self.sentences(parts)])
        if not np.isfinite(vectors[rows]).all():
            raise ReproError(f"{encoder}: a vector of {self.dataset} is not finite")
        pairs = [
            (index[first], index[second])
            for part in parts
            for first, second, gold in zip(part.first, part.second, part.gold, strict=True)
            if gold > POSITIVE
        ]
        first, second = np.array(pairs, np.int64).reshape(-1, 2).T
        return GeometryScores(vectors[rows], vectors[first], vectors[second])

    def restore(self, parts: list[Pairs], items: tuple[np.ndarray, ...]) -> GeometryScores:  # type: ignore[override]
        """Without its vectors: there is nothing to draw again."""
        return GeometryScores(*[np.empty((0, 0))] * 3)


@dataclass(frozen=True)
class GeometryScores(Scores):
    """The measures of vectors (n, d), and of the positives' vectors (p, d) each."""

    vectors: np.ndarray
    first: np.ndarray
    second: np.ndarray

    @cached_property
    def spectrum(self) -> np.ndarray:
        """(d,) standard deviations along the principal axes, from large to small."""
        return geometry.spectrum(self.vectors)

    @cached_property
    def values(self) -> dict[str, float]:
        """{metric: value}, NaN for one that these vectors do not have, such as alignment without a positive pair."""
        return {
            "alignment": _defined(lambda: geometry.alignment(self.first, self.second)),
            "uniformity": _defined(lambda: geometry.uniformity(self.vectors)),
            "cosine": _defined(lambda: geometry.average_cosine(self.vectors)),
            "isoscore": _defined(lambda: geometry.isoscore(self.spectrum)),
        }

    def items(self, metric: str) -> tuple[np.ndarray, ...]:
        """The spectrum, for the plot; nothing else can be drawn again."""
        return (self.spectrum,) if metric == "isoscore" else ()

    def draws(self, metric: str, resamples: int, seed: int) -> np.ndarray | None:
        """None: no intervals."""
        return None

    def p_value(self, other: GeometryScores, metric: str, difference: np.ndarray) -> tuple[float, str]:
        """There is none."""
        raise ReproError("geometry has no paired test")


def _defined(measure: Callable[[], float]) -> float:
    try:
        return measure()
    except ReproError:
        return math.nan


GEOMETRY_TASKS = {"geometry": GeometryTask("geometry", "STSB", ("train", "dev", "test"))}
