"""Objectives of Sentence-BERT (§3) and SimCSE: what a batch of sentence vectors is worth, on average.

Letters: B pairs or triplets in a batch, d dimensions, k classes.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

MARGIN = 1.0  # of the triplet objective (§3: "we set ε = 1", Euclidean distance)


class Softmax(nn.Module):
    """Classification: softmax(W [u; v; |u−v|] + b), cross-entropy (§3, Table 6 for other concatenations).

    With `drawn`, W and b stay as they were drawn.
    """

    def __init__(self, d: int, classes: int, concatenation: Sequence[str], drawn: bool = False) -> None:
        super().__init__()
        self.concatenation = tuple(concatenation)
        self.classifier = nn.Linear(len(self.concatenation) * d, classes).requires_grad_(not drawn)

    def forward(self, vectors: Sequence[Tensor], labels: Tensor) -> Tensor:
        """vectors: u and v, (B, d) each; labels (B,) int64."""
        return functional.cross_entropy(self.classifier(self.features(*vectors)), labels)

    def features(self, u: Tensor, v: Tensor) -> Tensor:
        """The parts that were asked for, side by side."""
        parts = {"u": u, "v": v, "abs(u-v)": (u - v).abs(), "u*v": u * v}
        return torch.cat([parts[name] for name in self.concatenation], dim=1)  # (B, parts × d)


class Cosine(nn.Module):
    """Regression: mean squared error between cosine and label (§3)."""

    def forward(self, vectors: Sequence[Tensor], labels: Tensor) -> Tensor:
        """vectors: u and v, (B, d) each; labels (B,) float32 in 0-1."""
        u, v = vectors
        return functional.mse_loss(functional.cosine_similarity(u, v), labels)


class Triplet(nn.Module):
    """max(‖a−p‖ − ‖a−n‖ + ε, 0) with ε = 1 (§3)."""

    def forward(self, vectors: Sequence[Tensor], labels: Tensor) -> Tensor:
        """vectors: anchor, positive and negative, (B, d) each; labels are not used."""
        anchor, positive, negative = vectors
        near = functional.pairwise_distance(anchor, positive)  # (B,) its ε of 1e-6 keeps the gradient finite at 0
        far = functional.pairwise_distance(anchor, negative)  # (B,)
        return functional.relu(near - far + MARGIN).mean()


class Contrastive(nn.Module):
    """InfoNCE (SimCSE eq. 1; eq. 5 where there are hard negatives), the other pairs of the batch negative.

    −log exp(s(u_i, v_i)/τ) / Σ_j (exp(s(u_i, v_j)/τ) + α^[i = j] exp(s(u_i, w_j)/τ))

    s is the cosine or the dot product; α, the `hard_weight`, weighs an example's own hard negatives against all others
    (eq. 8). With two encoders u goes through a head of its own.
    """

    def __init__(
        self,
        d: int,
        head: bool,
        temperature: float,
        hard_weight: float = 1.0,
        cosine: bool = True,
        encoders: int = 1,
    ) -> None:
        super().__init__()
        self.temperature, self.hard_weight, self.cosine = temperature, hard_weight, cosine
        self.head = _head(d) if head else nn.Identity()  # of u, and where there is one encoder of all
        self.second = _head(d) if head and encoders == 2 else None

    def forward(self, vectors: Sequence[Tensor], labels: Tensor) -> Tensor:
        """vectors: u, v and maybe columns of hard negatives w, (B, d) each; labels are not used."""
        other = self.head if self.second is None else self.second
        heads = [self.head, *[other] * (len(vectors) - 1)]
        first, *others = (self._scaled(head(part)) for head, part in zip(heads, vectors, strict=True))  # (B, d)
        logits = first @ torch.cat(others).T / self.temperature  # (B, B) or (B, columns × B)
        if self.hard_weight != 1:
            own = torch.eye(len(first), device=logits.device).repeat(1, len(others) - 1)  # (B, (columns − 1) × B)
            logits[:, len(first) :] += math.log(self.hard_weight) * own
        return functional.cross_entropy(logits, torch.arange(len(logits), device=logits.device))

    def _scaled(self, vectors: Tensor) -> Tensor:
        return functional.normalize(vectors, dim=1) if self.cosine else vectors


def _head(d: int) -> nn.Module:
    """SimCSE's dense layer and tanh."""
    dense = nn.Linear(d, d)
    nn.init.normal_(dense.weight, std=0.02)  # as BERT's own layers
    nn.init.zeros_(dense.bias)
    return nn.Sequential(dense, nn.Tanh())


def cross_loss(name: str, logits: Tensor, labels: Tensor) -> Tensor:
    """Cross-encoders: logits (B, k) against classes (B,) int64, or (B, 1) against gold scores of 0-5, squared error.

    As BERT is fine-tuned on GLUE (Devlin et al. 2019, §4.1; the labels as they are in the file).
    """
    if name == "cross-softmax":
        return functional.cross_entropy(logits, labels)
    return functional.mse_loss(logits[:, 0], labels)
