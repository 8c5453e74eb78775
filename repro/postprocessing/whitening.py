"""Whitening of sentence vectors (Su et al. 2021): x ↦ (x − μ) W with W = U Λ^(−1/2), the first k columns, unit length.

    whitening = Whitening(k=256).fit(vectors)
    whitening.save(Path("fit.safetensors"))
    Whitening.load(Path("fit.safetensors")).transform(vectors)

Letters: n sentences, d dimensions, k dimensions kept.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Self

import numpy as np

from repro.errors import ReproError
from repro.impostors import refuse_file
from repro.metrics.correlation import unit
from repro.paths import write_atomic
from repro.postprocessing.base import THESE

TENSORS = ("mean", "kernel", "eigenvalues")
BLOCK = 8192  # rows at a time: what float64 copies of them cost in memory
# An eigenvalue up to this share of the largest is rounding noise of float32 vectors (2⁻²⁴ squared is 4e-15, and the
# mean, often a hundred times the spread, is rounded too); its direction is not in the rank.
NOISE = 1e-10
# Vectors whose variance is at most this share of their mean's square are equal up to float32's rounding.
EQUAL = 1e-12


def check_spread(mean: np.ndarray, largest: float, source: str) -> None:
    """ReproError unless vectors of this mean (d,) and this largest variance are finite and differ in some direction."""
    if not (np.isfinite(mean).all() and np.isfinite(largest)):
        raise ReproError(f"a vector of {source} is not finite; nothing can be fitted on it")
    if not largest > EQUAL * float(mean @ mean):
        raise ReproError(
            f"the vectors of {source} are all equal, their covariance has rank 0; fit on sentences that differ"
        )


class Moments:
    """Mean and covariance of any number of vectors in one pass, float64, in memory that depends on d alone."""

    def __init__(self, d: int) -> None:
        self.count, self.d = 0, d
        # the first block's mean: keeps the sums of squares small beside a large common offset
        self._shift = np.zeros(d)
        self._sum = np.zeros(d)
        self._squares = np.zeros((d, d))

    def add(self, vectors: np.ndarray) -> None:
        """Count the rows of (n, d) float32 or float64 vectors."""
        if not len(vectors):
            return
        if self.count == 0:
            self._shift = vectors[:BLOCK].mean(axis=0, dtype=np.float64)
        whole = np.empty((min(BLOCK, len(vectors)), len(self._shift)))
        for start in range(0, len(vectors), BLOCK):
            part = vectors[start : start + BLOCK]
            block = np.subtract(part, self._shift, out=whole[: len(part)])  # (BLOCK, d) float64
            self.count += len(part)
            self._sum += block.sum(axis=0)
            self._squares += block.T @ block  # a symmetric product: BLAS computes one half

    @classmethod
    def of(cls, vectors: np.ndarray, rows: np.ndarray | None = None) -> Self:
        """Of the rows (m,) of the vectors (n, d), repeats counted; None: of each vector once."""
        moments = cls(vectors.shape[1])
        if rows is None:
            moments.add(vectors)
        else:
            for start in range(0, len(rows), BLOCK):  # a copy of a block at a time, and none of the whole
                moments.add(vectors[rows[start : start + BLOCK]])
        return moments

    @property
    def mean(self) -> np.ndarray:
        """The mean (d,) of all rows so far, float64."""
        return self._shift + self._sum / self.count

    @property
    def covariance(self) -> np.ndarray:
        """(d, d), divided by n − 1 as numpy.cov does, which the published code calls."""
        centred = self._squares - np.outer(self._sum, self._sum) / self.count
        return centred / (self.count - 1)


def _different(vectors: np.ndarray, rows: np.ndarray | None, squared: float, enough: int) -> int:
    """How many of the rows (m,) of the vectors (n, d) differ by a squared distance above `squared`: in another batch a
    sentence has another rounding. Those that are equal are neighbours on a line that is drawn. Counted until there are
    more than `enough`."""
    numbers = np.arange(len(vectors)) if rows is None else np.unique(rows)
    line = np.random.default_rng(0).standard_normal(vectors.shape[1])
    blocks = (vectors[numbers[start : start + BLOCK]] for start in range(0, len(numbers), BLOCK))
    numbers = numbers[np.argsort(np.concatenate([block.astype(np.float64) @ line for block in blocks]))]
    different = 1
    for start in range(0, len(numbers) - 1, BLOCK):
        block = vectors[numbers[start : start + BLOCK + 1]].astype(np.float64)  # (BLOCK + 1, d)
        distances = ((block[1:] - block[:-1]) ** 2).sum(axis=1)  # (BLOCK,)
        different += int((distances > squared).sum())
        if different > enough:
            break
    return different


class Whitening:
    """A whitening that keeps the first k dimensions; None: all that the covariance's rank gives.

    Once fitted it has the `mean` (d,) of the vectors it was fitted on, their `count` and `source`, the `kernel` W
    (d, k), and all `eigenvalues` (d,) of the covariance from large to small; from a file, the `encoder` that it named.
    """

    mean: np.ndarray
    kernel: np.ndarray
    eigenvalues: np.ndarray
    count: int
    source: str
    encoder: str = ""

    def __init__(self, k: int | None = None) -> None:
        if k is not None and not k >= 1:
            raise ReproError(f"k {k} must be at least 1")
        self.k = k

    def fit(
        self,
        vectors: np.ndarray,
        rows: np.ndarray | None = None,
        pairs: np.ndarray | None = None,
        source: str = THESE,
    ) -> Self:
        """Mean and covariance of the rows (m,) of the vectors (n, d), repeats counted; `pairs` make no difference.

        Raises ReproError, naming `source`, when a vector is not finite, when all are equal, when k is above the rank,
        when one dimension would be kept, or when too few vectors differ: n of them span n − 1 dimensions, and whitened
        in all of these they are equally far from each other (were each repeated as often), whatever they were.
        """
        with np.errstate(invalid="ignore"):  # what is not finite is found in the end
            moments = Moments.of(vectors, rows)
            if moments.count < 2:
                raise self._too_few(moments, moments.count)
            mean, covariance = moments.mean, moments.covariance
        check_spread(mean, covariance.diagonal().max(initial=0.0), source)
        count = moments.count
        values, directions = np.linalg.eigh(covariance)  # (d,), (d, d); from small to large
        values, directions = values[::-1], directions[:, ::-1]
        rank = int((values > NOISE * values[0]).sum())
        kept = rank if self.k is None else min(self.k, rank)
        different = _different(vectors, rows, NOISE * (float(mean @ mean) + float(values.sum())), enough=kept + 1)
        if different <= kept + 1:
            raise self._too_few(moments, different)
        if self.k is not None and self.k > rank:
            raise ReproError(f"k = {self.k} is above the rank {rank} of the covariance of {count} sentences; lower k")
        if kept == 1:
            raise ReproError(
                f"{source} would be whitened to one dimension, in which every cosine is 1 or −1; keep at least two, of "
                "vectors that differ in as many"
            )
        self.mean, self.kernel = mean, directions[:, :kept] / np.sqrt(values[:kept])  # (d,), (d, k)
        self.eigenvalues, self.count, self.source = values.copy(), count, source
        return self

    def _too_few(self, moments: Moments, different: int) -> ReproError:
        counted = f"{moments.count} sentences"
        if different < moments.count:
            counted += f", of which {different} have different vectors,"
        wanted = f"{moments.d} dimensions" if self.k is None else f"{self.k} of {moments.d} dimensions"
        return ReproError(
            f"{counted} are too few to whiten {wanted}: fit on more of them, or keep fewer dimensions (k)"
        )

    def transform(self, vectors: np.ndarray) -> np.ndarray:
        """(n, d) → (n, k) float32: whitened, then each divided by its norm, as the paper's cosines and its code do."""
        return unit(self.whiten(vectors), np.float32)

    def whiten(self, vectors: np.ndarray) -> np.ndarray:
        """(n, d) → (n, k) float32: zero mean and identity covariance on the vectors it was fitted on."""
        if vectors.shape[1] != len(self.mean):
            raise ReproError(f"this whitening is of {len(self.mean)} dimensions, the vectors have {vectors.shape[1]}")
        whitened = np.empty((len(vectors), self.kernel.shape[1]), np.float32)
        for start in range(0, len(vectors), BLOCK):
            rows = slice(start, start + BLOCK)
            whitened[rows] = (vectors[rows] - self.mean) @ self.kernel
        return whitened

    def save(self, path: Path, encoder: str = "") -> None:
        """Write one safetensors file, with a checksum of its content. `encoder`: what tells that of the vectors from
        others, '' where nobody says."""
        from safetensors.numpy import save

        self.encoder = encoder
        tensors = {name: np.ascontiguousarray(getattr(self, name)) for name in TENSORS}
        about = {"count": self.count, "source": self.source, "encoder": encoder, "sha256": self._checksum()}
        write_atomic(path, save(tensors, {"whitening": json.dumps(about)}))

    @classmethod
    def load(cls, path: Path) -> Self:
        """A whitening that was saved; ReproError when the file is none, or is not as it was written."""
        from safetensors import SafetensorError, safe_open

        try:
            if not path.is_file():  # a pipe would be waited for
                raise ValueError("no regular file")
            refuse_file(path)
            with safe_open(path, framework="numpy") as file:
                about = json.loads((file.metadata() or {})["whitening"])
                tensors = {name: file.get_tensor(name) for name in TENSORS}
            loaded = cls()
            loaded.k = tensors["kernel"].shape[1]
            loaded.mean, loaded.kernel, loaded.eigenvalues = (tensors[name] for name in TENSORS)
            loaded.count, loaded.source = int(about["count"]), str(about["source"])
            loaded.encoder = str(about["encoder"])
            sound = about["sha256"] == loaded._checksum()
        except (OSError, SafetensorError, KeyError, IndexError, TypeError, ValueError, RecursionError) as error:
            raise ReproError(
                f"{path} is not a saved whitening, or not one of this version; write it with `repro fit`"
            ) from error
        if not sound:
            raise ReproError(
                f"{path} is damaged: its checksum does not fit its content; write it again with `repro fit`"
            )
        return loaded

    def _checksum(self) -> str:
        digest = hashlib.sha256(json.dumps([self.count, self.source, self.encoder]).encode())
        for name in TENSORS:
            values = np.ascontiguousarray(getattr(self, name))
            digest.update(f"{name} {values.dtype.str} {values.shape}".encode() + values.tobytes())
        return digest.hexdigest()
