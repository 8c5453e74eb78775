"""Errors of predicted scores, which are resampled."""

from __future__ import annotations

import numpy as np

from repro.metrics.bootstrap import Measure


def squared_error(predicted: np.ndarray, gold: np.ndarray) -> Measure:
    """Mean of (predicted − gold)² over drawn rows of two (n,) arrays, in squared units of the scores."""
    squares = (predicted - gold) ** 2  # (n,)
    return lambda drawn: float(squares[drawn].mean())
