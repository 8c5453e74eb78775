"""Seeded bootstrap: draws of any statistic over resampled items, and what intervals and tests make of draws."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import numpy as np

RESAMPLES = 1000
SEED = 12
LEVELS = ((1 - 0.95) / 2, (1 + 0.95) / 2)  # between which an interval has 95 % of the draws

Measure = Callable[[np.ndarray], float]  # rows (n,) drawn with repetition → the statistic of that resample


def draws(measure: Measure, n: int, resamples: int = RESAMPLES, seed: int = SEED) -> np.ndarray:
    """Bootstrap distribution (resamples,) of a statistic of n items; NaN where `measure` says that it has none.

    The same seed and n give the same resamples, which is what makes two rows comparable item by item.
    """
    rng = np.random.default_rng(seed)
    return np.array([measure(rng.integers(0, n, n)) for _ in range(resamples)], np.float64)


@lru_cache(maxsize=64)  # a byte an item and resample: some 100 MB of all test sets together
def resample_counts(n: int, resamples: int = RESAMPLES, seed: int = SEED) -> np.ndarray:
    """How often each of n items is in each resample of `draws` with that seed, uint8 (resamples, n)."""
    rng = np.random.default_rng(seed)
    counts = np.empty((resamples, n), np.uint8)  # beyond 255 items, nobody draws one of them 256 times
    for row in counts:
        row[:] = np.bincount(rng.integers(0, n, n), minlength=n)
    return counts


def interval(draws: np.ndarray) -> tuple[float, float]:
    """Percentile interval of bootstrap draws (resamples,) without those that are NaN; NaN when there is no other."""
    kept = draws[~np.isnan(draws)]
    if not len(kept):
        return float("nan"), float("nan")
    low, high = np.quantile(kept, LEVELS)
    return float(low), float(high)


def intervals(draws: np.ndarray) -> np.ndarray:
    """`interval` of each of m distributions (m, resamples), all of which have a draw that is no NaN; (m, 2)."""
    quantile = np.nanquantile if np.isnan(draws).any() else np.quantile
    return np.asarray(quantile(draws, LEVELS, axis=1)).T


def paired_p_value(difference: np.ndarray) -> float:
    """Two-sided p of "no difference" from paired bootstrap differences (resamples,), never below 1/(kept + 1).

    Differences that are NaN are left out: a resample on which one row has no correlation speaks for neither. NaN, which
    is no test, when there is no other.
    """
    kept = difference[~np.isnan(difference)]
    if not len(kept):
        return float("nan")
    below, above = (kept <= 0).sum() + 1, (kept >= 0).sum() + 1
    return float(min(1.0, 2 * min(below, above) / (len(kept) + 1)))
