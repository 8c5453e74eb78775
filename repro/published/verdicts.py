"""A table's lines with the ledger's verdict on each, and the rows that written lines have beyond a table's own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from repro.data import registry
from repro.evaluation.systems import Unknown
from repro.published import ledger
from repro.results.csv_lines import FIELDS, Line, as_text, number
from repro.tables.spec import BEYOND, AnyColumn, Column, Row, Table


def line_of(
    table: Table,
    row: Row,
    column: AnyColumn,
    measured: Mapping[str, str],
    why_not: str,
    parts: Mapping[str, Mapping[str, str]] | None = None,
) -> Line:
    """The line of a cell: what was measured, and the ledger's verdict.

    `measured`: texts by the names of MEASURED, or nothing where the cell was not run, `why_not`. `parts`: the same, by
    slug, of the columns that an average or a difference is made of.
    """
    parts = parts or {}
    value = float(measured["value"]) if measured.get("value") else None
    of = [measured] if isinstance(column, Column) else [parts[slug] for slug in column.of if slug in parts]
    stds = [number(each.get("std", "")) for each in of]
    verdict = ledger.judge(table, row, column, value, stds, why_not, _other_data(table, column, measured, parts))
    zero = measured.get("zero_vectors") or "0"
    unknown_words = f"{zero} sentences without a known word" if zero != "0" else ""
    judged = {
        "table": table.id,
        "group": row.group,
        "row": row.slug,
        "label": row.label,
        "column": column.slug,
        "metric": column.metric,
        "published": as_text(verdict.published),
        "published_std": as_text(verdict.published_std),
        "delta": as_text(verdict.delta),
        "tolerance": as_text(verdict.tolerance),
        "verdict": verdict.verdict,
        "reason": "; ".join(filter(None, [verdict.reason, unknown_words])),
    }
    line = {**measured, **judged}
    return {name: line.get(name, "") for name in FIELDS}


def _other_data(
    table: Table, column: AnyColumn, measured: Mapping[str, str], parts: Mapping[str, Mapping[str, str]]
) -> str:
    """How the data of a cell, or of a part of it, differ from the public ones, against which nothing can be held."""
    for each in table.columns:
        if not isinstance(each, Column) or (each.slug != column.slug and each.slug not in parts):
            continue
        line = measured if each.slug == column.slug else parts[each.slug]
        if why := registry.other_data(each.task, line.get("data_sha256", "")):
            return f"the data of {each.slug} {why}"
    return ""


def with_written_rows(table: Table, lines: Sequence[Line]) -> Table:
    """The table with the rows that the lines have beyond its own: those of --encoder and --base."""
    known = {row.slug for row in table.rows}
    beyond = {line["row"]: line for line in lines if line["row"] not in known}
    texts = [(slug, line.get("label") or slug, line.get("group") or BEYOND) for slug, line in beyond.items()]
    return replace(table, rows=(*table.rows, *(Row(*text, Unknown()) for text in texts)))
