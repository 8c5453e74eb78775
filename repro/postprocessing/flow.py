"""BERT-flow (Li et al. 2020): an invertible Glow-like map from sentence vectors to a standard Gaussian.

A step is actnorm, a mixing of the dimensions and a coupling; `depth` steps make a level, after which half of the
dimensions leave (Kingma and Dhariwal 2018). As published (flow/config, flow/glow_ops_1x1.py @9f79ed1): couplings that
add, and a reversal of the dimensions for mixing; Glow's own affine couplings and linear mixing are there too.

Letters: B vectors in a batch, d dimensions. Every map returns its output and log |det ∂output/∂input|, (B,) or ().
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils import clip_grad_norm_

from repro.encoders.recipe import FlowedRecipe
from repro.errors import ReproError
from repro.postprocessing.whitening import NOISE, check_spread
from repro.training.optimizer import adamw

SCALE = 3.0  # log-scales are parameters times three: they learn three times as fast (logscale_factor)
BLOCK = 8192
FEWEST = 32  # different sentences; fewer say nothing about a density


class Actnorm(nn.Module):
    """(x + b) · exp(s): the first batch it sees comes out with mean 0 and variance 1 in each dimension.

    With a generator b and s are drawn instead, from Glorot's uniform distribution over 1 and d units: TensorFlow's
    default, which the published script leaves them at (see `FlowedRecipe.actnorm`).
    """

    def __init__(self, d: int, generator: torch.Generator | None = None) -> None:
        super().__init__()
        self.bias = nn.Parameter(torch.zeros(d))
        self.log_scale = nn.Parameter(torch.zeros(d))
        self.register_buffer("initialised", torch.tensor(generator is not None))
        if generator is not None:
            for parameter in (self.bias, self.log_scale):
                nn.init.uniform_(parameter, -math.sqrt(6 / (1 + d)), math.sqrt(6 / (1 + d)), generator=generator)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        if not self.initialised:
            with torch.no_grad():
                self.bias.copy_(-x.mean(dim=0))
                spread = (x + self.bias).square().mean(dim=0).sqrt()  # (d,)
                self.log_scale.copy_(-torch.log(spread + 1e-6) / SCALE)
                self.initialised.fill_(True)  # type: ignore[operator]
        scale = SCALE * self.log_scale
        return (x + self.bias) * scale.exp(), scale.sum()

    def inverse(self, z: Tensor) -> Tensor:
        return z * (-SCALE * self.log_scale).exp() - self.bias


def _actnorm(d: int, recipe: FlowedRecipe, generator: torch.Generator) -> Actnorm:
    return Actnorm(d, generator if recipe.actnorm == "drawn" else None)


class Reversal(nn.Module):
    """The dimensions in reverse order: the published code's "permutation"."""

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return x.flip(1), x.new_zeros(())

    def inverse(self, z: Tensor) -> Tensor:
        return z.flip(1)


class Linear(nn.Module):
    """Glow's invertible 1×1 convolution: P L (U + diag(sign · exp(s))), a random rotation at first."""

    def __init__(self, d: int, generator: torch.Generator) -> None:
        super().__init__()
        rotation = torch.linalg.qr(torch.randn(d, d, generator=generator)).Q
        p, low, up = torch.linalg.lu(rotation)
        self.register_buffer("permutation", p)
        self.register_buffer("sign", up.diagonal().sign())
        self.low, self.up = nn.Parameter(low.tril(-1)), nn.Parameter(up.triu(1))
        self.log_scale = nn.Parameter(up.diagonal().abs().log())

    def _factors(self) -> tuple[Tensor, Tensor]:
        low = self.low.tril(-1) + torch.eye(len(self.low), dtype=self.low.dtype)
        return low, self.up.triu(1) + torch.diag(self.sign * self.log_scale.exp())  # type: ignore[operator]

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        low, up = self._factors()
        return x @ (self.permutation @ low @ up).T, self.log_scale.sum()  # type: ignore[operator]

    def inverse(self, z: Tensor) -> Tensor:
        low, up = self._factors()
        mixed = self.permutation.T @ z.T  # type: ignore[operator]
        half_way: Tensor = torch.linalg.solve_triangular(low, mixed, upper=False, unitriangular=True)
        back: Tensor = torch.linalg.solve_triangular(up, half_way, upper=True).T
        return back


