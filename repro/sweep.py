"""Trained rows: independent units of one training each, and the cell that all seeds and folds of a row make."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from repro.cells import Cell, Store
from repro.embeddings import Embedder, EmbeddingCache
from repro.encoders import zoo
from repro.encoders.recipe import TransformerRecipe, describe
from repro.errors import NotAvailable
from repro.files import home
from repro.measured import Options, Subject, cell_key, identity, make_cell, over_seeds
from repro.table import Column, Row
from repro.tasks import TASKS
from repro.tasks.task import CrossValidated
from repro.training.data import Examples, graded
from repro.training.recipe import TrainedRecipe

HELD_OUT = "held-out"  # the training set of a recipe that trains on what its task does not test


@dataclass(frozen=True)
class Unit:
    """One training and the columns that are scored with it; no unit needs another's result."""

    table: str
    row: str
    recipe: TrainedRecipe
    columns: tuple[Column, ...]  # of one task where there is a fold
    seed: int
    fold: str = ""

    @property
    def title(self) -> str:
        """For a progress line."""
        return f"{self.row}: seed {self.seed}" + (f", {self.fold} of {self.columns[0].task}" if self.fold else "")


class Sweep:
    """The trained rows of one table: which units its cells are made of, and which of these are stored."""

    def __init__(
        self, table: str, options: Options, store: Store, data: dict[str, Any], digests: dict[str, str]
    ) -> None:
        self.table, self.options, self.store, self.data, self.digests = table, options, store, data, digests
        self._examples: dict[str, str | NotAvailable] = {}  # digests of training sets, or why they cannot be had
        self._bases: dict[TransformerRecipe, str] = {}  # why their weights cannot be had, or ''

    def seeds(self, row: Row) -> range:
        """As many as --seeds says, or the row."""
        return range(self.options.seeds or row.seeds)

    def recipe(self, row: Row, column: Column) -> TrainedRecipe:
        """What is trained for the cell, cut to --sample."""
        found = row.training(column.slug)
        assert found is not None
        return found.cut(self.options.sample)

    def why_not(self, row: Row, column: Column) -> str:
        """Why the cell cannot be computed here: no weights, no training data; '' when it can."""
        recipe = self.recipe(row, column)
        if recipe.root not in self._bases:
            self._bases[recipe.root] = self._base(recipe.root)
        try:
            for stage in recipe.stages:
                self._digest(stage.data)
        except NotAvailable as error:
            return self._bases[recipe.root] or str(error)
        return self._bases[recipe.root]

    def _base(self, root: TransformerRecipe) -> str:
        try:
            zoo.locate(root, offline=self.options.suite.offline)
        except NotAvailable as error:
            return str(error)
        return ""

    def _digest(self, name: str) -> str:
        if name not in self._examples:
            try:
                self._examples[name] = "" if name == HELD_OUT else self.options.suite.examples(name).digest()
            except NotAvailable as error:
                self._examples[name] = error
        found = self._examples[name]
        if isinstance(found, NotAvailable):
            raise found
        return found

    def gather(self, row: Row, column: Column) -> Cell | None:
        """The cell from its units' cells; None unless all of them are stored."""
        by_seed = []
        for seed in self.seeds(row):
            try:
                cells = [self.store.get(self.table, self._key(row, column, seed, fold)) for fold in self._folds(column)]
            except NotAvailable:  # without the training set nobody knows which
                return None
            found = [cell for cell in cells if cell is not None]
            if len(found) < len(cells):
                return None
            by_seed.append(found)
        return over_seeds(by_seed, self.digests[column.task])

    def missing(self, row: Row, column: Column) -> list[Unit]:
        """The units of a cell that are not stored (all of them under --force)."""
        return [
            Unit(self.table, row.slug, self.recipe(row, column), (column,), seed, fold)
            for seed in self.seeds(row)
            for fold in self._folds(column)
            if self.options.force or self.store.get(self.table, self._key(row, column, seed, fold)) is None
        ]

    def _folds(self, column: Column) -> Sequence[str]:
        task = TASKS[column.task]
        return task.folds(self.data[column.task]) if isinstance(task, CrossValidated) else ("",)

    def _key(self, row: Row, column: Column, seed: int, fold: str) -> dict[str, object]:
        recipe = self.recipe(row, column)
        trained_on = [self._digest(stage.data) for stage in recipe.stages]
        return unit_key(self.options, row.slug, column, recipe, self.digests[column.task], trained_on, seed, fold)


