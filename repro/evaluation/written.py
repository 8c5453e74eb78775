"""The lines that a run writes: its own results, and what the table's file had of the cells that it did not measure.

A part of a table is never taken for the table: a number in the file stays, or somebody is told why it does not.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence

from repro.errors import ReproError
from repro.evaluation.plan import NOT_ASKED, Plan
from repro.paths import home
from repro.published.sound import faults
from repro.published.verdicts import line_of, with_written_rows
from repro.results.csv_lines import FIELDS, MEASURED, Line, Place, as_text
from repro.results.result import Result
from repro.results.signature import Signature, difference
from repro.tables.spec import Average, Column, Difference, Row, Table

logger = logging.getLogger(__name__)


def lines_of(plan: Plan, before: Sequence[Line] = ()) -> list[Line]:
    """One line a cell, in table order; averages and differences follow from their row's cells.

    `before`: the lines that the file had. A number that this run was not asked for is taken over from there, though
    another is stored here, and so is one that it was asked for and could not measure, when it is of the same protocol
    and encoder; one that is not is left out, and that is said. Why a cell has none stays too, where this run was not
    asked for it.
    """
    kept, lost = _kept_and_lost(plan, before)
    if lost:
        place, why = next(iter(lost.items()))
        logger.warning("%s: %d numbers are left out, such as %s × %s: %s", plan.table.id, len(lost), *place, why)
    if others := {name for line in before for name, text in line.items() if text} - set(FIELDS):
        logger.warning(
            "%s: the columns %s are not the suite's and are left out", plan.table.id, ", ".join(sorted(others))
        )
    measured, why_not = _stored(plan) | kept, _why_not(plan, before)
    table = with_written_rows(plan.table, [line for line in before if (line["row"], line["column"]) in kept])
    lines: list[Line] = []
    for row in table.rows:
        for column in table.columns:
            if isinstance(column, Column):
                place = (row.slug, column.slug)
                lines.append(line_of(table, row, column, measured.get(place, {}), why_not.get(place, NOT_ASKED)))
            else:
                lines.append(_derived(table, row, column, measured, why_not))
    return lines


def check_nothing_is_lost(plan: Plan, before: Sequence[Line]) -> None:
    """ReproError where a run of some rows or columns would leave out numbers that the file has of the others."""
    table, options = plan.table, plan.options
    if not options.rows and not options.tasks:
        return
    _, lost = _kept_and_lost(plan, before)
    asked = table.asked(options.rows, options.tasks)
    for (row, column), why in lost.items():
        if (row, column) not in asked and (row, column) not in plan.stored:
            raise ReproError(
                f"the file of {table.id} has a number of {row} × {column} that cannot stand beside new ones "
                f"({why}); run the whole table, or write to another folder with --out"
            )


def _kept_and_lost(plan: Plan, before: Sequence[Line]) -> tuple[dict[Place, Line], dict[Place, str]]:
    """What stays of the numbers that the file had, and what does not, with the reason; averages are computed anew."""
    rows = {row.slug: row for row in with_written_rows(plan.table, before).rows}
    of_run = {row.slug for row in plan.table.rows}
    columns = {column.slug: column for column in plan.table.columns}
    measured = plan.stored.keys() & plan.table.asked(plan.options.rows, plan.options.tasks)
    kept: dict[Place, Line] = {}
    lost: dict[Place, str] = {}
    for line in before:
        place, column = (line["row"], line["column"]), columns.get(line["column"])
        if not line["value"] or place in measured or isinstance(column, Average | Difference):
            continue
        stays = {name: line.get(name, "") for name in MEASURED}
        if column is None:
            lost[place] = "the table has no such column"
        elif plan.why_not.get(place) in plan.refused:
            lost[place] = plan.why_not[place]
        elif (unstored := rows[line["row"]].system.unstored) and line["row"] in of_run:
            lost[place] = unstored
        elif kept.get(place, stays) != stays:
            lost[place] = "the file has two of it"
        elif why := next(faults(rows[line["row"]], column, stays, plan.options, plan.digest(column.task)), ""):
            lost[place] = why
        else:
            kept[place] = stays
    lost |= _of_another_kind(plan, kept)
    return {place: line for place, line in kept.items() if place not in lost}, lost


def _of_another_kind(plan: Plan, kept: dict[Place, Line]) -> dict[Place, str]:
    """Those of the kept numbers that cannot stand in one row with others, or in one column, and why.

    Rows from the bases of those that were asked for are held against the files that are here; the others stay.
    """
    lost: dict[Place, str] = {}
    asked = {row.slug for row in plan.table.pick_rows(plan.options.rows)}
    bases = {row.slug: {base.weights for base in row.system.bases()} for row in plan.table.rows}
    of_asked = set[str]().union(*(bases[row] for row in asked))
    held = [row for row in plan.table.rows if row.slug in asked or bases[row.slug] & of_asked]
    of_table = {row.slug: row.system.weights(plan.session) for row in held}
    weights: dict[str, str] = {row: here for row in {row for row, _ in kept} if (here := of_table.get(row))}
    signatures: dict[str, str] = {}
    for (row, column), line in (_stored(plan) | kept).items():
        of_row = weights.setdefault(row, line["weights"])
        of_column = signatures.setdefault(column, line["signature"])
        if (row, column) not in kept:
            continue
        if line["weights"] != of_row:
            lost[row, column] = f"its weights were {line['weights']}, and its row's are {of_row}"
        elif why := difference(_comparable_by(of_column), _comparable_by(line["signature"])):
            lost[row, column] = why
    return lost


def _stored(plan: Plan) -> dict[Place, Line]:
    """The measured fields of every stored cell."""
    return {(row, column): _measured(row, result) for (row, column), result in plan.stored.items()}


def _measured(row: str, result: Result) -> Line:
    return {name: row if name == "encoder" else as_text(getattr(result, name)) for name in MEASURED}


def _comparable_by(signature: str) -> dict[str, str]:
    return Signature.parse(signature).comparable_by


def _why_not(plan: Plan, before: Sequence[Line]) -> dict[Place, str]:
    """Why a cell has no number: what this run says, or for what it was not asked for, what the file said."""
    said = {(line["row"], line["column"]): line["reason"] for line in before if not line["value"] and line["reason"]}
    ours = f"{home()}/"  # a table has the same bytes wherever that folder is
    return said | {place: why.replace(ours, ".repro/") for place, why in plan.why_not.items() if why != NOT_ASKED}


def _derived(
    table: Table, row: Row, column: Average | Difference, measured: dict[Place, Line], why_not: dict[Place, str]
) -> Line:
    """The line of an average or a difference: not run where one of its parts is missing."""
    parts = [measured.get((row.slug, slug)) for slug in column.of]
    missing = [slug for slug, part in zip(column.of, parts, strict=True) if part is None]
    if not missing:
        value = column.value([float(part["value"]) for part in parts if part])
        of = {slug: part for slug, part in zip(column.of, parts, strict=True) if part}
        return line_of(table, row, column, {"value": as_text(value)}, "", of)
    if row.system.only:
        reason = row.system.absent(column.slug)
    elif len(missing) == len(parts):
        reason = why_not.get((row.slug, missing[0]), NOT_ASKED)
    else:
        reason = "not run: " + ", ".join(missing)
    return line_of(table, row, column, {}, reason)
