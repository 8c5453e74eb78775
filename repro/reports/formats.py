"""The text files of a table. A new format is a function of a layout, and an entry in FORMATS."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from repro.paths import locked, write_all
from repro.reports.latex import to_latex
from repro.reports.layout import Layout, laid_out
from repro.reports.markdown import to_markdown
from repro.results.csv_lines import to_csv, unwritten
from repro.tables.spec import Table


def _csv(layout: Layout) -> str:
    return to_csv(layout.lines, layout.table.banner)


# The CSV is the first: it is written before the others, which can be written again from it.
FORMATS: dict[str, Callable[[Layout], str]] = {".csv": _csv, ".md": to_markdown, ".tex": to_latex}


def files(csv_path: Path) -> dict[str, Path]:
    """Where the files of a table stand beside its CSV file, by suffix."""
    return {suffix: csv_path.with_suffix(suffix) for suffix in FORMATS}


def texts(layout: Layout, csv_path: Path) -> dict[Path, str]:
    """The content of every text file of a table."""
    return {path: FORMATS[suffix](layout) for suffix, path in files(csv_path).items()}


def write_again(table: Table, csv_path: Path) -> list[Path]:
    """Write every text file of a table from its CSV file alone; where they are.

    ReproError where that file is not there, or is none that this version wrote; nothing is written then.
    """
    if not csv_path.is_file():  # of a folder that is not there, none would be made for the lock
        raise unwritten(csv_path, table.id)
    with locked(csv_path):  # so that no run writes between reading and writing
        written = texts(laid_out(table, csv_path), csv_path)
        write_all(written)
    return list(written)
