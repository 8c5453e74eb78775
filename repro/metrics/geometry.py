"""How sentence vectors lie in space: alignment, uniformity, isotropy.

Letters: n sentences, d dimensions. Vectors are divided by their norms first, except for the spectrum and IsoScore.
"""

from __future__ import annotations

import math

import numpy as np

from repro.errors import ReproError
from repro.metrics.correlation import unit

BLOCK = 1024  # rows of the n × n distances held at a time


def _need_pairs(vectors: np.ndarray) -> None:
    if len(vectors) < 2:
        raise ReproError(f"vectors make pairs from two on, and there are {len(vectors)}; give more sentences")


def alignment(first: np.ndarray, second: np.ndarray) -> float:
    """Mean squared distance ‖f(x) − f(x⁺)‖² of positive pairs, (n, d) each (Wang and Isola 2020, eq. 1; α = 2)."""
    if not len(first):
        raise ReproError("alignment is that of positive pairs, and there is none; give more of them")
    return float(np.square(unit(first) - unit(second)).sum(axis=1).mean())


def uniformity(vectors: np.ndarray) -> float:
    """log of the mean of exp(−2 ‖f(x) − f(y)‖²) over all pairs of different rows of (n, d) (eq. 2; t = 2).

    A row of zeros stays where it is, at the centre of the sphere that the others lie on.

    Products and exponentials in float32, which is good to 1e-6 here, sums in float64. ReproError for fewer than two.
    """
    _need_pairs(vectors)
    points = unit(vectors).astype(np.float32)
    squared = np.asarray(points.any(axis=1), np.float32)  # (n,) norms: 1, or 0
    total = 0.0
    for start in range(0, len(points), BLOCK):
        block = points[start : start + BLOCK]
        kernel = block @ points[start:].T  # (b, n − start); −2 ‖x − y‖² = 4 x·y − 2 (‖x‖² + ‖y‖²)
        kernel *= 4
        kernel -= 2 * np.add.outer(squared[start : start + BLOCK], squared[start:])
        np.exp(kernel, out=kernel)
        inner = kernel[:, : len(block)]
        total += float(kernel[:, len(block) :].sum(dtype=np.float64))
        total += (float(inner.sum(dtype=np.float64)) - float(np.trace(inner, dtype=np.float64))) / 2
    mean = total / (len(points) * (len(points) - 1) / 2)
    return min(0.0, math.log(mean))  # in float32 a point's distance to itself may come out below 0


def average_cosine(vectors: np.ndarray) -> float:
    """Mean cosine over all pairs of different rows (Ethayarajh 2019): near 1 in a narrow cone, 0 where they cancel.

    ReproError for fewer than two.
    """
    _need_pairs(vectors)
    points = unit(vectors)
    n = len(points)
    whole = float(np.square(points.sum(axis=0)).sum())
    return (whole - float(np.square(points).sum())) / (n * (n - 1))


def spectrum(vectors: np.ndarray) -> np.ndarray:
    """(d,) singular values of the centred (n, d) divided by √(n − 1), from large to small: standard deviations along
    the principal axes. ReproError for fewer than two vectors.
    """
    _need_pairs(vectors)
    centred = vectors.astype(np.float64) - vectors.mean(axis=0, dtype=np.float64)
    values: np.ndarray = np.linalg.eigvalsh(centred.T @ centred / (len(vectors) - 1))[::-1]  # (d,)
    deviations: np.ndarray = np.sqrt(np.clip(values, 0, None))
    return deviations


def isoscore(deviations: np.ndarray) -> float:
    """IsoScore (Rudman et al. 2022, Algorithm 1) of a spectrum (d,): 1 where all variances are equal, 0 for a line.

    ReproError where it has no meaning: in one dimension, and for vectors that are all the same.
    """
    d = len(deviations)
    if d < 2 or not deviations.any():
        raise ReproError(
            "IsoScore says how variance is spread over dimensions, and there is "
            + ("one dimension" if d < 2 else "no variance: all vectors are the same")
        )
    variances = np.square(deviations)
    normalized = math.sqrt(d) * variances / np.linalg.norm(variances)  # (d,)
    defect = np.linalg.norm(normalized - 1) / math.sqrt(2 * (d - math.sqrt(d)))
    share = (d - defect**2 * (d - math.sqrt(d))) ** 2 / d**2  # of the dimensions that are used
    return float((d * share - 1) / (d - 1))
