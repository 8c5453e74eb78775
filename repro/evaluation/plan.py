"""What a table needs: which cells are stored, which can run now, which after a download, and why the others cannot.

Planning reads the disk and nothing else: it downloads, encodes, trains and writes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from operator import methodcaller
from typing import Any

from repro.checksums import reading_only
from repro.data.corpora import CORPORA
from repro.encoders import zoo
from repro.encoders.recipe import TARGET, BaseRecipe, FittedRecipe, WordVectorRecipe, needs_weights, plain
from repro.errors import NotAvailable, ReproError
from repro.evaluation import timing
from repro.evaluation.config import Options, cell_key, identity
from repro.evaluation.fitting import Corpora, is_file
from repro.evaluation.suite import Suite
from repro.evaluation.trainings import HELD_OUT, Sweep
from repro.paths import home
from repro.results.store import Cell, Store
from repro.tables.spec import Column, Row, Table
from repro.tasks import TASKS
from repro.training.data import SETS

Pair = tuple[Row, Column]
NOT_ASKED = "not asked for in this run"


@dataclass(frozen=True)
class Need:
    """Something that a cell needs and that is not here. `get` is None where a run could not get it either: `why`."""

    what: str
    why: str
    get: Callable[[Suite], object] | None = field(default=None, compare=False)


@dataclass
class Plan:
    """The cells of a table. Keys are (row, column) slugs."""

    table: Table
    options: Options
    store: Store
    data: dict[str, Any]  # by task, as the task's own `load` returns it
    digests: dict[str, str]  # by task
    sweep: Sweep
    corpora: Corpora
    stored: dict[tuple[str, str], Cell] = field(default_factory=dict)
    pending: list[Pair] = field(default_factory=list)  # runnable now
    lacking: dict[tuple[str, str], list[Need]] = field(default_factory=dict)  # runnable after a download
    ready: dict[str, zoo.Ready] = field(default_factory=dict)  # by row slug
    why_not: dict[tuple[str, str], str] = field(default_factory=dict)
    refused: list[str] = field(default_factory=list)  # what was wrong with what was asked for, and not just absent

    def key(self, row: Row, column: Column) -> dict[str, object]:
        """What decides the number in this cell; its hash names the stored file."""
        assert row.recipe is not None
        recipe = identity(row.recipe, self.options.suite)
        key = cell_key(self.options, row.slug, column, recipe, self.digests[column.task])
        if isinstance(row.recipe, FittedRecipe):
            fitted_on = self.corpora.digest(row.recipe, column.task)
            key |= {"fitted_on": fitted_on, "seeds": len(self.seeds(row))}
        task = TASKS[column.task]
        if task.timed:
            key |= {"hardware": timing.hardware(timing.device_for(task.device))}
        return key

    def seeds(self, row: Row) -> range:
        """How often a row's map is fitted: as often as --seeds or the row says, where that depends on a seed."""
        return range((self.options.seeds or row.seeds) if row.seeded else 1)

    def weights(self, row: str) -> str:
        """For provenance: a row's weights, and the file of its map where it has one; '' where they are not here."""
        ready = self.ready.get(row)
        if ready is None:
            return ""
        recipe = next(other.recipe for other in self.table.rows if other.slug == row)
        if not isinstance(recipe, FittedRecipe) or not is_file(recipe.source):
            return ready.weights
        return f"{ready.weights}, fit sha256:{self.corpora.digest(recipe, '')[:12]}"

    def fail(self, row: Row, column: Column, error: ReproError) -> None:
        """Leave a cell out with the reason; what is wrong, and not just absent, is remembered."""
        self.why_not[row.slug, column.slug] = str(error)
        if not isinstance(error, NotAvailable):
            self.refused.append(str(error))


def plan(table: Table, options: Options) -> Plan:
    """Look at every cell of a table: all that are stored are found, only those that were asked for are planned."""
    with reading_only():
        return _plan(table, options)


def _plan(table: Table, options: Options) -> Plan:
    columns, rows = table.pick_columns(options.tasks), table.pick_rows(options.rows)
    resting = options.suite.at_rest()
    data, digests, missing = _read(table, options, resting)
    store = Store(home() / "cells" / options.suite.name)
    sweep = Sweep(table.id, options, store, data, digests)
    planned = Plan(table, options, store, data, digests, sweep, Corpora(resting, options.limit))
    for row in table.rows:
        for column in table.scored():
            asked = row in rows and column in columns
            try:
                _look(planned, row, column, asked, missing.get(column.task, ""))
            except ReproError as error:
                planned.fail(row, column, error)
    return planned


