"""A table laid out once, as sections, groups, rows and cells, which the formats only have to write down.

A layout follows from the table's module, the lines of its CSV file and the ledger's notes; nothing is measured or
judged here. See formats.py for what is written from it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from repro.errors import ReproError
from repro.metrics import metric
from repro.published import ledger
from repro.published.sound import impossible
from repro.published.verdicts import with_written_rows
from repro.results.csv_lines import Line, Place, from_csv, number, signed, unwritten
from repro.results.signature import Signature
from repro.tables.spec import AnyColumn, Column, Row, Table

# a sign for each verdict that there is
MARKS = {
    **{"match": "✓", "within-noise": "≈", "deviates": "✗"},
    **dict.fromkeys(("no-published", "not-run", "other-hardware", "other-protocol"), ""),
}
DASH = "–"  # stands for a number that was not measured


@dataclass(frozen=True)
class CellView:
    """What one cell says, in the table's own unit; None where there is no such number."""

    value: float | None
    std: float | None  # over seeds
    interval: tuple[float, float] | None  # 95 % bootstrap
    published: float | None
    published_std: float | None
    delta: float | None  # measured less published
    verdict: str
    decimals: int  # of the table

    @property
    def empty(self) -> bool:
        """Whether it has neither a measured nor a published number."""
        return self.value is None and self.published is None

    @property
    def mark(self) -> str:
        """The verdict's sign: ✓ match, ≈ within noise, ✗ deviates, '' for the others."""
        return MARKS[self.verdict]

    @property
    def value_text(self) -> str:
        """`84.61`, or a dash."""
        return DASH if self.value is None else f"{self.value:z.{self.decimals}f}"

    @property
    def measured_text(self) -> str:
        """`84.61 ± 0.21`, `84.61`, or a dash."""
        return self.value_text + self._spread(self.std)

    @property
    def published_text(self) -> str:
        """`84.67 ± 0.19`, `84.67`, or ''."""
        if self.published is None:
            return ""
        return f"{self.published:z.{self.decimals}f}" + self._spread(self.published_std)

    @property
    def delta_text(self) -> str:
        """`+0.49 ✗`, or ''; a difference that rounds to nothing is `±0.00`."""
        return "" if self.delta is None else f"{signed(self.delta, self.decimals)} {self.mark}"

    def interval_text(self, between: str, least: int = 0) -> str:
        """Its bounds with that text between, and no fewer than `least` decimals; '' where it has no interval."""
        return between.join(f"{bound:z.{max(least, self.decimals)}f}" for bound in self.interval or ())

    def _spread(self, std: float | None) -> str:
        return "" if std is None else f" ± {std:.{self.decimals}f}"


@dataclass(frozen=True)
class RowView:
    """A row's cells under the columns of its section."""

    slug: str
    label: str
    cells: tuple[CellView, ...]

    @property
    def measured(self) -> bool:
        """Whether it has a measured number."""
        return any(cell.value is not None for cell in self.cells)


@dataclass(frozen=True)
class Group:
    """Neighbouring rows under one heading."""

    title: str
    rows: tuple[RowView, ...]


@dataclass(frozen=True)
class Section:
    """The columns that stand under one heading ('' where a table has one section), and the rows that are shown."""

    title: str
    columns: tuple[AnyColumn, ...]
    groups: tuple[Group, ...]

    @property
    def rows(self) -> tuple[RowView, ...]:
        """The rows of all groups, in order."""
        return tuple(row for group in self.groups for row in group.rows)


@dataclass(frozen=True)
class Remark:
    """Why cells of a row have their verdict. `columns`: their labels; none: all columns of the table."""

    verdict: str
    row: str
    columns: tuple[str, ...]
    reason: str


@dataclass(frozen=True)
class Provenance:
    """Where a row's numbers come from, by its first measured cell. `hours`: of training, None where nothing was."""

    row: str
    signature: str
    weights: str
    device: str
    hours: float | None


