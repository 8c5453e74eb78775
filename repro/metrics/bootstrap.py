"""Seeded bootstrap intervals for correlations.

A resample of n pairs is a vector of counts (how often each pair was drawn), and both correlations can be written
with counts as weights; for Spearman the data are sorted once and not once per resample.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np

from repro.errors import ReproError
from repro.metrics.correlation import CORRELATIONS, Ranker

RESAMPLES = 1000
SEED = 12
AVERAGES = ("mean", "wmean")
AGGREGATIONS = ("all", *AVERAGES)


def _known(kind: str, name: str, names: Collection[str]) -> None:
    if name not in names:
        raise ReproError(f"the {kind} {name!r} is unknown; there are: {', '.join(names)}")


def _weighted_pearson(x: np.ndarray, y: np.ndarray, counts: np.ndarray) -> float:
    n = counts.sum()
    x, y = x - counts @ x / n, y - counts @ y / n
    wx = counts * x
    return float(wx @ y / np.sqrt((wx @ x) * ((counts * y) @ y)))


def correlation_draws(
    x: np.ndarray, y: np.ndarray, correlation: str, resamples: int = RESAMPLES, seed: int = SEED
) -> np.ndarray:
    """Bootstrap distribution (resamples,) of the Spearman or Pearson correlation of two (n,) arrays.

    The same seed and n give the same resamples, which is what makes two rows comparable pair by pair. A draw is NaN
    where one of the variables is constant in the resample, and everywhere when one holds a NaN. ReproError names the
    correlations there are.
    """
    _known("correlation", correlation, CORRELATIONS)
    rng = np.random.default_rng(seed)
    n = len(x)
    x, y = np.asarray(x, np.float64), np.asarray(y, np.float64)
    draws = np.full(resamples, np.nan)
    if np.isnan(x).any() or np.isnan(y).any():
        return draws
    rank_x, rank_y = Ranker(x), Ranker(y)
    for b in range(resamples):
        drawn = rng.integers(0, n, n)
        if _one_value(rank_x.group, drawn) or _one_value(rank_y.group, drawn):
            continue
        counts = np.bincount(drawn, minlength=n).astype(np.float64)
        if correlation == "spearman":
            draws[b] = _weighted_pearson(rank_x(counts), rank_y(counts), counts)
        else:
            draws[b] = _weighted_pearson(x, y, counts)
    return draws


def _one_value(group: np.ndarray, drawn: np.ndarray) -> bool:
    """Whether all of the drawn are of one group; the first and the last settle it mostly."""
    return bool(group[drawn[0]] == group[drawn[-1]] and np.ptp(group[drawn]) == 0)


def aggregated_draws(
    parts: Sequence[tuple[np.ndarray, np.ndarray]],
    correlation: str,
    aggregation: str,
    resamples: int = RESAMPLES,
    seed: int = SEED,
) -> np.ndarray:
    """Draws of the aggregate over subsets: `all` resamples the concatenation, `mean`/`wmean` each subset by itself.

    ReproError names the aggregations, or the correlations, that there are.
    """
    _known("aggregation", aggregation, AGGREGATIONS)
    if aggregation == "all":
        x, y = (np.concatenate(column) for column in zip(*parts, strict=True))
        return correlation_draws(x, y, correlation, resamples, seed)
    draws = subset_draws(parts, correlation, resamples, seed)
    return averaged(draws, [len(x) for x, _ in parts], aggregation)


def subset_draws(
    parts: Sequence[tuple[np.ndarray, np.ndarray]], correlation: str, resamples: int = RESAMPLES, seed: int = SEED
) -> np.ndarray:
    """Draws (subsets, resamples), each subset resampled by itself."""
    return np.stack([correlation_draws(x, y, correlation, resamples, seed + i) for i, (x, y) in enumerate(parts)])


def averaged(draws: np.ndarray, sizes: Sequence[int], aggregation: str) -> np.ndarray:
    """(resamples,) from draws (subsets, resamples): `mean`, or `wmean` weighted by the subsets' sizes."""
    _known("average", aggregation, AVERAGES)
    return np.asarray(np.average(draws, axis=0, weights=sizes if aggregation == "wmean" else None))


def degenerate(draws: np.ndarray) -> int:
    """How many bootstrap draws (resamples,) are NaN: they are left out of intervals and tests, which should say so."""
    return int(np.isnan(draws).sum())


def interval(draws: np.ndarray, level: float = 0.95) -> tuple[float, float]:
    """Percentile interval of bootstrap draws (resamples,) without the `degenerate` ones; NaN when there is no other."""
    kept = draws[~np.isnan(draws)]
    if not len(kept):
        return float("nan"), float("nan")
    low, high = np.quantile(kept, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def paired_p_value(difference: np.ndarray) -> float:
    """Two-sided p of "no difference" from paired bootstrap differences (resamples,), never below 1/(kept + 1).

    `degenerate` differences are left out: a resample on which one row has no correlation speaks for neither. NaN, which
    is no test, when there is no other.
    """
    kept = difference[~np.isnan(difference)]
    if not len(kept):
        return float("nan")
    below, above = (kept <= 0).sum() + 1, (kept >= 0).sum() + 1
    return float(min(1.0, 2 * min(below, above) / (len(kept) + 1)))
