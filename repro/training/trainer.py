"""The one trainer: AdamW with linear warm-up and decay, dev selection, checkpoints, data-parallel under torchrun.

Every random draw is a function of seed and place: the order of an epoch of (seed, epoch), all that a step draws of
(seed, step, rank). A run that was killed and resumed therefore ends with the same weights as one that was not.
"""

from __future__ import annotations

import json
import logging
import math
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import nullcontext, suppress
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from torch import distributed
from torch.nn.utils import clip_grad_norm_

from repro import progress
from repro.errors import ReproError
from repro.paths import disk_errors, write_atomic
from repro.training import checkpoint
from repro.training.models import Learner
from repro.training.optimizer import adamw
from repro.training.recipe import TrainedRecipe

logger = logging.getLogger(__name__)
LOG = "log.jsonl"
LOG_EVERY = 20  # steps


@dataclass(frozen=True)
class Options:
    """How to run a training: the gradients are the same but for rounding, dropout draws other masks for other parts."""

    accumulate: int = 1  # parts that a batch is computed in, to save memory
    checkpoint_every: int = 500  # steps
    dtype: str = "float32"  # bfloat16: autocast of the forward pass
    at_most: bool = False  # whether `sample` is a bound, as --sample is, and a smaller set is read as it is


def train(
    learner: Learner,
    count: int,
    recipe: TrainedRecipe,
    seed: int,
    folder: Path,
    identity: str,
    dev: Callable[[], float] | None = None,
    options: Options | None = None,
) -> checkpoint.Position:
    """Train on `count` examples, going on from the last sound checkpoint in `folder` if there is one.

    At the end the module holds the best weights where `recipe.select_every` asks for selection, else the last.
    Raises ReproError when the loss is not finite, no look at the dev set gave a number, or the disk is full. A single
    step in which nothing is learned is said.
    """
    options = options or Options()
    rank, world = _rank()
    optimizer = _optimizer(learner, recipe)
    place = checkpoint.load(folder, identity, learner.module, optimizer)
    epoch_steps = math.ceil(count / recipe.batch_size)
    total = recipe.epochs * epoch_steps
    if total == 1 and recipe.warmup:
        logger.warning(
            "%d examples in batches of %d are one step, at the learning rate 0 from which the warm-up starts: nothing "
            "is learned; name warmup=0, a smaller batch_size or more examples",
            count,
            recipe.batch_size,
        )
    log = _Log(folder / LOG, place.step, active=rank == 0)
    losses, speed = place.losses, _Speed()
    with progress.step(total, "steps", place.step) as counted:
        for step, rows in batches(count, recipe.batch_size, recipe.epochs, seed):
            if step < place.step:
                continue
            torch.manual_seed(int(np.random.SeedSequence([seed, step, rank]).generate_state(1, np.uint64)[0] >> 1))
            rate = recipe.learning_rate * schedule(step, total, recipe.warmup)
            for group in optimizer.param_groups:
                group["lr"] = rate
            learner.module.train()
            losses.append(_gradients(learner, rows, rank, world, options))
            if not math.isfinite(losses[-1]):
                raise ReproError(f"the training diverged: the loss is {losses[-1]} at step {step + 1}; {recipe.remedy}")
            clip_grad_norm_(learner.module.parameters(), recipe.clip)
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
            place.step = step + 1
            speed.tokens += learner.size(rows)
            counted.advance(note=f"loss {np.mean(losses):.4f}, {speed.rate:,.0f} tokens/s")
            looked = dev is not None and looks(place.step, epoch_steps, recipe)
            if place.step % LOG_EVERY == 0 or place.step == total or looked:
                log.write(
                    step=place.step,
                    epoch=round(place.step / total * recipe.epochs, 4),
                    loss=float(np.mean(losses)),
                    lr=rate,
                    tokens_a_second=round(speed.rate),
                )
                losses.clear()
                speed = _Speed()
            if looked and dev and rank == 0:
                _look(learner, place, dev(), log)
                speed = _Speed()
            if rank == 0 and (place.step % options.checkpoint_every == 0 or place.step == total):
                checkpoint.save(folder, place, learner.module, optimizer if place.step < total else None)
    if place.best:
        learner.module.load_state_dict(place.best.weights)
    elif place.looks:
        raise ReproError(
            f"the training diverged: none of {place.looks} looks at the dev set gave a number; {recipe.remedy}"
        )
    learner.module.eval()
    if not place.best:
        _refuse_diverged(learner, recipe)
    return place


def batches(count: int, size: int, epochs: int, seed: int) -> Iterator[tuple[int, np.ndarray]]:
    """(step, example indices (size,)) in the order of a seed; the last batch of an epoch may be smaller."""
    step = 0
    for epoch in range(epochs):
        order = np.random.default_rng([seed, epoch]).permutation(count)
        for start in range(0, count, size):
            yield step, order[start : start + size]
            step += 1


def looks(step: int, epoch_steps: int, recipe: TrainedRecipe) -> bool:
    """Whether the dev set is looked at after so many steps.

    Sentence-BERT counts anew in each epoch and looks at its end too (SentenceTransformer.py:fit, v0.2.3); SimCSE
    counts on and looks at nothing else (Hugging Face's Trainer with evaluation by steps).
    """
    if recipe.select_every is None:
        return False
    if recipe.looks == "training":
        return step % recipe.select_every == 0
    within = (step - 1) % epoch_steps + 1
    return within % recipe.select_every == 0 or within == epoch_steps


