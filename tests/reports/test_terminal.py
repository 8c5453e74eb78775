"""What a command shows of a table."""

import io
from pathlib import Path

import pytest
from rich.console import Console
from rich.table import Table as Grid

from repro import tables
from repro.published.claims import BASE
from repro.published.comparisons import Claim, Comparison
from repro.published.findings import SYSTEMS
from repro.published.outcomes import Finding, Outcome
from repro.reports.layout import lay_out
from repro.reports.terminal import claims_grid, comparisons_grid, grid
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
            assert f"{float(line['value']):z.{layout.table.decimals}f}" in text
            if line["delta"]:
                assert f"{abs(float(line['delta'])):z.{layout.table.decimals}f}" in text


def test_a_section_is_named_below_its_rows() -> None:
    layout = lay_out(tables.get("simcse-b2"), from_csv(COMMITTED / "simcse-b2.csv"))
    first = layout.sections[0]
    assert grid(layout, first).caption == first.title == first.columns[0].section


def rendered(shown: Grid, width: int) -> str:
    page = Console(file=io.StringIO(), width=width)
    page.print(shown)
    return page.file.getvalue()  # type: ignore[attr-defined,no-any-return]


PAIR = Comparison("sts12", "sbert-nli-base", "glove-avg")
ON_BASE = Comparison("sts12", "scratch-sbert-nli", "scratch-token-embeddings")
CLAIM = Claim("sbert-1", "[CLS] first", (PAIR, Comparison("sts12", "infersent", "use")), despite="they say so")


def findings(systems: tuple[Outcome, ...] = ()) -> list[Finding]:
    measured = Finding(BASE, (Outcome(ON_BASE, 60, 55.5, (-1, 10), "p = 0.1"),), {ON_BASE.column: 1})
    others = [Finding(name) for name in ("all-MiniLM-L6-v2", "all-mpnet-base-v2")]
    return [
        Finding("published", (Outcome(PAIR, 70, 60),), {PAIR.column: 1}),
        measured,
        *others,
        Finding(SYSTEMS, systems, {PAIR.column: 1}),
    ]


@pytest.mark.parametrize("width", [60, 80, 160])
def test_claims_are_whole_on_any_width(width: int) -> None:
    text = rendered(claims_grid([(CLAIM, findings())]), width)
    assert "…" not in text
    assert "[CLS]" in text  # no markup of rich's
    assert max(map(len, text.splitlines())) <= width


def test_the_papers_own_systems_have_a_column_where_one_is_measured() -> None:
    for systems in ((), (Outcome(PAIR, 70, 60),)):
        shown = claims_grid([(CLAIM, findings(systems))])
        assert (SYSTEMS in [column.header for column in shown.columns]) == bool(systems)
    assert "(they say so)" in rendered(shown, 200)


def test_a_comparison_shows_what_is_published_and_what_the_base_has() -> None:
    published, measured, *_ = findings()
    shown = comparisons_grid(CLAIM, tables.get("sbert-1"), published, measured)
    text = rendered(shown, 200)
    assert shown.row_count == 2
    assert "70.00 − 60.00 = +10.00 ✓" in text
    assert "60.00 − 55.50 = +4.50 ✓ ≈" in text
    assert "95 % -1.00 to +10.00 over seeds, p = 0.1" in text
    assert "scratch-infersent" not in text  # which no table has
