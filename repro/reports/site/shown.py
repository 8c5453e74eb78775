"""What the pages show of one table: its layout, its figures, how its claims fare, and tests between its rows."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import combinations
from pathlib import Path

from repro import tables
from repro.errors import ReproError
from repro.evaluation.config import Options
from repro.evaluation.plan import Plan, plan
from repro.evaluation.session import Session
from repro.evaluation.significance import Comparison, Pair, all_pairs
from repro.evaluation.suite import Suite
from repro.metrics import metric
from repro.published import claims
from repro.published.claims import Claim, Finding
from repro.reports import figures
from repro.reports.layout import Layout, lay_out
from repro.results.csv_lines import Line, from_csv, number
from repro.tables.spec import OBJECT, AnyColumn, Column, Table

SUITES = ("paper", "mini")
CORES = min(os.cpu_count() or 1, 4)
SAME = 1e-6  # a stored number is the written one


@dataclass(frozen=True)
class Shown:
    """A table of a suite, whose files stand in `folder`."""

    suite: str
    table: Table
    folder: Path

    @property
    def csv(self) -> Path:
        """Its CSV file, which may not be there."""
        return self.folder / f"{self.table.id}.csv"

    @cached_property
    def layout(self) -> Layout | None:
        """None where it has no CSV file yet; ReproError where that file is none that this version wrote."""
        if not self.csv.is_file():
            return None
        lines = from_csv(self.csv, complete=True)
        try:
            return lay_out(self.table, lines)
        except ReproError as error:
            raise ReproError(f"{self.csv} is not as this suite wrote it: {error}") from None

    @property
    def lines(self) -> tuple[Line, ...]:
        """One a cell, in the table's order."""
        return self.layout.lines if self.layout else ()

    @cached_property
    def counts(self) -> Counter[str]:
        """Cells by verdict."""
        return Counter(line["verdict"] for line in self.lines)

    @cached_property
    def rows_measured(self) -> int:
        """Rows with a measured number."""
        return len({line["row"] for line in self.lines if line["value"]})

    @property
    def paper(self) -> str:
        """The short name of the paper, with which its tables' titles begin."""
        return self.table.title.partition(",")[0].partition(":")[0]

    @property
    def short_title(self) -> str:
        """The title without the paper's name, and without the suite's."""
        rest = self.table.title.removeprefix(self.paper).lstrip(",: ").removesuffix(", on the embedded mini data set")
        return rest[:1].upper() + rest[1:]

    @property
    def page(self) -> str:
        """Where its page is, seen from the start page."""
        return f"{self.table.id}.html" if self.suite == "paper" else f"{self.suite}/{self.table.id}.html"

    @property
    def root(self) -> str:
        """What leads from its page to the start page's folder."""
        return "../" * self.page.count("/")

    @property
    def figures(self) -> tuple[Path, ...]:
        """The figures that stand beside the CSV file."""
        files = (self.csv.with_suffix(f".{name}.svg") for name in figures.NAMES)
        return tuple(path for path in files if path.is_file())


class Stored:
    """What is stored of a suite's tables on this machine: planned, which reads the disk and nothing else."""

    def __init__(self, suite: str) -> None:
        self.options = Options(suite=Suite(suite, offline=True))
        self.session = Session(self.options, at_rest=True)

    def plan(self, shown: Shown) -> Plan:
        """The table's plan, with the stored results of the rows that a file has and the table has not.

        Without columns of times: those are of one machine each, and nothing is tested there.
        """
        assert shown.layout is not None
        own = {row.slug for row in shown.table.rows}
        table = shown.table
        for row in shown.layout.table.rows:
            if row.slug not in own and not OBJECT.fullmatch(row.slug):  # which would run code of the user's
                table = _with_encoder(table, row.slug)
        columns = tuple(column for column in table.columns if not of_machine(column))
        planned = plan(replace(table, columns=columns), self.options, self.session)
        written = {(line["row"], line["column"]): number(line["value"]) for line in shown.lines}
        stored = {
            place: result
            for place, result in planned.stored.items()
            if (value := written.get(place)) is not None and abs(result.value - value) <= SAME
        }
        return replace(planned, table=table, stored=stored)


def _with_encoder(table: Table, name: str) -> Table:
    try:
        return table.with_encoders([name])
    except ReproError:  # it is not here any more, or was a training's
        return table


def of_machine(column: AnyColumn) -> bool:
    """Whether its numbers are times or speeds."""
    return isinstance(column, Column) and metric(column.metric).of_machine


def tests(planned: Plan) -> dict[str, dict[Pair, Comparison]]:
    """The tests between all stored rows, by column; a column without any is left out."""
    pairs = list(combinations([row.slug for row in planned.table.rows], 2))
    columns = _tested(planned)
    with ThreadPoolExecutor(CORES) as threads:  # NumPy's loops run beside each other
        compared = threads.map(lambda column: all_pairs(planned, column, pairs), columns)
    return {column.slug: of_column for column, of_column in zip(columns, compared, strict=True) if of_column}


def _tested(planned: Plan) -> list[Column]:
    columns = {column for _, column in planned.stored}
    return [column for column in planned.table.scored() if column.slug in columns]


def findings(shown: Shown, planned: Plan) -> list[tuple[Claim, list[Finding]]]:
    """The claims on a table of the paper, and how each fares on the published numbers and on those in its file."""
    if shown.suite != "paper":
        return []
    of_table = [claim for claim in claims.CLAIMS if claim.table == shown.table.id]
    return [(claim, list(claims.evaluate(claim, shown.folder, planned))) for claim in of_table]


def of_suites(out: Path, suites: Sequence[str]) -> dict[str, list[Shown]]:
    """Every table of each suite that has a written table below `out`; ReproError where none has."""
    shown = {
        suite: [
            Shown(suite, tables.get(name, suite), out if suite == "paper" else out / suite) for name in tables.TABLES
        ]
        for suite in suites
    }
    written = {suite: all_of for suite, all_of in shown.items() if any(one.csv.is_file() for one in all_of)}
    if not written:
        raise ReproError(
            f"{out} holds no written table; write one with `repro table sbert-1`, or all with `repro demo`"
        )
    return written
