"""From a task's scores to results: the fields of the signature, the interval, the mean over seeds."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import fmean, median, stdev

from repro.errors import ReproError
from repro.evaluation import machine
from repro.evaluation.column import Column
from repro.evaluation.config import DTYPES, Options
from repro.metrics import metric
from repro.metrics.bootstrap import interval
from repro.provenance import git_commit, library_versions
from repro.results.keys import key_of
from repro.results.result import Result, pack
from repro.results.signature import Signature
from repro.tasks import TASKS
from repro.tasks.base import Scores
from repro.version import __version__


@dataclass(frozen=True)
class Subject:
    """What was measured: the encoder's part of a result. `name` stands in messages alone."""

    name: str
    signature: Mapping[str, str]
    weights: str
    device: str
    dtype: str
    seconds: float
    zero_vectors: int = 0


def protocol_of(options: Options, column: Column) -> dict[str, str]:
    """The protocol of a column in this run: what every number in it shares, its data left out."""
    suite = "" if options.suite.name == "paper" else options.suite.name
    return {"suite": suite, **TASKS[column.task].protocol(column.metric), "limit": str(options.limit or "")}


def key(options: Options, column: Column, system: Mapping[str, object], data: str) -> dict[str, object]:
    """The key of a number in that column. `system`: the system's identity. `data`: the task's digest."""
    task, bootstrap = TASKS[column.task], (options.resamples, options.seed)
    if task.times_search:
        system = {**system, "hardware": machine.hardware("cpu", machine.ONE_THREAD)}
    protocol = protocol_of(options, column)
    return key_of(system, task.name, column.metric, protocol, data, task.version, options.dtype, bootstrap)


def result_of(
    options: Options, column: Column, subject: Subject, scores: Scores, data: str, interval_wanted: bool = True
) -> Result:
    """The result in one column from a task's scores; an interval takes a second, and one of several seeds needs none.

    Raises ReproError when the score is not defined.
    """
    value = scores.values[column.metric]
    if not math.isfinite(value):
        raise ReproError(f"{subject.name}: {column.task} has no {column.metric}: its items are too few, or all alike")
    draws = scores.draws(column.metric, options.resamples, options.seed) if interval_wanted else None
    low, high = (None, None) if draws is None else interval(draws)
    if low is not None and math.isnan(low):  # no resample has a score
        low, high = None, None
    protocol = {**protocol_of(options, column), "data": data[:12]}
    system = {**subject.signature, "dtype": DTYPES[subject.dtype]}
    if TASKS[column.task].times_search:
        system["on"] = machine.hardware("cpu", machine.ONE_THREAD)
    return Result(
        metric=column.metric,
        value=value,
        ci_low=low,
        ci_high=high,
        signature=Signature(column.task, protocol, system, __version__),
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


def over_seeds(by_seed: Sequence[Sequence[Result]], data: str) -> Result:
    """One result from those of every seed and fold; `data` is the digest of all folds.

    Value: the mean over seeds, or their median where the metric says so, of the mean over folds; spread: the standard
    deviation over seeds (n − 1).
    """
    values = [fmean(result.value for result in results) for results in by_seed]
    first, count = by_seed[0][0], len(by_seed[0])
    alone = len(values) * count == 1
    system = {**first.signature.system, "seeds": str(len(values))}
    protocol = {**first.signature.protocol, "data": data[:12]}
    return replace(
        first,
        value=median(values) if metric(first.metric).over_seeds == "median" else fmean(values),
        std=stdev(values) if len(values) > 1 else None,
        seeds=len(values),
        ci_low=first.ci_low if alone else None,
        ci_high=first.ci_high if alone else None,
        items=first.items if alone else (),
        scores={f"seed-{seed}": value for seed, value in enumerate(values)},
        seconds=round(sum(result.seconds for results in by_seed for result in results), 1),
        data_sha256=data,
        signature=replace(first.signature, protocol=protocol, system=system),
    )
