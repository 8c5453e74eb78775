"""Recipe and seed → a trained model's folder. What was trained once is not trained again."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from filelock import FileLock
from torch import distributed

from repro import __version__
from repro.data.readers import Pairs
from repro.encoders.recipe import TransformerRecipe, describe
from repro.encoders.transformer import pick_device
from repro.encoders.weights import resolve
from repro.errors import ReproError
from repro.files import disk_errors, home
from repro.metrics.correlation import spearman
from repro.provenance import library_versions
from repro.training import checkpoint, plot, trainer
from repro.training.data import Examples
from repro.training.models import CrossLearner, Learner, SentenceLearner
from repro.training.recipe import TrainedRecipe

ABOUT = "repro.json"


@dataclass(frozen=True)
class Material:
    """What a training reads: training sets by name, and the pairs that models are selected on."""

    examples: Callable[[str], Examples]
    dev: Callable[[], list[Pairs]]


@dataclass(frozen=True)
class Trained:
    """A trained model: its folder, and what `repro.json` in it says."""

    folder: Path
    about: dict[str, object]


def train(
    recipe: TrainedRecipe, seed: int, material: Material, device: str = "auto", options: trainer.Options | None = None
) -> Trained:
    """The model of that recipe and seed, trained now unless it is there; a training that was cut short goes on.

    A base that is itself trained is that of seed 0 for every seed: one NLI model, from which STS-B runs continue.
    Raises NotAvailable when base or data cannot be had, ReproError when the training fails.
    """
    options = options or trainer.Options()
    base = recipe.base
    if isinstance(base, TrainedRecipe):
        folder = train(base, 0, material, device, options).folder
        base = replace(base.root, weights=str(folder), revision=None)
    if recipe.objective == "contrastive" and (trainer.processes() > 1 or options.accumulate > 1):
        raise ReproError(
            "a contrastive batch is one whole: its examples are each other's negatives; train it undivided"
        )
    examples = material.examples(recipe.data).sample(recipe.sample, seed=0)
    about = {
        "recipe": describe(recipe),
        "seed": seed,
        "base_files": resolve(base).identity,
        "data_sha256": examples.digest(),
        "examples": len(examples),
        "device": pick_device(device),
        "dtype": options.dtype,
        "version": __version__,
    }
    parts = {"processes": trainer.processes(), "accumulate": options.accumulate}  # they divide the dropout's draws
    about |= {name: count for name, count in parts.items() if count > 1}
    identity = hashlib.sha256(json.dumps(about, sort_keys=True).encode()).hexdigest()[:32]
    target = home() / "models" / identity
    with disk_errors(target):
        target.parent.mkdir(parents=True, exist_ok=True)
    if not distributed.is_initialized():
        with FileLock(f"{target}.lock"):
            return _train(recipe, base, seed, examples, material, about, target, options)
    return _train(recipe, base, seed, examples, material, about, target, options)


def _train(
    recipe: TrainedRecipe,
    base: TransformerRecipe,
    seed: int,
    examples: Examples,
    material: Material,
    about: dict[str, object],
    target: Path,
    options: trainer.Options,
) -> Trained:
    if (target / ABOUT).is_file():
        return Trained(target, json.loads((target / ABOUT).read_text(encoding="utf-8")))
    start = time.perf_counter()
    torch.manual_seed(seed)  # the classifier's first weights
    device = str(about["device"])
    learner: Learner = (CrossLearner if recipe.cross else SentenceLearner)(base, recipe, examples, device)
    dev = material.dev() if recipe.select_every else None
    look = (lambda: dev_score(learner, dev)) if dev else None
    working = target.with_name(f"{target.name}.training")
    place = trainer.train(learner, len(examples), recipe, seed, working, target.name, look, options)
    about = about | {
        "steps": place.step,
        "selected_step": place.best.step if place.best else None,
        "dev": round(place.best.score, 6) if place.best else None,
        "seconds": round(time.perf_counter() - start, 1),
        "versions": library_versions(),
    }
    if not distributed.is_initialized() or distributed.get_rank() == 0:
        _put_in_place(learner, about, working, target)
    if distributed.is_initialized():
        distributed.barrier()
    return Trained(target, about)


@contextmanager
def data_parallel() -> Iterator[bool]:
    """Join the processes that torchrun started, if it did; whether this is the one that writes and prints."""
    if int(os.environ.get("WORLD_SIZE", "1")) == 1:
        yield True
        return
    distributed.init_process_group("nccl" if torch.cuda.is_available() else "gloo")
    if torch.cuda.is_available():
        torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
    try:
        yield distributed.get_rank() == 0
    finally:
        distributed.destroy_process_group()


def dev_score(learner: Learner, parts: list[Pairs]) -> float:
    """Spearman × 100 of the model's similarities on all pairs."""
    learner.module.eval()
    first = [sentence for part in parts for sentence in part.first]
    second = [sentence for part in parts for sentence in part.second]
    gold = np.concatenate([part.gold for part in parts])
    return 100 * spearman(learner.similarities(first, second), gold)


def _put_in_place(learner: Learner, about: dict[str, object], working: Path, target: Path) -> None:
    """Model, log, plot and description in one folder, with one rename; the checkpoint goes."""
    with disk_errors(target):
        unfinished = Path(tempfile.mkdtemp(dir=target.parent, prefix=f".{target.name}."))
        try:
            learner.save(unfinished)
            shutil.copyfile(working / trainer.LOG, unfinished / trainer.LOG)
            plot.training(trainer.read_log(unfinished / trainer.LOG), unfinished / "training.svg")
            (unfinished / ABOUT).write_text(json.dumps(about, indent=1) + "\n", encoding="utf-8")
            unfinished.chmod(0o755)
            os.replace(unfinished, target)
        except BaseException:
            shutil.rmtree(unfinished, ignore_errors=True)
            raise
    (working / checkpoint.NAME).unlink(missing_ok=True)
    shutil.rmtree(working, ignore_errors=True)
