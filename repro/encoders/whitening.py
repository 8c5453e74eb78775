"""Whitening of sentence vectors (Su et al. 2021): x ↦ (x − μ) W with W = U Λ^(−1/2), the first k columns, unit length.

Letters: n sentences, d dimensions, k dimensions kept.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from repro.errors import ReproError
from repro.files import write_atomic
from repro.metrics.correlation import unit

BLOCK = 8192  # rows at a time: what float64 copies of them cost in memory
# An eigenvalue up to this share of the largest is rounding noise of float32 vectors (2⁻²⁴ squared is 4e-15, and the
# mean, often a hundred times the spread, is rounded too); its direction is not in the rank.
NOISE = 1e-10


class Moments:
    """Mean and covariance of any number of vectors in one pass, float64, in memory that depends on d alone."""

    def __init__(self, d: int) -> None:
        self.count = 0
        # the first block's mean: keeps the sums of squares small beside a large common offset
        self._shift = np.zeros(d)
        self._sum = np.zeros(d)
        self._squares = np.zeros((d, d))

    def add(self, vectors: np.ndarray) -> None:
        """Count the rows of (n, d) float32 or float64 vectors."""
        if self.count == 0:
            self._shift = vectors[:BLOCK].mean(axis=0, dtype=np.float64)
        whole = np.empty((min(BLOCK, len(vectors)), len(self._shift)))
        for start in range(0, len(vectors), BLOCK):
            part = vectors[start : start + BLOCK]
            block = np.subtract(part, self._shift, out=whole[: len(part)])  # (BLOCK, d) float64
            self.count += len(part)
            self._sum += block.sum(axis=0)
            self._squares += block.T @ block  # a symmetric product: BLAS computes one half

    @property
    def mean(self) -> np.ndarray:
        """(d,)."""
        return self._shift + self._sum / self.count

    @property
    def covariance(self) -> np.ndarray:
        """(d, d), divided by n − 1 as numpy.cov does, which the published code calls."""
        centred = self._squares - np.outer(self._sum, self._sum) / self.count
        return centred / (self.count - 1)


@dataclass(frozen=True)
class Whitening:
    """A fitted whitening: mean (d,), kernel W (d, k), all eigenvalues of the covariance (d,) from large to small."""

    mean: np.ndarray
    kernel: np.ndarray
    eigenvalues: np.ndarray
    count: int  # vectors it was fitted on
    source: str = ""  # whose they were

    def transform(self, vectors: np.ndarray) -> np.ndarray:
        """(n, d) → (n, k) float32: zero mean and identity covariance on the vectors it was fitted on."""
        if vectors.shape[1] != len(self.mean):
            raise ReproError(f"this whitening is of {len(self.mean)} dimensions, the vectors have {vectors.shape[1]}")
        found = np.empty((len(vectors), self.kernel.shape[1]), np.float32)
        for start in range(0, len(vectors), BLOCK):
            rows = slice(start, start + BLOCK)
            found[rows] = (vectors[rows] - self.mean) @ self.kernel
        return found

    def apply(self, vectors: np.ndarray) -> np.ndarray:
        """`transform`, each vector then divided by its norm, as the paper's cosines and its code have it."""
        return unit(self.transform(vectors), np.float32)

    def save(self, path: Path) -> None:
        """One safetensors file."""
        from safetensors.numpy import save

        tensors = {"mean": self.mean, "kernel": self.kernel, "eigenvalues": self.eigenvalues}
        about = {"whitening": json.dumps({"count": self.count, "source": self.source})}
        write_atomic(path, save({name: np.ascontiguousarray(value) for name, value in tensors.items()}, about))


def load(path: Path) -> Whitening:
    """A whitening that was saved; ReproError when the file is none."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="numpy") as file:
            about = json.loads((file.metadata() or {})["whitening"])
            tensors = {name: file.get_tensor(name) for name in ("mean", "kernel", "eigenvalues")}
            return Whitening(**tensors, count=int(about["count"]), source=str(about["source"]))
    except (OSError, SafetensorError, KeyError, ValueError) as error:
        raise ReproError(f"{path} is not a saved whitening; write one with `repro fit`") from error


def fit(blocks: Iterable[np.ndarray], k: int | None = None, source: str = "") -> Whitening:
    """Fit on blocks of vectors (n, d), kept to the first k of d dimensions; None: all that the covariance's rank gives.

    Raises ReproError when k is above the rank, or when there are too few vectors: n of them span n − 1 dimensions, and
    whitened in all of these they are equally far from each other, whatever they were.
    """
    moments: Moments | None = None
    for block in blocks:
        moments = moments or Moments(block.shape[1])
        moments.add(block)
    d = 0 if moments is None else len(moments.mean)
    if moments is None or moments.count <= (d if k is None else min(k + 1, d)):
        count = moments.count if moments else 0
        wanted = f"{d} dimensions" if k is None else f"{k} of {d} dimensions"
        raise ReproError(
            f"{count} sentences are too few to whiten {wanted}: fit on more of them, or keep fewer dimensions (k)"
        )
    values, vectors = np.linalg.eigh(moments.covariance)  # (d,), (d, d); from small to large
    values, vectors = values[::-1], vectors[:, ::-1]
    rank = int((values > NOISE * values[0]).sum())
    if k is not None and k > rank:
        raise ReproError(f"k = {k} is above the rank {rank} of the covariance of {moments.count} sentences; lower k")
    kept = rank if k is None else k
    kernel = vectors[:, :kept] / np.sqrt(values[:kept])  # (d, k)
    return Whitening(moments.mean, kernel, values.copy(), moments.count, source)
