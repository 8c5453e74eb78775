"""Calibrations that BERT-flow holds against its flow (Li et al. 2020, Table 5): each dimension standardised, the top
singular vectors nulled away, and both.

    Calibration().fit(vectors).transform(vectors)                         # standard normalisation: (x − μ) / σ
    Calibration("none", k=10).fit(vectors).transform(vectors)             # NATSV: without the top 10 singular vectors
    Calibration("standardise", k=6).fit(vectors).transform(vectors)       # one after the other

x ↦ y − y V Vᵀ with y = (x − a) / b; V are the first k right singular vectors of the y's that it is fitted on. Those of
vectors as they are (a = 0, b = 1) are Arora et al.'s (2017, k = 1), those of centred vectors (a = μ) Mu and
Viswanath's all-but-the-top (2018, Algorithm 1).

Letters: n sentences, d dimensions, k directions removed.
"""

from __future__ import annotations

from typing import Self

import numpy as np

from repro.errors import ReproError
from repro.postprocessing.base import THESE
from repro.postprocessing.whitening import BLOCK, NOISE, Moments, check_spread


class Calibration:
    """Vectors scaled (`none`, `centre` or `standardise`), and without their top k singular vectors.

    Once fitted it has `offset` a (d,), `inverse` 1/b (d,) and `removed` V (d, k), float64.
    """

    offset: np.ndarray
    inverse: np.ndarray
    removed: np.ndarray

    def __init__(self, scaling: str = "standardise", k: int = 0) -> None:
        self.scaling, self.k = scaling, k

    def fit(
        self,
        vectors: np.ndarray,
        rows: np.ndarray | None = None,
        pairs: np.ndarray | None = None,
        source: str = THESE,
    ) -> Self:
        """From the moments of the rows (m,) of the vectors (n, d), repeats counted; `pairs` make no difference.

        A dimension whose variance is rounding noise (whitening.NOISE of the largest) becomes 0 where it would be
        divided by its deviation. Raises ReproError, naming `source`, when a vector is not finite, when all are equal,
        or when nothing would be left of them, or one direction.
        """
        with np.errstate(invalid="ignore"):  # what is not finite is found in the end
            moments = Moments.of(vectors, rows)
            if moments.count < 2:
                raise ReproError(f"{source}: fewer than two are too few to calibrate vectors; give more")
            mean, covariance = moments.mean, moments.covariance
        variances = covariance.diagonal()  # (d,)
        check_spread(mean, variances.max(initial=0.0), source)
        self.offset, self.inverse = np.zeros_like(mean), np.ones_like(mean)
        products = covariance * (1 - 1 / moments.count) + np.outer(mean, mean)  # (d, d): YᵀY / n
        if self.scaling != "none":
            self.offset, products = mean, covariance
        if self.scaling == "standardise":
            varies = variances > NOISE * variances.max()
            self.inverse = np.divide(1, np.sqrt(variances), out=np.zeros_like(mean), where=varies)
            products = covariance * np.outer(self.inverse, self.inverse)  # the correlations of the dimensions
        self.removed = self._top(products, source)
        return self

    def _top(self, products: np.ndarray, source: str) -> np.ndarray:
        """The k directions (d, k) of the largest of these products (d, d)."""
        values, directions = np.linalg.eigh(products)  # (d,), (d, d); from small to large
        rank = int((values > NOISE * values[-1]).sum())
        if self.k >= rank:
            raise ReproError(f"the vectors of {source} have rank {rank}; nothing is left without k = {self.k}; lower k")
        if rank - self.k == 1 < len(values) and (self.k or self.scaling != "none"):
            raise ReproError(
                f"the vectors of {source} are left one direction, in which every cosine is 1 or −1; give more sentences"
                + (" or lower k" if self.k else "")
            )
        return np.asarray(directions[:, len(values) - self.k :])

    def transform(self, vectors: np.ndarray) -> np.ndarray:
        """(n, d) → (n, d) float32."""
        if vectors.shape[1] != len(self.offset):
            raise ReproError(
                f"this calibration is of {len(self.offset)} dimensions, the vectors have {vectors.shape[1]}"
            )
        calibrated = np.empty(vectors.shape, np.float32)
        for start in range(0, len(vectors), BLOCK):
            rows = slice(start, start + BLOCK)
            scaled = (vectors[rows] - self.offset) * self.inverse  # (BLOCK, d) float64
            calibrated[rows] = scaled - (scaled @ self.removed) @ self.removed.T
        return calibrated
