"""Dropout that is cheap on the CPU, where PyTorch's draws a random number an element: a seventh of a training step."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

LEVELS = 1 << 16


class Dropout(nn.Module):
    """Inverted dropout (Srivastava et al. 2014), four elements from each 64 random bits; p to the nearest 1/65536."""

    def __init__(self, p: float) -> None:
        super().__init__()
        self.p = p

    def forward(self, x: Tensor) -> Tensor:
        """x with each element 0 with probability p, else divided by 1 − p; in evaluation mode x itself."""
        if not self.training or self.p == 0:
            return x
        words = torch.empty(math.ceil(x.numel() / 4), dtype=torch.int64, device=x.device).random_(-(1 << 63), None)
        drawn = words.view(torch.int16)[: x.numel()].view(x.shape)
        dropped = round(self.p * LEVELS)
        return x * ((drawn >= dropped - LEVELS // 2) * (LEVELS / (LEVELS - dropped))).to(x.dtype)


def use_cheap_dropout(model: nn.Module) -> None:
    """Replace the dropout modules of a model on the CPU (its attention draws its own)."""
    for module in list(model.modules()):
        for name, child in module.named_children():
            if type(child) is nn.Dropout:
                setattr(module, name, Dropout(child.p).train(child.training))


def set_dropout(model: nn.Module, p: float) -> None:
    """Give every dropout of a model the probability p: modules of dropout, and the numbers that others have for it."""
    for module in model.modules():
        if isinstance(module, nn.Dropout | Dropout):
            module.p = p
        for name, value in vars(module).items():
            if "dropout" in name and isinstance(value, float):
                setattr(module, name, p)
