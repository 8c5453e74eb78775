"""The lines of a table's CSV file, one a cell. Markdown, LaTeX and terminal are functions of these lines alone."""

from __future__ import annotations

import csv
import io
import logging
import math
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from repro import ledger
from repro.cells import Cell, check_comparable, difference, protocol_of, signature, system_of
from repro.errors import ReproError
from repro.measured import protocol
from repro.planning import Plan
from repro.table import BEYOND, AnyColumn, Average, Column, Difference, Row, Table

logger = logging.getLogger(__name__)

PROVENANCE = (
    *("signature", "encoder", "weights", "data_sha256", "zero_vectors", "device", "dtype", "seconds", "commit"),
)
NUMBERS = ("value", "ci_low", "ci_high", "std", "seeds", "zero_vectors", "seconds")
MEASURED = ("value", "ci_low", "ci_high", "std", "seeds", *PROVENANCE)
FIELDS = (
    *("table", "group", "row", "label", "column", "metric", "value", "ci_low", "ci_high", "std", "seeds"),
    *("published", "published_std", "delta", "tolerance", "verdict", "reason"),
    *PROVENANCE,
)
Line = dict[str, str]
Place = tuple[str, str]  # row, column


def to_csv(table: Table, lines: Iterable[Line]) -> str:
    """The CSV file's text; a table's banner stands in front as a comment line."""
    text = io.StringIO()
    if table.banner:
        text.write(f"# {table.banner}\n")
    writer = csv.DictWriter(text, FIELDS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(lines)
    return text.getvalue()


def from_csv(path: Path) -> list[Line]:
    """Inverse of `to_csv`, of a file; ReproError when it is none that this suite wrote."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ReproError(f"{path} cannot be read ({getattr(error, 'strerror', None) or 'it is not UTF-8'})") from None
    lines = list(csv.DictReader(io.StringIO(text.partition("\n")[2] if text.startswith("#") else text)))
    for line in lines:
        if not {"row", "column", "value"} <= line.keys() or None in line.values() or None in line:
            raise ReproError(f"{path} is no table that this suite wrote; move it away, or name another folder")
        if line["value"] and not _is_number(line["value"]):
            raise ReproError(f"{path}: {line['row']} × {line['column']} has the value {line['value']!r}; move it away")
    return lines


def _is_number(text: str, finite: bool = False) -> bool:
    try:
        value = float(text)
    except ValueError:
        return False
    return math.isfinite(value) or not finite


def rows_of(table: Table, lines: Sequence[Line]) -> Table:
    """The table with the rows that the lines have beyond its own (those of --encoder and --base)."""
    known = {row.slug for row in table.rows}
    extra = {line["row"]: line for line in lines if line["row"] not in known}
    added = [Row(slug, line.get("label") or slug, line.get("group") or BEYOND) for slug, line in extra.items()]
    return replace(table, rows=(*table.rows, *added))


def lines_of(made: Plan, before: Sequence[Line] = ()) -> list[Line]:
    """One line a cell, in table order; averages and differences follow from their row's cells.

    `before`: the lines that the file had. A number that this run did not measure anew is taken over from there, when
    it is of the same protocol and encoder; one that is not is left out, and that is said.
    """
    kept, lost = _sorted(made, before)
    if lost:
        place, why = next(iter(lost.items()))
        logger.warning("%s: %d numbers are left out, such as %s × %s: %s", made.table.id, len(lost), *place, why)
    measured = {place: _texts(cell) for place, cell in made.stored.items()} | kept
    table = rows_of(made.table, [line for line in before if (line["row"], line["column"]) in kept])
    lines: list[Line] = []
    for row in table.rows:
        for column in table.columns:
            if isinstance(column, Column):
                place = (row.slug, column.slug)
                why_not = made.why_not.get(place, "not asked for in this run")
                lines.append(_line(table, row, column, measured.get(place, {}), why_not))
            else:
                lines.append(_derived(made, table, row, column, measured))
    for column in table.scored():
        check_comparable([line["signature"] for line in lines if line["column"] == column.slug and line["signature"]])
    return lines


def check_nothing_is_lost(planned: Plan, before: Sequence[Line]) -> None:
    """ReproError where a run of some rows or columns would leave out numbers that the file has of the others."""
    if not planned.options.rows and not planned.options.tasks:
        return
    _, lost = _sorted(planned, before)
    asked = {*((row.slug, column.slug) for row, column in planned.pending), *planned.lacking}
    for (row, column), why in lost.items():
        if (row, column) not in asked:
            raise ReproError(
                f"the file of {planned.table.id} has a number of {row} × {column} that cannot stand beside new ones "
                f"({why}); run the whole table, or write to another folder with --out"
            )


def _sorted(made: Plan, before: Sequence[Line]) -> tuple[dict[Place, Line], dict[Place, str]]:
    """What stays of the numbers that the file had, and what does not, with the reason; averages are computed anew."""
    rows, columns = {row.slug: row for row in made.table.rows}, {column.slug: column for column in made.table.scored()}
    kept: dict[Place, Line] = {}
    lost: dict[Place, str] = {}
    for line in before:
        place, column = (line["row"], line["column"]), columns.get(line["column"])
        if not line["value"] or place in made.stored or column is None or made.why_not.get(place) in made.refused:
            continue
        if why := _foreign(made, line, rows.get(line["row"]), column):
            lost[place] = why
        else:
            kept[place] = {name: line.get(name, "") for name in MEASURED}
    return kept, lost


def _foreign(made: Plan, line: Line, row: Row | None, column: Column) -> str:
    """Why a written number is not what this table would measure now; '' when nothing speaks against it."""
    wrong = [name for name in NUMBERS if line.get(name) and not _is_number(line[name], finite=True)]
    if wrong:
        return f"its {wrong[0]} is {line[wrong[0]]!r}, no number"
    text = line.get("signature", "")
    wanted = protocol_of(signature(column.task, protocol(made.options, column, made.digests.get(column.task, ""))))
    found = protocol_of(text)
    if "data" not in wanted:  # the data are not here to be compared
        found.pop("data", None)
    if why := difference(found, wanted):
        return why
    if row is None:
        return ""
    if row.runs(column.slug):
        recipe = made.sweep.recipe(row, column) if row.trained else row.recipe
        assert recipe is not None
        stated = {name: value for name, value in recipe.signature().items() if value and value != "model"}
        if why := difference({name: system_of(text).get(name, "unset") for name in stated}, stated):
            return why
    ready, others = made.ready.get(row.slug), [made.stored.get((row.slug, other.slug)) for other in made.table.scored()]
    weights = {cell.weights for cell in others if cell} | ({ready.weights} if ready and not row.trained else set())
    return "" if weights <= {line["weights"]} else f"its weights were {line['weights']}, and are others now"


def _texts(cell: Cell) -> Line:
    return {name: _text(getattr(cell, name)) for name in MEASURED}


def _derived(made: Plan, table: Table, row: Row, column: Average | Difference, measured: dict[Place, Line]) -> Line:
    cells = [measured.get((row.slug, slug)) for slug in column.of]
    missing = [slug for slug, cell in zip(column.of, cells, strict=True) if cell is None]
    if not missing:
        value = column.value([float(cell["value"]) for cell in cells if cell])
        return _line(table, row, column, {"value": _text(value)}, "")
    if row.only:
        reason = row.absent
    elif len(missing) == len(cells):
        reason = made.why_not.get((row.slug, missing[0]), "")
    else:
        reason = "not run: " + ", ".join(missing)
    return _line(table, row, column, {}, reason)


def _line(table: Table, row: Row, column: AnyColumn, measured: Line, why_not: str) -> Line:
    value, std = (float(measured[name]) if measured.get(name) else None for name in ("value", "std"))
    return judged(table, row, column, measured, ledger.judge(table, row, column, value, std, why_not))


def judged(table: Table, row: Row, column: AnyColumn, measured: Line, verdict: ledger.Verdict) -> Line:
    """The line of a cell: what was measured (fields of MEASURED; none: nothing), and how the ledger judges it."""
    zero = measured.get("zero_vectors") or "0"
    unknown = f"{zero} sentences without a known word" if zero != "0" else ""
    known = {
        "table": table.id,
        "group": row.group,
        "row": row.slug,
        "label": row.label,
        "column": column.slug,
        "metric": column.metric,
        "published": _text(verdict.published),
        "published_std": _text(verdict.published_std),
        "delta": _text(verdict.delta),
        "tolerance": _text(verdict.tolerance),
        "verdict": verdict.verdict,
        "reason": "; ".join(filter(None, [verdict.reason, unknown])),
    }
    return {name: (measured | known).get(name, "") for name in FIELDS}


def _text(value: object) -> str:
    if isinstance(value, float):
        return repr(round(value, 10))  # 1e-10 of a point: below that, the order of a sum decides
    return "" if value is None else str(value)
