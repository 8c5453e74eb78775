"""What `repro verify` does: hold written tables against the ledger, or against an earlier run."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from typing import TYPE_CHECKING

from repro.cli.general import folder_of
from repro.cli.reports import written, written_facts
from repro.errors import ReproError
from repro.paths import output_file, write_atomic

if TYPE_CHECKING:
    from pathlib import Path

    from repro.published.checks import Check


def verify(arguments: argparse.Namespace) -> int:
    """Print what is wrong with each table, and write it as JUnit XML where that is asked for; 1 when something is."""
    from repro.reports.junit import to_junit

    if arguments.against is None and (arguments.tolerance is not None or arguments.row):
        raise ReproError("--tolerance and --row go with --against, which names the run to hold the tables against")
    folder = folder_of(arguments)
    junit = arguments.junit and output_file(arguments.junit, _read(arguments, folder))
    checks = {}
    for name, of_table in (_against if arguments.against else _by_ledger)(arguments, folder):
        checks[name] = of_table
        wrong = [sentence for check in of_table for sentence in check.sentences]
        new = [f"{check.table}: {check.cell} {check.remark}" for check in of_table if check.remark]
        for sentence in [*wrong, *(new if arguments.against else [])]:
            print(sentence)
        print(f"{name}: {'holds' if not wrong else f'{len(wrong)} failures'}")
    if junit:
        write_atomic(junit, to_junit(checks))
    return 1 if any(check.wrong for of_table in checks.values() for check in of_table) else 0


def _by_ledger(arguments: argparse.Namespace, folder: Path) -> Iterator[tuple[str, list[Check]]]:
    """Each table's checks against the ledger."""
    from repro.published.verify import checks

    for name in arguments.ids or [*written(folder), *written_facts(folder)]:
        yield name, checks(name, folder, arguments.suite)


def _against(arguments: argparse.Namespace, folder: Path) -> Iterator[tuple[str, list[Check]]]:
    """Each table's checks against the baseline; without ids, those of which it has values (of the rows named)."""
    from repro.published.against import baseline, compare
    from repro.published.checks import Check
    from repro.published.ledger import DEFAULT_TOLERANCE
    from repro.results.csv_lines import from_csv, unwritten
    from repro.tables import named

    before = baseline(arguments.against)
    tolerance = DEFAULT_TOLERANCE if arguments.tolerance is None else arguments.tolerance
    with_values = [
        name
        for name, lines in before.items()
        if any(line["value"] and line["row"] in (arguments.row or [line["row"]]) for line in lines)
    ]
    if not (arguments.ids or with_values):
        of_row = f" of the row {arguments.row[0]!r}" if arguments.row else ""
        raise ReproError(f"{arguments.against} has no value{of_row}; name the CSV file of an earlier run")
    for name in arguments.ids or with_values:
        table_id = named(name, arguments.suite).id
        path = folder / f"{name}.csv"
        if not path.is_file():
            missing = unwritten(path, table_id)
            if arguments.ids:
                raise missing
            yield name, [Check(name, wrong=(str(missing),))]
            continue
        lines = from_csv(path, complete=True)
        yield name, compare(name, lines, before.get(name) or before.get(table_id, []), tolerance, arguments.row)


def _read(arguments: argparse.Namespace, folder: Path) -> list[Path]:
    """The files that are not to be written over: the tables' and the baseline's."""
    against = arguments.against
    return [*folder.glob("*"), *([against, *against.glob("*")] if against else [])]
