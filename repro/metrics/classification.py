"""Accuracy and F1, in percent, of answers that are resampled."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from repro.metrics.base import Columns
from repro.metrics.bootstrap import Measure, resample_counts

BLOCK = 1_000_000  # items of resamples at a time


def accuracy(right: np.ndarray, weights: np.ndarray | None = None) -> Measure:
    """Share of right answers (n,) bool among drawn rows, × 100; weighted where there are `weights` (n,)."""
    if weights is None:
        return lambda drawn: 100 * float(right[drawn].mean())
    scored = weights * right

    def measure(drawn: np.ndarray) -> float:
        counts = np.bincount(drawn, minlength=len(right)).astype(np.float64)
        return float(100 * (counts @ scored) / (counts @ weights))

    return measure


def accuracy_draws(many: Sequence[Columns], resamples: int, seed: int) -> np.ndarray:
    """Bootstrap draws (m, resamples) of `accuracy` of m rows with the same weights: those of `bootstrap.draws`, in one
    product of matrices."""
    n, counts = len(many[0][0]), resample_counts(len(many[0][0]), resamples, seed)  # (resamples, n)
    weights = many[0][1] if len(many[0]) > 1 else np.ones(n)
    columns = np.column_stack([weights, *(weights * right for right, *_ in many)])  # (n, 1 + m)
    size = max(1, BLOCK // n)
    blocks = [counts[start : start + size].astype(np.float64) @ columns for start in range(0, resamples, size)]
    sums = np.concatenate(blocks)  # (resamples, 1 + m)
    return np.asarray(100 * sums[:, 1:] / sums[:, :1]).T


def f1(predicted: np.ndarray, gold: np.ndarray) -> Measure:
    """F1 of the class 1 among drawn rows of two (n,) arrays, × 100; 0 where neither holds it."""
    said, true = predicted == 1, gold == 1
    both = said & true

    def measure(drawn: np.ndarray) -> float:
        return float(100 * 2 * both[drawn].sum() / max(said[drawn].sum() + true[drawn].sum(), 1))

    return measure
