"""What the pages show of one table that follows from its files alone: its layout, its counts and its figures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from repro import tables
from repro.errors import ReproError
from repro.reports import figures
from repro.reports.layout import Layout, laid_out
from repro.results.csv_lines import Line
from repro.tables.facts import Facts
from repro.tables.spec import Table


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
        return laid_out(self.table, self.csv) if self.csv.is_file() else None

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


def facts_of(out: Path) -> list[Facts]:
    """Every table of facts that is written below `out`."""
    return [table for table in tables.FACTS.values() if (out / f"{table.id}.csv").is_file()]


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
