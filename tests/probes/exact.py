"""Vectors of fractions, and cosines between them in rational arithmetic."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

Vector = tuple[Fraction, ...]


def squared_cosine(u: Vector, v: Vector) -> Fraction:
    """cos θ |cos θ|, which has the order of cos θ and is a fraction; 0 where a vector is zero."""
    dot, norms = sum(a * b for a, b in zip(u, v, strict=True)), sum(a * a for a in u) * sum(b * b for b in v)
    return abs(dot) * dot / norms if norms else Fraction(0)


def averages(n: int, seed: int, words: int = 6, d: int = 3) -> list[Vector]:
    """Averages of one to seven of a few words whose vectors are small integers: many cosines between them are equal."""
    rng = np.random.default_rng(seed)
    table = rng.integers(-3, 4, (words, d))
    chosen = [table[rng.integers(0, words, rng.integers(1, 8))] for _ in range(n)]
    return [tuple(Fraction(int(total), len(rows)) for total in rows.sum(axis=0)) for rows in chosen]


def float32(vectors: list[Vector]) -> np.ndarray:
    """(n, d) rounded to float32, as encoders give them."""
    return np.array(vectors, np.float64).astype(np.float32)
