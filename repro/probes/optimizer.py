"""Adam as torch.optim.Adam takes its steps at its defaults (Kingma and Ba 2015, Algorithm 1), in float32."""

from __future__ import annotations

import numpy as np

RATE, BETA1, BETA2, EPSILON = 1e-3, 0.9, 0.999, 1e-8  # torch.optim.Adam's defaults


class Adam:
    """Weights of any shape and the moments of their gradients; an update changes all of them in place."""

    def __init__(self, weights: np.ndarray) -> None:
        self.weights = weights
        self.mean, self.square = np.zeros_like(weights), np.zeros_like(weights)
        self.steps = 0

    def update(self, gradient: np.ndarray) -> None:
        """One step, `gradient` (float32, the shape of the weights) serving as scratch."""
        self.steps += 1
        scale = np.float32(RATE / (1 - BETA1**self.steps))
        correction = np.float32((1 - BETA2**self.steps) ** -0.5)
        change = gradient - self.mean
        change *= np.float32(1 - BETA1)
        self.mean += change
        gradient *= gradient
        gradient *= np.float32(1 - BETA2)
        self.square *= np.float32(BETA2)
        self.square += gradient
        np.sqrt(self.square, out=change)
        change *= correction
        change += np.float32(EPSILON)
        np.divide(self.mean, change, out=change)
        change *= scale
        self.weights -= change


def initial_weights(inputs: int, outputs: int, seed: int) -> np.ndarray:
    """(inputs + 1, outputs) float32: what nn.Linear(inputs, outputs) holds after torch.manual_seed(seed), bias last."""
    import torch

    generator, bound = torch.Generator().manual_seed(seed), inputs**-0.5
    weight = torch.empty(outputs, inputs).uniform_(-bound, bound, generator=generator)
    bias = torch.empty(outputs).uniform_(-bound, bound, generator=generator)
    return np.vstack([weight.numpy().T, bias.numpy()])


def with_constant(features: np.ndarray) -> np.ndarray:
    """Features (n, d) with a column of ones behind them, (n, d + 1) float32."""
    x = np.empty((len(features), features.shape[1] + 1), np.float32)
    x[:, :-1], x[:, -1] = features, 1
    return x
