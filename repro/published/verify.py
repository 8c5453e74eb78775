"""Hold written tables against the ledger and themselves: every verdict, average and text is made again and compared."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from repro.errors import ReproError
from repro.evaluation.config import Options
from repro.evaluation.suite import Suite
from repro.published import ledger
from repro.published.checks import Check
from repro.published.sound import faults, wrong_derived
from repro.published.verdicts import line_of, with_written_rows
from repro.reports.facts import outdated
from repro.reports.formats import texts
from repro.reports.layout import lay_out, misplaced
from repro.results.csv_lines import MEASURED, Line, from_csv, unwritten
from repro.results.signature import Signature, check_comparable, difference
from repro.tables import FACTS, get
from repro.tables.spec import AnyColumn, Column, Row, Table

ENCODER = ("pool", "layers", "maxlen", "norm", "prompt", "seeds", "dtype")  # of a signature


def verify(table_id: str, folder: Path, suite: str = "paper") -> list[str]:
    """Everything that is wrong with the files of a table in `folder`, one sentence each; empty when all holds."""
    return [sentence for check in checks(table_id, folder, suite) for sentence in check.sentences]


def checks(table_id: str, folder: Path, suite: str = "paper") -> list[Check]:
    """The check of a table and its files in `folder` as a whole, then that of each cell.

    A cell that was not run has a remark, its reason. ReproError where there is no such table.
    """
    if table_id in FACTS and suite == "paper":
        return [Check(table_id, wrong=tuple(outdated(FACTS[table_id], folder)))]
    get(table_id, suite)
    csv_path = folder / f"{table_id}.csv"
    if not csv_path.is_file():
        raise unwritten(csv_path, table_id)
    try:
        lines = from_csv(csv_path, complete=True)
    except ReproError as error:
        return [Check(table_id, wrong=(str(error),))]
    table = with_written_rows(get(table_id, suite), lines)
    whole = [f"{csv_path}: {sentence}" for sentence in misplaced(table, lines)]
    whole += _apart(table, lines)
    cells = list(_cells(table, lines, suite))
    if not whole and not any(check.wrong for check in cells):
        whole = list(_other_texts(table, lines, csv_path))
    return [Check(table_id, wrong=tuple(whole)), *cells]


def _other_texts(table: Table, lines: Sequence[Line], csv_path: Path) -> Iterator[str]:
    """Which of the table's files are not what the lines make."""
    for path, text in texts(lay_out(table, lines), csv_path).items():
        if not path.is_file() or path.read_bytes() != text.encode():
            of_csv = "is not in the form in which this version writes it"
            fault = of_csv if path == csv_path else f"does not say what {csv_path.name} says"
            yield f"{path} {fault}; `repro report {table.id}` writes it again"


def _cells(table: Table, lines: Sequence[Line], suite: str) -> Iterator[Check]:
    rows: dict[str, Row] = {row.slug: row for row in table.rows}
    columns: dict[str, AnyColumn] = {column.slug: column for column in table.columns}
    placed = {(line["row"], line["column"]): line for line in lines}
    options = Options(suite=Suite(suite))
    for line in lines:
        if line["column"] not in columns:  # misplaced
            continue
        row, column = rows[line["row"]], columns[line["column"]]
        of = () if isinstance(column, Column) else column.of
        parts = {slug: part for slug in of if (part := placed.get((row.slug, slug)))}
        if not isinstance(column, Column):
            wrong = list(wrong_derived(column, line, parts))
        elif line["value"]:
            wrong = list(faults(row, column, line, options, line["data_sha256"], any_version=True))
        else:
            wrong = [f"has no value and says {name}" for name in MEASURED if line[name]]
        wrong = wrong or list(_misjudged(table, row, column, line, parts))
        yield Check(table.id, f"{row.slug} × {column.slug}", tuple(wrong), "" if line["value"] else line["reason"])


def _misjudged(table: Table, row: Row, column: AnyColumn, line: Line, parts: dict[str, Line]) -> Iterator[str]:
    """Where a line whose numbers are sound says something else than the ledger does of them."""
    due = line_of(table, row, column, {name: line[name] for name in MEASURED}, line["reason"], parts)
    for name in ("table", "group", "label", "metric", "published", "published_std", "delta", "tolerance", "verdict"):
        if due[name] != line[name]:
            yield f"{name} is {line[name] or 'empty'}, the ledger says {due[name] or 'nothing'}"
    if due["verdict"] == "deviates" and not ledger.deviation_reason(table.id, row.slug, column.slug):
        yield (
            f"deviates by {float(due['delta']):+.4f} (tolerance {due['tolerance']}) and no reason is recorded; "
            "find out why and add it to repro/published/deviations.csv"
        )
    elif line["value"] and due["reason"] != line["reason"]:
        yield f"the reason is {line['reason'] or 'empty'!r}, the ledger says {due['reason'] or 'nothing'!r}"
    elif not line["value"] and not line["reason"]:
        yield "is not-run and says no reason"


def _apart(table: Table, lines: Sequence[Line]) -> Iterator[str]:
    """Rows whose numbers are of several systems, and columns whose numbers are of several protocols or data."""
    scored = {column.slug for column in table.scored()}
    measured = [line for line in lines if line["value"] and line["column"] in scored]
    versions = sorted({Signature.parse(line["signature"]).version for line in measured})
    if len(versions) > 1:
        yield f"{table.id}: its numbers are of several versions of this suite ({', '.join(versions)})"
    for row in table.rows:
        systems = [_system(line) for line in measured if line["row"] == row.slug]
        whys = dict.fromkeys(difference(system, systems[0]) for system in systems[1:])
        yield from (f"{table.id}, row {row.slug}: {why}" for why in whys if why)
    for column in table.scored():
        in_column = [line for line in measured if line["column"] == column.slug]
        try:
            check_comparable([Signature.parse(line["signature"]) for line in in_column])
        except ReproError as error:
            yield f"{table.id}, column {column.slug}: {error}"
        else:
            if len({line["data_sha256"] for line in in_column}) > 1:
                yield f"{table.id}, column {column.slug}: its numbers are of several data_sha256"


def _system(line: Line) -> dict[str, str]:
    """What the cells of a row have in common: all of the system, or its encoder where each column has a training."""
    system = Signature.parse(line["signature"]).system
    names = ENCODER if "train" in system else system.keys() - {"on"}  # the device of a timed cell
    return {"weights": line["weights"]} | {name: system.get(name, "unset") for name in names}
