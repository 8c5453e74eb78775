"""A section of a table for the terminal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from rich.table import Table as Grid
from rich.text import Text

from repro.reports.layout import CellView, Layout, Section

COLOURS = {"match": "green", "within-noise": "green", "deviates": "red", "not-run": "dim"}  # others as they are


def grid(layout: Layout, section: Section) -> Grid:
    """The rows of a section that have a measured value."""
    title = section.title or None
    drawn = Grid(title=layout.table.title, title_justify="left", caption=title, caption_justify="left")
    drawn.add_column("")
    for column in section.columns:
        drawn.add_column(column.label, justify="right")
    for row in section.rows:
        if row.measured:
            drawn.add_row(Text(row.label), *map(_cell, row.cells))
    return drawn


def overview(tables: Sequence[tuple[Layout, float]]) -> Grid:
    """A line a table, of those and the seconds that each took: rows and cells with a number, verdicts, its file."""
    drawn = Grid()
    drawn.add_column("table")
    for name in ("rows", "cells", "match", "deviate", "seconds"):
        drawn.add_column(name, justify="right")
    drawn.add_column("file")
    for layout, seconds in tables:
        rows = sum(row.measured for row in layout.sections[0].rows)
        cells = sum(bool(line["value"]) for line in layout.lines)
        verdicts = Counter(line["verdict"] for line in layout.lines)
        counts = (rows, cells, verdicts["match"] + verdicts["within-noise"], verdicts["deviates"])
        drawn.add_row(layout.table.id, *map(str, counts), f"{seconds:.1f}", f"{layout.table.id}.md")
    return drawn


def _cell(cell: CellView) -> Text:
    """Measured, and below it the difference to the published number."""
    text = "\n".join(filter(None, [cell.value_text, cell.delta_text]))
    return Text(text, style=COLOURS.get(cell.verdict, ""))
