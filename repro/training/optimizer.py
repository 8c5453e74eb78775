"""AdamW with and without Adam's bias correction, both by torch's fused kernel."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor

BETAS = (0.9, 0.999)
# steps after which 0.9^t and 0.999^t are 0 in float32, so that Adam's correction 1 / (1 − β^t) divides by one
LATE = 1e6


def adamw(
    parameters: Iterable[Tensor] | Iterable[dict[str, Any]],
    learning_rate: float,
    weight_decay: float,
    epsilon: float,
    bias_correction: bool,
) -> torch.optim.AdamW:
    """AdamW (Loshchilov and Hutter 2019) over tensors or torch's parameter groups, whose own settings win.

    m ← 0.9 m + 0.1 g, v ← 0.999 v + 0.001 g², w ← w − lr (m / (√v + ε) + decay · w). With `bias_correction` m and v
    are divided by 1 − β^t first (Kingma and Ba 2015, Algorithm 1); without it this is BERT's AdamWeightDecayOptimizer
    (google-research/bert optimization.py), whose first updates are 0.1 / √0.001, about three times, as large.
    """
    optimizer = torch.optim.AdamW(
        parameters, lr=learning_rate, betas=BETAS, eps=epsilon, weight_decay=weight_decay, fused=True
    )
    if not bias_correction:
        for group in optimizer.param_groups:
            for parameter in group["params"]:
                optimizer.state[parameter] = {
                    "step": torch.tensor(LATE, device=parameter.device),
                    "exp_avg": torch.zeros_like(parameter, memory_format=torch.preserve_format),
                    "exp_avg_sq": torch.zeros_like(parameter, memory_format=torch.preserve_format),
                }
    return optimizer
