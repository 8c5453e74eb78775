"""Exact nearest neighbours by cosine, in blocks: memory does not grow with the number of vectors.

Letters: q queries, n vectors, d dimensions, m vectors of a block. Of equal cosines (metrics.correlation.tied) the first
row comes first. Products in float32 find the candidates; float64 cosines, as those that are scored, order them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np

from repro.errors import ReproError
from repro.metrics.correlation import TIE, tied, unit

BLOCK = 4096  # a block of cosines between two of them is 64 MB of float32
AT_ONCE = 100  # queries whose products with an index are held at a time
SPARE = 32  # neighbours beyond the k-th to ask FAISS for: those that are equal to it are mostly among them


def blocks_of(vectors: np.ndarray, size: int = BLOCK) -> Iterator[np.ndarray]:
    """Slices (m, d) of the rows of (n, d), in order: m is `size`, or what is left."""
    for start in range(0, len(vectors), size):
        yield vectors[start : start + size]


def similarities(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Cosines (q, n) of (q, d) with (n, d), float32."""
    return np.asarray(unit(first, np.float32) @ unit(second, np.float32).T)


class _Nearest:
    """The k largest cosines so far with their rows, and all others that a tie may still bring among them."""

    def __init__(self, k: int) -> None:
        self.k = k
        self.values, self.rows = np.empty(0), np.empty(0, np.int64)  # float64 (kept,), by row

    @property
    def full(self) -> bool:
        """Whether k cosines have been added."""
        return len(self.values) >= self.k

    @property
    def least(self) -> float:
        """The k-th largest cosine; −∞ while there are fewer."""
        return _kth(self.values, self.k)

    def add(self, values: np.ndarray, rows: np.ndarray) -> None:
        """More cosines (c,) with their rows (c,). What can no longer come among the first k is dropped:

        a value below the k-th by more than a tie, and one that k others equal or exceed and precede.
        """
        rows = np.concatenate([self.rows, rows])
        order = np.argsort(rows)
        values, rows = np.concatenate([self.values, values])[order], rows[order]
        keep = values >= _kth(values, self.k) - TIE
        start = self.k
        while start < len(values):  # against what precedes, in steps that double
            keep[start : 2 * start] &= values[start : 2 * start] > _kth(values[:start], self.k)
            start *= 2
        self.values, self.rows = values[keep], rows[keep]

    def first(self) -> tuple[np.ndarray, np.ndarray]:
        """The first k: cosines float32, the largest of its group for each, so that equal ones are equal; and rows."""
        groups = tied(-self.values)
        largest = np.full(len(groups), -np.inf)  # (groups or more,)
        np.maximum.at(largest, groups, self.values)
        order = np.lexsort((self.rows, groups))[: self.k]
        return largest[groups[order]].astype(np.float32), self.rows[order]


def _kth(values: np.ndarray, k: int) -> float:
    return float(np.partition(values, -k)[-k]) if len(values) >= k else -np.inf


def _slack(d: int) -> float:
    """How far below the k-th a float32 product of unit vectors may lie whose cosine is equal to it.

    A product of d terms is off by at most d roundoffs (Higham 2002, eq. 3.5), two more come from the vectors' own.
    """
    return 2 * (d + 2) * 2.0**-24 + TIE


