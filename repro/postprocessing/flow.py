"""BERT-flow (Li et al. 2020): sentence vectors mapped onto a standard Gaussian, trained by maximum likelihood.

    flow = Flow(FlowSettings(levels=3), seed=0).fit(vectors)
    latent = flow.transform(vectors)

Letters: n vectors, B in a batch, d dimensions.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Self

import numpy as np
import torch
from torch import Tensor
from torch.nn.utils import clip_grad_norm_

from repro import progress
from repro.data.corpora import neighbours
from repro.errors import ReproError
from repro.postprocessing.base import THESE
from repro.postprocessing.glow import Glow
from repro.postprocessing.settings import FlowSettings
from repro.postprocessing.whitening import NOISE, check_spread
from repro.training.optimizer import adamw

BLOCK = 8192
FEWEST = 32  # different sentences; fewer say nothing about a density


class Flow:
    """A flow with its settings; `seed` draws its first weights and the order of the pairs.

    Once fitted it has `network`, the trained network, and `kept`, the indices of the dimensions that it is over.
    """

    network: Glow
    kept: np.ndarray  # (k,)

    def __init__(self, settings: FlowSettings | None = None, seed: int = 0) -> None:
        self.settings, self.seed = settings or FlowSettings(), seed

    def fit(
        self,
        vectors: np.ndarray,
        rows: np.ndarray | None = None,
        pairs: np.ndarray | None = None,
        source: str = THESE,
    ) -> Self:
        """Train on pairs (p, 2) of rows of the vectors (n, d) float32; `rows` says nothing that these do not say.

        As in the published code (run_siamese.py, siamese_utils.py, optimization_bert_flow.py @9f79ed1): the loss of a
        step is the sum over both sides of a batch of pairs of the mean of −log₂ p(x) / d; its gradient is clipped to
        norm 1; AdamW without bias correction (ε 1e-6), decay on every weight, constant learning rate. The pairs of an
        epoch, each `passes` times, are shuffled as the seed draws; epochs follow each other without a gap,
        int(pairs / batch · epochs) steps, so that the rest of the last batch is not seen. Actnorms start from the
        first sides of the first batch, or from both where the first do not vary.

        Dimensions whose variance is rounding noise (whitening.NOISE of the largest) are left out: no map makes a
        Gaussian of a constant, and all-MiniLM-L6-v2 has three.

        Raises ReproError, naming `source`, when there are too few pairs or different sentences, when no dimension
        varies, or when a vector or the loss is not finite.
        """
        settings = self.settings
        pairs = neighbours(len(vectors)) if pairs is None else pairs
        if len(pairs) < settings.batch_size:
            raise ReproError(
                f"{len(vectors)} sentences are too few to fit a flow: {source} has {len(pairs)} pairs, a step reads "
                f"{settings.batch_size}; give more sentences, better thousands, or lower batch_size"
            )
        counts = np.bincount(pairs.ravel(), minlength=len(vectors))  # (n,)
        kept = _varying(vectors, counts, source)
        if (different := np.count_nonzero(counts)) < FEWEST:
            raise ReproError(
                f"{different} different sentences are too few to fit a flow: {source} needs at least {FEWEST}, better "
                "thousands"
            )
        network = Glow(len(kept), settings, self.seed)
        optimizer: torch.optim.AdamW | None = None
        with progress.step(_steps(len(pairs), settings), "steps of the flow") as counted:
            for step, batch in enumerate(_batches(len(pairs), settings, self.seed)):
                first, second = (_select(vectors, pairs[batch, side], kept) for side in (0, 1))  # (B, kept) each
                if optimizer is None:
                    with torch.no_grad():
                        network(self._seen_first(first, second, source))  # sets the actnorms
                    rate, decay = settings.learning_rate, settings.weight_decay
                    optimizer = adamw(network.parameters(), rate, decay, 1e-6, bias_correction=False)
                likelihood = network.log_likelihood(torch.cat([first, second]))  # (2B,)
                loss = -2 * likelihood.mean() / (len(kept) * math.log(2))
                if not torch.isfinite(loss):
                    raise ReproError(
                        f"the flow diverged: its loss is {loss.item()} at step {step + 1}; lower its learning rate "
                        f"({settings.learning_rate:g})"
                    )
                optimizer.zero_grad(set_to_none=True)
                loss.backward()  # type: ignore[no-untyped-call]
                clip_grad_norm_(network.parameters(), 1.0)
                optimizer.step()
                counted.advance()
        if optimizer is None:
            raise ReproError(
                f"{settings.epochs:g} epochs of the {len(pairs)} pairs of {source} make no step; raise epochs"
            )
        self.network, self.kept = network.eval(), kept
        return self

    def _seen_first(self, first: Tensor, second: Tensor, source: str) -> Tensor:
        """What the actnorms are set by: the first sides of the first batch, with the second ones where a dimension of
        the first does not vary (as of questions, each with several answers). ReproError where one varies in neither:
        its scale would be without bounds."""
        if self.settings.actnorm == "drawn":
            return first
        for seen in (first, torch.cat([first, second])):
            constant = (seen == seen[0]).all(dim=0)  # (kept,)
            if not constant.any():
                return seen
        raise ReproError(
            f"{int(constant.sum())} of {len(constant)} dimensions do not vary among the first {len(seen)} sentences of "
            f"{source} that the flow reads, and set no scale; name actnorm=drawn, or a larger batch_size"
        )

    @torch.inference_mode()
    def transform(self, vectors: np.ndarray) -> np.ndarray:
        """(n, d) → latent (n, kept) float32."""
        latent = np.empty((len(vectors), len(self.kept)), np.float32)
        for start in range(0, len(vectors), BLOCK):
            rows = slice(start, start + BLOCK)
            latent[rows] = self.network(torch.from_numpy(vectors[rows][:, self.kept]))[0].numpy()
        return latent


def _varying(vectors: np.ndarray, counts: np.ndarray, source: str) -> np.ndarray:
    """Indices of the dimensions whose variance is not rounding noise; row i of the vectors counts `counts[i]` times."""

    def average(of: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
        total = np.zeros(vectors.shape[1])
        for start in range(0, len(vectors), BLOCK):
            rows = slice(start, start + BLOCK)
            total += counts[rows] @ of(vectors[rows].astype(np.float64))
        total /= counts.sum()
        return total

    with np.errstate(invalid="ignore"):
        mean = average(lambda block: block)  # (d,)
        variances = average(lambda block: (block - mean) ** 2)  # (d,)
    check_spread(mean, variances.max(initial=0.0), source)
    return np.flatnonzero(variances > NOISE * variances.max())


def _select(vectors: np.ndarray, rows: np.ndarray, kept: np.ndarray) -> Tensor:
    """(B, kept) float32: these rows of the vectors, and these dimensions of them."""
    return torch.from_numpy(np.ascontiguousarray(vectors[rows][:, kept], np.float32))


def _whole(count: int, settings: FlowSettings) -> int:
    """Pairs of an epoch."""
    return (settings.passes or 1) * count


def _steps(count: int, settings: FlowSettings) -> int:
    return int(_whole(count, settings) / settings.batch_size * settings.epochs)


def _batches(count: int, settings: FlowSettings, seed: int) -> Iterator[np.ndarray]:
    """Positions (batch_size,) of the pairs of each step."""
    whole = _whole(count, settings)
    waiting = np.empty(0, np.int64)
    epoch = 0
    for _ in range(_steps(count, settings)):
        if len(waiting) < settings.batch_size:
            waiting = np.concatenate([waiting, np.random.default_rng([seed, epoch]).permutation(whole) % count])
            epoch += 1
        yield waiting[: settings.batch_size]
        waiting = waiting[settings.batch_size :]