class Coupling(nn.Module):
    """The second part of the dimensions moved by a network of the first: x₂ + t, or (x₂ + t) · sigmoid(s + 2)."""

    def __init__(self, d: int, recipe: FlowedRecipe, generator: torch.Generator) -> None:
        super().__init__()
        width, affine = recipe.width, recipe.coupling == "affine"
        self.affine, self.first = affine, d - d // 2
        layers = [nn.Linear(self.first, width, bias=False), nn.Linear(width, width, bias=False)]
        for layer in layers:
            nn.init.normal_(layer.weight, std=0.05, generator=generator)
        self.layers = nn.ModuleList(layers)
        self.norms = nn.ModuleList([_actnorm(width, recipe, generator) for _ in layers])
        self.last = nn.Linear(width, (d // 2) * (2 if affine else 1))
        nn.init.zeros_(self.last.weight)
        nn.init.zeros_(self.last.bias)
        self.log_scale = nn.Parameter(torch.zeros(self.last.out_features))

    def _network(self, x: Tensor) -> Tensor:
        for layer, norm in zip(self.layers, self.norms, strict=True):
            x = functional.relu(norm(layer(x))[0])  # (B, width)
        return self.last(x) * (SCALE * self.log_scale).exp()  # type: ignore[no-any-return]

    def _shift_and_scale(self, first: Tensor) -> tuple[Tensor, Tensor | None]:
        moved = self._network(first)
        if not self.affine:
            return moved, None
        shift, scale = moved.chunk(2, dim=1)
        return shift, functional.logsigmoid(scale + 2)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        first, second = x[:, : self.first], x[:, self.first :]
        shift, log_scale = self._shift_and_scale(first)
        second = second + shift
        if log_scale is None:
            return torch.cat([first, second], dim=1), x.new_zeros(())
        return torch.cat([first, second * log_scale.exp()], dim=1), log_scale.sum(dim=1)

    def inverse(self, z: Tensor) -> Tensor:
        first, second = z[:, : self.first], z[:, self.first :]
        shift, log_scale = self._shift_and_scale(first)
        return torch.cat([first, (second if log_scale is None else second * (-log_scale).exp()) - shift], dim=1)


class Flow(nn.Module):
    """Vectors (B, d) ↔ latent (B, d). `seed` draws the first weights."""

    def __init__(self, d: int, recipe: FlowedRecipe, seed: int) -> None:
        super().__init__()
        if d < 2**recipe.levels:
            raise ReproError(f"a flow of {recipe.levels} levels needs {2**recipe.levels} dimensions, these have {d}")
        generator = torch.Generator().manual_seed(seed)
        self.levels = nn.ModuleList()
        for _ in range(recipe.levels):
            steps: list[nn.Module] = []
            for _ in range(recipe.depth):
                mixing = Linear(d, generator) if recipe.mixing == "linear" else Reversal()
                steps += [_actnorm(d, recipe, generator), mixing, Coupling(d, recipe, generator)]
            self.levels.append(nn.ModuleList(steps))
            d -= d // 2  # what goes on to the next level

    def _steps(self, level: int) -> list[Any]:
        steps: Any = self.levels[level]
        return list(steps)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Latent (B, d) and log-determinant (B,)."""
        log_det = x.new_zeros(len(x))  # (B,)
        out: list[Tensor] = []
        for number in range(len(self.levels)):
            for step in self._steps(number):
                x, change = step(x)
                log_det = log_det + change
            if number < len(self.levels) - 1:
                kept = x.shape[1] - x.shape[1] // 2
                out.append(x[:, kept:])
                x = x[:, :kept]
        return torch.cat([*out, x], dim=1), log_det

    def inverse(self, z: Tensor) -> Tensor:
        """Vectors (B, d) of a latent."""
        sizes = [z.shape[1]]
        for _ in range(len(self.levels) - 1):
            sizes[-1:] = [sizes[-1] // 2, sizes[-1] - sizes[-1] // 2]
        *out, x = torch.split(z, sizes, dim=1)
        for number in reversed(range(len(self.levels))):
            if number < len(self.levels) - 1:
                x = torch.cat([x, out[number]], dim=1)
            for step in reversed(self._steps(number)):
                x = step.inverse(x)
        return x

    def log_likelihood(self, x: Tensor) -> Tensor:
        """log p(x) (B,) in nats: a standard Gaussian's of the latent, plus the log-determinant."""
        z, log_det = self(x)
        gaussian = -0.5 * (z.square() + math.log(2 * math.pi)).sum(dim=1)  # (B,)
        return gaussian + log_det  # type: ignore[no-any-return]


@dataclass(frozen=True)
class FittedFlow:
    """A trained flow and the dimensions that it is over."""

    flow: Flow
    kept: np.ndarray  # indices of the dimensions that vary

    @torch.inference_mode()
    def apply(self, vectors: np.ndarray) -> np.ndarray:
        """(n, d) → latent (n, kept) float32."""
        latent = np.empty((len(vectors), len(self.kept)), np.float32)
        for start in range(0, len(vectors), BLOCK):
            rows = slice(start, start + BLOCK)
            latent[rows] = self.flow(torch.from_numpy(vectors[rows][:, self.kept]))[0].numpy()
        return latent


def fit(
    vectors: np.ndarray, pairs: np.ndarray, recipe: FlowedRecipe, seed: int, source: str = "these sentences"
) -> FittedFlow:
    """A flow trained by maximum likelihood on pairs (m, 2) of rows of the vectors (n, d) float32.

    As in the published code (run_siamese.py, siamese_utils.py, optimization_bert_flow.py @9f79ed1): the loss of a step
    is the sum over both sides of a batch of pairs of the mean of −log₂ p(x) / d; its gradient is clipped to norm 1;
    AdamW without bias correction (ε 1e-6), decay on every weight, constant learning rate. The pairs of an epoch, each
    `passes` times, are shuffled as `seed` draws; epochs follow each other without a gap, int(pairs / batch · epochs)
    steps, so that the rest of the last batch is not seen. Actnorms start from the first sides of the first batch.

    Dimensions whose variance is rounding noise (whitening.NOISE of the largest) are left out: no map makes a Gaussian
    of a constant, and all-MiniLM-L6-v2 has three.

    Raises ReproError, naming `source`, when there are too few pairs or different sentences, when no dimension varies,
    or when a vector or the loss is not finite.
    """
    size, count = recipe.batch_size, len(pairs)
    if count < size:
        raise ReproError(
            f"{len(vectors)} sentences are too few to fit a flow: {source} has {count} pairs, a step reads {size}; "
            "give more sentences, better thousands, or lower batch_size"
        )
    counts = np.bincount(pairs.ravel(), minlength=len(vectors))  # (n,)
    kept = _varying(vectors, counts, source)
    if (different := np.count_nonzero(counts)) < FEWEST:
        raise ReproError(
            f"{different} different sentences are too few to fit a flow: {source} needs at least {FEWEST}, better "
            "thousands"
        )
    flow = Flow(len(kept), recipe, seed)
    optimizer: torch.optim.AdamW | None = None
    for step, batch in enumerate(_batches(count, recipe, seed)):
        first, second = (_rows(vectors, pairs[batch, side], kept) for side in (0, 1))  # (B, kept) each
        if optimizer is None:
            with torch.no_grad():
                flow(first)  # sets the actnorms
            optimizer = adamw(flow.parameters(), recipe.learning_rate, recipe.weight_decay, 1e-6, bias_correction=False)
        likelihood = flow.log_likelihood(torch.cat([first, second]))  # (2B,)
        loss = -2 * likelihood.mean() / (len(kept) * math.log(2))
        if not torch.isfinite(loss):
            raise ReproError(
                f"the flow diverged: its loss is {loss.item()} at step {step + 1}; lower its learning rate "
                f"({recipe.learning_rate:g})"
            )
        optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        clip_grad_norm_(flow.parameters(), 1.0)
        optimizer.step()
    if optimizer is None:
        raise ReproError(f"{recipe.epochs:g} epochs of the {count} pairs of {source} make no step; raise epochs")
    return FittedFlow(flow.eval(), kept)


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


def _rows(vectors: np.ndarray, rows: np.ndarray, kept: np.ndarray) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(vectors[rows][:, kept], np.float32))


def _batches(count: int, recipe: FlowedRecipe, seed: int) -> Iterator[np.ndarray]:
    """Positions (batch_size,) of the pairs of each step."""
    whole = (recipe.passes or 1) * count
    waiting = np.empty(0, np.int64)
    epoch = 0
    for _ in range(int(whole / recipe.batch_size * recipe.epochs)):
        if len(waiting) < recipe.batch_size:
            waiting = np.concatenate([waiting, np.random.default_rng([seed, epoch]).permutation(whole) % count])
            epoch += 1
        yield waiting[: recipe.batch_size]
        waiting = waiting[recipe.batch_size :]
