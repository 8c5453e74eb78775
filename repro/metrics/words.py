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
    """
    if len(table) <= k:
        raise ReproError(f"a vocabulary of {len(table)} has no {k} neighbours of a word; lower k")
    squares = np.einsum("vd,vd->v", table, table)  # (V,)
    distances, products = (np.empty((len(asked), k), np.float32) for _ in range(2))
    for start in range(0, len(asked), BLOCK):
        rows = asked[start : start + BLOCK]  # (b,)
        dots = table[rows] @ table.T  # (b, V)
        squared = squares[rows, None] + squares - 2 * dots  # (b, V)
        here = np.arange(len(rows))
        dots[here, rows], squared[here, rows] = -np.inf, np.inf
        closest = np.sort(np.partition(squared, k - 1, axis=1)[:, :k], axis=1)  # (b, k)
        distances[start : start + BLOCK] = np.sqrt(np.maximum(closest, 0))  # rounding goes below 0
        products[start : start + BLOCK] = -np.sort(np.partition(-dots, k - 1, axis=1)[:, :k], axis=1)
    return distances, products
