"""Accuracy and F1, in percent, of answers that are resampled."""

from __future__ import annotations

import numpy as np

from repro.metrics.bootstrap import Measure


def accuracy(right: np.ndarray, weights: np.ndarray | None = None) -> Measure:
    """Share of right answers (n,) bool among drawn rows, × 100; weighted where there are `weights` (n,)."""
    if weights is None:
        return lambda drawn: 100 * float(right[drawn].mean())
    scored = weights * right

    def measure(drawn: np.ndarray) -> float:
        counts = np.bincount(drawn, minlength=len(right)).astype(np.float64)
        return float(100 * (counts @ scored) / (counts @ weights))

    return measure


def f1(predicted: np.ndarray, gold: np.ndarray) -> Measure:
    """F1 of the class 1 among drawn rows of two (n,) arrays, × 100; 0 where neither holds it."""
    said, true = predicted == 1, gold == 1
    both = said & true

    def measure(drawn: np.ndarray) -> float:
        return float(100 * 2 * both[drawn].sum() / max(said[drawn].sum() + true[drawn].sum(), 1))

    return measure
