"""Checkpoints of a training: one safetensors file, written with one rename, and the one before it.

A file holds the weights, AdamW's moments while steps remain, and the best weights so far; position and scores are in
its metadata, with a checksum over everything. Learning rate, data order and dropout are functions of seed and step
(trainer.py), so there is nothing else to keep.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
from dataclasses import dataclass, field
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from repro.paths import new_file

NAME = "checkpoint.safetensors"
BEFORE = "checkpoint-before.safetensors"
MOMENTS = ("exp_avg", "exp_avg_sq")
UNSOUND = "is not whole or was altered"
logger = logging.getLogger(__name__)


@dataclass
class Best:
    """The best look at the dev set so far, and the weights that it had."""

    score: float
    step: int
    weights: dict[str, Tensor]


@dataclass
class Position:
    """How far a training is: steps done, of which training, the losses since the last record, and the best so far."""

    identity: str  # of recipe, seed, data and device
    step: int = 0
    best: Best | None = None
    losses: list[float] = field(default_factory=list)
    looks: int = 0


def save(folder: Path, position: Position, module: nn.Module, optimizer: torch.optim.Optimizer | None) -> None:
    """Put a checkpoint in place and keep the one before it; ReproError when the disk is full, both then stay.

    Without an optimizer, whose moments are two thirds of the file, after the last step.
    """
    tensors = {f"weights.{name}": value.detach() for name, value in module.state_dict().items()}
    about: dict[str, object] = {"identity": position.identity, "step": position.step}
    about |= {"losses": position.losses, "looks": position.looks}
    for name, parameter in module.named_parameters():
        state = optimizer.state[parameter] if optimizer else {}
        tensors |= {f"{key}.{name}": state[key] for key in MOMENTS if key in state}
        about |= {"adam": float(state["step"])} if "step" in state else {}
    if position.best:
        tensors |= {f"best.{name}": value for name, value in position.best.weights.items()}
        about |= {"best_score": position.best.score, "best_step": position.best.step}
    copies = {name: value.cpu().contiguous().clone() for name, value in tensors.items()}
    text = json.dumps(about)
    path = folder / NAME
    with new_file(path) as unfinished:
        save_file(copies, unfinished, {"about": text, "sha256": _checksum(text, copies)})
        if path.is_file():
            os.replace(path, folder / BEFORE)


def load(folder: Path, identity: str, module: nn.Module, optimizer: torch.optim.Optimizer) -> Position:
    """Put the last sound checkpoint's state into module and optimizer; at step 0 when there is none.

    One that is not whole, was altered or is another training's is passed over, and that is said.
    """
    passed: list[Path] = []
    for path in (folder / NAME, folder / BEFORE):
        if not path.is_file():
            continue
        if (state := _read(path, identity)) is not None:
            for other in passed:
                logger.warning("%s %s; the training goes on from the checkpoint before it", other, UNSOUND)
            return _restore(*state, module, optimizer)
        passed.append(path)
    for path in passed:
        logger.warning("%s %s; no sound checkpoint is left, and the training starts anew", path, UNSOUND)
    return Position(identity)


def _read(path: Path, identity: str) -> tuple[dict[str, object], dict[str, Tensor]] | None:
    """Description and tensors of a checkpoint; None where it is not a sound one of that training."""
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        about = json.loads(metadata["about"])
        sound = metadata["sha256"] == _checksum(metadata["about"], tensors) and about["identity"] == identity
    except (OSError, SafetensorError, KeyError, ValueError, RecursionError):
        return None
    return (about, tensors) if sound else None


def _restore(
    about: dict[str, object], tensors: dict[str, Tensor], module: nn.Module, optimizer: torch.optim.Optimizer
) -> Position:
    module.load_state_dict(_part(tensors, "weights."))
    moments = {key: _part(tensors, f"{key}.") for key in MOMENTS}
    for name, parameter in module.named_parameters():
        if name in moments["exp_avg"]:
            step = torch.tensor(float(str(about["adam"])), device=parameter.device)
            own = {key: by_name[name].to(parameter.device) for key, by_name in moments.items()}
            optimizer.state[parameter] = {"step": step, **own}
    best = None
    if "best_score" in about:
        best = Best(float(str(about["best_score"])), int(str(about["best_step"])), _part(tensors, "best."))
    losses = about["losses"]
    assert isinstance(losses, list)
    return Position(str(about["identity"]), int(str(about["step"])), best, losses, int(str(about["looks"])))


def _checksum(about: str, tensors: dict[str, Tensor]) -> str:
    """Hex sha256 over the description and every tensor with its name, type and shape."""
    state = hashlib.sha256(about.encode())
    for name in sorted(tensors):
        tensor = tensors[name]
        state.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
        state.update(tensor.reshape(-1).view(torch.uint8).numpy().data)
    return state.hexdigest()


def _part(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}
