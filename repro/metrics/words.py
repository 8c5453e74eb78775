"""How word vectors lie among one another: their k nearest by Euclidean distance, and their k largest dot products.

Letters: V words of a vocabulary, q of them that are asked about, d dimensions, k neighbours.
"""

from __future__ import annotations

import numpy as np

from repro.errors import ReproError

BLOCK = 512  # words whose products with all others are held at a time: 60 MB of float32 for BERT's vocabulary


def nearest(table: np.ndarray, asked: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """(Euclidean distances to the k nearest other words, from small to large; the k largest dot products with other
    words, from large to small), float32 (q, k) each, of the rows `asked` (q,) of the table (V, d) float32.

    A word is no neighbour of itself. ReproError where there are not k others.

    Nearest are looked for by |a|² + |b|² − 2 a·b in float32, without the common offset that would take its digits;
    the distances to the candidates are those of differences in float64.
    """
    if len(table) <= k:
        raise ReproError(f"a vocabulary of {len(table)} has no {k} neighbours of a word; lower k")
    centred = table - table.mean(axis=0, dtype=np.float64).astype(np.float32)  # (V, d)
    squares = np.einsum("vd,vd->v", centred, centred)  # (V,)
    candidates = min(len(table) - 1, 2 * k + 8)  # of words that are as near, up to rounding
    distances, products = (np.empty((len(asked), k), np.float32) for _ in range(2))
    for start in range(0, len(asked), BLOCK):
        rows = asked[start : start + BLOCK]  # (b,)
        here = np.arange(len(rows))
        squared = squares - 2 * (centred[rows] @ centred.T)  # (b, V), less |a|²
        squared[here, rows] = np.inf
        near = np.argpartition(squared, candidates - 1, axis=1)[:, :candidates]  # (b, candidates)
        apart = table[near].astype(np.float64) - table[rows, None]  # (b, candidates, d)
        exact = np.sort(np.sqrt(np.einsum("bcd,bcd->bc", apart, apart)), axis=1)  # (b, candidates)
        distances[start : start + BLOCK] = exact[:, :k]
        dots = table[rows] @ table.T  # (b, V)
        dots[here, rows] = -np.inf
        products[start : start + BLOCK] = -np.sort(np.partition(-dots, k - 1, axis=1)[:, :k], axis=1)
    return distances, products