def schedule(step: int, total: int, warmup: float) -> float:
    """Share of the learning rate at a step: linear from 0 over the first `warmup` of all steps, then linearly to 0."""
    ahead = math.ceil(warmup * total)
    return step / ahead if step < ahead else (total - step) / max(1, total - ahead)


def _optimizer(learner: Learner, recipe: TrainedRecipe) -> torch.optim.AdamW:
    """Weight decay on matrices alone: none on biases and layer norms (trainer.py:163-175 @239fc1b7)."""
    named = [(name, parameter) for name, parameter in learner.module.named_parameters() if parameter.requires_grad]
    plain = [parameter for name, parameter in named if name.endswith("bias") or "norm" in name.lower()]
    chosen = {id(parameter) for parameter in plain}
    decayed = [parameter for _, parameter in named if id(parameter) not in chosen]
    groups = [{"params": decayed, "weight_decay": recipe.weight_decay}, {"params": plain, "weight_decay": 0.0}]
    return adamw(groups, recipe.learning_rate, recipe.weight_decay, recipe.epsilon, recipe.bias_correction)


def native_dtype(device: str) -> str:
    """bfloat16 where the device multiplies in it, which takes half of the time, else float32."""
    if torch.device(device).type == "cuda":
        return "bfloat16" if torch.cuda.is_bf16_supported(including_emulation=False) else "float32"
    multiplies = torch.cpu.get_capabilities()
    there = device == "cpu" and any(multiplies.get(name) for name in ("avx512_bf16", "amx_bf16", "bf16"))
    return "bfloat16" if there else "float32"


def processes() -> int:
    """How many take part in each step."""
    return _rank()[1]


def _rank() -> tuple[int, int]:
    if distributed.is_available() and distributed.is_initialized():
        return distributed.get_rank(), distributed.get_world_size()
    return 0, 1


def _gradients(learner: Learner, rows: np.ndarray, rank: int, world: int, options: Options) -> float:
    """Leave the gradient of the batch's mean loss in the parameters, and return that loss.

    Each process takes every `world`-th example and each part of an accumulation a slice; a mean weighted by their
    sizes is the mean over the batch.
    """
    parameters = [parameter for parameter in learner.module.parameters() if parameter.requires_grad]
    device = parameters[0].device
    loss = torch.zeros((), device=device)
    for part in np.array_split(rows[rank::world], options.accumulate):
        if len(part):
            with torch.autocast(device.type, torch.bfloat16) if options.dtype == "bfloat16" else nullcontext():
                share = learner.loss(part) * (len(part) / len(rows))
            share.backward()  # type: ignore[no-untyped-call]
            loss += share.detach()
    if world > 1:
        grads = [p.grad if p.grad is not None else torch.zeros_like(p) for p in parameters]
        flat = torch.cat([loss.reshape(1), *(grad.reshape(-1) for grad in grads)])
        distributed.all_reduce(flat)
        loss, *each = torch.split(flat, [1, *(grad.numel() for grad in grads)])
        for parameter, grad in zip(parameters, each, strict=True):
            parameter.grad = grad.view_as(parameter)
    return float(loss)


@torch.no_grad()
def _refuse_diverged(learner: Learner, recipe: TrainedRecipe) -> None:
    """ReproError where the last step left weights that nobody looked at and that give no number."""
    loss = float(learner.loss(np.arange(min(8, len(learner)))))
    if not math.isfinite(loss):
        raise ReproError(f"the training diverged: after the last step the loss is {loss}; {recipe.remedy}")


def _look(learner: Learner, place: checkpoint.Position, score: float, log: _Log) -> None:
    """Keep the weights when the dev score is the best so far; the first of equals wins, a NaN never does."""
    log.write(step=place.step, dev=score)
    place.looks += 1
    if not math.isnan(score) and (place.best is None or score > place.best.score):
        weights = {name: value.detach().cpu().clone() for name, value in learner.module.state_dict().items()}
        place.best = checkpoint.Best(score, place.step, weights)


@dataclass
class _Speed:
    """Tokens that all processes have been trained on since a moment."""

    tokens: int = 0
    start: float = field(default_factory=time.perf_counter)

    @property
    def rate(self) -> float:
        """Tokens a second."""
        return self.tokens / (time.perf_counter() - self.start)


class _Log:
    """log.jsonl: one line a record; a resumed training goes on from its checkpoint's step, in seconds too."""

    def __init__(self, path: Path, step: int, active: bool) -> None:
        self.path, self.active, self.start = path, active, time.perf_counter()
        if active:
            kept = [line for line in read_log(path) if line["step"] <= step]
            self.start -= kept[-1]["seconds"] if kept else 0.0
            write_atomic(path, "".join(json.dumps(line) + "\n" for line in kept))

    def write(self, step: int, **values: float) -> None:
        if self.active:
            seconds = round(time.perf_counter() - self.start, 2)
            record = {
                "step": step,
                **{name: float(f"{value:.7g}") for name, value in values.items()},
                "seconds": seconds,
            }
            with disk_errors(self.path), self.path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(record) + "\n")


def read_log(path: Path) -> list[dict[str, float]]:
    """The records of a training log; a line that a kill cut short, or that is none, is left out."""
    records = []
    if path.is_file():
        for line in path.read_bytes().split(b"\n"):
            with suppress(ValueError, RecursionError):
                record = json.loads(line)
                if isinstance(record, dict) and {"step", "seconds"} <= record.keys() and _numbers(record.values()):
                    records.append(record)
    return records


def _numbers(values: Iterable[object]) -> bool:
    return all(isinstance(value, int | float) for value in values)
