"""Correlations and cosines, in float64; vectors of unit length; which values count as equal.

A new correlation is one line of `CORRELATIONS`; it has its aggregations and intervals from there.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import DTypeLike

from repro.errors import ReproError
from repro.metrics.base import Columns, Together
from repro.metrics.bootstrap import Measure, resample_counts
from repro.metrics.kendall import WeightedKendall

# Cosines are compared as angles, in radians, and count as equal within four unit roundoffs of float32 (2⁻²⁴ each):
# rounding a vector to float32 turns it by at most one, so the angles of two pairs that are equal in exact arithmetic
# come out at most four apart. In cosines that is 2⁻²² sin θ, so that a narrow cone keeps its order.
TIE = 2.0**-22
FEWEST = 3  # items that can have another correlation than ±1
BLOCK = 100_000  # items of resamples at a time, which a core's cache holds


def _angles(values: np.ndarray) -> np.ndarray:
    """arcsin of cosines (n,), which has their order; beyond ±1, where there are scores of other kinds, a shift."""
    values = np.asarray(values, np.float64)
    clipped = np.clip(values, -1, 1)
    return np.asarray(np.arcsin(clipped) + (values - clipped))


def tied(values: np.ndarray) -> np.ndarray:
    """Group (n,) of each of the values (n,), counted from 0 for the smallest; values of one group count as equal.

    A group begins with its smallest value and takes all that exceed it by no more than `TIE`: its width is bounded,
    where a chain of small steps could join everything. NaN comes last.
    """
    angles = _angles(values)
    order = np.argsort(angles, kind="stable")
    ordered = angles[order]
    beyond = np.searchsorted(ordered, ordered + TIE, side="right")  # where a group that begins here ends
    takes_next = beyond > np.arange(1, len(angles) + 1)
    begins = np.ones(len(angles), np.int64)
    end = 0
    for start in np.flatnonzero(takes_next | np.append(False, takes_next)[:-1]).tolist():  # the others are alone
        begins[start] = start >= end
        if start >= end:
            end = int(beyond[start])
    groups = np.empty(len(angles), np.int64)
    groups[order] = np.cumsum(begins) - 1
    return groups


def at_least(values: np.ndarray, bound: float) -> np.ndarray:
    """Which of the cosines (n,) float32 are above a bound or count as equal to it, bool (n,)."""
    reached = np.asarray(values, np.float32) >= np.float32(bound)
    return np.asarray(reached | (_angles(values) >= _angles(np.array(bound)) - TIE))


def apart(parts: Sequence[np.ndarray]) -> tuple[np.ndarray, ...]:
    """Scores (n,) of pairs that are no cosines, times one power of two: then none but equal ones are within `TIE`.

    A sigmoid's are as close to one another as they are to 0. The factor changes no rank and no correlation.
    """
    scores = [np.asarray(part, np.float64) for part in parts]
    together = np.concatenate(scores)
    known = np.unique(together[np.isfinite(together)])
    least = np.diff(known).min(initial=math.inf)
    if not 0 < least < math.inf:
        return tuple(scores)
    needed = math.frexp(2 * TIE / least)[1]
    room = 500 - math.frexp(float(np.abs(known).max()))[1]  # squares stay finite
    return tuple(np.ldexp(part, max(0, min(needed, room))) for part in scores)


class Ranker:
    """Mid-ranks of one variable (n,); with counts, those in a sample that holds each value so many times.

    The mid-rank of a group of ties (`tied`) is (values below the group) + (values in the group + 1) / 2.
    """

    def __init__(self, values: np.ndarray) -> None:
        self.values = np.asarray(values, np.float64)
        self.group = tied(self.values)  # (n,)

    def __call__(self, counts: np.ndarray | None = None) -> np.ndarray:
        """float64 (n,) mid-ranks; `counts` (n,) is one for every value by default."""
        drawn = np.bincount(self.group, weights=counts)  # (groups,)
        return np.asarray((np.cumsum(drawn) - (drawn - 1) / 2)[self.group])

    def constant(self, drawn: np.ndarray) -> bool:
        """Whether all of the drawn rows are of one group; the first and the last settle it mostly."""
        group = self.group
        return bool(group[drawn[0]] == group[drawn[-1]] and np.ptp(group[drawn]) == 0)


def constant(values: np.ndarray) -> bool:
    """Whether all values (n,) count as equal, as fewer than two do."""
    return len(values) < 2 or bool(np.ptp(_angles(values)) <= TIE)


def _has_none(x: np.ndarray, y: np.ndarray) -> bool:
    """Whether two variables have no correlation: one is constant, or there are two items, which lie on a line."""
    return len(x) < FEWEST or constant(x) or constant(y)


def pearson(x: np.ndarray, y: np.ndarray) -> float:
    """Pearson's r of two (n,) arrays; NaN when one of them is constant (rounding is no correlation) or holds a NaN, and
    for fewer than three items."""
    x, y = np.asarray(x, np.float64), np.asarray(y, np.float64)
    if _has_none(x, y):
        return float("nan")
    x, y = x - x.mean(), y - y.mean()
    return float(np.clip(x @ y / np.sqrt((x @ x) * (y @ y)), -1.0, 1.0))


def spearman(x: np.ndarray, y: np.ndarray) -> float:
    """Spearman's ρ of two (n,) arrays: Pearson's r of the mid-ranks; NaN as there."""
    if np.isnan(x).any() or np.isnan(y).any():
        return float("nan")
    return pearson(Ranker(x)(), Ranker(y)())


def kendall(x: np.ndarray, y: np.ndarray) -> float:
    """Kendall's τ-b of two (n,) arrays, values of one group (`tied`) being ties; NaN as `pearson`."""
    if np.isnan(x).any() or np.isnan(y).any() or _has_none(x, y):
        return math.nan
    return WeightedKendall(tied(x), tied(y))(np.ones(len(x)))


