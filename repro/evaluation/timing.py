"""Units of rows that are timed: build the encoder, of random weights where it has none, and time it."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any, ClassVar, Protocol

from repro import progress
from repro.encoders import zoo
from repro.encoders.random_weights import random_like
from repro.encoders.ready import Ready
from repro.encoders.recipe import TimedRecipe
from repro.errors import NotAvailable
from repro.evaluation import machine
from repro.evaluation.column import Column
from repro.evaluation.measurement import Subject, result_of
from repro.evaluation.session import Need, Session
from repro.evaluation.units import Outcome
from repro.results.csv_lines import Place
from repro.tasks import TASKS
from repro.tasks.base import Scores, Similarity, Task

BATCH = 32  # sentences, without smart batching
HEAD_SEED = 12  # of a cross-encoder's head, on whose values its speed does not depend


def device_for(kind: str) -> str:
    """`cpu`, or the GPU there is; NotAvailable when there is none."""
    if kind == "cpu":
        return "cpu"
    if version("torch").endswith("+cpu"):  # a build that knows none: no need to load it
        raise NotAvailable("there is no GPU here")
    import torch

    if torch.cuda.is_available():
        return "cuda"
    if torch.backends.mps.is_available():
        return "mps"
    raise NotAvailable("there is no GPU here")


@contextmanager
def encoder_of(
    recipe: TimedRecipe, ready: Ready | None, device: str, words: Sequence[str]
) -> Iterator[Callable[[Sequence[str]], Any]]:
    """What is timed: sentences → vectors. `words`: what random word vectors must know."""
    with tempfile.TemporaryDirectory(prefix="repro-") as folder:
        if ready is None:
            ready = zoo.locate(random_like(recipe.base, Path(folder), words))
        group = zoo.Group([ready], device, recipe.dtype)
        if recipe.batching == "smart":
            yield lambda sentences: group.encode(sentences)[0].vectors
        else:
            yield partial(group.backbone.encode_in_order, size=BATCH)


@contextmanager
def pair_scorer_of(recipe: TimedRecipe, ready: Ready | None, device: str) -> Iterator[Similarity]:
    """A cross-encoder of the recipe's size, which is what is timed: its transformer under a head that is drawn."""
    import torch

    from repro.training.cross_encoder import CrossEncoder

    with tempfile.TemporaryDirectory(prefix="repro-") as folder:
        base = (ready.recipe if ready else random_like(recipe.base, Path(folder), ())).trainable
        assert base is not None  # Timed.needs has refused word vectors
        torch.manual_seed(HEAD_SEED)
        model = CrossEncoder(base, 1, device, new_head=True, dtype=recipe.dtype)
        yield lambda first, second: model.predict(first, second)[:, 0]


def measure(name: str, recipe: TimedRecipe, ready: Ready | None, task: Task, data: Any) -> tuple[Scores, Subject]:
    """Time an encoder on the task's device; `ready` is None for random weights."""
    device = device_for(task.device)
    start = time.perf_counter()
    if task.scores_pairs:
        with pair_scorer_of(recipe, ready, device) as similarity:
            scores = task.time_pairs(data, similarity)
    else:
        words = sorted({word for sentence in task.sample(data) for word in sentence.split()})
        with encoder_of(recipe, ready, device, words) as encode:
            scores = task.time(data, encode)
    base = ready.recipe if ready else recipe.base
    about = replace(recipe, base=base).signature() | {"on": machine.hardware(device)}
    weights = ready.weights if ready else f"random, of the size of {recipe.weights}"
    dtype = base.computed_in(recipe.dtype)
    return scores, Subject(name, about, weights, device, dtype, time.perf_counter() - start)


class TimedSystem(Protocol):
    """What a unit asks of a system that is timed."""

    @property
    def recipe(self) -> TimedRecipe: ...

    def needs(self, column: Column, session: Session) -> list[Need]:
        """What has to be fetched for a column."""
        ...

    def key(self, column: Column, session: Session) -> Mapping[str, object]:
        """What decides its number in a column."""
        ...


@dataclass(frozen=True)
class TimingUnit:
    """One row on one kind of device: all numbers that one task times."""

    row: str
    system: TimedSystem
    columns: tuple[Column, ...]
    turn: ClassVar[int] = 1  # after the encodings
    alone: ClassVar[bool] = True

    @property
    def title(self) -> str:
        """Row and device."""
        return f"{self.row}: {self.columns[0].task}"

    @property
    def cells(self) -> list[Place]:
        """The cells of the task's numbers."""
        return [(self.row, column.slug) for column in self.columns]

    @property
    def together(self) -> object:
        """Equal for the numbers of one task, which are timed once."""
        return self.row, self.columns[0].task

    def joined(self, others: Sequence[TimingUnit]) -> TimingUnit:
        """The same timing with the columns of all."""
        return replace(self, columns=tuple(column for unit in (self, *others) for column in unit.columns))

    def run(self, session: Session) -> Outcome:
        """Time it and store the result."""
        outcome = Outcome()
        with outcome.blaming(self.row, self.columns):
            session.get(self.system.needs(self.columns[0], session))
            recipe, task = self.system.recipe, self.columns[0].task
            ready = None if recipe.random else session.ready(recipe.base)
            with progress.heard_by(progress.Nobody()):  # to show how it goes would take time
                scores, subject = measure(self.row, recipe, ready, TASKS[task], session.data(task))
            for column in self.columns:
                result = result_of(session.options, column, subject, scores, session.digest(task))
                session.store.put(self.system.key(column, session), result)
                outcome.elsewhere[self.row, column.slug] = result
        return outcome
