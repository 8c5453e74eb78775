"""Exact nearest neighbours by cosine, in blocks: memory does not grow with the number of vectors.

Letters: q queries, n vectors, d dimensions, m vectors of a block. Of equal cosines the first row comes first.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np

from repro.errors import ReproError
from repro.metrics.correlation import unit

BLOCK = 4096  # a block of cosines between two of them is 64 MB of float32


def blocks_of(vectors: np.ndarray, size: int = BLOCK) -> Iterator[np.ndarray]:
    """(m, d) slices."""
    for start in range(0, len(vectors), size):
        yield vectors[start : start + size]


def similarities(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Cosines (q, n) of (q, d) with (n, d), float32."""
    found: np.ndarray = unit(first, np.float32) @ unit(second, np.float32).T
    return found


def top_k(queries: np.ndarray, blocks: Iterable[np.ndarray], k: int) -> tuple[np.ndarray, np.ndarray]:
    """The k largest cosines (q, k) of each query (q, d) and the rows (q, k) they belong to, from large to small.

    `blocks` (m, d) may come from a file or a generator: one is held at a time. Fewer than k vectors give fewer columns.
    Raises ReproError when there is none.
    """
    asked = unit(queries, np.float32)
    best = np.empty((len(asked), 0), np.float32)
    rows = np.empty((len(asked), 0), np.int64)
    start = 0
    for block in blocks:
        cosine = asked @ unit(block, np.float32).T  # (q, m)
        here = np.broadcast_to(np.arange(start, start + len(block)), cosine.shape)
        if cosine.shape[1] > 4 * k:  # the rest of a block is far from the best
            candidates = np.argpartition(-cosine, k, axis=1)[:, : k + 1]
            floor = np.take_along_axis(cosine, candidates, axis=1).min(axis=1, keepdims=True)
            if (cosine >= floor).sum(axis=1).max() == k + 1:  # no ties at the edge: nothing is lost
                cosine = np.take_along_axis(cosine, candidates, axis=1)
                here = candidates + start
        best, rows = np.concatenate([best, cosine], axis=1), np.concatenate([rows, here], axis=1)
        order = np.lexsort((rows, -best), axis=1)[:, :k]
        best, rows = np.take_along_axis(best, order, axis=1), np.take_along_axis(rows, order, axis=1)
        start += len(block)
    if start == 0:
        raise ReproError("the index is empty; give it at least one sentence")
    return best, rows


def closest_pairs(vectors: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """The k largest cosines (k,) among all pairs of different rows of (n, d), and the pairs (k, 2), first < second."""
    if len(vectors) < 2:
        raise ReproError(f"{len(vectors)} sentences make no pair; give at least two")
    points = unit(vectors, np.float32)
    best, pairs = np.empty(0, np.float32), np.empty((0, 2), np.int64)
    for i in range(0, len(points), BLOCK):
        for j in range(i, len(points), BLOCK):
            cosine = points[i : i + BLOCK] @ points[j : j + BLOCK].T
            if i == j:
                cosine[np.tril_indices(len(cosine), m=cosine.shape[1])] = -np.inf
            floor = best[-1] if len(best) == k else -np.inf
            if cosine.size > 4 * k:
                floor = max(floor, np.partition(cosine, -k, axis=None)[-k])
            first, second = np.nonzero((cosine >= floor) & (cosine > -np.inf))
            best = np.concatenate([best, cosine[first, second]])
            pairs = np.concatenate([pairs, np.stack([first + i, second + j], axis=1)])
            order = np.lexsort((pairs[:, 1], pairs[:, 0], -best))[:k]
            best, pairs = best[order], pairs[order]
    return best, pairs


def faiss_top_k(queries: np.ndarray, vectors: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """`top_k` by FAISS's exact index of inner products; ReproError when FAISS is not installed."""
    try:
        import faiss
    except ImportError:
        raise ReproError("FAISS is not installed; `pip install faiss-cpu`, or leave --faiss out") from None
    if len(vectors) == 0:
        raise ReproError("the index is empty; give it at least one sentence")
    index = faiss.IndexFlatIP(vectors.shape[1])
    index.add(unit(vectors, np.float32))
    best, rows = index.search(unit(queries, np.float32), min(k, len(vectors)))
    return best, rows
