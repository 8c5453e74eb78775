"""The area under the ROC curve, in percent, of scores that are resampled."""

from __future__ import annotations

import math

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
