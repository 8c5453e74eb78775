"""What decides a measured number, and the cell that it becomes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from statistics import fmean, stdev

from repro import __version__
from repro.encoders import zoo
from repro.encoders.known import recall
from repro.encoders.recipe import FittedRecipe, Recipe, TimedRecipe, describe
from repro.errors import ReproError
from repro.evaluation.suite import Suite
from repro.hub import pinned_revision
from repro.metrics.bootstrap import RESAMPLES, SEED, interval
from repro.provenance import git_commit, library_versions
from repro.results.store import Cell, pack, signature
from repro.tables.spec import Column
from repro.tasks import TASKS
from repro.tasks.base import Scores

DTYPES = {"float32": "fp32", "bfloat16": "bf16"}


@dataclass(frozen=True)
class Options:
    """What the command line says about a run."""

    suite: Suite = field(default_factory=Suite)
    rows: tuple[str, ...] = ()
    tasks: tuple[str, ...] = ()
    device: str = "auto"
    dtype: str = "float32"
    limit: int | None = None  # items of each file
    seeds: int | None = None  # trainings of each trained row, in place of the row's own number
    sample: int | None = None  # examples of each training set
    force: bool = False
    resamples: int = RESAMPLES
    seed: int = SEED

    @property
    def variant(self) -> str:
        """Suffix of the output files, so that a cut or low-precision run never overwrites the full one."""
        cuts = {"limit": self.limit, "sample": self.sample, "seeds": self.seeds}
        found = "".join(f".{name}-{value}" for name, value in cuts.items() if value)
        return found + (f".{self.dtype}" if self.dtype != "float32" else "")


@dataclass(frozen=True)
class Subject:
    """What was measured: the encoder's part of a cell."""

    row: str
    signature: dict[str, str]
    weights: str
    device: str
    dtype: str
    seconds: float
    zero_vectors: int = 0


def identity(recipe: Recipe, suite: Suite) -> dict[str, object]:
    """The recipe, and one checksum over every file that its encoder reads; '' where they are not on this machine."""
    if isinstance(recipe, FittedRecipe | TimedRecipe):
        return describe(recipe) | {"base": identity(recipe.base, suite)}
    try:
        files = zoo.locate(recipe, suite.root, offline=True).identity
    except ReproError:
        revision = getattr(recipe, "revision", None) or pinned_revision(recipe.weights)
        files = recall(recipe.weights, revision) if revision else ""
    return describe(recipe) | {"files": files}


def cell_key(options: Options, row: str, column: Column, recipe: dict[str, object], data: str) -> dict[str, object]:
    """What decides the number in a cell; its hash names the stored file. `data`: the task's digest."""
    return {
        "suite": options.suite.name,
        "row": row,
        "column": column.slug,
        "metric": column.metric,
        "protocol": TASKS[column.task].protocol(column.metric),
        "recipe": recipe,
        "data": data,
        "dtype": options.dtype,
        "limit": options.limit,
        "bootstrap": [options.resamples, options.seed],
        "version": __version__,
    }


def protocol(options: Options, column: Column, data: str) -> dict[str, str]:
    """Fields of a score's signature that every row of a column shares. `data`: the task's digest, '' when not known."""
    return {
        "suite": "" if options.suite.name == "paper" else options.suite.name,
        **TASKS[column.task].protocol(column.metric),
        "data": data[:12],
        "limit": str(options.limit or ""),
        "v": __version__,
    }


def make_cell(
    options: Options,
    table: str,
    column: Column,
    subject: Subject,
    scores: Scores,
    data: str,
    interval_wanted: bool = True,
) -> Cell:
    """The cell of one column from a task's scores; an interval takes a second, and one of several seeds needs none."""
    value = scores.values[column.metric]
    if not math.isfinite(value):
        raise ReproError(f"{subject.row}: {column.task} has no {column.metric}: its items are too few, or all alike")
    draws = scores.draws(column.metric, options.resamples, options.seed) if interval_wanted else None
    low, high = (None, None) if draws is None else interval(draws)
    if low is not None and math.isnan(low):  # no resample has a score
        low, high = None, None
    shared = protocol(options, column, data)
    last = {name: shared.pop(name) for name in ("data", "limit")}
    fields = {**shared, **subject.signature, **last, "dtype": DTYPES[subject.dtype], "v": shared["v"]}
    return Cell(
        table=table,
        row=subject.row,
        column=column.slug,
        metric=column.metric,
        value=value,
        ci_low=low,
        ci_high=high,
        signature=signature(column.task, fields),
        encoder=subject.row,
        weights=subject.weights,
        data_sha256=data,
        device=subject.device,
        dtype=subject.dtype,
        seconds=round(subject.seconds, 3),
        commit=git_commit(),
        seeds=scores.repeats,
        std=scores.std,
        zero_vectors=subject.zero_vectors,
        scores=scores.values,
        items=tuple(pack(values) for values in scores.items(column.metric)),
        versions=library_versions(),
    )


def over_seeds(by_seed: Sequence[Sequence[Cell]], data: str) -> Cell:
    """One cell from those of every seed and fold; `data` is the digest of all folds.

    Value: the mean over seeds of the mean over folds; spread: the standard deviation over seeds (n − 1).
    """
    values = [fmean(cell.value for cell in cells) for cells in by_seed]
    first, count = by_seed[0][0], len(by_seed[0])
    alone = len(values) * count == 1
    protocol, version = first.signature.rsplit("|v:", 1)
    return replace(
        first,
        value=fmean(values),
        std=stdev(values) if len(values) > 1 else None,
        seeds=len(values),
        ci_low=first.ci_low if alone else None,
        ci_high=first.ci_high if alone else None,
        items=first.items if alone else (),
        scores={f"seed-{seed}": value for seed, value in enumerate(values)},
        seconds=round(sum(cell.seconds for cells in by_seed for cell in cells), 1),
        data_sha256=data,
        signature=f"{protocol}|seeds:{len(values)}|v:{version}",
    )