Weighted = Callable[[np.ndarray], float]  # counts (n,), how often each pair is in a sample → its correlation


@dataclass(frozen=True)
class Correlation:
    """A correlation of two (n,) arrays: its `value`, and `weighted`, prepared once for many resamples of the pairs.

    `together`: the draws of many first variables with one second variable at once.
    """

    value: Callable[[np.ndarray, np.ndarray], float]
    weighted: Callable[[Ranker, Ranker], Weighted]
    together: Together | None = None

    def resampled(self, x: np.ndarray, y: np.ndarray) -> Measure:
        """The correlation of drawn rows: NaN where one variable is constant among them, or holds a NaN anywhere."""
        if np.isnan(x).any() or np.isnan(y).any():
            return lambda drawn: math.nan
        first, second = Ranker(x), Ranker(y)
        weighted = self.weighted(first, second)

        def measure(drawn: np.ndarray) -> float:
            if first.constant(drawn) or second.constant(drawn):
                return math.nan
            return weighted(np.bincount(drawn, minlength=len(x)).astype(np.float64))

        return measure


def _weighted_pearson(x: np.ndarray, y: np.ndarray, counts: np.ndarray) -> float:
    n = counts.sum()
    x, y = x - counts @ x / n, y - counts @ y / n
    wx = counts * x
    return float(wx @ y / np.sqrt((wx @ x) * ((counts * y) @ y)))


