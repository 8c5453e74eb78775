"""Graded pairs: how well an encoder's similarities of pairs correlate with the gold scores, under every aggregation.

`all` concatenates the subsets before one correlation (SBERT, SimCSE, MTEB); `mean` and `wmean` average the per-subset
correlations, plain or weighted by pair count (SentEval sts.py:80-98, BERT-flow, BERT-whitening).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from repro.errors import ReproError
from repro.metrics.base import AGGREGATIONS, Samples
from repro.metrics.correlation import CORRELATIONS, apart, constant, cosines
from repro.tasks.base import Data, Scores, Similarity, Task

METRICS = tuple(f"{correlation}-{aggregation}" for correlation in CORRELATIONS for aggregation in AGGREGATIONS)


class SimilarityTask(Task):
    """A task on graded pairs, scored by the correlation of similarities with the gold scores."""

    scores_pairs = True

    @property
    def metrics(self) -> tuple[str, ...]:
        """Every correlation under each aggregation."""
        return METRICS

    def _protocol(self, name: str) -> dict[str, str]:
        correlation, _, aggregation = name.rpartition("-")
        return {"agg": aggregation, "corr": correlation, "sim": "cos"}

    def _score(self, data: Data, row_of: Mapping[str, int], vectors: np.ndarray, encoder: str) -> Scores:
        similarities = []
        for part in data:
            first, second = (np.array([row_of[sentence] for sentence in side]) for side in (part.first, part.second))
            cosine = cosines(vectors, first, second)
            if len(cosine) > 1 and constant(cosine):
                raise ReproError(
                    f"{encoder}: all {len(cosine)} cosines of {part.name} are the same, beginning with "
                    f"{part.first[0]!r}; the encoder gives a constant vector"
                )
            similarities.append(cosine)
        return self.restore(data, tuple(similarities))

    def score_pairs(self, data: Data, similarity: Similarity) -> Scores:
        """The same from a model that reads both sentences at once, such as a cross-encoder."""
        return self.restore(data, apart([similarity(part.first, part.second) for part in data]))

    def restore(self, data: Data, items: tuple[np.ndarray, ...]) -> Scores:
        """Scores from the similarities of each part."""
        return SimilarityScores(items, tuple(part.gold for part in data))


@dataclass(frozen=True, eq=False)
class SimilarityScores(Scores):
    """Every correlation that the protocols of the field give for one encoder on one task, × 100."""

    similarities: tuple[np.ndarray, ...]  # of each pair, one (n,) float64 array a subset
    gold: tuple[np.ndarray, ...]

    @property
    def metrics(self) -> tuple[str, ...]:
        """Every correlation under each aggregation."""
        return METRICS

    @cached_property
    def _samples(self) -> Samples:
        return Samples(list(zip(self.similarities, self.gold, strict=True)))

    def samples(self, name: str) -> Samples:
        """(similarity, gold) of each subset."""
        return self._samples

    def items(self, name: str) -> tuple[np.ndarray, ...]:
        """The similarities, one array a subset."""
        return self.similarities
