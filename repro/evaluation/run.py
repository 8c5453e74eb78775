"""Runs what a plan says: fetches what the pending cells need, computes them, and stores each as soon as it is there."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

import numpy as np

from repro.encoders.cache import Embedded, Embedder, EmbeddingCache
from repro.encoders.recipe import FittedRecipe, Recipe, TimedRecipe, WordVectorRecipe
from repro.errors import ReproError
from repro.evaluation import timing, trainings
from repro.evaluation.config import Subject, make_cell, over_seeds
from repro.evaluation.fitting import Maps
from repro.evaluation.plan import Plan, plan
from repro.evaluation.trainings import Training, Unit, merge
from repro.paths import sweep_once
from repro.results.store import Cell
from repro.tables.spec import Column, Row
from repro.tasks import TASKS
from repro.tasks.base import Scores

Say = Callable[[str], None]


def run(planned: Plan, say: Say = lambda line: None, progress: bool = False, executor: str = "", jobs: int = 1) -> Plan:
    """Fetch what the pending cells of a plan lack, and compute them; the plan that holds the results.

    What is missing or fails costs its own cells alone, with the reason. Raises ReproError with the first reason when
    something that was asked for is wrong, and not just absent, and nothing else could be computed or was stored.
    """
    table, options = planned.table, planned.options
    for folder in (planned.store.folder / table.id, EmbeddingCache().folder):
        sweep_once(folder)
    if planned.lacking:
        failed = _fetch(planned, say)
        planned = plan(table, options)
        for (row, column), needs in planned.lacking.items():
            reasons = [failed[need.what] for need in needs if need.what in failed]
            planned.why_not[row, column] = (reasons or [needs[0].why])[0]
        planned.lacking.clear()
    execute(planned, say, progress, executor, jobs)
    if planned.refused and not table.asked(options.rows, options.tasks) & planned.stored.keys():
        raise ReproError(planned.refused[0])
    return planned


def _fetch(planned: Plan, say: Say) -> dict[str, str]:
    """Get everything that pending cells lack, each thing once; what could not be had, and why."""
    failed = {}
    needs = {need.what: need for of_cell in planned.lacking.values() for need in of_cell}
    for what, need in needs.items():
        say(f"fetching {what}")
        try:
            assert need.get is not None
            need.get(planned.options.suite)
        except ReproError as error:
            failed[what] = str(error)
    return failed


def execute(
    planned: Plan, say: Say = lambda line: None, progress: bool = False, executor: str = "", jobs: int = 1
) -> None:
    """Compute the pending cells; each is stored when its task is done: a kill loses the task under way.

    Trained rows go last; `executor` (local, debug or slurm) hands them to submitit, `jobs` at a time.
    """
    trained = [(row, column) for row, column in planned.pending if row.trained]
    timed = [(row, column) for row, column in planned.pending if isinstance(row.recipe, TimedRecipe)]
    planned.pending = [pair for pair in planned.pending if pair not in trained and pair not in timed]
    _encode(planned, say, progress)
    for row, column in timed:
        say(f"{row.slug}: {column.label}")
        try:
            _time(planned, row, column)
        except ReproError as error:
            planned.fail(row, column, error)
    _train(planned, trained, say, progress, executor, jobs)


def _train(
    planned: Plan, trained: list[tuple[Row, Column]], say: Say, progress: bool, executor: str, jobs: int
) -> None:
    units_of = {(row, column): planned.sweep.missing(row, column) for row, column in trained}
    units = merge([unit for units in units_of.values() for unit in units])
    failed = trainings.execute(units, planned.options, say, progress, executor, jobs)  # by training
    for row, column in trained:
        cell = planned.sweep.gather(row, column)
        if cell is not None:
            planned.stored[row.slug, column.slug] = cell
        else:
            planned.fail(row, column, _reason(units_of[row, column], failed))


def _reason(units: Sequence[Unit], failed: dict[Training, ReproError]) -> ReproError:
    reasons = [failed[unit.training] for unit in units if unit.training in failed]
    return reasons[0] if reasons else ReproError("its training left no result; run it again")


def _time(planned: Plan, row: Row, column: Column) -> None:
    task = TASKS[column.task]
    assert isinstance(row.recipe, TimedRecipe)
    scores, subject = timing.measure(row.slug, row.recipe, planned.ready.get(row.slug), task, planned.data[column.task])
    cell = make_cell(planned.options, planned.table.id, column, subject, scores, planned.digests[column.task])
    _keep(planned, row, column, cell)


def _encode(planned: Plan, say: Say, progress: bool) -> None:
    cache, maps = EmbeddingCache(), Maps(planned.corpora)
    for rows in _backbones(planned):
        _encode_backbone(planned, rows, cache, maps, say, progress)
    planned.pending = []


def _encode_backbone(
    planned: Plan, rows: list[Row], cache: EmbeddingCache, maps: Maps, say: Say, progress: bool
) -> None:
    """Everything that is pending for rows which one forward pass serves; what fails costs its row and data set."""
    options = planned.options
    members = list({planned.ready[row.slug].recipe: planned.ready[row.slug] for row in rows}.values())
    embedder = Embedder(members, options.device, options.dtype, cache)
    for dataset, tasks in _by_dataset(planned, rows).items():
        say(f"{', '.join(row.slug for row in rows)}: {dataset}")
        # of every task on the data set, also the stored ones: the batches, and so the last bits, stay the same
        on_dataset = [task for task in planned.data if TASKS[task].dataset == dataset]
        sentences = list(dict.fromkeys(s for task in on_dataset for s in TASKS[task].sentences(planned.data[task])))
        try:
            embedded = dict(zip(members, embedder.embed(sentences, progress), strict=True))
        except ReproError as error:
            if len(rows) > 1:  # what keeps one of them from it need not keep the others
                for row in rows:
                    _encode_backbone(planned, [row], cache, maps, say, progress)
                return
            for column in _pending(planned, rows[0], tasks):
                planned.fail(rows[0], column, error)
            continue
        for row in rows:
            member = planned.ready[row.slug]
            embed = partial(embedder.embed_one, members.index(member), progress)
            for task in tasks:
                _score(planned, maps, row, task, sentences, embedded[member], embed, say)


def _pending(planned: Plan, row: Row, tasks: Sequence[str]) -> list[Column]:
    """The columns of these tasks that are still to be computed for a row: neither done nor failed."""
    settled = planned.stored.keys() | planned.why_not.keys()
    columns = [column for other, column in planned.pending if other == row and column.task in tasks]
    return [column for column in columns if (row.slug, column.slug) not in settled]


def _score(
    planned: Plan,
    maps: Maps,
    row: Row,
    task: str,
    sentences: list[str],
    embedded: Embedded,
    embed: Callable[[Sequence[str]], np.ndarray],
    say: Say,
) -> None:
    """Score a row on a task and store its cells; what is wrong costs these."""
    columns = _pending(planned, row, [task])
    if not columns:
        return
    try:
        versions = [embedded]
        if isinstance(row.recipe, FittedRecipe):
            versions = _mapped(planned, maps, row, task, embedded, embed)
        _run_task(planned, row, task, columns, sentences, versions, say)
    except ReproError as error:
        for column in columns:
            planned.fail(row, column, error)


def _mapped(
    planned: Plan, maps: Maps, row: Row, task: str, embedded: Embedded, embed: Callable[[Sequence[str]], np.ndarray]
) -> list[Embedded]:
    """The vectors under the row's map, once for each seed; the time of encoding is the first one's."""
    assert isinstance(row.recipe, FittedRecipe)
    versions = []
    for number, seed in enumerate(planned.seeds(row)):
        start = time.perf_counter()
        apply = maps.map(row.recipe, planned.ready[row.slug].recipe, task, seed, embed)
        vectors = apply(embedded.vectors)
        seconds = time.perf_counter() - start + (0.0 if number else embedded.seconds)
        versions.append(replace(embedded, vectors=vectors, seconds=seconds))
    return versions


def _backbones(planned: Plan) -> list[list[Row]]:
    """Pending rows, those that one forward pass can serve together."""
    groups: dict[tuple[object, ...], list[Row]] = {}
    for row in dict.fromkeys(row for row, _ in planned.pending):
        groups.setdefault(planned.ready[row.slug].backbone, []).append(row)
    return list(groups.values())


def _by_dataset(planned: Plan, rows: list[Row]) -> dict[str, list[str]]:
    """Tasks still pending for one of the rows, in table order, by data set."""
    pending: dict[str, list[str]] = {}
    for task in dict.fromkeys(column.task for column in planned.table.scored()):
        if any(_pending(planned, row, [task]) for row in rows):
            pending.setdefault(TASKS[task].dataset, []).append(task)
    return pending


def _run_task(
    planned: Plan,
    row: Row,
    task: str,
    columns: list[Column],
    sentences: list[str],
    versions: list[Embedded],
    say: Say,
) -> None:
    """Score a row's vectors, one version for each seed, and store the cells."""
    ready = planned.ready[row.slug]
    dtype = "float32" if isinstance(ready.recipe, WordVectorRecipe) else planned.options.dtype
    recipe: Recipe = ready.recipe
    if isinstance(row.recipe, FittedRecipe):
        recipe = replace(row.recipe, base=ready.recipe)
    measured: list[tuple[Subject, Scores]] = []
    for version in versions:
        start = time.perf_counter()
        scores = TASKS[task].score(planned.data[task], sentences, version.vectors, row.slug)
        seconds = version.seconds + time.perf_counter() - start
        if seconds > 10:
            say(f"{row.slug}: {task} took {seconds:.0f} s")
        about, zero = recipe.signature(), version.zero_vectors
        weights = planned.weights(row.slug)
        measured.append((Subject(row.slug, about, weights, version.device, dtype, seconds, zero), scores))
    for column in columns:
        try:
            _keep(planned, row, column, _cell(planned, row, column, measured))
        except ReproError as error:  # a number that is not defined costs no other of the task
            planned.fail(row, column, error)


def _cell(planned: Plan, row: Row, column: Column, measured: Sequence[tuple[Subject, Scores]]) -> Cell:
    """The cell of one column from the scores under each seed."""
    digest, alone = planned.digests[column.task], len(measured) == 1
    cells = [
        make_cell(planned.options, planned.table.id, column, subject, scores, digest, alone)
        for subject, scores in measured
    ]
    cell = over_seeds([[one] for one in cells], digest) if row.seeded else cells[0]
    if TASKS[column.task].keeps_items:
        cell = replace(cell, items=cells[0].items)
    return cell


def _keep(planned: Plan, row: Row, column: Column, cell: Cell) -> None:
    planned.store.keep(planned.table.id, planned.key(row, column), cell)
    planned.stored[row.slug, column.slug] = cell
