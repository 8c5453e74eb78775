"""What `repro report` and `repro verify` do with the files of tables that were written before."""

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
    for name in arguments.ids or _written(folder):
        table = get(name.partition(".")[0], arguments.suite)  # sbert-1.limit-50 is of sbert-1
        print("wrote " + ", ".join(map(str, write_again(table, folder / f"{name}.csv"))))
    return 0


def verify(arguments: argparse.Namespace) -> int:
    """Print what is wrong with each table's files; 1 when something is."""
    from repro.published.verify import verify

    failed = 0
    folder = folder_of(arguments)
    for table_id in arguments.ids or _written(folder):
        wrong = verify(table_id, folder, arguments.suite)
        failed += len(wrong)
        for sentence in wrong:
            print(sentence)
        print(f"{table_id}: {'holds' if not wrong else f'{len(wrong)} failures'}")
    return 1 if failed else 0


def _written(folder: Path) -> list[str]:
    """The tables that have a CSV file in the folder; ReproError where none has."""
    from repro.tables import TABLES

    written = [name for name in TABLES if (folder / f"{name}.csv").is_file()]
    if not written:
        raise ReproError(f"{folder} holds no written table; write one with `repro table sbert-1`")
    return written
