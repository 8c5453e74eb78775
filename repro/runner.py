"""Plans the cells of a table, skips the stored ones, computes the others, stores each as soon as it is there."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np

from repro import speed, sweep
from repro.cells import Cell, Store
from repro.embeddings import Embedded, Embedder, EmbeddingCache
from repro.encoders import zoo
from repro.encoders.recipe import FittedRecipe, Recipe, TimedRecipe, WordVectorRecipe, needs_weights, plain
from repro.errors import NotAvailable
from repro.files import home
from repro.fitting import Corpora, Maps
from repro.measured import Options, Subject, cell_key, identity, make_cell, over_seeds
from repro.sweep import Sweep, merge
from repro.table import Column, Row, Table
from repro.tasks import TASKS
from repro.tasks.geometry import GeometryTask
from repro.tasks.speed import SpeedTask


@dataclass
class Plan:
    """The cells of a table: which are stored, which can be computed now, and why the others cannot."""

    table: Table
    options: Options
    store: Store
    data: dict[str, Any]  # by task, as the task's own `load` returns it
    digests: dict[str, str]  # by task
    sweep: Sweep
    corpora: Corpora
    stored: dict[tuple[str, str], Cell] = field(default_factory=dict)  # by (row, column) slugs
    pending: list[tuple[Row, Column]] = field(default_factory=list)
    ready: dict[str, zoo.Ready] = field(default_factory=dict)  # by row slug
    why_not: dict[tuple[str, str], str] = field(default_factory=dict)

    def key(self, row: Row, column: Column) -> dict[str, object]:
        """What decides the number in this cell; its hash names the stored file."""
        assert row.recipe is not None
        recipe = identity(row.recipe, self.options.suite)
        key = cell_key(self.options, row.slug, column, recipe, self.digests[column.task])
        if isinstance(row.recipe, FittedRecipe):
            fitted_on = self.corpora.digest(row.recipe, column.task)
            key |= {"fitted_on": fitted_on, "seeds": len(self.seeds(row))}
        task = TASKS[column.task]
        if isinstance(task, SpeedTask):
            key |= {"hardware": speed.hardware(speed.device_for(task.device))}
        return key

    def seeds(self, row: Row) -> range:
        """How often a row's map is fitted: as often as --seeds or the row says, where that depends on a seed."""
        return range((self.options.seeds or row.seeds) if row.seeded else 1)


def plan(table: Table, options: Options) -> Plan:
    """Load the data, look up what is stored, and find the weights of what is not. Nothing is encoded or trained."""
    columns, rows = table.pick_columns(options.tasks), table.pick_rows(options.rows)
    # all columns of a data set are read, so that the sentences encoded together never depend on --task
    datasets = {TASKS[column.task].dataset for column in columns}
    tasks = dict.fromkeys(column.task for column in table.scored() if TASKS[column.task].dataset in datasets)
    data, digests, missing = _read(list(tasks), options)
    store = Store(home() / "cells" / options.suite.name)
    sweep = Sweep(table.id, options, store, data, digests)
    made = Plan(table, options, store, data, digests, sweep, Corpora(options.suite, options.limit))
    for row in table.rows:
        for column in table.scored():
            if not row.runs(column.slug):
                made.why_not[row.slug, column.slug] = row.absent or "nothing is trained for this column"
            elif row not in rows or column not in columns:
                made.why_not[row.slug, column.slug] = "not asked for in this run"
            elif column.task in missing:
                made.why_not[row.slug, column.slug] = missing[column.task]
            else:
                made.pending.append((row, column))
    _look_up(made)
    _locate(made)
    return made


def _read(tasks: list[str], options: Options) -> tuple[dict[str, Any], dict[str, str], dict[str, str]]:
    """(data, digest, why it cannot be had) by task; what several tasks share is read once."""
    by_source: dict[tuple[str, ...], tuple[Any, str]] = {}
    missing: dict[str, str] = {}
    for task in tasks:
        if TASKS[task].source not in by_source:
            try:
                found = options.suite.load(task, options.limit)
            except NotAvailable as error:
                missing[task] = str(error)
            else:
                by_source[TASKS[task].source] = found, TASKS[task].digest(found)
    there = {task: by_source[TASKS[task].source] for task in tasks if task not in missing}
    data = {task: found for task, (found, _) in there.items()}
    return data, {task: digest for task, (_, digest) in there.items()}, missing


