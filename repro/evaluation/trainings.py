"""Trained rows: independent units of one training each, and the cell that all seeds and folds of a row make."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from repro.encoders import zoo
from repro.encoders.cache import Embedder, EmbeddingCache
from repro.encoders.known import remember
from repro.encoders.recipe import TransformerRecipe, describe
from repro.errors import NotAvailable, ReproError
from repro.evaluation.config import Options, Subject, cell_key, identity, make_cell, over_seeds
from repro.evaluation.executors import submit
from repro.evaluation.suite import Suite
from repro.paths import home
from repro.results.store import Cell, Store
from repro.tables.spec import Column, Row
from repro.tasks import TASKS
from repro.training import selection
from repro.training.data import Examples, graded
from repro.training.recipe import TrainedRecipe

HELD_OUT = "held-out"  # the training set of a recipe that trains on what its task does not test
Training = tuple[str, TrainedRecipe, int, str]  # row, recipe, seed, fold


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
    def training(self) -> Training:
        """What is trained, whatever is scored with it."""
        return self.row, self.recipe, self.seed, self.fold

    @property
    def title(self) -> str:
        """For a progress line."""
        return f"{self.row}: seed {self.seed}" + (f", {self.fold} of {self.columns[0].task}" if self.fold else "")

    def run(self, options: Options, progress: bool = False) -> None:
        """Train the model (unless it is there), score its columns and store a cell of each."""
        from repro.training.train import Material, train
        from repro.training.trainer import Options as TrainerOptions

        suite = options.suite
        tasks = dict.fromkeys(column.task for column in self.columns)
        data = {task: suite.load(task, options.limit) for task in tasks}
        digests = {task: TASKS[task].digest(data[task]) for task in tasks}
        trained_on = [read() for _, read in _materials(self.recipe, suite)]
        held_out: list[Examples] = []
        if self.fold:
            (task,) = tasks
            pairs, data[task] = TASKS[task].held_out(data[task], self.fold)
            held_out.append(graded(pairs.first, pairs.second, pairs.gold))
        material = Material(lambda name: held_out[0] if name == HELD_OUT else suite.examples(name), suite.dev)
        model = train(
            self.recipe, self.seed, material, options.device, TrainerOptions(dtype=options.dtype, progress=progress)
        )
        start = time.perf_counter()
        found = self.recipe.trained(str(model.folder))
        device, scored, zero = (_cross_scores if self.recipe.cross else _scores)(self, options, found, data)
        base = zoo.locate(self.recipe.root, offline=suite.offline)
        if base.revision:
            remember(base.recipe.weights, base.revision, base.identity)
        took = float(str(model.about["seconds"])) + time.perf_counter() - start
        about = self.recipe.signature()
        about |= {name: value for name, value in base.recipe.signature().items() if name in about}  # "model" filled in
        subject = Subject(self.row, about, base.weights, device, options.dtype, took, zero)
        store = Store(home() / "cells" / suite.name)
        for column in self.columns:
            key = unit_key(
                options, self.row, column, self.recipe, digests[column.task], trained_on, self.seed, self.fold
            )
            cell = make_cell(options, self.table, column, subject, scored[column.task], digests[column.task])
            store.put(self.table, key, cell)


class Sweep:
    """The trained rows of one table: which units its cells are made of, and which of these are stored."""

    def __init__(
        self, table: str, options: Options, store: Store, data: dict[str, Any], digests: dict[str, str]
    ) -> None:
        self.table, self.options, self.store, self.data, self.digests = table, options, store, data, digests
        self._checksums: dict[str, str | NotAvailable] = {}  # of what is trained and selected on, or why it is not here

    def seeds(self, row: Row) -> range:
        """As many as --seeds says, or the row."""
        return range(self.options.seeds or row.seeds)

    def recipe(self, row: Row, column: Column) -> TrainedRecipe:
        """What is trained for the cell, cut to --sample."""
        found = row.training(column.slug)
        assert found is not None
        return found.cut(self.options.sample)

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
        return TASKS[column.task].folds(self.data[column.task])

    def _key(self, row: Row, column: Column, seed: int, fold: str) -> dict[str, object]:
        recipe = self.recipe(row, column)
        trained_on = self._trained_on(recipe)
        return unit_key(self.options, row.slug, column, recipe, self.digests[column.task], trained_on, seed, fold)

    def _trained_on(self, recipe: TrainedRecipe) -> list[str]:
        suite = self.options.suite.at_rest()
        for name, read in _materials(recipe, suite):
            if name not in self._checksums:
                try:
                    self._checksums[name] = read()
                except NotAvailable as error:
                    self._checksums[name] = error
            checksum = self._checksums[name]
            if isinstance(checksum, NotAvailable):
                raise checksum
        return [str(self._checksums[name]) for name, _ in _materials(recipe, suite)]


def _materials(recipe: TrainedRecipe, suite: Suite) -> Iterator[tuple[str, Callable[[], str]]]:
    """(name, checksum) of what each stage is trained and selected on."""
    for stage in recipe.stages:
        if stage.data != HELD_OUT:
            yield stage.data, lambda name=stage.data: suite.examples(name).digest()  # type: ignore[misc]
        if stage.select_every:
            yield stage.select, lambda name=stage.select: selection.checksum(suite.dev(name))  # type: ignore[misc]


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


def _scores(
    unit: Unit, options: Options, found: TransformerRecipe, data: dict[str, Any]
) -> tuple[str, dict[str, Any], int]:
    """(device, scores by task, sentences with a zero vector)."""
    embedder = Embedder([zoo.locate(found)], options.device, options.dtype, EmbeddingCache())
    sentences = list(dict.fromkeys(s for task, items in data.items() for s in TASKS[task].sentences(items)))
    embedded = embedder.embed(sentences)[0]
    vectors, row = embedded.vectors, unit.row
    scores = {task: TASKS[task].score(items, sentences, vectors, row) for task, items in data.items()}
    return embedded.device, scores, embedded.zero_vectors


def _cross_scores(
    unit: Unit, options: Options, found: TransformerRecipe, data: dict[str, Any]
) -> tuple[str, dict[str, Any], int]:
    from repro.training.models import CrossEncoder

    model = CrossEncoder(found, 1, options.device)
    similarity = lambda first, second: model.predict(first, second)[:, 0]  # noqa: E731
    scores = {task: TASKS[task].score_pairs(items, similarity) for task, items in data.items()}
    return model.device, scores, 0


Say = Callable[[str], None]


def execute(
    units: Sequence[Unit], options: Options, say: Say, progress: bool, executor: str, jobs: int
) -> dict[Training, ReproError]:
    """Run all units here, one after the other, or hand them to submitit with at most `jobs` at a time.

    One that fails does not keep the others back: what failed, and why.
    """
    if executor:
        failures = submit(executor, jobs, units, options, say)
        return {units[number].training: error for number, error in failures.items()}
    failed = {}
    for number, unit in enumerate(units, 1):
        say(f"training {number} of {len(units)}: {unit.title}")
        try:
            unit.run(options, progress)
        except ReproError as error:
            say(f"{unit.title} failed: {error}")
            failed[unit.training] = error
    return failed
