"""Checkpoints of a training: one safetensors file, written with one rename, so that the last good one survives a kill.

It holds the weights, AdamW's moments and the best weights so far; position and scores are in its metadata. Learning
rate, data order and dropout are functions of seed and step (trainer.py), so there is nothing else to keep.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from repro.errors import ReproError
from repro.files import new_file

NAME = "checkpoint.safetensors"


@dataclass
class Best:
    """The best look at the dev set so far, and the weights that it had."""

    score: float
    step: int
    weights: dict[str, Tensor]


@dataclass
class Position:
    """How far a training is: steps done, of which training, and the best so far."""

    identity: str  # of recipe, seed, data and device
    step: int = 0
    best: Best | None = None


def save(path: Path, position: Position, module: nn.Module, optimizer: torch.optim.Optimizer) -> None:
    """Replace the checkpoint; ReproError when the disk is full, the old one then stays."""
    tensors = {f"weights.{name}": value.detach() for name, value in module.state_dict().items()}
    for name, parameter in module.named_parameters():
        for key in ("exp_avg", "exp_avg_sq"):
            if key in optimizer.state[parameter]:
                tensors[f"{key}.{name}"] = optimizer.state[parameter][key]
    about: dict[str, object] = {"identity": position.identity, "step": position.step}
    if position.best:
        tensors |= {f"best.{name}": value for name, value in position.best.weights.items()}
        about |= {"best_score": position.best.score, "best_step": position.best.step}
    with new_file(path) as unfinished:
        save_file(
            {name: value.contiguous().clone() for name, value in tensors.items()},
            unfinished,
            {"about": json.dumps(about)},
        )


def load(path: Path, identity: str, module: nn.Module, optimizer: torch.optim.Optimizer) -> Position:
    """Put the checkpoint's state into module and optimizer; at step 0 when there is none.

    Raises ReproError when the file is not whole or is the checkpoint of another training.
    """
    if not path.is_file():
        return Position(identity)
    try:
        with safe_open(path, framework="pt") as file:
            about = json.loads((file.metadata() or {})["about"])
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, KeyError, ValueError) as error:
        raise ReproError(f"{path} is not a whole checkpoint; remove it to train from the beginning") from error
    if about["identity"] != identity:
        raise ReproError(
            f"{path} is the checkpoint of another recipe, seed or data set; remove it, or name another folder"
        )
    module.load_state_dict(_part(tensors, "weights."))
    moments = {key: _part(tensors, f"{key}.") for key in ("exp_avg", "exp_avg_sq")}
    for name, parameter in module.named_parameters():
        if name in moments["exp_avg"]:
            state: dict[str, Tensor] = {key: found[name].to(parameter.device) for key, found in moments.items()}
            optimizer.state[parameter] = {"step": torch.tensor(float(about["step"])), **state}
    best = None
    if "best_score" in about:
        best = Best(about["best_score"], about["best_step"], _part(tensors, "best."))
    return Position(identity, about["step"], best)


def _part(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}
