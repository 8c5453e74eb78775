"""Recipe and seed → a trained model's folder. What was trained once is not trained again."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from filelock import FileLock, Timeout
from torch import distributed

from repro import sealed
from repro.checksums import sha256_of
from repro.data import wordnet
from repro.data.readers import without_sentence
from repro.data.wordnet import Synonyms
from repro.encoders.described import describe
from repro.encoders.recipe import TransformerRecipe
from repro.encoders.transformer import pick_device
from repro.encoders.weights import resolve
from repro.errors import NotAvailable, ReproError
from repro.numerals import whole
from repro.paths import disk_errors, home, new_folder, sweep_once
from repro.provenance import library_versions
from repro.sealed import seal
from repro.training import plot, selection, trainer
from repro.training.contrastive_learner import ContrastiveLearner
from repro.training.cross_encoder import CrossLearner
from repro.training.data import Examples
from repro.training.language_model import MaskedLearner
from repro.training.models import Learner, SentenceLearner
from repro.training.recipe import SELECTIONS, TrainedRecipe
from repro.version import __version__

ABOUT = "repro.json"
TORCHRUN = ("RANK", "LOCAL_RANK", "MASTER_ADDR", "MASTER_PORT")  # what it sets beside WORLD_SIZE
# by what a recipe says that it trains
LEARNERS: dict[str, Callable[..., Learner]] = {
    "sentence": SentenceLearner,
    "contrastive": ContrastiveLearner,
    "cross": CrossLearner,
    "language": MaskedLearner,
}
logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Material:
    """What a training reads: training sets by name, and the pairs that models are selected on."""

    examples: Callable[[str], Examples]
    dev: Callable[[str], selection.Dev]  # by the name of a selection
    synonyms: Callable[[], Synonyms]


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
    device = pick_device(device)
    examples = material.examples(recipe.data)
    if recipe.sample and recipe.sample > len(examples) and not options.at_most:
        raise NotAvailable(
            f"{recipe.data} has {len(examples):,} examples, fewer than the {recipe.sample:,} of sample; name as many "
            "at most, or leave it out"
        )
    base = recipe.root
    if recipe.before:
        folder = train(recipe.before, 0, material, device, options).folder
        base = replace(base, weights=str(folder), revision=None)
    if recipe.undivided and (trainer.processes() > 1 or options.accumulate > 1):
        raise ReproError(
            "a contrastive batch is one whole: its examples are each other's negatives; train it undivided"
        )
    examples = examples.sample(recipe.sample, seed=0)
    if recipe.undivided and len(examples.columns) == 2 and min(len(examples), recipe.batch_size) < 2:
        raise ReproError(
            "a contrastive batch of one example has no negatives and teaches nothing; train on more at a time"
        )
    if recipe.needs_synonyms:
        examples = replace(examples, synonyms=material.synonyms())
    dev = material.dev(recipe.select) if recipe.select_every else None
    about = {
        "recipe": describe(recipe),
        "seed": seed,
        "base_files": resolve(base).identity,
        "data_sha256": examples.digest(),
        "dev_sha256": selection.checksum(dev) if dev else None,
        "examples": len(examples),
        "device": device,
        "dtype": options.dtype,
        "version": __version__,
    }
    parts = {"processes": trainer.processes(), "accumulate": options.accumulate}  # they divide the dropout's draws
    about |= {name: count for name, count in parts.items() if count > 1}
    about |= {"synonyms_sha256": wordnet.digest(examples.synonyms)} if recipe.needs_synonyms else {}
    identity = hashlib.sha256(json.dumps(about, sort_keys=True).encode()).hexdigest()[:32]
    target = home() / "models" / identity
    if not _working(target).exists() and (stored := _sound(target, about)) is not None:
        return Trained(target, stored)  # which asks nothing of a home that cannot be written to
    with disk_errors(target):
        target.parent.mkdir(parents=True, exist_ok=True)
    sweep_once(target.parent)
    with _alone(target):
        return _train(recipe, base, seed, examples, dev, about, target, options)


@contextmanager
def _alone(target: Path) -> Iterator[None]:
    """Have no other command train that model meanwhile: wait for it, or under torchrun, where others wait, refuse."""
    with disk_errors(target):
        lock = FileLock(f"{target}.lock", timeout=0 if distributed.is_initialized() else -1)
        try:
            if not distributed.is_initialized() or distributed.get_rank() == 0:
                lock.acquire()
        except Timeout:
            raise ReproError(f"{target} is being trained by another command; wait for its end") from None
    try:
        yield
    finally:
        lock.release()


def _working(target: Path) -> Path:
    """Where the checkpoints of a model lie until it is finished."""
    return target.with_name(f"{target.name}.training")


def _train(
    recipe: TrainedRecipe,
    base: TransformerRecipe,
    seed: int,
    examples: Examples,
    dev: selection.Dev | None,
    about: dict[str, object],
    target: Path,
    options: trainer.Options,
) -> Trained:
    working, first = _working(target), not distributed.is_initialized() or distributed.get_rank() == 0
    stored = _sound(target, about) if target.exists() else None
    _together()  # nobody removes what another still reads
    if stored is not None:
        if first:
            shutil.rmtree(working, ignore_errors=True)  # of a run that was killed between the rename and this
        return Trained(target, stored)
    if first and target.exists():
        logger.warning("%s is not whole or was altered; it is trained again", target)
        shutil.rmtree(target) if target.is_dir() and not target.is_symlink() else target.unlink()
    _together()
    if blank := without_sentence(examples.columns):
        logger.warning(
            "%d texts of %s are blank: cells without a sentence, as SimCSE's training reads", blank, recipe.data
        )
    torch.manual_seed(seed)  # the first weights of what is not the base's
    device = str(about["device"])
    learner = LEARNERS[recipe.learner](base, recipe, examples, device)
    if resolve(base).identity != about["base_files"]:
        raise ReproError(f"{base.weights} was replaced while it was read; train again")
    look = (lambda: dev_score(learner, dev, recipe)) if dev else None
    place = trainer.train(learner, len(learner), recipe, seed, working, target.name, look, options)
    _together()  # the first has written the log that all read
    about = about | {
        "steps": place.step,
        "blank_texts": blank,
        "selected_step": place.best.step if place.best else None,
        "dev": round(place.best.score, 6) if place.best else None,
        "seconds": round(trainer.read_log(working / trainer.LOG)[-1]["seconds"], 1),  # of every process that took part
        "versions": library_versions(),
    }
    _together()  # and takes it away when they have
    if first:
        _put_in_place(learner, recipe, about, working, target)
    _together()
    return Trained(target, about)


def _together() -> None:
    """Wait until all processes of this training are here."""
    if distributed.is_initialized():
        distributed.barrier()


@contextmanager
def data_parallel() -> Iterator[bool]:
    """Join the processes that torchrun started, if it did; whether this is the one that writes and prints."""
    if _started() == 1:
        yield True
        return
    distributed.init_process_group("nccl" if torch.cuda.is_available() else "gloo")
    if torch.cuda.is_available():
        torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
    try:
        yield distributed.get_rank() == 0
    finally:
        distributed.destroy_process_group()


def _started() -> int:
    """How many processes torchrun started; ReproError where the environment speaks of several and not as it does."""
    text = os.environ.get("WORLD_SIZE") or "1"
    try:
        count = whole(text)
    except ValueError:
        count = 0
    if count < 1:
        raise ReproError(f"WORLD_SIZE is {text!r}, which torchrun sets to a number of processes; unset it")
    missing = [name for name in TORCHRUN if not os.environ.get(name)]
    if count > 1 and missing:
        raise ReproError(
            f"WORLD_SIZE is {count}, but {missing[0]} is not set; start the training with torchrun, or unset WORLD_SIZE"
        )
    return count


def dev_score(learner: Learner, dev: selection.Dev, recipe: TrainedRecipe) -> float:
    """What a look says of the model as it is now (selection.score)."""
    assert isinstance(learner, selection.Scorer)  # all but language models, which nobody looks at
    learner.module.eval()
    return selection.score(learner, dev, cosine_only=recipe.selected_by_cosine)


def _files(folder: Path) -> dict[str, str]:
    """{path below the folder: sha256} of all files but the description itself."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file() and path != folder / ABOUT)
    return {path.relative_to(folder).as_posix(): sha256_of(path) for path in paths}


def _sound(folder: Path, about: dict[str, object]) -> dict[str, object] | None:
    """What a trained model says of itself, when it is the one that is wanted and every file is as it was written."""
    try:
        stored = sealed.read(folder / ABOUT)
        wanted = json.loads(json.dumps(about))
        sound = stored["files"] == _files(folder) and {name: stored[name] for name in wanted} == wanted
    except (OSError, ValueError, KeyError, ReproError):
        return None
    return stored if sound else None


def _put_in_place(
    learner: Learner, recipe: TrainedRecipe, about: dict[str, object], working: Path, target: Path
) -> None:
    """Model, log, plot and description in one folder, with one rename; the checkpoint goes."""
    with new_folder(target) as unfinished:
        learner.save(unfinished)
        shutil.copyfile(working / trainer.LOG, unfinished / trainer.LOG)
        log, measured = trainer.read_log(unfinished / trainer.LOG), SELECTIONS[recipe.select]
        plot.training(log, unfinished / "training.svg", measured)
        about = about | {"files": _files(unfinished)}
        (unfinished / ABOUT).write_text(seal(about), encoding="utf-8")
    shutil.rmtree(working, ignore_errors=True)
