"""Means and medians over timed runs, ranks of retrieval or words, which are resampled."""

from __future__ import annotations

import numpy as np

from repro.metrics.bootstrap import Measure


def mean(values: np.ndarray) -> Measure:
    """Mean of (r,) values, one an item, among drawn items."""
    return lambda drawn: float(values[drawn].mean())


def median(values: np.ndarray) -> Measure:
    """Median of (r,) values, one an item, among drawn items."""
    return lambda drawn: float(np.median(values[drawn]))


def rate(seconds: np.ndarray) -> Measure:
    """Items a second over all drawn runs of equal length, from the seconds (r,) an item of each."""
    return lambda drawn: float(1 / seconds[drawn].mean())
