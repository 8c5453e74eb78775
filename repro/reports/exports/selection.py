"""The part of a written table that is exported."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from repro.errors import ReproError
from repro.reports.layout import laid_out
from repro.results.csv_lines import Line
from repro.tables import named
from repro.tables.spec import Column, Table


@dataclass(frozen=True)
class Selection:
    """A table, rows of --encoder and --base included, and the lines that were asked for, in its order."""

    table: Table
    lines: tuple[Line, ...]

    @property
    def measured(self) -> list[Line]:
        """The lines with a value, averages and differences included."""
        return [line for line in self.lines if line["value"]]

    @property
    def scored(self) -> list[tuple[Column, Line]]:
        """The lines whose value was measured and not computed from others, with their columns."""
        columns = {column.slug: column for column in self.table.scored()}
        return [(columns[line["column"]], line) for line in self.measured if line["column"] in columns]


def select(csv_path: Path, rows: Sequence[str], tasks: Sequence[str], suite: str = "paper") -> Selection:
    """These rows and columns of a written table (all where none is named).

    ReproError where the file is missing or no table, where it has no such row or column, or nothing was measured there.
    """
    table = named(csv_path.stem, suite)
    table_id, layout = table.id, laid_out(table, csv_path)
    table = layout.table
    table.pick_rows(rows)
    columns = [column.slug for column in table.columns]
    for task in tasks:
        if task not in columns:
            raise ReproError(f"{table_id} has no task {task!r}; there are: {', '.join(columns)}")
    asked = [line for line in layout.lines if line["row"] in (rows or [line["row"]])]
    asked = [line for line in asked if line["column"] in (tasks or columns)]
    for row in rows or [""]:
        if not any(line["value"] for line in asked if row in ("", line["row"])):
            where = f"the row {row!r} of {table_id}" if row else table_id
            raise ReproError(f"{where} has no measured number; `repro table {table_id}` measures what can be")
    return Selection(table, tuple(asked))