@dataclass(frozen=True)
class Layout:
    """All that the text files of a table show. Rows are named by their labels."""

    table: Table  # title, paper, command, banner and notes
    lines: tuple[Line, ...]  # one a cell, in the table's order
    sections: tuple[Section, ...]  # the first has every row; later ones those with a number, and none without any
    intervals: tuple[Section, ...]  # the columns that have intervals, with every measured row
    remarks: tuple[Remark, ...]
    provenance: tuple[Provenance, ...]
    recovered: tuple[tuple[str, dict[str, str]], ...]  # row, and its line of recipes.csv
    unpinned: dict[str, tuple[str, ...]]  # rows by weights whose revision nobody knows
    errata: tuple[dict[str, str], ...]  # lines of errata.csv


def repeats(line: Line, column: AnyColumn) -> str:
    """What a number is made of: `3 seeds`, `median of 5 runs` of a time; '' where it is of one."""
    if line["seeds"] in ("", "1") or not isinstance(column, Column):
        return ""
    of = metric(column.metric)
    median = "median of " if of.of_machine or of.over_seeds == "median" else ""
    return f"{median}{line['seeds']} {'runs' if of.of_machine else 'seeds'}"


def laid_out(table: Table, csv_path: Path) -> Layout:
    """A written table. ReproError where its file is not there, or is none that this version wrote, line by line."""
    if not csv_path.is_file():
        raise unwritten(csv_path, table.id)
    lines = from_csv(csv_path, complete=True)
    try:
        if not lines:
            raise ReproError(f"it has no line; `repro table {table.id}` writes it again")
        layout = lay_out(table, lines)
        columns = {column.slug: column for column in table.columns}
        placed = {(line["row"], line["column"]): line for line in layout.lines}
        for line in layout.lines:
            column = columns[line["column"]]
            of = () if isinstance(column, Column) else column.of
            parts = {slug: placed[line["row"], slug] for slug in of}
            if why := impossible(table.id, column, line, parts) or _of_another_run(line, csv_path):
                raise ReproError(f"{line['row']} × {line['column']}: {why}")
    except ReproError as error:
        raise ReproError(f"{csv_path} is not as this suite wrote it: {error}") from None
    return layout


def _of_another_run(line: Line, csv_path: Path) -> str:
    """How a line was cut short where the name of its file, as `sbert-1.limit-50.csv`, does not say so; else ''."""
    limit = Signature.parse(line["signature"]).protocol.get("limit", "")
    if limit and f"limit-{limit}" not in csv_path.stem.split("."):
        return f"it is of a run of --limit {limit}, and the file's name is not"
    return ""


def lay_out(table: Table, lines: Sequence[Line]) -> Layout:
    """Lay out a table by the lines of its CSV file.

    ReproError where a cell is missing or there twice, or a line says what cannot be shown.
    """
    table = with_written_rows(table, lines)
    if wrong := next(misplaced(table, lines), ""):
        raise ReproError(wrong)
    by_place = {(line["row"], line["column"]): line for line in lines}
    places = _places(table)
    cells = {place: cell_view(by_place[place], table.decimals) for place in places}
    ordered = tuple(by_place[place] for place in places)
    measured = [row for row in table.rows if any(cells[row.slug, c.slug].value is not None for c in table.columns)]
    return Layout(
        table=table,
        lines=ordered,
        sections=tuple(_sections(table, cells)),
        intervals=tuple(_intervals(table, measured, cells)),
        remarks=tuple(_remarks(table, ordered)),
        provenance=tuple(_provenance(table, measured, by_place)),
        recovered=tuple((row.label, found) for row in table.rows if (found := ledger.recovered(row))),
        unpinned=_unpinned(table),
        errata=() if table.banner else tuple(ledger.errata(table.id)),
    )


def misplaced(table: Table, lines: Sequence[Line]) -> Iterator[str]:
    """Which cells of the table do not have exactly one line, and which lines are none of its cells."""
    count = Counter((line["row"], line["column"]) for line in lines)
    places = _places(table)
    for row, column in places:
        if count[row, column] != 1:
            yield f"the cell {row} × {column} is {'there twice' if count[row, column] else 'missing'}"
    for row, column in count:
        if (row, column) not in places:
            yield f"{row} × {column} is not a cell of this table"


