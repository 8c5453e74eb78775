"""Hold a table against an earlier one, the baseline, cell by cell and in both directions."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path

from repro.errors import ReproError
from repro.metrics import METRICS
from repro.published.checks import Check
from repro.published.ledger import ROUNDING
from repro.results.csv_lines import Line, Place, from_csv
from repro.results.signature import Signature, difference
from repro.tables import TABLES

NEEDED = ("table", "row", "column", "value", "verdict", "signature")  # of a baseline's columns


def baseline(path: Path) -> dict[str, list[Line]]:
    """The lines of a table's CSV file, or of every table's in a folder, by table: by the file's name, which says how a
    run was cut short, or where a single file has another, by what its lines say.

    ReproError where it is not there or holds no table.
    """
    if not (path.is_file() or path.is_dir()):
        raise ReproError(f"{path} is no file and no folder; name the CSV file of an earlier run, or a folder of them")
    if path.is_file():
        tables: dict[str, list[Line]] = {}
        for line in _lines(path):
            tables.setdefault(line["table"], []).append(line)
        if not tables:
            raise ReproError(f"{path} holds no table; name the CSV file of an earlier run")
        table_id = path.stem.partition(".")[0]
        if table_id in tables and len(tables) > 1:
            others = ", ".join(repr(name) for name in tables if name != table_id)
            raise ReproError(f"{path} has lines of {others} among those of {table_id}; take the file as it was written")
        return {path.stem: tables[table_id]} if table_id in tables else tables
    written = [file for file in sorted(path.glob("*.csv")) if file.stem.partition(".")[0] in TABLES]
    if not written:
        raise ReproError(f"{path} holds no table's CSV file; name the folder that holds those of an earlier run")
    return {file.stem: _lines(file) for file in written}


def _lines(path: Path) -> list[Line]:
    lines = from_csv(path)
    if lines and (missing := [name for name in NEEDED if name not in lines[0]]):
        raise ReproError(f"{path} has no column {missing[0]}; a baseline is the CSV file of a table of this suite")
    return lines


def compare(
    table: str, now: Sequence[Line], then: Sequence[Line], tolerance: float, rows: Collection[str] = ()
) -> list[Check]:
    """A check of every cell that has a value now or in the baseline (`then`), of these rows alone where any is named.

    A cell is wrong that moved by more than the tolerance, that has no value any more, or that was measured under
    another protocol or on other data. The tolerance is on the ×100 scale; a metric of another range has as large a
    share of its own, and a time may be any. A new cell has a remark. ReproError where the baseline has no value
    of any cell of the table, or of a row that is named.
    """
    cells = by_place(table, now, rows)
    before = {place: line for place, line in by_place(f"{table}'s baseline", then, rows).items() if line["value"]}
    for row in rows:
        if not any(place[0] == row for place in before):
            raise ReproError(f"the baseline of {table} has no value of the row {row!r}; make it anew with that row")
    if not before.keys() & cells.keys():
        raise ReproError(f"the baseline has no value of any cell of {table}; name that of a run of the same table")
    places = [*before, *(place for place, line in cells.items() if line["value"] and place not in before)]
    return [_check(table, place, cells.get(place), before.get(place), tolerance) for place in places]


def by_place(name: str, lines: Sequence[Line], rows: Collection[str] = ()) -> dict[Place, Line]:
    """The lines of these rows, all where none is named; ReproError where one has two lines for a cell."""
    cells: dict[Place, Line] = {}
    for line in lines:
        place = (line["row"], line["column"])
        if place in cells:
            raise ReproError(f"{name} has the cell {' × '.join(place)} twice; write the table again")
        if not rows or line["row"] in rows:
            cells[place] = line
    return cells


def _check(table: str, place: Place, now: Line | None, then: Line | None, tolerance: float) -> Check:
    cell = " × ".join(place)
    if then is None:
        assert now is not None
        return Check(table, cell, remark=f"is new ({float(now['value']):.4f}), and not in the baseline")
    before = float(then["value"])
    if now is None or not now["value"]:
        why = now.get("reason", "") if now else "the table has no such cell"
        return Check(table, cell, (f"has vanished (the baseline has {before:.4f})" + (f": {why}" if why else ""),))
    signatures = Signature.parse(then["signature"]), Signature.parse(now["signature"])
    if why := difference(signatures[0].comparable_by, signatures[1].comparable_by):
        return Check(table, cell, (f"cannot be compared with the baseline: {why}",))
    value = float(now["value"])
    of = METRICS.get(now.get("metric", ""))  # none: an average's, of numbers on the ×100 scale
    tolerance *= of.share(before) if of else 1
    if (of and of.of_machine) or abs(value - before) <= tolerance + ROUNDING:
        return Check(table, cell)
    why = difference(signatures[0].system, signatures[1].system)
    moved = f"moved by {value - before:+.4f}, from {before:.4f} to {value:.4f} (tolerance {tolerance:g})"
    return Check(table, cell, (moved + (f"; its {why}" if why else ""),))
