"""The lines of a table's CSV file, one a cell. Markdown, LaTeX and terminal are functions of these lines alone."""

from __future__ import annotations

import csv
import io
import logging
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from repro.errors import ReproError
from repro.evaluation.plan import NOT_ASKED, Plan
from repro.evaluation.systems import Unknown
from repro.published import ledger
from repro.published.sound import Line, faults, normal, number
from repro.results.result import Result
from repro.results.signature import Signature, difference
from repro.tables.spec import BEYOND, AnyColumn, Average, Column, Difference, Row, Table

logger = logging.getLogger(__name__)

PROVENANCE = (
    *("signature", "encoder", "weights", "data_sha256", "zero_vectors", "device", "dtype", "seconds", "commit"),
)
MEASURED = ("value", "ci_low", "ci_high", "std", "seeds", *PROVENANCE)
FIELDS = (
    *("table", "group", "row", "label", "column", "metric", "value", "ci_low", "ci_high", "std", "seeds"),
    *("published", "published_std", "delta", "tolerance", "verdict", "reason"),
    *PROVENANCE,
)
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
    """Inverse of `to_csv`, of a file that a spreadsheet may have saved; ReproError when this suite wrote no such file.

    Numbers are brought back into the form in which the suite writes them.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
        rows = [cells for cells in csv.reader(io.StringIO(text)) if any(cells)]
    except (OSError, UnicodeDecodeError) as error:
        raise ReproError(f"{path} cannot be read ({getattr(error, 'strerror', None) or 'it is not UTF-8'})") from None
    except csv.Error as error:
        raise ReproError(f"{path} is no comma-separated text ({error}); move it away") from None
    if rows and rows[0][0].startswith("#"):
        del rows[0]
    if len(rows) < 2:  # nothing under a header
        return []
    names = _without_end(rows[0], 0)
    lines = []
    for cells in (_without_end(row, len(names)) for row in rows[1:]):
        if len(cells) != len(names) or not {"row", "column", "value"} <= set(names):
            raise ReproError(f"{path} is no table that this suite wrote; move it away, or name another folder")
        line = normal(dict(zip(names, cells, strict=True)))
        if line["value"] and number(line["value"]) is None:
            raise ReproError(
                f"{path}: {line['row']} × {line['column']} has the value {line['value']!r}; correct it, or move it away"
            )
        lines.append(line)
    return lines


def _without_end(cells: list[str], length: int) -> list[str]:
    """The cells without the empty ones beyond that length, which a spreadsheet may have added."""
    end = max([length, *(place for place, cell in enumerate(cells, 1) if cell)])
    return cells[:end]


def rows_of(table: Table, lines: Sequence[Line]) -> Table:
    """The table with the rows that the lines have beyond its own (those of --encoder and --base)."""
    known = {row.slug for row in table.rows}
    extra = {line["row"]: line for line in lines if line["row"] not in known}
    added = [
        Row(slug, line.get("label") or slug, line.get("group") or BEYOND, Unknown()) for slug, line in extra.items()
    ]
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
    if others := {name for line in before for name, text in line.items() if text} - set(FIELDS):
        logger.warning(
            "%s: the columns %s are not the suite's and are left out", made.table.id, ", ".join(sorted(others))
        )
    measured = {place: _texts(place[0], result) for place, result in made.stored.items()} | kept
    table = rows_of(made.table, [line for line in before if (line["row"], line["column"]) in kept])
    lines: list[Line] = []
    for row in table.rows:
        for column in table.columns:
            if isinstance(column, Column):
                place = (row.slug, column.slug)
                why_not = made.why_not.get(place, NOT_ASKED)
                lines.append(_line(table, row, column, measured.get(place, {}), why_not))
            else:
                lines.append(_derived(made, table, row, column, measured))
    return lines


def check_nothing_is_lost(planned: Plan, before: Sequence[Line]) -> None:
    """ReproError where a run of some rows or columns would leave out numbers that the file has of the others."""
    table, options = planned.table, planned.options
    if not options.rows and not options.tasks:
        return
    _, lost = _sorted(planned, before)
    asked = table.asked(options.rows, options.tasks)
    for (row, column), why in lost.items():
        if (row, column) not in asked:
            raise ReproError(
                f"the file of {table.id} has a number of {row} × {column} that cannot stand beside new ones "
                f"({why}); run the whole table, or write to another folder with --out"
            )


def _sorted(made: Plan, before: Sequence[Line]) -> tuple[dict[Place, Line], dict[Place, str]]:
    """What stays of the numbers that the file had, and what does not, with the reason; averages are computed anew."""
    rows = {row.slug: row for row in rows_of(made.table, before).rows}
    columns = {column.slug: column for column in made.table.columns}
    kept: dict[Place, Line] = {}
    lost: dict[Place, str] = {}
    for line in before:
        place, column = (line["row"], line["column"]), columns.get(line["column"])
        if not line["value"] or place in made.stored or isinstance(column, Average | Difference):
            continue
        stays = {name: line.get(name, "") for name in MEASURED}
        if column is None:
            lost[place] = "the table has no such column"
        elif made.why_not.get(place) in made.refused:
            lost[place] = made.why_not[place]
        elif kept.get(place, stays) != stays:
            lost[place] = "the file has two of it"
        elif why := next(faults(rows[line["row"]], column, stays, made.options, made.digest(column.task)), ""):
            lost[place] = why
        else:
            kept[place] = stays
    lost |= _apart(made, kept)
    return {place: line for place, line in kept.items() if place not in lost}, lost


def _apart(made: Plan, kept: dict[Place, Line]) -> dict[Place, str]:
    """Those of the kept numbers that cannot stand in one row with others, or in one column, and why."""
    lost: dict[Place, str] = {}
    measured = {place: _texts(place[0], result) for place, result in made.stored.items()}
    of = {row.slug: row.system.weights(made.session) for row in made.table.rows}
    weights: dict[str, str] = {row: of[row] for row in dict.fromkeys(row for row, _ in kept) if of.get(row)}
    signatures: dict[str, str] = {}
    for (row, column), line in (measured | kept).items():
        its, first = weights.setdefault(row, line["weights"]), signatures.setdefault(column, line["signature"])
        if (row, column) not in kept:
            continue
        if line["weights"] != its:
            lost[row, column] = f"its weights were {line['weights']}, and its row's are {its}"
        elif why := difference(_comparable_by(first), _comparable_by(line["signature"])):
            lost[row, column] = why
    return lost


def _comparable_by(signature: str) -> dict[str, str]:
    return Signature.parse(signature).comparable_by


def _texts(row: str, result: Result) -> Line:
    return {name: row if name == "encoder" else _text(getattr(result, name)) for name in MEASURED}


def _derived(made: Plan, table: Table, row: Row, column: Average | Difference, measured: dict[Place, Line]) -> Line:
    cells = [measured.get((row.slug, slug)) for slug in column.of]
    missing = [slug for slug, cell in zip(column.of, cells, strict=True) if cell is None]
    if not missing:
        value = column.value([float(cell["value"]) for cell in cells if cell])
        return _line(table, row, column, {"value": _text(value)}, "")
    if row.system.only:
        reason = row.system.absent(column.slug)
    elif len(missing) == len(cells):
        reason = made.why_not.get((row.slug, missing[0]), NOT_ASKED)
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
