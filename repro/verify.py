"""Hold written tables against the ledger: every verdict recomputed, every text compared with its CSV."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from repro import latex, ledger, render
from repro.errors import ReproError
from repro.table import AnyColumn, Row, Table
from repro.tables import get


def verify(table_id: str, folder: Path, suite: str = "paper") -> list[str]:
    """Everything that is wrong with `folder/<table_id>.{csv,md,tex}`, one sentence each; empty when all holds."""
    csv_path = folder / f"{table_id}.csv"
    if not csv_path.is_file():
        raise ReproError(f"{csv_path} is missing; write it with `repro table {table_id}`")
    lines = render.from_csv(csv_path.read_text(encoding="utf-8"))
    table = render.rows_of(get(table_id, suite), lines)
    wrong = [*_wrong_verdicts(table, lines)]
    expected = {(row.slug, column.slug) for row in table.rows for column in table.columns}
    found = [(line["row"], line["column"]) for line in lines]
    for row, column in sorted(expected - set(found)):
        wrong.append(f"{csv_path}: the cell {row} × {column} is missing")
    if not wrong:
        for suffix, text in ((".md", render.to_markdown), (".tex", latex.to_latex)):
            path = folder / f"{table_id}{suffix}"
            if not path.is_file() or path.read_text(encoding="utf-8") != text(table, lines):
                wrong.append(f"{path} does not say what {csv_path.name} says; write both again")
    return wrong


def _wrong_verdicts(table: Table, lines: Iterable[render.Line]) -> Iterable[str]:
    rows: dict[str, Row] = {row.slug: row for row in table.rows}
    columns: dict[str, AnyColumn] = {column.slug: column for column in table.columns}
    for line in lines:
        where = f"{table.id}: {line['row']} × {line['column']}"
        if line["row"] not in rows or line["column"] not in columns:
            yield f"{where} is not a cell of this table"
            continue
        value = float(line["value"]) if line["value"] else None
        std = float(line["std"]) if line["std"] else None
        verdict = ledger.judge(table, rows[line["row"]], columns[line["column"]], value, std, line["reason"])
        if verdict.verdict != line["verdict"]:
            yield f"{where} says {line['verdict']}, the ledger says {verdict.verdict}"
        if not _same(line["published"], verdict.published) or not _same(line["delta"], verdict.delta):
            yield f"{where} holds another published number or difference than the ledger"
        if verdict.verdict == "deviates" and not verdict.reason:
            yield (
                f"{where} deviates by {verdict.delta:+.2f} (tolerance {verdict.tolerance}) and no reason is recorded; "
                "find out why and add it to repro/published/deviations.csv"
            )


def _same(text: str, value: float | None) -> bool:
    if not text or value is None:
        return not text and value is None
    return abs(float(text) - value) < 1e-6
