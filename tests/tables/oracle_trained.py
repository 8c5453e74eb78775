"""Trainings, done plainly: each text through the model on its own, Adam written out, the best look at the dev set kept.

Nothing here uses the package that is tested but what it says of its draws: the examples of a sample, the order of an
epoch, and the seed before the first weights of a head.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from scipy.stats import spearmanr
from torch import Tensor, nn
from torch.nn.functional import cosine_similarity, cross_entropy, mse_loss
from transformers import AutoModel, AutoModelForSequenceClassification, AutoTokenizer

from tests.tables.oracle import Pair


@dataclass(frozen=True)
class Settings:
    """Of one training. `corrected`: Adam with its bias correction, as SimCSE has it."""

    epochs: int = 1
    rate: float = 2e-5
    warmup: float = 0.1
    decay: float = 0.01
    epsilon: float = 1e-6
    corrected: bool = False
    batch: int = 16


SIMCSE = Settings(rate=3e-5, warmup=0.0, decay=0.0, epsilon=1e-8, corrected=True, batch=64)


def sample(examples: Sequence[Any], count: int) -> list[Any]:
    """So many of them, in their order."""
    rows = np.sort(np.random.default_rng(0).choice(len(examples), count, replace=False))
    return [examples[row] for row in rows]


class Sentences:
    """A sentence encoder: the mean or the first token's vector of the last layer."""

    def __init__(self, folder: Path, pool: str = "mean", length: int = 128) -> None:
        torch.manual_seed(0)
        self.tokenizer = AutoTokenizer.from_pretrained(folder)
        self.model: Any = AutoModel.from_pretrained(folder, dtype=torch.float32)
        self.model.pooler = None
        self.pool, self.length = pool, length
        self.head: nn.Module | None = None
        self.kept = False  # whether the head belongs to the model

    def vectors(self, texts: Sequence[str], length: int | None = None) -> Tensor:
        """(n, d) of texts."""
        rows = []
        for text in texts:
            tokens = self.tokenizer(text, truncation=True, max_length=length or self.length, return_tensors="pt")
            hidden = self.model(**tokens).last_hidden_state[0]
            rows.append(hidden.mean(0) if self.pool == "mean" else hidden[0])
        return torch.stack(rows)

    def similarities(self, pairs: Sequence[Pair]) -> list[np.ndarray]:
        """Cosine, and Manhattan and Euclidean distance with a minus, of each pair."""
        with torch.no_grad():
            first, second = (self.vectors([pair[side] for pair in pairs]) for side in (0, 1))  # type: ignore[misc]
            if self.kept and self.head is not None:
                first, second = self.head(first), self.head(second)
        first, second = first.double(), second.double()
        apart = first - second
        return [x.numpy() for x in (cosine_similarity(first, second), -apart.abs().sum(1), -apart.norm(dim=1))]

    def modules(self) -> list[nn.Module]:
        """What is trained."""
        return [self.model] + ([self.head] if self.head is not None else [])


class Cross:
    """A cross-encoder."""

    def __init__(self, folder: Path, outputs: int, tokenizer: Path) -> None:
        torch.manual_seed(0)
        self.tokenizer = AutoTokenizer.from_pretrained(tokenizer)
        self.model: Any = AutoModelForSequenceClassification.from_pretrained(
            folder, num_labels=outputs, dtype=torch.float32, ignore_mismatched_sizes=True
        )

    def logits(self, pairs: Sequence[tuple[Any, ...]]) -> Tensor:
        """(n, outputs)."""
        cut = {"truncation": True, "max_length": 128, "return_tensors": "pt"}
        return torch.cat([self.model(**self.tokenizer(a, b, **cut)).logits for a, b, *_ in pairs])

    def similarities(self, pairs: Sequence[Pair]) -> list[np.ndarray]:
        """The first logit of each pair."""
        with torch.no_grad():
            return [self.logits(pairs)[:, 0].double().numpy()]

    def modules(self) -> list[nn.Module]:
        """What is trained."""
        return [self.model]


def train(
    learner: Sentences | Cross,
    examples: Sequence[Any],
    loss: Callable[[Sequence[Any]], Tensor],
    settings: Settings,
    look: Callable[[], float] | None = None,
) -> None:
    """Train on the examples; the best model at the end of an epoch is kept, without a look the last."""
    named = [pair for module in learner.modules() for pair in module.named_parameters()]
    parameters = [value for _, value in named]
    decayed = [not name.endswith("bias") and "norm" not in name.lower() for name, _ in named]
    moments = [(torch.zeros_like(value), torch.zeros_like(value)) for value in parameters]
    steps = math.ceil(len(examples) / settings.batch)
    total, step = settings.epochs * steps, 0
    ahead = math.ceil(settings.warmup * total)
    best: tuple[float, list[dict[str, Tensor]]] | None = None
    for epoch in range(settings.epochs):
        order = np.random.default_rng([0, epoch]).permutation(len(examples))
        for start in range(0, len(examples), settings.batch):
            share = step / ahead if step < ahead else (total - step) / max(1, total - ahead)
            step += 1
            value = loss([examples[row] for row in order[start : start + settings.batch]])
            gradients = torch.autograd.grad(value, parameters, allow_unused=True)
            norm = math.sqrt(sum(float((g.double() ** 2).sum()) for g in gradients if g is not None))
            for parameter, gradient, decays, (m, v) in zip(parameters, gradients, decayed, moments, strict=True):
                if gradient is not None:
                    rate = settings.rate * share
                    _update(parameter, gradient / max(1.0, norm), m, v, rate, step, settings, decays)
        score = look() if look is not None else math.nan
        if best is None or look is None or score > best[0]:
            best = score, [copy.deepcopy(module.state_dict()) for module in learner.modules()]
    for module, state in zip(learner.modules(), best[1] if best else [], strict=False):
        module.load_state_dict(state)