def _cosines(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Inner products (m,) of unit vectors (m, d), float64, with one (d,) or as many (m, d).

    Each is summed by itself: a matrix product adds in an order that depends on how many rows it has.
    """
    return np.asarray((first * second).sum(axis=1))


def _first_of_each(of_each: list[_Nearest], n: int) -> tuple[np.ndarray, np.ndarray]:
    """(q, k) cosines and rows; fewer columns where there are fewer than k vectors."""
    if n == 0:
        raise ReproError("the index is empty; give it at least one sentence")
    shape = (len(of_each), min(of_each[0].k, n) if of_each else 0)
    best, rows = np.empty(shape, np.float32), np.empty(shape, np.int64)
    for i, nearest in enumerate(of_each):
        best[i], rows[i] = nearest.first()
    return best, rows


def top_k(queries: np.ndarray, blocks: Iterable[np.ndarray], k: int) -> tuple[np.ndarray, np.ndarray]:
    """The k largest cosines (q, k) of each query (q, d) and the rows (q, k) they belong to, from large to small.

    `blocks` (m, d) may come from a file or a generator: one is held at a time. Fewer than k vectors give fewer columns.
    Raises ReproError when there is none, or when a vector is not finite.
    """
    asked, asked_32 = unit(queries), unit(queries, np.float32)
    of_each = [_Nearest(k) for _ in asked]
    n = 0
    for block in blocks:
        products = asked_32 @ unit(block, np.float32).T  # (q, m)
        for nearest, query, row in zip(of_each, asked, products, strict=True):
            least = nearest.least if nearest.full else _kth(row, k)
            near = np.flatnonzero(row >= least - _slack(len(query)))
            if len(near):
                nearest.add(_cosines(unit(block[near]), query), near + n)
        n += len(block)
    return _first_of_each(of_each, n)


def largest_products(queries: np.ndarray, vectors: np.ndarray, k: int) -> np.ndarray:
    """The rows (q, k) of the k largest float32 products of each query (q, d) with the vectors (n, d), k ≤ n.

    What a plain index in memory does, for timing it: of vectors of unit length the rows are those of `top_k`, but for
    what lies within rounding, which comes as it comes.
    """
    import torch

    index = torch.from_numpy(vectors).T  # (d, n)
    found = [torch.topk(torch.from_numpy(part) @ index, k).indices for part in blocks_of(queries, AT_ONCE)]
    return torch.cat(found).numpy()


def closest_pairs(vectors: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """The k largest cosines (k,) among all pairs of different rows of (n, d), and the pairs (k, 2), first < second."""
    n, d = vectors.shape
    if n < 2:
        raise ReproError(f"{n} sentences make no pair; give at least two")
    points, nearest = unit(vectors, np.float32), _Nearest(k)
    for i in range(0, n, BLOCK):
        for j in range(i, n, BLOCK):
            products = points[i : i + BLOCK] @ points[j : j + BLOCK].T
            if i == j:
                products[np.tril_indices(len(products), m=products.shape[1])] = -np.inf
            least = nearest.least if nearest.full else _kth(products.ravel(), k)
            first, second = np.nonzero((products >= least - _slack(d)) & (products > -np.inf))
            for part in range(0, len(first), BLOCK):  # all of the block where everything is equal
                a, b = first[part : part + BLOCK] + i, second[part : part + BLOCK] + j
                nearest.add(_cosines(unit(vectors[a]), unit(vectors[b])), a * n + b)
    best, rows = nearest.first()
    return best, np.stack(np.divmod(rows, n), axis=1)


def faiss_top_k(queries: np.ndarray, vectors: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """`top_k` by FAISS's exact index of inner products; ReproError when FAISS is not installed."""
    try:
        import faiss
    except ImportError:
        raise ReproError("FAISS is not installed; `pip install faiss-cpu`, or leave --faiss out") from None
    n, d = vectors.shape
    index = faiss.IndexFlatIP(d)
    index.add(unit(vectors, np.float32))
    asked, asked_32 = unit(queries), unit(queries, np.float32)
    of_each = [_Nearest(k) for _ in asked]
    if n and len(asked):
        products, rows = index.search(asked_32, min(k + SPARE, n))  # (q, k + SPARE), from large to small
        floors = products[:, min(k, n) - 1] - _slack(d)
        for i, nearest in enumerate(of_each):
            near = rows[i, products[i] >= floors[i]]
            if len(near) == k + SPARE:  # there may be more
                near = index.range_search(asked_32[i : i + 1], float(floors[i]))[2]
            nearest.add(_cosines(unit(vectors[near]), asked[i]), near)
    return _first_of_each(of_each, n)