def unit_key(
    options: Options,
    row: str,
    column: Column,
    recipe: TrainedRecipe,
    data: str,
    trained_on: list[str],
    seed: int,
    fold: str,
) -> dict[str, object]:
    """What decides the number that one unit gives in one column."""
    described = {**describe(recipe), "root": identity(recipe.root, options.suite)}
    key = cell_key(options, row, column, described, data)
    return key | {"trained_on": trained_on, "seed": seed, "fold": fold}


def merge(units: Sequence[Unit]) -> list[Unit]:
    """Units of one training, each with all columns that are scored with it, in order of first occurrence."""
    merged: dict[tuple[object, ...], Unit] = {}
    for unit in units:
        task = unit.columns[0].task if unit.fold else ""
        same = (unit.row, unit.recipe, unit.seed, unit.fold, task)
        before = merged[same].columns if same in merged else ()
        merged[same] = replace(unit, columns=before + unit.columns)
    return list(merged.values())


def run(unit: Unit, options: Options, progress: bool = False) -> None:
    """Train the unit's model (unless it is there), score its columns and store a cell of each."""
    from repro.training.train import Material, train
    from repro.training.trainer import Options as TrainerOptions

    suite = options.suite
    tasks = dict.fromkeys(column.task for column in unit.columns)
    data = {task: suite.load(task, options.limit) for task in tasks}
    digests = {task: TASKS[task].digest(data[task]) for task in tasks}
    trained_on = ["" if stage.data == HELD_OUT else suite.examples(stage.data).digest() for stage in unit.recipe.stages]
    held_out: list[Examples] = []
    if unit.fold:
        (task,) = tasks
        cross_validated = TASKS[task]
        assert isinstance(cross_validated, CrossValidated)
        pairs, data[task] = cross_validated.held_out(data[task], unit.fold)
        held_out.append(graded(pairs.first, pairs.second, pairs.gold))
    material = Material(lambda name: held_out[0] if name == HELD_OUT else suite.examples(name), suite.dev)
    model = train(
        unit.recipe, unit.seed, material, options.device, TrainerOptions(dtype=options.dtype, progress=progress)
    )
    start = time.perf_counter()
    found = unit.recipe.trained(str(model.folder))
    device, scored = (_cross_scores if unit.recipe.cross else _scores)(unit, options, found, data)
    base = zoo.locate(unit.recipe.root, offline=suite.offline)
    took = float(str(model.about["seconds"])) + time.perf_counter() - start
    about = unit.recipe.signature()
    about |= {name: value for name, value in base.recipe.signature().items() if name in about}  # "model" filled in
    subject = Subject(unit.row, about, base.weights, device, options.dtype, took)
    store = Store(home() / "cells" / suite.name)
    for column in unit.columns:
        key = unit_key(options, unit.row, column, unit.recipe, digests[column.task], trained_on, unit.seed, unit.fold)
        cell = make_cell(options, unit.table, column, subject, scored[column.task], digests[column.task])
        store.put(unit.table, key, cell)


def _scores(unit: Unit, options: Options, found: TransformerRecipe, data: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    embedder = Embedder([zoo.locate(found)], options.device, options.dtype, EmbeddingCache())
    sentences = list(dict.fromkeys(s for task, items in data.items() for s in TASKS[task].sentences(items)))
    embedded = embedder.embed(sentences)[0]
    vectors, row = embedded.vectors, unit.row
    return embedded.device, {task: TASKS[task].score(items, sentences, vectors, row) for task, items in data.items()}


def _cross_scores(
    unit: Unit, options: Options, found: TransformerRecipe, data: dict[str, Any]
) -> tuple[str, dict[str, Any]]:
    from repro.training.models import CrossEncoder

    model = CrossEncoder(found, 1, options.device)
    similarity = lambda first, second: model.predict(first, second)[:, 0]  # noqa: E731
    return model.device, {task: TASKS[task].score_pairs(items, similarity) for task, items in data.items()}  # type: ignore[attr-defined]


Say = Callable[[str], None]


def execute(units: Sequence[Unit], options: Options, say: Say, progress: bool, executor: str, jobs: int) -> None:
    """Run all units here, one after the other, or hand them to submitit with at most `jobs` at a time."""
    if executor:
        from repro.executors import submit

        submit(executor, jobs, units, options, say)
        return
    for number, unit in enumerate(units, 1):
        say(f"training {number} of {len(units)}: {unit.title}")
        run(unit, options, progress)
