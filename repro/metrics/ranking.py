"""Of rankings: the area under the ROC curve, in percent, reciprocal ranks, and the size of what is searched."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence

import numpy as np

from repro.metrics.bootstrap import Measure
from repro.metrics.correlation import Ranker


def auc(scores: np.ndarray, positive: np.ndarray) -> Measure:
    """Share of the pairs of a positive and a negative item in which the positive has the higher score, ties one half,
    × 100, among drawn rows of (n,) scores and (n,) bool; NaN where one kind is not drawn.

    From the sum of the positives' mid-ranks (Mann and Whitney 1947); scores that count as equal are ties.
    """
    ranker = Ranker(scores)

    def measure(drawn: np.ndarray) -> float:
        counts = np.bincount(drawn, minlength=len(scores)).astype(np.float64)  # (n,)
        positives, negatives = counts[positive].sum(), counts[~positive].sum()
        if not positives or not negatives:
            return math.nan
        ranks = float(counts[positive] @ ranker(counts)[positive])
        return float(100 * (ranks - positives * (positives + 1) / 2) / (positives * negatives))

    return measure


def reciprocal_ranks(found: np.ndarray, right: Sequence[Collection[int]]) -> np.ndarray:
    """1 / rank (q,) of the first right row among those that each query found, (q, k) from near to far; 0 for none.

    `right` has the right rows of each query. The mean of these is the mean reciprocal rank at k (Voorhees 1999).
    """
    first = (
        next((rank for rank, row in enumerate(rows, 1) if row in answers), math.inf)
        for rows, answers in zip(found.tolist(), right, strict=True)
    )
    return np.array([1 / rank for rank in first])


def gigabytes(vectors: np.ndarray, dimensions: np.ndarray) -> float:
    """2³⁰ bytes of so many vectors (1,) of so many float32 values (1,) each."""
    return float(4 * vectors[0] * dimensions[0] / 2**30)
