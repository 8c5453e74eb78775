"""The one traversal of a table: what each section, row and cell holds, and which lines cannot be laid out."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from repro import tables
from repro.errors import ReproError
from repro.evaluation.systems import Quoted
from repro.published import ledger
from repro.reports.layout import MARKS, Layout, cell_view, lay_out
from repro.results.csv_lines import FIELDS, Line, from_csv
from repro.tables.spec import BEYOND, Column, Row, Table
from tests.processes import modules_after

COMMITTED = Path(__file__).parents[2] / "tables"


def line(row: str, column: str, **values: str) -> Line:
    return {**dict.fromkeys(FIELDS, ""), "row": row, "column": column, "verdict": "not-run", "reason": "why", **values}


SMALL = Table(
    id="sbert-1",
    title="Small",
    paper="Nobody",
    rows=(Row("a", "A", "First", Quoted()), Row("b", "B", "First", Quoted()), Row("c", "C", "Second", Quoted())),
    columns=(
        Column("x", "X", "sts12", section="one"),
        Column("y", "Y", "sts13", section="two"),
        Column("z", "Z", "sts14", section="three"),
    ),
)
MEASURED = {"value": "72.3", "ci_low": "70.1", "ci_high": "74.4", "verdict": "no-published", "reason": ""}


def small(**of: dict[str, str]) -> Layout:
    """Of `a_x={…}` and so on; all other cells were not run."""
    lines = [line(row, column, **of.get(f"{row}_{column}", {})) for row in "abc" for column in "xyz"]
    return lay_out(SMALL, lines)


def test_the_first_section_has_every_row_and_later_ones_those_with_a_number() -> None:
    layout = small(c_y={"published": "70.0"}, a_y=MEASURED)
    rows = {section.title: [row.slug for row in section.rows] for section in layout.sections}
    assert rows == {"one": ["a", "b", "c"], "two": ["a", "c"]}
    assert [(group.title, [row.label for row in group.rows]) for group in layout.sections[0].groups] == [
        ("First", ["A", "B"]),
        ("Second", ["C"]),
    ]
    assert [[cell.value for cell in row.cells] for row in layout.sections[1].rows] == [[72.3], [None]]
    assert layout.sections[1].rows[1].cells[0].published == 70.0


def test_intervals_have_every_measured_row_and_the_columns_with_one() -> None:
    layout = small(a_x=MEASURED, b_y={**MEASURED, "ci_low": "", "ci_high": ""})
    (section,) = layout.intervals
    assert [column.slug for column in section.columns] == ["x"]
    assert {row.slug: row.cells[0].interval for row in section.rows} == {"a": (70.1, 74.4), "b": None}


def test_remarks_bring_cells_of_one_reason_together() -> None:
    deviation = {"value": "1", "verdict": "deviates", "reason": "known"}
    remarks = small(a_x=deviation, a_z=deviation, b_y=MEASURED).remarks
    assert [(remark.verdict, remark.row, remark.columns, remark.reason) for remark in remarks] == [
        ("deviates", "A", ("X, one", "Z, three"), "known"),
        ("not-run", "A", ("Y, two",), "why"),
        ("not-run", "B", ("X, one", "Z, three"), "why"),
        ("not-run", "C", (), "why"),
    ]


def test_provenance_is_that_of_the_first_measured_cell() -> None:
    trained = {**MEASURED, "signature": "s|train:nli|v:1", "weights": "w", "device": "cpu", "seconds": "5400"}
    layout = small(a_y={**MEASURED, "signature": "s|v:1", "seconds": "5400"}, b_x=trained, b_y=MEASURED)
    assert [(of.row, of.signature, of.hours) for of in layout.provenance] == [
        ("A", "s|v:1", None),
        ("B", "s|train:nli|v:1", 1.5),
    ]


def test_lines_come_in_the_tables_order_and_rows_beyond_it_last() -> None:
    lines = [line(row, column) for column in "zyx" for row in ("mine", *"cba")]
    layout = lay_out(SMALL, lines)
    assert [(of["row"], of["column"]) for of in layout.lines] == [
        (row, column) for row in (*"abc", "mine") for column in "xyz"
    ]
    assert layout.sections[0].groups[-1].title == BEYOND


def test_a_banner_hides_the_errata_of_the_papers() -> None:
    table = tables.get("sbert-1")
    lines = from_csv(COMMITTED / "sbert-1.csv")
    assert list(lay_out(table, lines).errata) == ledger.errata("sbert-1") != []
    assert lay_out(replace(table, banner="not the paper's"), lines).errata == ()


# (what the lines have beside or in place of a whole table's, what is said)
WRONG = [
    ({"row": "a", "column": "x"}, "the cell a × x is there twice"),
    ({"row": "mine", "column": "x"}, "the cell mine × y is missing"),
    ({"row": "a", "column": "q"}, "a × q is not a cell of this table"),
]


@pytest.mark.parametrize(("more", "message"), WRONG)
def test_cells_that_are_not_there_once(more: dict[str, str], message: str) -> None:
    lines = [line(row, column) for row in "abc" for column in "xyz"]
    with pytest.raises(ReproError, match=message):
        lay_out(SMALL, [*lines, line(**more)])


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"std": "small"}, "r × c: std is 'small', which is no finite number"),
        ({"ci_low": "nan"}, "ci_low is 'nan'"),
        ({"published": "1_0"}, "published is '1_0'"),
        ({"verdict": "splendid"}, "r × c: 'splendid' is no verdict"),
        ({"verdict": ""}, "r × c: 'nothing' is no verdict"),
    ],
)
def test_lines_that_cannot_be_shown(values: dict[str, str], message: str) -> None:
    with pytest.raises(ReproError, match=message):
        cell_view(line("r", "c", **values), 2)


@pytest.mark.parametrize(
    ("delta", "verdict", "text"),
    [("0.002", "match", "±0.00 ✓"), ("-0.06", "within-noise", "-0.06 ≈"), ("2.4", "deviates", "+2.40 ✗"), ("", "", "")],
)
def test_differences_read_with_sign_and_mark(delta: str, verdict: str, text: str) -> None:
    cell = cell_view(line("r", "c", value="1", delta=delta, verdict=verdict or "no-published"), 2)
    assert cell.delta_text == text
    assert cell.mark == MARKS[cell.verdict]


def test_what_rounds_to_nothing_has_no_sign() -> None:
    given = line("a", "x", value="-0.0041", published="-0.0", ci_low="-0.004", ci_high="0.1")
    cell = cell_view(given, 2)
    assert (cell.measured_text, cell.published_text) == ("0.00", "0.00")
    assert cell.interval_text(" to ") == "0.00 to 0.10"


def test_reports_import_no_torch() -> None:
    modules = modules_after("import repro.reports.formats, repro.reports.terminal, repro.reports.figures")
    assert not [name for name in modules if name.startswith(("repro.cli", "torch", "transformers", "scipy"))]
