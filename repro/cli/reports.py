"""What `repro report` and `repro summary` make of the CSV files of tables that were written before."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from repro.cli.general import folder_of
from repro.errors import ReproError

if TYPE_CHECKING:
    from pathlib import Path


def report(arguments: argparse.Namespace) -> int:
    """Write the text files of tables again, each table's from its CSV file."""
    from repro.reports.formats import write_again
    from repro.tables import get

    folder = folder_of(arguments)
    for name in arguments.ids or written(folder):
        table_id, _, variant = name.partition(".")  # sbert-1.limit-50 is of sbert-1
        table = get(table_id, arguments.suite).of_run(variant)
        print("wrote " + ", ".join(map(str, write_again(table, folder / f"{name}.csv"))))
    return 0


def summary(arguments: argparse.Namespace) -> int:
    """Print one page on the written tables, as Markdown."""
    from repro.reports.summary import to_summary
    from repro.results.csv_lines import from_csv

    folder, before = folder_of(arguments), arguments.before
    if before is not None and not before.is_dir():
        raise ReproError(f"{before} is not a folder; name the one that holds the tables of the run before")
    tables = {}
    for name in arguments.ids or written(folder):
        now, then = (place / f"{name}.csv" if place else None for place in (folder, before))
        assert now is not None
        if not now.is_file():
            raise ReproError(f"{now} is missing; write it with `repro table {name}`")
        tables[name] = (from_csv(now), from_csv(then) if then is not None and then.is_file() else [])
    print(to_summary(tables), end="")
    return 0


def written(folder: Path) -> list[str]:
    """The tables that have a CSV file in the folder; ReproError where none has."""
    from repro.tables import TABLES

    names = [name for name in TABLES if (folder / f"{name}.csv").is_file()]
    if not names:
        raise ReproError(f"{folder} holds no written table; write one with `repro table sbert-1`")
    return names
