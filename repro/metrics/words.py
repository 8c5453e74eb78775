"""How word vectors lie among one another: their k nearest by Euclidean distance, and their k largest dot products.

Letters: V words of a vocabulary, q of them that are asked about, d dimensions, k neighbours.
"""

from __future__ import annotations

import numpy as np

from repro.errors import ReproError

BLOCK = 256  # words whose products with all others are held at a time: 60 MB of float64 for BERT's vocabulary


def nearest(table: np.ndarray, asked: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """(Euclidean distances to the k nearest other words, from small to large; the k largest dot products with other
    words, from large to small), float64 (q, k) each, of the rows `asked` (q,) of the table (V, d) float32.

    A word is no neighbour of itself. ReproError where there are not k others.

    Nearest are looked for by |b|² − 2 a·b; the distances to the candidates are those of differences, which keep the
    digits that words lose in it which are near each other and far from the origin.
    """
    if len(table) <= k:
        raise ReproError(f"a vocabulary of {len(table)} has no {k} neighbours of a word; lower k")
    table = table.astype(np.float64)
    squares = np.einsum("vd,vd->v", table, table)  # (V,)
    candidates = min(len(table) - 1, 2 * k + 8)  # of words that are as near, up to rounding
    distances, products = (np.empty((len(asked), k)) for _ in range(2))
    for start in range(0, len(asked), BLOCK):
        rows = asked[start : start + BLOCK]  # (b,)
        dots = table[rows] @ table.T  # (b, V)
        squared = squares - 2 * dots  # (b, V), less |a|²
        here = np.arange(len(rows))
        dots[here, rows], squared[here, rows] = -np.inf, np.inf
        near = np.argpartition(squared, candidates - 1, axis=1)[:, :candidates].copy()  # (b, candidates)
        apart = table[near] - table[rows, None]  # (b, candidates, d)
        exact = np.sort(np.sqrt(np.einsum("bcd,bcd->bc", apart, apart)), axis=1)  # (b, candidates)
        distances[start : start + BLOCK] = exact[:, :k]
        products[start : start + BLOCK] = -np.sort(np.partition(-dots, k - 1, axis=1)[:, :k], axis=1)
    return distances, products
