"""Committed tables hold against the ledger, and verify finds what is wrong with one that does not."""

import shutil
from pathlib import Path

import pytest

from repro import tables, written
from repro.verify import verify

TABLE = tables.get("sbert-1")
COMMITTED = Path(__file__).parent.parent / "tables"


@pytest.mark.parametrize("table_id", tables.TABLES)
def test_committed_tables_hold(table_id: str) -> None:
    assert verify(table_id, COMMITTED) == []


def test_minilm_matches_mteb_in_the_committed_table() -> None:
    lines = written.from_csv(COMMITTED / "sbert-1.csv")
    found = {line["column"]: line for line in lines if line["row"] == "all-minilm-l6-v2"}
    # an independent harness on the same files
    expected = {"sts12": 72.37, "sts13": 80.60, "sts14": 75.59, "sts15": 85.39, "sts16": 78.99, "stsb": 82.03}
    for column, value in {**expected, "sickr": 77.15, "sickr-all": 77.58}.items():
        assert float(found[column]["value"]) == pytest.approx(value, abs=0.0051), column
        assert found[column]["verdict"] == ("no-published" if column == "sickr" else "match")


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    for suffix in ("csv", "md", "tex"):
        shutil.copy(COMMITTED / f"sbert-1.{suffix}", tmp_path)
    return tmp_path


def edit(folder: Path, column: str, **values: str) -> None:
    path = folder / "sbert-1.csv"
    lines = written.from_csv(path)
    for line in lines:
        if (line["row"], line["column"]) == ("all-minilm-l6-v2", column):
            line.update(values)
    path.write_text(written.to_csv(TABLE, lines), encoding="utf-8")


def test_a_deviation_without_a_reason_fails(copy: Path) -> None:
    edit(copy, "sts13", value="83.0", delta="2.3968327778", verdict="deviates")
    assert any(
        "sts13 deviates by +2.40" in sentence and "no reason" in sentence for sentence in verify("sbert-1", copy)
    )


def test_a_verdict_that_the_ledger_does_not_give_fails(copy: Path) -> None:
    edit(copy, "sts12", value="75.0", delta="2.631000019")
    assert any("says match, the ledger says deviates" in sentence for sentence in verify("sbert-1", copy))


def test_another_published_number_fails(copy: Path) -> None:
    edit(copy, "sts12", published="72.0")
    assert any("another published number" in sentence for sentence in verify("sbert-1", copy))


@pytest.mark.parametrize("suffix", ["md", "tex"])
def test_a_text_that_says_something_else_fails(suffix: str, copy: Path) -> None:
    path = copy / f"sbert-1.{suffix}"
    path.write_text(path.read_text(encoding="utf-8").replace("80.60", "80.61"), encoding="utf-8")
    assert verify("sbert-1", copy) == [f"{path} does not say what sbert-1.csv says; write both again"]


def test_a_dropped_row_fails(copy: Path) -> None:
    path = copy / "sbert-1.csv"
    lines = [line for line in written.from_csv(path) if line["row"] != "use"]
    path.write_text(written.to_csv(TABLE, lines), encoding="utf-8")
    assert any("use × sts12 is missing" in sentence for sentence in verify("sbert-1", copy))
