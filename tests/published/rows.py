"""Tables with rows of scratch-bert, for tests that must not wait for the tables to have them."""

from __future__ import annotations

from dataclasses import replace

from repro import tables
from repro.evaluation.systems import Quoted
from repro.tables.spec import BEYOND, Row, Table


def with_rows(table_id: str, *slugs: str) -> Table:
    """The table with rows of these slugs, as far as it has not got them."""
    table = tables.get(table_id)
    there = {row.slug for row in table.rows}
    new = (Row(slug, f"scratch-bert, {slug}", BEYOND, Quoted()) for slug in slugs if slug not in there)
    return replace(table, rows=(*table.rows, *new))
