"""Plans the cells of a table, skips the stored ones, computes the others, stores each as soon as it is there."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from repro import __version__
from repro.cells import Cell, Store, git_commit, library_versions, pack, signature
from repro.embeddings import Embedded, Embedder, EmbeddingCache
from repro.encoders import zoo
from repro.encoders.recipe import WordVectorRecipe, describe
from repro.encoders.weights import pinned_revision
from repro.errors import NotAvailable
from repro.files import home
from repro.metrics.bootstrap import RESAMPLES, SEED, interval
from repro.suite import Suite
from repro.table import Column, Row, Table
from repro.tasks import TASKS
from repro.tasks.task import Scores

_DTYPES = {"float32": "fp32", "bfloat16": "bf16"}


@dataclass(frozen=True)
class Options:
    """What the command line says about a run."""

    suite: Suite = field(default_factory=Suite)
    rows: tuple[str, ...] = ()
    tasks: tuple[str, ...] = ()
    device: str = "auto"
    dtype: str = "float32"
    limit: int | None = None  # items of each file
    force: bool = False
    resamples: int = RESAMPLES
    seed: int = SEED

    @property
    def variant(self) -> str:
        """Suffix of the output files, so that a cut or low-precision run never overwrites the full one."""
        return (f".limit-{self.limit}" if self.limit else "") + (f".{self.dtype}" if self.dtype != "float32" else "")


@dataclass
class Plan:
    """The cells of a table: which are stored, which can be computed now, and why the others cannot."""

    table: Table
    options: Options
    store: Store
    data: dict[str, Any]  # by task, as the task's own `load` returns it
    digests: dict[str, str]  # by task
    stored: dict[tuple[str, str], Cell] = field(default_factory=dict)  # by (row, column) slugs
    pending: list[tuple[Row, Column]] = field(default_factory=list)
    ready: dict[str, zoo.Ready] = field(default_factory=dict)  # by row slug
    why_not: dict[tuple[str, str], str] = field(default_factory=dict)

    def key(self, row: Row, column: Column) -> dict[str, object]:
        """What decides the number in this cell; its hash names the stored file."""
        return {
            "suite": self.options.suite.name,
            "row": row.slug,
            "column": column.slug,
            "metric": column.metric,
            "protocol": TASKS[column.task].protocol(column.metric),
            "recipe": identity(row, self.options.suite),
            "data": self.digests[column.task],
            "dtype": self.options.dtype,
            "limit": self.options.limit,
            "bootstrap": [self.options.resamples, self.options.seed],
            "version": __version__,
        }


def identity(row: Row, suite: Suite) -> dict[str, object]:
    """The recipe with what its weights are: a pinned commit on the hub, name, size and time of local files.

    Size and time stand in for a checksum, which would take seconds for gigabytes; the cell records the checksum.
    """
    recipe = row.recipe
    assert recipe is not None
    found = describe(recipe)
    files: list[Path] = []
    if isinstance(recipe, WordVectorRecipe):
        from repro.encoders.glove import vectors_path

        with suppress(NotAvailable):
            files = [vectors_path(recipe, suite.root)]
    elif (folder := Path(recipe.weights).expanduser()).is_dir():
        files = sorted(path for path in folder.rglob("*") if path.is_file())
    else:
        found["revision"] = recipe.revision or pinned_revision(recipe.weights)
    found["files"] = [[path.name, path.stat().st_size, path.stat().st_mtime_ns] for path in files]
    return found


def plan(table: Table, options: Options) -> Plan:
    """Load the data, look up what is stored, and find the weights of what is not. Nothing is encoded."""
    columns, rows = table.pick_columns(options.tasks), table.pick_rows(options.rows)
    # all columns of a data set are read, so that the sentences encoded together never depend on --task
    datasets = {TASKS[column.task].dataset for column in columns}
    tasks = dict.fromkeys(column.task for column in table.scored() if TASKS[column.task].dataset in datasets)
    data, digests = _read(list(tasks), options)
    made = Plan(
        table,
        options,
        Store(home() / "cells" / options.suite.name),
        data,
        digests,
    )
    for row in table.rows:
        for column in table.scored():
            if row.recipe is None or (row.only and column.slug not in row.only):
                made.why_not[row.slug, column.slug] = row.absent
            elif row not in rows or column not in columns:
                made.why_not[row.slug, column.slug] = "not asked for in this run"
            else:
                made.pending.append((row, column))
    _look_up(made)
    _locate(made)
    return made


def _read(tasks: list[str], options: Options) -> tuple[dict[str, Any], dict[str, str]]:
    """(data, digest) by task; what several tasks share is read once."""
    by_source: dict[tuple[str, ...], tuple[Any, str]] = {}
    for task in tasks:
        if TASKS[task].source not in by_source:
            found = options.suite.load(task, options.limit)
            by_source[TASKS[task].source] = found, TASKS[task].digest(found)
    shared = {task: by_source[TASKS[task].source] for task in tasks}
    return {task: found for task, (found, _) in shared.items()}, {task: digest for task, (_, digest) in shared.items()}


def _look_up(made: Plan) -> None:
    for row in made.table.rows:
        if isinstance(row.recipe, WordVectorRecipe):
            try:
                made.options.suite.fetch_vectors(row.recipe.weights)
            except NotAvailable as error:
                made.why_not.update({(row.slug, c.slug): str(error) for r, c in made.pending if r == row})
    asked = set(made.pending)
    for row in made.table.rows:
        for column in made.table.scored():
            if row.recipe is None or column.task not in made.digests or (row.only and column.slug not in row.only):
                continue
            cell = made.store.get(made.table.id, made.key(row, column))
            if cell is not None and not (made.options.force and (row, column) in asked):
                made.stored[row.slug, column.slug] = cell
    made.pending = [(row, column) for row, column in made.pending if (row.slug, column.slug) not in made.stored]


def _locate(made: Plan) -> None:
    for row in dict.fromkeys(row for row, _ in made.pending):
        assert row.recipe is not None
        try:
            made.ready[row.slug] = zoo.locate(row.recipe, made.options.suite.root, made.options.suite.offline)
        except NotAvailable as error:
            for pending_row, column in made.pending:
                if pending_row == row:
                    made.why_not.setdefault((row.slug, column.slug), str(error))
    made.pending = [(row, column) for row, column in made.pending if row.slug in made.ready]


def execute(made: Plan, say: Callable[[str], None] = lambda line: None, progress: bool = False) -> None:
    """Compute the pending cells; each is stored when its task is done: a kill loses the task under way."""
    options, cache = made.options, EmbeddingCache()
    for rows in _backbones(made):
        embedder = Embedder([made.ready[row.slug] for row in rows], options.device, options.dtype, cache)
        for dataset, tasks in _by_dataset(made, rows).items():
            say(f"{', '.join(row.slug for row in rows)}: {dataset}")
            # of every task on the data set, also the stored ones: the batches, and so the last bits, stay the same
            on_dataset = [task for task in made.data if TASKS[task].dataset == dataset]
            sentences = list(dict.fromkeys(s for task in on_dataset for s in TASKS[task].sentences(made.data[task])))
            for row, found in zip(rows, embedder.embed(sentences, progress), strict=True):
                for task in tasks:
                    _run_task(made, row, task, sentences, found, say)
    made.pending = []


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
    made: Plan, row: Row, task: str, sentences: list[str], found: Embedded, say: Callable[[str], None]
) -> None:
    columns = [column for column in made.table.scored() if column.task == task and (row, column) in made.pending]
    if not columns:
        return
    start = time.perf_counter()
    scores = TASKS[task].score(made.data[task], sentences, found.vectors, row.slug)
    seconds = found.seconds + time.perf_counter() - start
    if seconds > 10:
        say(f"{row.slug}: {task} took {seconds:.0f} s")
    for column in columns:
        cell = _cell(made, row, column, scores, found, seconds)
        made.store.put(made.table.id, made.key(row, column), cell)
        made.stored[row.slug, column.slug] = cell


def _cell(made: Plan, row: Row, column: Column, scores: Scores, found: Embedded, seconds: float) -> Cell:
    ready, options = made.ready[row.slug], made.options
    draws = scores.draws(column.metric, options.resamples, options.seed)
    low, high = (None, None) if draws is None else interval(draws)
    word_vectors = isinstance(ready.recipe, WordVectorRecipe)
    fields = {
        "suite": "" if options.suite.name == "paper" else options.suite.name,
        **TASKS[column.task].protocol(column.metric),
        **ready.recipe.signature(),
        "data": made.digests[column.task][:12],
        "limit": str(options.limit or ""),
        "dtype": "fp32" if word_vectors else _DTYPES[options.dtype],
        "v": __version__,
    }
    return Cell(
        table=made.table.id,
        row=row.slug,
        column=column.slug,
        metric=column.metric,
        value=scores.values[column.metric],
        ci_low=low,
        ci_high=high,
        signature=signature(column.task, fields),
        encoder=row.slug,
        weights=ready.weights,
        data_sha256=made.digests[column.task],
        device=found.device,
        dtype="float32" if word_vectors else options.dtype,
        seconds=round(seconds, 3),
        commit=git_commit(),
        zero_vectors=found.zero_vectors,
        scores=scores.values,
        items=tuple(pack(values) for values in scores.items(column.metric)),
        versions=library_versions(),
    )