def _read(table: Table, options: Options, suite: Suite) -> tuple[dict[str, Any], dict[str, str], dict[str, str]]:
    """(data, digest, why it is not here) by task; what several tasks share is read once."""
    by_source: dict[tuple[str, ...], tuple[Any, str] | str] = {}
    tasks = list(dict.fromkeys(column.task for column in table.scored()))
    for name in tasks:
        task = TASKS[name]
        if task.source not in by_source:
            try:
                loaded = suite.load(name, options.limit)
                by_source[task.source] = loaded, task.digest(loaded)
            except NotAvailable as error:
                by_source[task.source] = str(error)
    content = {name: by_source[TASKS[name].source] for name in tasks}
    there = {name: item for name, item in content.items() if not isinstance(item, str)}
    missing = {name: item for name, item in content.items() if isinstance(item, str)}
    return {name: item[0] for name, item in there.items()}, {name: item[1] for name, item in there.items()}, missing


def _look(planned: Plan, row: Row, column: Column, asked: bool, missing: str) -> None:
    """Sort one cell in. `missing`: why its data are not here."""
    place = (row.slug, column.slug)
    if not row.runs(column.slug):
        planned.why_not[place] = row.absent or "nothing is trained for this column"
        return
    if not missing and not (asked and planned.options.force):
        cell = _stored(planned, row, column)
        if cell is not None:
            planned.stored[place] = cell
            return
    if not asked:
        planned.why_not[place] = NOT_ASKED
        return
    needs = list(_needs(planned, row, column, missing))
    hopeless = next((need for need in needs if need.get is None), None)
    if hopeless is not None:
        planned.why_not[place] = hopeless.why
    elif needs:
        planned.lacking[place] = needs
    else:
        planned.pending.append((row, column))


def _stored(planned: Plan, row: Row, column: Column) -> Cell | None:
    if row.trained:
        return planned.sweep.gather(row, column)
    try:
        return planned.store.get(planned.table.id, planned.key(row, column))
    except NotAvailable:  # without the sentences of its fit, or the GPU, nobody knows which
        return None


def _needs(planned: Plan, row: Row, column: Column, missing: str) -> Iterator[Need]:
    """What the cell needs and is not here. ReproError where what was asked for cannot be."""
    suite, task = planned.options.suite, TASKS[column.task]
    if missing:
        yield _data_set(suite, task.dataset, missing, methodcaller("load", column.task))
    if task.timed:
        timing.device_for(task.device)
    if row.trained:
        recipe = planned.sweep.recipe(row, column)
        yield from _weights(planned, row, recipe.root)
        for stage in recipe.stages:
            if stage.data != HELD_OUT:
                yield from _material(suite, SETS[stage.data][0], methodcaller("examples", stage.data))
            if stage.select_every:
                yield from _material(suite, suite.dev_set(stage.select), methodcaller("dev", stage.select))
        return
    if row.recipe is None:
        return
    if needs_weights(row.recipe):
        yield from _weights(planned, row, plain(row.recipe))
    if isinstance(row.recipe, FittedRecipe) and row.recipe.source != TARGET and not is_file(row.recipe.source):
        source = row.recipe.source
        yield from _material(suite, CORPORA[source][0], methodcaller("corpus", source))


def _material(suite: Suite, dataset: str, get: Callable[[Suite], object]) -> Iterator[Need]:
    why = suite.why_missing(dataset)
    if why:
        yield _data_set(suite, dataset, why, get)


def _data_set(suite: Suite, dataset: str, why: str, get: Callable[[Suite], object]) -> Need:
    return Need(f"the data set {dataset}", why, get if suite.can_fetch(dataset) else None)


def _weights(planned: Plan, row: Row, recipe: BaseRecipe) -> Iterator[Need]:
    """The recipe's files, found in `planned.ready` when they are here."""
    suite = planned.options.suite
    if row.slug in planned.ready:
        return
    try:
        planned.ready[row.slug] = zoo.locate(recipe, suite.root, offline=True)
    except NotAvailable as error:
        what = f"the weights {recipe.weights}"
        if isinstance(recipe, WordVectorRecipe):
            get: Callable[[Suite], object] | None = methodcaller("fetch_vectors", recipe.weights)
            yield Need(what, str(error), get if suite.can_fetch_vectors(recipe.weights) else None)
        else:
            yield Need(what, str(error), None if suite.offline else partial(_download, recipe))


def _download(recipe: BaseRecipe, suite: Suite) -> None:
    zoo.locate(recipe, suite.root)
