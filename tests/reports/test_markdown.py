"""Markdown and LaTeX of a table."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from repro import tables
from repro.reports import latex, markdown
from repro.reports.layout import cell_view, lay_out
from repro.results.csv_lines import FIELDS, Line
from repro.tables.spec import Average, Difference

COMMITTED = Path(__file__).parents[2] / "tables"
TABLE = tables.get("sbert-1")


def line(row: str, column: str, **values: str) -> Line:
    blank = dict.fromkeys(FIELDS, "")
    return {**blank, "table": "sbert-1", "row": row, "column": column, "verdict": "not-run", "reason": "why", **values}


def lines() -> list[Line]:
    found = [line(row.slug, column.slug) for row in TABLE.rows for column in TABLE.columns]
    measured = {
        "value": "72.371",
        "published": "72.369",
        "delta": "0.002",
        "verdict": "match",
        "reason": "",
        "ci_low": "70.25",
        "ci_high": "74.22",
        "signature": "sts12|agg:all",
        "weights": "w@1",
        "device": "cpu",
    }
    for item in found:
        if (item["row"], item["column"]) == ("all-minilm-l6-v2", "sts12"):
            item.update(measured)
        if item["row"] == "glove-avg":
            item.update(published="55.14")
    return found


# (line, text of the cell)
TEXTS = [
    ({"value": "72.371", "published": "72.369", "delta": "0.002", "verdict": "match"}, "72.37 (72.37, ±0.00 ✓)"),
    ({"value": "72.3", "published": "72.369", "delta": "-0.069", "verdict": "deviates"}, "72.30 (72.37, -0.07 ✗)"),
    ({"value": "72.6", "published": "72.4", "delta": "0.2", "verdict": "within-noise"}, "72.60 (72.40, +0.20 ≈)"),
    ({"value": "72.6", "verdict": "no-published"}, "72.60"),
    ({"published": "72.4"}, "– (72.40)"),
    ({"value": "97.2", "published": "44.0", "verdict": "other-hardware"}, "97.20 (44.00)"),
    (
        {
            **{"value": "84.61", "std": "0.214", "published": "84.67", "published_std": "0.19"},
            **{"delta": "-0.06", "verdict": "within-noise"},
        },
        "84.61 ± 0.21 (84.67 ± 0.19, -0.06 ≈)",
    ),
    ({}, ""),
]


@pytest.mark.parametrize(("values", "text"), TEXTS)
def test_cells(values: dict[str, str], text: str) -> None:
    assert markdown.cell_text(cell_view(line("r", "c", **values), 2)) == text


def test_markdown_has_every_row_and_every_published_number() -> None:
    text = markdown.to_markdown(lay_out(TABLE, lines()))
    body = [row for row in text.split("\n") if row.startswith("| ") and "**" not in row]
    for row in TABLE.rows:
        assert any(cells.startswith(f"| {row.label} |") for cells in body)
    grid: dict[str, list[str]] = {}
    for cells in body:  # the first of a row's lines is the one of the main table
        grid.setdefault(cells.split(" | ")[0].lstrip("| "), cells.strip("| ").split(" | "))
    assert grid["all-MiniLM-L6-v2"][1] == "72.37 (72.37, ±0.00 ✓)"
    assert grid["Avg. GloVe embeddings"][1:] == ["– (55.14)"] * 9
    assert "sts12|agg:all" in text
    assert "70.25 to 74.22" in text


@pytest.mark.parametrize("name", tables.TABLES)
def test_latex_is_plain_ascii_outside_comments(name: str) -> None:
    text = (COMMITTED / f"{name}.tex").read_text(encoding="utf-8")
    printed = [line for line in text.splitlines() if not line.startswith("%")]
    assert len(printed) > 5
    assert all(line.isascii() for line in printed)
    assert not any("|" in line.replace("$|$", "") for line in printed)  # a dash in LaTeX's default encoding


@pytest.mark.parametrize(
    ("letter", "command"),  # unicode-math's table
    [("α", r"\alpha"), ("λ", r"\lambda"), ("ρ", r"\rho"), ("τ", r"\tau"), ("θ", r"\theta"), ("Δ", r"\Delta")],
)
def test_greek_letters_in_latex(letter: str, command: str) -> None:
    row = replace(TABLE.rows[0], label=f"{letter} = 1")
    text = latex.to_latex(lay_out(replace(TABLE, rows=(row, *TABLE.rows[1:])), lines()))
    assert f"${command}$ = 1 & " in text


@pytest.mark.parametrize(
    ("label", "printed"), [("[CLS] w/ MLP", "{[}CLS{]} w/ MLP"), ("*best*", "{*}best{*}"), ("a_[b]", r"a\_{[}b{]}")]
)
def test_a_label_is_no_argument_of_the_line_break_above_it(label: str, printed: str) -> None:
    row = replace(TABLE.rows[0], label=label)
    assert f"\n{printed} & " in latex.to_latex(lay_out(replace(TABLE, rows=(row, *TABLE.rows[1:])), lines()))


def test_latex_has_as_many_columns_as_the_table() -> None:
    text = latex.to_latex(lay_out(TABLE, lines()))
    rows = [row for row in text.split("\n") if row.endswith(r" \\") and "multicolumn" not in row]
    assert len(rows) == 1 + len(TABLE.rows)
    assert {row.count(" & ") for row in rows} == {len(TABLE.columns)}
    assert "72.37 (72.37)" in text
    assert "SICK-R, all pairs" in text
    assert not re.search(r"(?<!\\)[#&%](?![ ]|$)", text.split("\n", 1)[1].replace(" & ", " "))


def test_rows_of_an_added_encoder_stand_below_the_others() -> None:
    extra = [*lines(), *(line("mine", column.slug) for column in TABLE.columns)]
    grid = markdown.to_markdown(lay_out(TABLE, extra)).split("\n## ")[0]
    assert grid.rstrip().split("\n")[-1].startswith("| mine |")


def test_averages_are_of_seven() -> None:
    average = next(column for column in TABLE.columns if isinstance(column, Average))
    assert len(average.of) == 7


SECTIONS = (
    "Test accuracy, SentEval's classifier",
    "Test accuracy, exact probe",
    "Exact probe less SentEval's classifier",
    "MRPC, F1 of paraphrases",
    "Dev accuracy, SentEval's classifier",
    "Dev accuracy, exact probe",
)


def test_a_table_of_sections_has_a_grid_for_each_and_mixes_no_dev_with_test() -> None:
    table = tables.get("sbert-5")
    measured = {"table": table.id, "value": "50.0"}
    found = [{**line(row.slug, column.slug), **measured} for row in table.rows for column in table.columns]
    layout = lay_out(table, found)
    text = markdown.to_markdown(layout)
    headings = [row.removeprefix("## ") for row in text.split("\n") if row.startswith("## ")]
    assert tuple(headings[:6]) == SECTIONS
    assert latex.to_latex(layout).count(r"\begin{tabular}") == len(SECTIONS)
    # sections without a number are left out, but for the first
    nothing = lay_out(table, [{**item, "value": ""} for item in found])
    assert [part for part in SECTIONS if f"## {part}\n" in markdown.to_markdown(nothing)] == [SECTIONS[0]]
    assert latex.to_latex(nothing).count(r"\begin{tabular}") == 1
    for part in table.sections():
        dev = {column.metric == "dev-accuracy" for column in part.scored()}
        assert len(dev) <= 1


def test_differences_are_of_the_two_probes() -> None:
    table = tables.get("sbert-5")
    differences = [column for column in table.columns if isinstance(column, Difference)]
    assert [column.of for column in differences] == [(c.of[0], f"{c.of[0]}-adam") for c in differences]
    assert len(differences) == 7
    assert differences[0].value([76.5, 75.9]) == pytest.approx(0.6)


def test_models_without_a_known_revision_are_named_with_their_rows() -> None:
    table = tables.get("simcse-5")
    blank = [line(row.slug, column.slug) | {"table": table.id} for row in table.rows for column in table.columns]
    text = markdown.to_markdown(lay_out(table, blank))
    section = text.split("## Weights without a known revision")[1].split("\n## ")[0]
    assert [entry for entry in section.split("\n") if entry.startswith("* ")] == [
        "* `princeton-nlp/unsup-simcse-bert-base-uncased`: SimCSE-BERT-base",
        "* `sentence-transformers/bert-base-nli-mean-tokens`: SBERT-base, SBERT-base-flow, SBERT-base-whitening",
        "* `sentence-transformers/roberta-base-nli-mean-tokens`: SRoBERTa-base, SRoBERTa-base-whitening",
    ]