def _look_up(made: Plan) -> None:
    for row in made.table.rows:
        if needs_weights(row.recipe) and isinstance(plain(row.recipe), WordVectorRecipe):
            try:
                made.options.suite.fetch_vectors(row.recipe.weights)
            except NotAvailable as error:
                made.why_not.update({(row.slug, c.slug): str(error) for r, c in made.pending if r == row})
    asked = set(made.pending)
    for row in made.table.rows:
        for column in made.table.scored():
            if column.task not in made.digests or not row.runs(column.slug):
                continue
            if made.options.force and (row, column) in asked:
                continue
            if row.trained:
                cell = made.sweep.gather(row, column)
            else:
                try:
                    cell = made.store.get(made.table.id, made.key(row, column))
                except NotAvailable as error:  # the sentences of its fit, or the GPU
                    made.why_not.setdefault((row.slug, column.slug), str(error))
                    made.pending = [pair for pair in made.pending if pair != (row, column)]
                    continue
            if cell is not None:
                made.stored[row.slug, column.slug] = cell
    made.pending = [(row, column) for row, column in made.pending if (row.slug, column.slug) not in made.stored]


def _locate(made: Plan) -> None:
    """Keep of the pending cells those whose weights (and training sets) are there."""
    reasons: dict[Row, str] = {}
    for row in dict.fromkeys(row for row, _ in made.pending):
        if needs_weights(row.recipe):
            try:
                made.ready[row.slug] = zoo.locate(
                    plain(row.recipe), made.options.suite.root, made.options.suite.offline
                )
            except NotAvailable as error:
                reasons[row] = str(error)
    pending, made.pending = made.pending, []
    for row, column in pending:
        why = made.sweep.why_not(row, column) if row.trained else reasons.get(row, "")
        if why:
            made.why_not.setdefault((row.slug, column.slug), why)
        else:
            made.pending.append((row, column))


def execute(
    made: Plan,
    say: Callable[[str], None] = lambda line: None,
    progress: bool = False,
    executor: str = "",
    jobs: int = 1,
) -> None:
    """Compute the pending cells; each is stored when its task is done: a kill loses the task under way.

    Trained rows go last; `executor` (local, debug or slurm) hands them to submitit, `jobs` at a time.
    """
    trained = [(row, column) for row, column in made.pending if row.trained]
    timed = [(row, column) for row, column in made.pending if isinstance(row.recipe, TimedRecipe)]
    made.pending = [pair for pair in made.pending if pair not in trained and pair not in timed]
    _encode(made, say, progress)
    for row, column in timed:
        say(f"{row.slug}: {column.label}")
        _time(made, row, column)
    units = merge([unit for row, column in trained for unit in made.sweep.missing(row, column)])
    sweep.execute(units, made.options, say, progress, executor, jobs)
    for row, column in trained:
        cell = made.sweep.gather(row, column)
        assert cell is not None
        made.stored[row.slug, column.slug] = cell


def _time(made: Plan, row: Row, column: Column) -> None:
    task = TASKS[column.task]
    assert isinstance(task, SpeedTask)
    assert isinstance(row.recipe, TimedRecipe)
    scores, subject = speed.measure(row.slug, row.recipe, made.ready.get(row.slug), task, made.data[column.task])
    cell = make_cell(made.options, made.table.id, column, subject, scores, made.digests[column.task])
    cell = replace(cell, std=scores.std, seeds=len(scores.runs))
    made.store.put(made.table.id, made.key(row, column), cell)
    made.stored[row.slug, column.slug] = cell


