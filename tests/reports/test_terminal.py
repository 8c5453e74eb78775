"""What a command shows of a table."""

import io
from pathlib import Path

import pytest
from rich.console import Console

from repro import tables
from repro.reports.layout import lay_out
from repro.reports.terminal import grid
from repro.results.csv_lines import from_csv

COMMITTED = Path(__file__).parents[2] / "tables"


@pytest.mark.parametrize("name", tables.TABLES)
def test_every_committed_table_can_be_shown(name: str) -> None:
    lines = from_csv(COMMITTED / f"{name}.csv")
    layout = lay_out(tables.get(name), lines)
    for section in layout.sections:
        columns = {column.slug for column in section.columns}
        measured = [line for line in lines if line["column"] in columns and line["value"]]
        shown = grid(layout, section)
        assert shown.row_count == len({line["row"] for line in measured})
        page = Console(file=io.StringIO(), width=400)
        page.print(shown)
        text = page.file.getvalue()  # type: ignore[attr-defined]
        for line in measured:
            assert f"{float(line['value']):.{layout.table.decimals}f}" in text
            if line["delta"]:
                assert f"{abs(float(line['delta'])):.{layout.table.decimals}f}" in text


def test_a_section_is_named_below_its_rows() -> None:
    layout = lay_out(tables.get("simcse-b2"), from_csv(COMMITTED / "simcse-b2.csv"))
    first = layout.sections[0]
    assert grid(layout, first).caption == first.title == first.columns[0].section
