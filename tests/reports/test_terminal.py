"""What a command shows of a table."""

import io
from pathlib import Path

import pytest
from rich.console import Console

from repro import tables
from repro.reports import csv_lines
from repro.reports.terminal import grid

COMMITTED = Path(__file__).parents[2] / "tables"


@pytest.mark.parametrize("name", tables.TABLES)
def test_every_committed_table_can_be_shown(name: str) -> None:
    lines = csv_lines.from_csv(COMMITTED / f"{name}.csv")
    for part in tables.get(name).sections():
        columns = {column.slug for column in part.columns}
        measured = [line for line in lines if line["column"] in columns and line["value"]]
        shown, hidden = grid(part, lines)
        assert shown.row_count == len({line["row"] for line in measured})
        assert shown.row_count + hidden >= len(part.rows)
        page = Console(file=io.StringIO(), width=400)
        page.print(shown)
        text = page.file.getvalue()  # type: ignore[attr-defined]
        for line in measured:
            assert f"{float(line['value']):.{part.decimals}f}" in text


def test_a_section_is_named_below_its_rows() -> None:
    first = tables.get("simcse-b2").sections()[0]
    lines = csv_lines.from_csv(COMMITTED / "simcse-b2.csv")
    assert grid(first, lines)[0].caption == first.columns[0].section
