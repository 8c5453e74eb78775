"""What a table needs: which cells are stored, which can run now, which after a download, and why the others cannot.

Planning reads the disk and nothing else: it downloads, encodes, trains and writes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from repro.checksums import reading_only
from repro.errors import NotAvailable, ReproError
from repro.evaluation.column import Column
from repro.evaluation.config import Options
from repro.evaluation.session import Need, Session
from repro.evaluation.units import Unit, join
from repro.results.csv_lines import Place
from repro.results.result import Result
from repro.tables.spec import Row, Table
from repro.tasks import TASKS

NOT_ASKED = "not asked for in this run"


@dataclass
class Plan:
    """The cells of a table by (row, column) slugs, each stored, runnable, downloadable, or missing and why."""

    table: Table
    options: Options
    session: Session  # at rest
    stored: dict[Place, Result] = field(default_factory=dict)
    pending: list[tuple[Row, Column]] = field(default_factory=list)  # runnable now
    lacking: dict[Place, list[Need]] = field(default_factory=dict)  # runnable after a download
    why_not: dict[Place, str] = field(default_factory=dict)
    refused: list[str] = field(default_factory=list)  # what was wrong with what was asked for, and not just absent

    def units(self) -> list[Unit]:
        """What computes all cells that are runnable, now or after a download."""
        rows = {row.slug: row for row in self.table.rows}
        columns = {column.slug: column for column in self.table.scored()}
        wanted = [*self.pending, *((rows[row], columns[column]) for row, column in self.lacking)]
        order = {place: number for number, place in enumerate(self._places())}
        wanted.sort(key=lambda pair: order[pair[0].slug, pair[1].slug])
        return join(unit for row, column in wanted for unit in self._units(row, column))

    def _places(self) -> Iterator[Place]:
        return ((row.slug, column.slug) for row in self.table.rows for column in self.table.scored())

    def _units(self, row: Row, column: Column) -> list[Unit]:
        dataset = TASKS[column.task].dataset
        tasks = dict.fromkeys(c.task for c in self.table.scored() if TASKS[c.task].dataset == dataset)
        return row.system.units(row.slug, column, list(tasks), self.session)

    def fail(self, place: Place, error: ReproError) -> None:
        """Leave a cell out with the reason; what is wrong, and not just absent, is remembered."""
        self.why_not[place] = str(error)
        if not isinstance(error, NotAvailable):
            self.refused.append(str(error))

    def digest(self, task: str) -> str:
        """Hex sha256 of the task's data; '' where they are not here."""
        try:
            return self.session.digest(task)
        except NotAvailable:
            return ""


def plan(table: Table, options: Options, session: Session | None = None) -> Plan:
    """Look at every cell of a table: all that are stored are found, only those that were asked for are planned.

    `session`: one at rest that has looked before.
    """
    with reading_only():
        planned = Plan(table, options, session or Session(options, at_rest=True))
        asked = table.asked(options.rows, options.tasks)
        for row in table.rows:
            for column in table.scored():
                try:
                    _look(planned, row, column, (row.slug, column.slug) in asked)
                except ReproError as error:
                    planned.fail((row.slug, column.slug), error)
    return planned


def _look(planned: Plan, row: Row, column: Column, asked: bool) -> None:
    """Sort one cell in."""
    place, session = (row.slug, column.slug), planned.session
    if why := row.system.absent(column.slug):
        planned.why_not[place] = why
        return
    if not (asked and planned.options.force) and (result := row.system.stored(column, session)) is not None:
        planned.stored[place] = result
        return
    if not asked:
        planned.why_not[place] = NOT_ASKED
        return
    needs = row.system.needs(column, session)
    hopeless = next((need for need in needs if need.get is None), None)
    if hopeless is not None:
        planned.why_not[place] = hopeless.why
    elif needs:
        planned.lacking[place] = needs
    else:
        planned.pending.append((row, column))