def spearman_draws(many: Sequence[Columns], resamples: int, seed: int) -> np.ndarray:
    """Bootstrap draws (m, resamples) of Spearman's ρ of m pairs (x, y) of (n,) arrays whose y are all the same.

    Those of `bootstrap.draws` of the weighted correlation, several times as fast: the ranks of y are computed once for
    all, and with x in order, its ranks in a resample are a cumulative sum. Mid-ranks of n values have the sum
    n (n + 1) / 2 and, with groups of c equal values, the sum of squares n (n + 1) (2 n + 1) / 6 − Σ (c³ − c) / 12
    (Kendall 1945); all sums are exact.
    """
    gold = many[0][1]
    n, drawn = len(gold), resample_counts(len(gold), resamples, seed)  # (resamples, n)
    defined = [row for row, (x, _) in enumerate(many) if not np.isnan(x).any() and not np.isnan(gold).any()]
    ordered = {row: _Ordered(many[row][0]) for row in defined}
    level = n * ((n + 1) / 2) ** 2
    squares = n * (n + 1) * (2 * n + 1) / 6 - level  # about the mean, of ranks without ties
    second = tied(gold)
    rho = np.full((len(many), resamples), np.nan)
    size = max(1, BLOCK // n)
    for start in range(0, resamples, size):
        block = slice(start, start + size)
        count = drawn[block].astype(np.float64)  # (b, n)
        of_gold = np.array([np.bincount(second, weights=times) for times in count])  # (b, groups)
        ranks = np.cumsum(of_gold, axis=1) - (of_gold - 1) / 2
        weighted = count * ranks[:, second]  # (b, n), ranks of y times how often they were drawn
        spread, ties, half = squares - _ties(of_gold), _ties(count), _products(count - 1, weighted) / 2
        for row, of_row in ordered.items():
            products, more = of_row.products(drawn[block], weighted)
            with np.errstate(divide="ignore", invalid="ignore"):  # a constant variable has no correlation
                rho[row, block] = (products - half - level) / np.sqrt((squares - ties - more) * spread)
    return rho


class _Ordered:
    """A variable x (n,) in order, and which of its places are of groups of several equal values."""

    def __init__(self, x: np.ndarray) -> None:
        group = tied(x)
        self.order = np.argsort(group, kind="stable")
        self.in_groups = np.flatnonzero(np.bincount(group)[group[self.order]] > 1)
        begins = np.flatnonzero(np.diff(group[self.order][self.in_groups], prepend=-1))
        self.begins = begins
        self.ends = self.in_groups[np.append(begins[1:], len(self.in_groups)) - 1] if len(begins) else begins

    def products(self, count: np.ndarray, weighted: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(Σ rank of x × `weighted`, plus half of Σ (`count` − 1) × `weighted`; what x's groups add to `_ties`).

        Of resamples (b, n) in the order of the data; (b,) each.
        """
        times, sums = count.take(self.order, axis=1), weighted.take(self.order, axis=1)
        upto = np.cumsum(times, axis=1, dtype=np.int32).astype(np.float64)  # in floats each sum waits for the last
        products = _products(upto, sums)
        if not len(self.begins):
            return products, np.zeros(len(count))
        single, of_single = times[:, self.in_groups].astype(np.float64), sums[:, self.in_groups]
        joint, of_joint = (np.add.reduceat(values, self.begins, axis=1) for values in (single, of_single))
        products += _products(upto[:, self.ends] - (joint - 1) / 2, of_joint)
        products -= _products(upto[:, self.in_groups] - (single - 1) / 2, of_single)
        return products, _ties(joint) - _ties(single)


def _products(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """(b, n) and (b, n) → (b,) sums of products."""
    return np.asarray(np.einsum("bn,bn->b", first, second))


def _ties(counts: np.ndarray) -> np.ndarray:
    """Σ (c³ − c) / 12 over groups of c equal values, (b, groups) → (b,)."""
    return np.asarray((_products(counts * counts, counts) - counts.sum(axis=1)) / 12)


CORRELATIONS = {
    "spearman": Correlation(
        spearman, lambda x, y: lambda counts: _weighted_pearson(x(counts), y(counts), counts), spearman_draws
    ),
    "pearson": Correlation(pearson, lambda x, y: lambda counts: _weighted_pearson(x.values, y.values, counts)),
    "kendall": Correlation(kendall, lambda x, y: WeightedKendall(x.group, y.group)),
}


def unit(vectors: np.ndarray, dtype: DTypeLike = np.float64) -> np.ndarray:
    """A copy (n, d) of `dtype` with rows of norm 1; a zero vector stays, so that its cosines are 0.

    Norms are float64, where the squares of float32 neither overflow nor vanish. ReproError when a row is not finite.
    """
    norms = np.sqrt(np.einsum("nd,nd->n", vectors, vectors, dtype=np.float64))[:, None]  # (n, 1)
    if not np.isfinite(norms).all():
        raise ReproError(f"vector {int(np.isfinite(norms).argmin()) + 1} of {len(norms)} is not finite")
    directions = vectors.astype(dtype)
    np.divide(directions, norms, out=directions, where=norms > 0, casting="same_kind")
    return directions


def cosines(vectors: np.ndarray, first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Cosine of row `first[i]` with row `second[i]` of `vectors` (n, d), as float64; 0 where a vector is zero."""
    points = unit(vectors)
    return np.asarray(np.einsum("nd,nd->n", points[first], points[second]))
