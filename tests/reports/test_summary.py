"""One page on a run: verdicts by row, reasons, and what is another than in the run before."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from repro import tables
from repro.cli.main import main
from repro.reports.summary import to_summary
from repro.results.csv_lines import FIELDS, Line


def line(row: str, column: str, value: str, verdict: str, reason: str = "") -> Line:
    return {name: "" for name in FIELDS} | {
        **{"row": row, "column": column, "value": value, "verdict": verdict, "reason": reason}
    }


SBERT_1 = tables.get("sbert-1")
NOW = [
    line("good", "sts12", "72.374", "match"),
    line("good", "sts13", "80.60", "match"),
    line("bad", "sts12", "60.00", "deviates", "why"),
    line("bad", "sts13", "70.00", "match"),
    line("gone", "sts12", "", "not-run", "no weights"),
    line("lost", "sts12", "", "not-run", "no weights"),
    line("trained", "sts12", "50.00", "within-noise"),
]
BEFORE = [
    line("good", "sts12", "72.37", "match"),
    line("bad", "sts12", "61.50", "match"),
    line("gone", "sts12", "33.00", "match"),
    *NOW[3:4],
    *NOW[5:],
]


def test_rows_stand_under_the_worst_of_their_verdicts() -> None:
    page = to_summary({"sbert-1": (SBERT_1, NOW, BEFORE)})
    assert "| sbert-1 | 3 | 1 | 1 |  |  |  | 2 |" in page
    assert "* **deviate**: `bad`\n" in page
    assert "* **match**: `good`\n" in page
    assert "* **within noise**: `trained`\n" in page
    assert "* **did not run**: `gone`, `lost`: no weights\n" in page


def test_a_row_that_did_not_run_for_several_reasons_has_each_with_its_columns() -> None:
    lines = [
        line("row", "sts12", "", "not-run", "no data"),
        line("row", "sts13", "", "not-run", "no weights"),
        line("row", "sts14", "", "not-run", "no weights"),
        line("other", "sts12", "", "not-run", "no weights"),
        line("other", "avg", "", "not-run", "not run: sts12"),
    ]
    page = to_summary({"sbert-1": (SBERT_1, lines, [])})
    assert "* **did not run**: `other`: no weights\n" in page
    assert "* **did not run**: `row` × sts12: no data\n* **did not run**: `row` × sts13, sts14: no weights\n" in page


def test_what_did_not_run_of_a_row_is_said_beside_what_did() -> None:
    lines = [
        line("row", "sts12", "72.4", "match"),
        line("row", "sts13", "80.6", "within-noise"),
        line("row", "sts14", "", "not-run", "no data"),
        line("row", "sts15", "", "not-run", "no data"),
    ]
    page = to_summary({"sbert-1": (SBERT_1, lines, [])})
    assert "* **within noise**: `row`\n* **did not run in part**: `row` × sts14, sts15: no data\n" in page
    assert "**match**" not in page


def test_what_has_changed_is_listed_and_what_prints_alike_is_not() -> None:
    page = to_summary({"sbert-1": (SBERT_1, NOW, BEFORE)})
    assert "* **since the run before**: 3 cells differ" in page
    assert "  * `good` × sts13: not run → 80.60 (match)" in page
    assert "  * `bad` × sts12: 61.50 (match) → 60.00 (deviates)" in page
    assert "  * `gone` × sts12: 33.00 (match) → not run" in page
    assert "`good` × sts12" not in page
    assert "  * `good` × sts12: 72.37 (match) → not there\n" in to_summary({"sbert-1": (SBERT_1, NOW[1:], NOW)})
    assert "* nothing to compare with" in to_summary({"sbert-1": (SBERT_1, NOW, [])})
    assert "no cells differ" in to_summary({"sbert-1": (SBERT_1, NOW, NOW)})


def test_numbers_up_to_one_are_told_apart_as_the_table_prints_them() -> None:
    """MRR@10 fell by 0.004: less than half a unit of what correlations × 100 are printed in."""
    table = tables.get("whitening-r1")
    before, now = (line("minilm-avg", "stsb-mrr", value, "no-published") for value in ("0.8842", "0.8802"))
    assert "  * `minilm-avg` × stsb-mrr: 0.8842 (no-published) → 0.8802 (no-published)" in to_summary(
        {"whitening-r1": (table, [now], [before])}
    )


def test_the_committed_tables_make_a_page(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    shutil.copy("tables/sbert-1.csv", tmp_path)
    assert main(["summary", "sbert-1", "sbert-2", "--before", str(tmp_path)]) == 0
    out = capsys.readouterr().out
    assert out.startswith("# Tables\n")
    assert "no cells differ" in out
    assert "nothing to compare with" in out
    assert main(["summary", "sbert-1", "--suite", "mini", "--before", "tables"]) == 0  # named as --out is
    assert "no cells differ" in capsys.readouterr().out
    assert main(["summary", "--before", str(tmp_path / "none")]) == 2
    assert main(["summary", "sbert-1", "--out", str(tmp_path / "none")]) == 2
