"""BERT-flow's map, fitted plainly: the published code's steps with its loss, without the package that is tested.

Letters: B vectors in a batch, d dimensions.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import relu

from tests.tables.oracle import Encode

DEPTH, WIDTH, BATCH = 3, 32, 32


class Flow:
    """Levels of three steps each: an actnorm, the dimensions reversed, a coupling that adds; half leave after each."""

    def __init__(self, d: int, levels: int, seed: int) -> None:
        draw = torch.Generator().manual_seed(seed)
        self.parameters: list[Tensor] = []
        self.steps: list[list[dict[str, Tensor]]] = []
        for _ in range(levels):
            self.steps.append([self._step(d, draw) for _ in range(DEPTH)])
            d -= d // 2
        self.started = False

    def _step(self, d: int, draw: torch.Generator) -> dict[str, Tensor]:
        seen, moved = d - d // 2, d // 2
        step = {"one": torch.empty(WIDTH, seen), "two": torch.empty(WIDTH, WIDTH)}
        for matrix in step.values():
            matrix.normal_(std=0.05, generator=draw)
        for name, size in {"": d, "one-": WIDTH, "two-": WIDTH}.items():  # the actnorms'
            step |= {f"{name}bias": torch.zeros(size), f"{name}scale": torch.zeros(size)}
        step |= {"last": torch.zeros(moved, WIDTH), "last-bias": torch.zeros(moved), "last-scale": torch.zeros(moved)}
        self.parameters += [value.requires_grad_() for value in step.values()]
        return step

    def __call__(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """(latent (B, d), log-determinant ())."""
        left: list[Tensor] = []
        log_det = torch.zeros(())
        for number, steps in enumerate(self.steps):
            for step in steps:
                x = self._actnorm(x, step, "")
                log_det = log_det + 3 * step["scale"].sum()
                x = x.flip(1)
                d = x.shape[1]
                first, second = x[:, : d - d // 2], x[:, d - d // 2 :]
                hidden = relu(self._actnorm(first @ step["one"].T, step, "one-"))
                hidden = relu(self._actnorm(hidden @ step["two"].T, step, "two-"))
                shift = (hidden @ step["last"].T + step["last-bias"]) * (3 * step["last-scale"]).exp()
                x = torch.cat([first, second + shift], 1)
            if number < len(self.steps) - 1:
                stays = x.shape[1] - x.shape[1] // 2
                left.append(x[:, stays:])
                x = x[:, :stays]
        return torch.cat([*left, x], 1), log_det

    def _actnorm(self, x: Tensor, step: dict[str, Tensor], name: str) -> Tensor:
        if not self.started:
            with torch.no_grad():
                step[f"{name}bias"].copy_(-x.mean(0))
                step[f"{name}scale"].copy_(-(((x - x.mean(0)) ** 2).mean(0).sqrt() + 1e-6).log() / 3)
        return (x + step[f"{name}bias"]) * (3 * step[f"{name}scale"]).exp()


def flowed(
    encode: Encode, pairs: Sequence[tuple[str, str]], levels: int, epochs: float, rate: float, seed: int = 0
) -> Encode:
    """The encoder's vectors under a flow that was fitted on the pairs: Adam as BERT has it, gradients of norm 1."""
    first, second = (torch.from_numpy(encode([pair[side] for pair in pairs])).float() for side in (0, 1))
    flow = Flow(first.shape[1], levels, seed)
    moments = [(torch.zeros_like(value), torch.zeros_like(value)) for value in flow.parameters]
    order = np.random.default_rng([seed, 0]).permutation(len(pairs))
    for step in range(int(len(pairs) / BATCH * epochs)):
        rows = order[step * BATCH : (step + 1) * BATCH]
        if not flow.started:
            flow(first[rows])
            flow.started = True
        loss = torch.zeros(())
        for side in (first[rows], second[rows]):
            latent, log_det = flow(side)
            likelihood = -0.5 * (latent**2 + math.log(2 * math.pi)).sum(1) + log_det
            loss = loss - likelihood.mean() / (first.shape[1] * math.log(2))
        gradients = torch.autograd.grad(loss, flow.parameters)
        norm = torch.stack([(gradient**2).sum() for gradient in gradients]).sum().sqrt()
        with torch.no_grad():
            for value, gradient, (m, v) in zip(flow.parameters, gradients, moments, strict=True):
                gradient = gradient * min(1.0, 1 / (float(norm) + 1e-6))
                m.mul_(0.9).add_(0.1 * gradient)
                v.mul_(0.999).add_(0.001 * gradient**2)
                value.sub_(rate * (m / (v.sqrt() + 1e-6) + 0.01 * value))
    return lambda sentences: flow(torch.from_numpy(encode(sentences)).float())[0].detach().double().numpy()
