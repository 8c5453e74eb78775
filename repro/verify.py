"""Hold written tables against the ledger and themselves: every verdict, average and text is made again and compared."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from pathlib import Path

from repro import latex, ledger, render, written
from repro.cells import check_comparable, protocol_of, system_of
from repro.errors import ReproError
from repro.measured import DTYPES
from repro.table import AnyColumn, Column, Row, Table
from repro.tables import get
from repro.tasks import TASKS
from repro.written import MEASURED, NUMBERS, Line


def verify(table_id: str, folder: Path, suite: str = "paper") -> list[str]:
    """Everything that is wrong with `folder/<table_id>.{csv,md,tex}`, one sentence each; empty when all holds."""
    csv_path = folder / f"{table_id}.csv"
    if not csv_path.is_file():
        raise ReproError(f"{csv_path} is missing; write it with `repro table {table_id}`")
    lines = written.from_csv(csv_path)
    if any(list(line) != list(written.FIELDS) for line in lines):
        return [f"{csv_path} has other columns than this version writes; write it again"]
    table = written.rows_of(get(table_id, suite), lines)
    wrong = [*_wrong_places(table, lines, csv_path), *_wrong_lines(table, lines), *_incomparable(table, lines)]
    if not wrong:
        for suffix, text in ((".md", render.to_markdown), (".tex", latex.to_latex)):
            path = folder / f"{table_id}{suffix}"
            if not path.is_file() or path.read_bytes() != text(table, lines).encode():
                wrong.append(f"{path} does not say what {csv_path.name} says; write both again")
    return wrong


def _wrong_places(table: Table, lines: Sequence[Line], path: Path) -> Iterator[str]:
    expected = [(row.slug, column.slug) for row in table.rows for column in table.columns]
    found = [(line["row"], line["column"]) for line in lines]
    for row, column in expected:
        count = found.count((row, column)) if len(found) != len(set(found)) else (row, column) in set(found)
        if count != 1:
            yield f"{path}: the cell {row} × {column} is {'missing' if not count else 'there twice'}"


def _wrong_lines(table: Table, lines: Sequence[Line]) -> Iterator[str]:
    rows: dict[str, Row] = {row.slug: row for row in table.rows}
    columns: dict[str, AnyColumn] = {column.slug: column for column in table.columns}
    values = {(line["row"], line["column"]): line["value"] for line in lines}
    for line in lines:
        where = f"{table.id}: {line['row']} × {line['column']}"
        if line["row"] not in rows or line["column"] not in columns:
            yield f"{where} is not a cell of this table"
            continue
        row, column = rows[line["row"]], columns[line["column"]]
        try:
            yield from (f"{where}{wrong}" for wrong in _wrong(table, row, column, line, values))
        except ValueError:
            yield f"{where} holds text where a number belongs"


def _wrong(table: Table, row: Row, column: AnyColumn, line: Line, values: dict[tuple[str, str], str]) -> Iterator[str]:
    """What is wrong with a line: as the ends of sentences that begin with the cell. ValueError: no number."""
    numbers = [float(line[name]) for name in NUMBERS if line[name]]
    if not all(map(math.isfinite, numbers)):
        yield " holds a number that is not finite"
        return
    if not isinstance(column, Column):
        parts = [values.get((row.slug, slug), "") for slug in column.of]
        due = column.value([float(part) for part in parts]) if all(parts) else None
        if not _same(line["value"], due):
            yield f" is {line['value'] or 'empty'}; its parts make {'nothing' if due is None else f'{due:.10g}'}"
    elif line["value"]:
        yield from _wrong_provenance(column, line)
    elif any(line[name] for name in MEASURED):
        yield " has no value and says how it was measured"
    value, std = (float(line[name]) if line[name] else None for name in ("value", "std"))
    verdict = ledger.judge(table, row, column, value, std, line["reason"])
    due_line = written.judged(table, row, column, {name: line[name] for name in MEASURED}, verdict)
    for name in ("table", "group", "label", "metric", "published", "published_std", "delta", "tolerance", "verdict"):
        if due_line[name] != line[name]:
            yield f": {name} is {line[name] or 'empty'}, the ledger says {due_line[name] or 'nothing'}"
    if verdict.verdict == "deviates" and not verdict.reason:
        yield (
            f" deviates by {verdict.delta:+.2f} (tolerance {verdict.tolerance}) and no reason is recorded; "
            "find out why and add it to repro/published/deviations.csv"
        )
    elif value is not None and due_line["reason"] != line["reason"]:
        yield f": the reason is {line['reason'] or 'empty'!r}, the ledger says {due_line['reason'] or 'nothing'!r}"


def _wrong_provenance(column: Column, line: Line) -> Iterator[str]:
    """Where a line's signature contradicts the line, or the protocol that its column has."""
    protocol, system = protocol_of(line["signature"]), system_of(line["signature"])
    due = {"task": column.task, **TASKS[column.task].protocol(column.metric), "limit": ""}
    stated = {name: (value, protocol.get(name, "")) for name, value in due.items()} | {
        "data_sha256": (line["data_sha256"][:12], protocol.get("data", "")),
        "seeds": (line["seeds"], system.get("seeds") or protocol.get("runs", "1")),
        "dtype": (DTYPES.get(line["dtype"], ""), system.get("dtype", "")),
    }
    for name, (said, signed) in stated.items():
        if said != signed:
            yield f": {name} is {said or 'empty'}, its signature says {signed or 'nothing'}"


def _incomparable(table: Table, lines: Sequence[Line]) -> Iterator[str]:
    for column in table.scored():
        try:
            check_comparable([line["signature"] for line in lines if line["column"] == column.slug and line["value"]])
        except ReproError as error:
            yield f"{table.id}, column {column.slug}: {error}"


def _same(text: str, value: float | None) -> bool:
    if not text or value is None:
        return not text and value is None
    return abs(float(text) - value) < 1e-9