@torch.no_grad()
def _update(
    x: Tensor, gradient: Tensor, m: Tensor, v: Tensor, rate: float, step: int, settings: Settings, decays: bool
) -> None:
    m.mul_(0.9).add_(0.1 * gradient)
    v.mul_(0.999).add_(0.001 * gradient**2)
    first, second = (1 - 0.9**step, 1 - 0.999**step) if settings.corrected else (1.0, 1.0)
    move = (m / first) / ((v / second).sqrt() + settings.epsilon)
    x.sub_(rate * (move + (settings.decay * x if decays else 0)))


def dev_look(learner: Sentences | Cross, dev: Sequence[Pair]) -> Callable[[], float]:
    """Sentence-BERT's: the largest ρ over the similarities that there are."""
    gold = [gold for *_, gold in dev]
    return lambda: max(float(spearmanr(x.round(10), gold).statistic) for x in learner.similarities(dev))


def softmax(folder: Path, examples: Sequence[tuple[str, str, int]], dev: Sequence[Pair]) -> Sentences:
    """Classification over (u, v, |u−v|)."""
    learner = Sentences(folder)
    width = learner.model.config.hidden_size
    classifier = learner.head = nn.Linear(3 * width, 3)

    def loss(batch: Sequence[tuple[str, str, int]]) -> Tensor:
        u, v = (learner.vectors([row[side] for row in batch]) for side in (0, 1))  # type: ignore[misc]
        return cross_entropy(classifier(torch.cat([u, v, (u - v).abs()], 1)), torch.tensor([row[2] for row in batch]))

    train(learner, examples, loss, Settings(), dev_look(learner, dev))
    return learner


def cosine(folder: Path, examples: Sequence[Pair], dev: Sequence[Pair]) -> Sentences:
    """Regression of the cosine on gold / 5, four epochs."""
    learner = Sentences(folder)

    def loss(batch: Sequence[Pair]) -> Tensor:
        u, v = (learner.vectors([row[side] for row in batch]) for side in (0, 1))  # type: ignore[misc]
        return mse_loss(cosine_similarity(u, v), torch.tensor([row[2] for row in batch]) / 5)

    train(learner, examples, loss, Settings(epochs=4), dev_look(learner, dev))
    return learner


def triplet(folder: Path, examples: Sequence[tuple[str, str, str]]) -> Sentences:
    """max(‖a−p‖ − ‖a−n‖ + 1, 0), one epoch: one look, and so no choice."""
    learner = Sentences(folder)

    def loss(batch: Sequence[tuple[str, str, str]]) -> Tensor:
        a, p, n = (learner.vectors([row[side] for row in batch]) for side in range(3))
        near, far = (((a - other + 1e-6) ** 2).sum(1).sqrt() for other in (p, n))
        return (near - far + 1).clamp(min=0).mean()

    train(learner, examples, loss, Settings())
    return learner


def contrastive(
    folder: Path, examples: Sequence[tuple[str, ...]], settings: Settings, keep: bool, alpha: float = 1.0
) -> Sentences:
    """InfoNCE at temperature 0.05 over [CLS] through a new dense layer and tanh, 32 tokens.

    `alpha`: the weight of an example's own hard negative.
    """
    learner = Sentences(folder, "cls", length=512)
    width = learner.model.config.hidden_size
    dense = nn.Linear(width, width)
    nn.init.normal_(dense.weight, std=0.02)
    nn.init.zeros_(dense.bias)
    learner.head, learner.kept = nn.Sequential(dense, nn.Tanh()), keep

    def loss(batch: Sequence[tuple[str, ...]]) -> Tensor:
        first, *others = (
            learner.head(learner.vectors([row[side] for row in batch], 32)) for side in range(len(batch[0]))
        )
        columns = torch.cat(others)
        logits = torch.stack([cosine_similarity(row[None], columns) for row in first]) / 0.05
        if alpha != 1:
            logits = logits + math.log(alpha) * torch.eye(len(batch), len(columns)).roll(len(batch), 1)
        return cross_entropy(logits, torch.arange(len(batch)))

    train(learner, examples, loss, settings)
    return learner


def cross_regression(
    folder: Path, examples: Sequence[Pair], dev: Sequence[Pair], tokenizer: Path | None = None
) -> Cross:
    """Squared error of one output and the gold score, four epochs."""
    learner = Cross(folder, 1, tokenizer or folder)
    loss = lambda batch: mse_loss(learner.logits(batch)[:, 0], torch.tensor([row[2] for row in batch]))  # noqa: E731
    train(learner, examples, loss, Settings(epochs=4), dev_look(learner, dev))
    return learner


def cross_softmax(folder: Path, examples: Sequence[tuple[str, str, int]], target: Path) -> None:
    """Classification of pairs, one epoch; the model is saved to a folder."""
    learner = Cross(folder, 3, folder)
    loss = lambda batch: cross_entropy(learner.logits(batch), torch.tensor([row[2] for row in batch]))  # noqa: E731
    train(learner, examples, loss, Settings())
    learner.model.save_pretrained(target)
