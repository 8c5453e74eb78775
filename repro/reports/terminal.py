"""A table for the terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich.table import Table as Grid
from rich.text import Text

from repro.published.sound import Line
from repro.reports.csv_lines import rows_of
from repro.reports.markdown import difference
from repro.tables.spec import Table

COLOURS = {"match": "green", "within-noise": "green", "deviates": "red", "not-run": "dim"}  # others as they are


def grid(table: Table, lines: Sequence[Line]) -> tuple[Grid, int]:
    """One section of a table: the rows that have a measured value, and how many have none."""
    table = rows_of(table, lines)
    by_cell = {(line["row"], line["column"]): line for line in lines}
    section = table.columns[0].section or None
    found = Grid(title=table.title, title_justify="left", caption=section, caption_justify="left")
    found.add_column("")
    for column in table.columns:
        found.add_column(column.label, justify="right")
    hidden = 0
    for row in table.rows:
        cells = [by_cell[row.slug, column.slug] for column in table.columns]
        if any(line["value"] for line in cells):
            found.add_row(Text(row.label), *(_cell(line, table.decimals) for line in cells))
        else:
            hidden += 1
    return found, hidden


def _cell(line: Line, decimals: int) -> Text:
    text = f"{float(line['value']):.{decimals}f}" if line["value"] else "–"
    text += f"\n{difference(line, decimals)}" if line["delta"] else ""
    return Text(text, style=COLOURS.get(line["verdict"], ""))
