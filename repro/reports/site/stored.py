"""What the pages show of the scores that are stored on this machine: tests between rows, and how claims fare."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import replace

from repro.encoders.own import is_object
from repro.errors import ReproError
from repro.evaluation.config import Options
from repro.evaluation.plan import Plan, plan
from repro.evaluation.session import Session
from repro.evaluation.significance import Comparison, Pair, every_pair
from repro.evaluation.suite import Suite
from repro.metrics import metric
from repro.published.findings import Fared, of_table
from repro.reports.site.shown import Shown
from repro.results.csv_lines import number
from repro.tables.spec import AnyColumn, Column, Table

CORES = min(os.cpu_count() or 1, 4)
SAME = 1e-6  # a stored number is the written one
Tests = dict[str, dict[Pair, Comparison]]  # by column


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
            if row.slug not in own and not is_object(row.slug):  # which would run code of the user's
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


def start_tests(planned: Plan, threads: Executor) -> Callable[[], Tests]:
    """Have the tests between all stored rows made, beside what else is to do: NumPy's loops need no interpreter.

    What is returned waits for them; a column without any is left out.
    """
    stored = {column for _, column in planned.stored}
    started = {
        column.slug: threads.submit(every_pair, planned, column)
        for column in planned.table.scored()
        if column.slug in stored
    }
    return lambda: {column: compared for column, future in started.items() if (compared := future.result())}


def findings(shown: Shown, planned: Plan) -> Fared:
    """The claims on a table of the paper, and how each fares on the published numbers and on those in its file."""
    return of_table(planned.table, shown.folder, planned) if shown.suite == "paper" else []
