"""Pearson, Spearman and cosine, in float64; vectors of unit length."""

from __future__ import annotations

import numpy as np
from numpy.typing import DTypeLike


class Ranker:
    """Mid-ranks of one variable (n,); with counts, those in a sample that holds each value so many times.

    The mid-rank of a group of ties is (values below the group) + (values in the group + 1) / 2.
    """

    def __init__(self, values: np.ndarray) -> None:
        _, self.group = np.unique(values, return_inverse=True)  # (n,) place of each value among the distinct ones

    def __call__(self, counts: np.ndarray | None = None) -> np.ndarray:
        """float64 (n,) mid-ranks; `counts` (n,) is one for every value by default."""
        drawn = np.bincount(self.group, weights=counts)  # (distinct,)
        return np.asarray((np.cumsum(drawn) - (drawn - 1) / 2)[self.group])


def pearson(x: np.ndarray, y: np.ndarray) -> float:
    """Pearson's r of two (n,) arrays; NaN when one of them is constant."""
    x, y = np.asarray(x, np.float64), np.asarray(y, np.float64)
    if np.ptp(x) == 0 or np.ptp(y) == 0:  # rounding in the mean must not turn a constant into a correlation
        return float("nan")
    x, y = x - x.mean(), y - y.mean()
    return float(np.clip(x @ y / np.sqrt((x @ x) * (y @ y)), -1.0, 1.0))


def spearman(x: np.ndarray, y: np.ndarray) -> float:
    """Spearman's ρ of two (n,) arrays: Pearson's r of the mid-ranks; NaN when one of them is constant."""
    return pearson(Ranker(x)(), Ranker(y)())


CORRELATIONS = {"spearman": spearman, "pearson": pearson}


def unit(vectors: np.ndarray, dtype: DTypeLike = np.float64) -> np.ndarray:
    """A copy (n, d) of `dtype` with rows of norm 1; a zero vector stays, so that its cosines are 0."""
    found = vectors.astype(dtype)
    norms = np.linalg.norm(found, axis=1, keepdims=True)  # (n, 1)
    np.divide(found, norms, out=found, where=norms > 0)
    return found


def cosines(vectors: np.ndarray, first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Cosine of row `first[i]` with row `second[i]` of `vectors` (n, d), as float64; 0 where a vector is zero."""
    points = unit(vectors)
    return np.asarray(np.einsum("nd,nd->n", points[first], points[second]))
