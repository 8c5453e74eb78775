"""Commands on what is here: list, doctor, compare, cache, bench. Each reads its arguments, calls, and prints."""

from __future__ import annotations

import argparse
import os
from datetime import UTC
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from repro.evaluation.suite import Suite


def suite_of(arguments: argparse.Namespace) -> Suite:
    """Where the data of a command come from, by its options and REPRO_DATA and REPRO_MIRROR."""
    from repro.evaluation.suite import chosen

    name, own = getattr(arguments, "suite", "paper"), getattr(arguments, "data", None)
    return chosen(name, own, arguments.mirror, arguments.offline)


def read_by(arguments: argparse.Namespace) -> list[Path]:
    """The files that a command on sentences of one's own may read: they are not to be written over."""
    return [arguments.file, *files_of(arguments.encoder)]


def files_of(encoder: str) -> list[Path]:
    """What an encoder's name, settings included, may name on this disk: its folder or file and what stands beside."""
    from repro.encoders import own
    from repro.encoders.vector_pair import INDEX_SUFFIXES
    from repro.encoders.zoo import split

    if own.is_object(encoder):
        return own.sources(encoder)
    base, settings = split(encoder)
    names = [base, *(setting.removeprefix("source=") for setting in settings)]
    if base.endswith(".npy"):  # and the words of its rows
        names += [base.removesuffix(".npy") + suffix for suffix in INDEX_SUFFIXES]
    return [Path(os.path.expanduser(name)) for name in names]


def listing(arguments: argparse.Namespace) -> int:
    """Print the names of the tables, encoders, tasks, data sets or trainings there are, one a line."""
    if arguments.what == "tables":
        from repro.tables import listed

        for table in listed():
            print(f"{table.id:12} {table.title}")
    elif arguments.what == "encoders":
        from repro.encoders.zoo import ZOO

        for name, recipe in ZOO.items():
            print(f"{name:34} {recipe.weights}  {_fields(recipe.signature())}")
    elif arguments.what == "tasks":
        from repro.tasks import TASKS

        for name, task in TASKS.items():
            fields = _fields(task.protocol(task.metrics[0]))
            print(f"{name:18} {task.dataset:6} {', '.join(task.metrics):70} {fields}")
    elif arguments.what == "trainings":
        from repro.training.setups import SETUPS

        for name, training in SETUPS.items():
            print(f"{name:19} {_fields(training.signature())}")
    else:
        from repro.data.registry import datasets

        for item in datasets().values():
            rows = sum(source.rows for source in item.contents)
            print(f"{item.name:16} {rows or '?':>6} rows  {item.citation}; {item.licence}")
    return 0


def _fields(fields: dict[str, str]) -> str:
    return "|".join(f"{name}:{value}" for name, value in fields.items() if value)


def folder_of(arguments: argparse.Namespace) -> Path:
    """Where the tables of the suite that was asked for stand."""
    out: Path = arguments.out
    return out if arguments.suite == "paper" else out / arguments.suite


def doctor(arguments: argparse.Namespace) -> int:
    """Print what is installed and present on this machine, and which rows could run."""
    import json

    from repro.evaluation import doctor

    findings = doctor.examine(suite_of(arguments), arguments.ask_hub)
    print(json.dumps(findings, indent=1) if arguments.json else doctor.as_text(findings))
    return 0


def compare(arguments: argparse.Namespace) -> int:
    """Print the paired difference of two rows in every column, with its interval and p."""
    from repro import tables
    from repro.evaluation.config import Options
    from repro.evaluation.plan import plan
    from repro.evaluation.significance import compare
    from repro.results.csv_lines import signed

    table = tables.get(arguments.id, arguments.suite).with_encoders([arguments.first, arguments.second])
    options = Options(suite=suite_of(arguments), rows=(arguments.first, arguments.second), dtype=arguments.dtype)
    comparisons = list(compare(plan(table, options), arguments.first, arguments.second))
    print(f"{arguments.first} − {arguments.second}: difference, its 95 % interval, p")
    labels = [each.column.full_label for each in comparisons]
    width, decimals = max(map(len, labels)), max(2, table.decimals)
    for label, each in zip(labels, comparisons, strict=True):
        difference, low, high = (signed(number, decimals) for number in (each.difference, *each.interval))
        print(f"{label:{width}} {difference:>{5 + decimals}}   {low} to {high}   {each.p_text}")
    return 0


def cache(arguments: argparse.Namespace) -> int:
    """Print which embeddings are kept on disk and how large they are, or remove them all."""
    from datetime import datetime

    from repro.encoders.cache import EmbeddingCache

    cache = EmbeddingCache()
    if arguments.clear:
        print(f"removed {cache.clear()} files from {cache.folder}")
        return 0
    entries = cache.entries()
    for encoder in sorted({entry.encoder for entry in entries}):
        of = [entry for entry in entries if entry.encoder == encoder]
        used = datetime.fromtimestamp(max(entry.used for entry in of), UTC).strftime("%Y-%m-%d %H:%M")
        size, sentences = sum(entry.bytes for entry in of) / 1e6, sum(entry.shape[0] for entry in of)
        columns = of[0].shape[1]
        print(f"{size:8.1f} MB  {len(of):3} matrices  {sentences:8} × {columns:<5} last used {used} UTC  {encoder}")
    total = sum(entry.bytes for entry in entries)
    print(f"{cache.folder}: {len(entries)} matrices, {total / 1e6:.1f} of {cache.bound / 1e6:.0f} MB")
    return 0


def ratios(arguments: argparse.Namespace) -> int:
    """Print the lines of one benchmark as it goes."""
    from repro.bench import bench

    for line in bench(arguments.what)(suite_of(arguments), arguments.sentences, arguments.repeats):
        print(line, flush=True)
    return 0