def _places(table: Table) -> dict[Place, None]:
    """Every cell of the table, in order."""
    return dict.fromkeys((row.slug, column.slug) for row in table.rows for column in table.columns)


def cell_view(line: Line, decimals: int) -> CellView:
    """The cell of a line; ReproError where it has no number in the place of one, or a verdict that there is not."""

    def of(name: str) -> float | None:
        value = number(line[name])
        if line[name] and value is None:
            raise ReproError(f"{line['row']} × {line['column']}: {name} is {line[name]!r}, which is no finite number")
        return value

    if line["verdict"] not in MARKS:
        raise ReproError(f"{line['row']} × {line['column']}: {line['verdict'] or 'nothing'!r} is no verdict")
    low, high = of("ci_low"), of("ci_high")
    return CellView(
        value=of("value"),
        std=of("std"),
        interval=None if low is None or high is None else (low, high),
        published=of("published"),
        published_std=of("published_std"),
        delta=of("delta"),
        verdict=line["verdict"],
        decimals=decimals,
    )


def _sections(table: Table, cells: dict[Place, CellView]) -> Iterator[Section]:
    for position, part in enumerate(table.sections()):
        columns = part.columns
        rows = [row for row in table.rows if position == 0 or not all(cells[row.slug, c.slug].empty for c in columns)]
        if rows:
            yield _section(columns, rows, cells)


def _intervals(table: Table, measured: Sequence[Row], cells: dict[Place, CellView]) -> Iterator[Section]:
    for part in table.sections():
        columns = tuple(c for c in part.scored() if any(cells[row.slug, c.slug].interval for row in measured))
        if columns:
            yield _section(columns, measured, cells)


def _section(columns: tuple[AnyColumn, ...], rows: Sequence[Row], cells: dict[Place, CellView]) -> Section:
    def view(row: Row) -> RowView:
        return RowView(row.slug, row.label, tuple(cells[row.slug, column.slug] for column in columns))

    groups = groupby(rows, key=lambda row: row.group)
    return Section(columns[0].section, columns, tuple(Group(title, tuple(map(view, of))) for title, of in groups))


def _remarks(table: Table, lines: Sequence[Line]) -> Iterator[Remark]:
    """Deviations, wider tolerances, other protocols, and what was not run; cells of a row with one reason together."""
    rows = {row.slug: row.label for row in table.rows}
    labels = {column.slug: column.full_label for column in table.columns}
    for verdict in ("deviates", "match", "other-protocol", "not-run"):
        columns_of: dict[tuple[str, str], list[str]] = {}
        for line in lines:
            if line["verdict"] == verdict and (line["reason"] or verdict != "match"):
                columns_of.setdefault((line["row"], line["reason"]), []).append(labels[line["column"]])
        for (row, reason), columns in columns_of.items():
            everywhere = len(columns) == len(table.columns)
            yield Remark(verdict, rows[row], () if everywhere else tuple(columns), reason)


def _provenance(table: Table, measured: Sequence[Row], by_place: dict[Place, Line]) -> Iterator[Provenance]:
    for row in measured:
        scored = (by_place[row.slug, column.slug] for column in table.scored())
        line = next((line for line in scored if line["value"]), None)
        if line is not None:
            seconds = number(line["seconds"]) if "|train:" in line["signature"] else None
            hours = None if seconds is None else seconds / 3600
            yield Provenance(row.label, line["signature"], line["weights"], line["device"], hours)


def _unpinned(table: Table) -> dict[str, tuple[str, ...]]:
    rows: dict[str, list[str]] = {}
    for row in table.rows:
        if row.system.unpinned:
            rows.setdefault(row.system.unpinned, []).append(row.label)
    return {weights: tuple(dict.fromkeys(labels)) for weights, labels in rows.items()}