def _encode(made: Plan, say: Callable[[str], None], progress: bool) -> None:
    options, cache, maps = made.options, EmbeddingCache(), Maps(made.corpora)
    for rows in _backbones(made):
        members = list({made.ready[row.slug].recipe: made.ready[row.slug] for row in rows}.values())
        embedder = Embedder(members, options.device, options.dtype, cache)
        for dataset, tasks in _by_dataset(made, rows).items():
            say(f"{', '.join(row.slug for row in rows)}: {dataset}")
            # of every task on the data set, also the stored ones: the batches, and so the last bits, stay the same
            on_dataset = [task for task in made.data if TASKS[task].dataset == dataset]
            sentences = list(dict.fromkeys(s for task in on_dataset for s in TASKS[task].sentences(made.data[task])))
            embedded = dict(zip(members, embedder.embed(sentences, progress), strict=True))
            for row in rows:
                if dataset not in _by_dataset(made, [row]):
                    continue
                member = made.ready[row.slug]
                embed = partial(embedder.embed_one, members.index(member), progress)
                for task in tasks:
                    versions = [embedded[member]]
                    if isinstance(row.recipe, FittedRecipe):
                        versions = _mapped(made, maps, row, task, versions[0], embed)
                    _run_task(made, row, task, sentences, versions, say)
    made.pending = []


def _mapped(
    made: Plan, maps: Maps, row: Row, task: str, found: Embedded, embed: Callable[[Sequence[str]], np.ndarray]
) -> list[Embedded]:
    """The vectors under the row's map, once for each seed."""
    assert isinstance(row.recipe, FittedRecipe)
    versions = []
    for seed in made.seeds(row):
        start = time.perf_counter()
        apply = maps.map(row.recipe, made.ready[row.slug].recipe, task, seed, embed)
        vectors = apply(found.vectors)
        versions.append(replace(found, vectors=vectors, seconds=found.seconds + time.perf_counter() - start))
    return versions


def _backbones(made: Plan) -> list[list[Row]]:
    """Pending rows, those that one forward pass can serve together."""
    groups: dict[tuple[object, ...], list[Row]] = {}
    for row in dict.fromkeys(row for row, _ in made.pending):
        groups.setdefault(made.ready[row.slug].backbone, []).append(row)
    return list(groups.values())


def _by_dataset(made: Plan, rows: list[Row]) -> dict[str, list[str]]:
    """Tasks still pending for one of the rows, in table order, by data set."""
    pending: dict[str, list[str]] = {}
    for column in made.table.scored():
        if any((row, column) in made.pending for row in rows):
            tasks = pending.setdefault(TASKS[column.task].dataset, [])
            if column.task not in tasks:
                tasks.append(column.task)
    return pending


def _run_task(
    made: Plan, row: Row, task: str, sentences: list[str], versions: list[Embedded], say: Callable[[str], None]
) -> None:
    """Score a row's vectors, one version for each seed, and store the cells."""
    columns = [column for column in made.table.scored() if column.task == task and (row, column) in made.pending]
    if not columns:
        return
    ready = made.ready[row.slug]
    dtype = "float32" if isinstance(ready.recipe, WordVectorRecipe) else made.options.dtype
    recipe: Recipe = ready.recipe
    if isinstance(row.recipe, FittedRecipe):
        recipe = replace(row.recipe, base=ready.recipe)
    by_seed: list[list[Cell]] = []
    for found in versions:
        start = time.perf_counter()
        scores = TASKS[task].score(made.data[task], sentences, found.vectors, row.slug)
        seconds = found.seconds + time.perf_counter() - start
        if seconds > 10:
            say(f"{row.slug}: {task} took {seconds:.0f} s")
        subject = Subject(row.slug, recipe.signature(), ready.weights, found.device, dtype, seconds, found.zero_vectors)
        digest = made.digests[task]
        by_seed.append(
            [make_cell(made.options, made.table.id, c, subject, scores, digest, len(versions) == 1) for c in columns]
        )
    for column, *cells in zip(columns, *by_seed, strict=True):
        cell = over_seeds([[c] for c in cells], made.digests[task]) if row.seeded else cells[0]
        if isinstance(TASKS[task], GeometryTask):
            cell = replace(cell, items=cells[0].items)  # the spectrum of the first fit, for the plot
        made.store.put(made.table.id, made.key(row, column), cell)
        made.stored[row.slug, column.slug] = cell
