"""Grids for the terminal: a section of a table, an overview of tables, and how claims fare."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from rich.table import Table as Grid
from rich.text import Text

from repro.published.comparisons import Claim, Comparison
from repro.published.findings import PUBLISHED, SOURCES, SYSTEMS, Fared, on_the_base
from repro.published.outcomes import Finding, Outcome
from repro.reports.layout import CellView, Layout, Section
from repro.tables.spec import Table

COLOURS = {"match": "green", "within-noise": "green", "deviates": "red", "not-run": "dim"}  # others as they are
HOLDING = {True: "green", False: "red", None: "dim"}


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


def claims_grid(fared: Fared) -> Grid:
    """A line a claim and a column a source of numbers; that of the papers' systems where one of them was measured."""
    systems = any(finding.outcomes for _, findings in fared for finding in findings if finding.source == SYSTEMS)
    sources = [source for source in SOURCES if systems or source != SYSTEMS]
    drawn = Grid(show_lines=True)
    for name in ("table", "claim", *sources):
        drawn.add_column(name, overflow="fold")
    for claim, findings in fared:
        by_source = {finding.source: finding for finding in findings}
        cells = [Text(by_source[name].summary, style=HOLDING[by_source[name].holds]) for name in sources]
        drawn.add_row(claim.table, Text(claim.sentence), *cells)
    return drawn


def comparisons_grid(claim: Claim, table: Table, published: Finding, measured: Finding) -> Grid:
    """A line a comparison, between published numbers and between those of the rows that stand for the paper's."""
    drawn = Grid()
    for name in ("column", PUBLISHED, "", measured.source, ""):
        drawn.add_column(name, overflow="fold")
    slugs = {row.slug for row in table.rows}
    outcomes = {outcome.comparison: outcome for finding in (published, measured) for outcome in finding.outcomes}
    # where the numbers themselves say what is compared, or the claim is this suite's own, no paper has a comparison
    own = [outcome.comparison for outcome in measured.outcomes] if claim.order else on_the_base(claim)
    theirs: Sequence[Comparison | None] = claim.comparisons or [None] * len(own)
    for paper, base in zip(theirs, own, strict=True):
        there = {base.first, base.second} <= slugs
        if paper or there:
            cells = [*_comparison(paper, outcomes), *_comparison(base if there else None, outcomes)]
            drawn.add_row(base.columns, *cells)
    return drawn


def _comparison(comparison: Comparison | None, outcomes: Mapping[Comparison, Outcome]) -> tuple[str | Text, ...]:
    """Its rows, and how it came out; nothing where it cannot be made."""
    if comparison is None:
        return "", ""
    rows, outcome = f"{comparison.first} {comparison.sign} {comparison.second}", outcomes.get(comparison)
    if outcome is None:
        return rows, Text("not measured", style=HOLDING[None])
    first, second, difference = outcome.texts
    numbers = f"{first} {comparison.sign} {second} = {difference}"
    told = "\n".join(filter(None, [f"{numbers} {outcome.mark}", outcome.certainty]))
    return rows, Text(told, style=HOLDING[outcome.holds])
