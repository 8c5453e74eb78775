"""The network of a flow: an invertible Glow-like map from sentence vectors to a standard Gaussian.

A step is actnorm, a mixing of the dimensions and a coupling; `depth` steps make a level, after which half of the
dimensions leave (Kingma and Dhariwal 2018). As published (flow/config, flow/glow_ops_1x1.py @9f79ed1): couplings that
add, and a reversal of the dimensions for mixing; Glow's own affine couplings and linear mixing are there too.

Letters: B vectors in a batch, d dimensions. Every map returns its output and log |det ∂output/∂input|, (B,) or ().
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from repro.errors import ReproError
from repro.postprocessing.settings import FlowSettings

SCALE = 3.0  # log-scales are parameters times three: they learn three times as fast (logscale_factor)


class Actnorm(nn.Module):
    """(x + b) · exp(s): the first batch it sees comes out with mean 0 and variance 1 in each dimension.

    With a generator b and s are drawn instead, from Glorot's uniform distribution over 1 and d units: TensorFlow's
    default, which the published script leaves them at (see `FlowSettings.actnorm`).
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


def _actnorm(d: int, settings: FlowSettings, generator: torch.Generator) -> Actnorm:
    return Actnorm(d, generator if settings.actnorm == "drawn" else None)


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

    def __init__(self, d: int, settings: FlowSettings, generator: torch.Generator) -> None:
        super().__init__()
        width, affine = settings.width, settings.coupling == "affine"
        self.affine, self.first = affine, d - d // 2
        layers = [nn.Linear(self.first, width, bias=False), nn.Linear(width, width, bias=False)]
        for layer in layers:
            nn.init.normal_(layer.weight, std=0.05, generator=generator)
        self.layers = nn.ModuleList(layers)
        self.norms = nn.ModuleList([_actnorm(width, settings, generator) for _ in layers])
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


class Glow(nn.Module):
    """Vectors (B, d) ↔ latent (B, d). `seed` draws the first weights."""

    def __init__(self, d: int, settings: FlowSettings, seed: int) -> None:
        super().__init__()
        if d < 2**settings.levels:
            raise ReproError(
                f"a flow of {settings.levels} levels needs {2**settings.levels} dimensions, these have {d}"
            )
        generator = torch.Generator().manual_seed(seed)
        self.levels = nn.ModuleList()
        for _ in range(settings.levels):
            steps: list[nn.Module] = []
            for _ in range(settings.depth):
                mixing = Linear(d, generator) if settings.mixing == "linear" else Reversal()
                steps += [_actnorm(d, settings, generator), mixing, Coupling(d, settings, generator)]
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
        """The vectors (B, d) whose latent (B, d) this is: undoes `forward`."""
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
