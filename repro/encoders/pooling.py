"""Token vectors → sentence vectors.

Letters: B sentences in a batch, T tokens, d dimensions. `mask` is True at tokens and False at padding;
[CLS] and [SEP] count as tokens, as in every paper reproduced here.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor


def cls(hidden: Tensor, mask: Tensor) -> Tensor:
    """The first token's vector."""
    first = mask.int().argmax(dim=1)  # (B,) not 0 where padding is on the left
    return hidden[torch.arange(len(hidden), device=hidden.device), first]  # (B, d)


def mean(hidden: Tensor, mask: Tensor) -> Tensor:
    """Mean over tokens (Sentence-BERT §3, MEAN)."""
    return _sum(hidden, mask) / _count(mask)  # (B, d)


def mean_sqrt_len(hidden: Tensor, mask: Tensor) -> Tensor:
    """Sum over tokens divided by the square root of their number."""
    return _sum(hidden, mask) / _count(mask).sqrt()  # (B, d)


def weighted_mean(hidden: Tensor, mask: Tensor) -> Tensor:
    """Mean over tokens, the first counted once, the second twice, … (SGPT, Muennighoff 2022, eq. 2)."""
    weights = mask * torch.arange(1, mask.shape[1] + 1, device=mask.device)  # (B, T)
    return (hidden * weights[:, :, None]).sum(dim=1) / weights.sum(dim=1, keepdim=True).clamp(min=1)  # (B, d)


def max(hidden: Tensor, mask: Tensor) -> Tensor:
    """Maximum over tokens in each dimension (Sentence-BERT §3, MAX), padding left out."""
    return hidden.masked_fill(~mask[:, :, None], float("-inf")).amax(dim=1)  # (B, d)


def max_padded(hidden: Tensor, mask: Tensor) -> Tensor:
    """Maximum over all positions, padding included: what the first release of Sentence-BERT computed by mistake.

    A vector then depends on the other sentences of its batch (v0.1.0 TransformerModel.py:61, mended in 2ad36792).
    """
    return hidden.amax(dim=1)  # (B, d)


def last(hidden: Tensor, mask: Tensor) -> Tensor:
    """The last token's vector; zeros where there is none."""
    positions = torch.arange(mask.shape[1], device=mask.device)  # (T,)
    final = (mask * positions).argmax(dim=1)  # (B,)
    return hidden[torch.arange(len(hidden), device=hidden.device), final] * mask.any(dim=1, keepdim=True)  # (B, d)


def _count(mask: Tensor) -> Tensor:
    """(B, 1) tokens, at least 1: where a cut left none the sum is zero already."""
    return mask.sum(dim=1, keepdim=True).clamp(min=1)


def _sum(hidden: Tensor, mask: Tensor) -> Tensor:
    return (hidden * mask[:, :, None]).sum(dim=1)  # (B, d)


POOLERS: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "cls": cls,
    "mean": mean,
    "mean-sqrt-len": mean_sqrt_len,
    "weighted-mean": weighted_mean,
    "max": max,
    "max-padded": max_padded,
    "last": last,
}
