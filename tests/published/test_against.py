"""A table held against an earlier one: what moved, vanished, is new or cannot be compared."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from repro.errors import ReproError
from repro.published.against import baseline, compare
from repro.results.csv_lines import FIELDS, Line, from_csv, to_csv

COMMITTED = Path(__file__).parents[2] / "tables"
SIGNATURE = "sts12|agg:all|text:raw|pool:mean|data:0123456789ab|dtype:fp32|v:0.3.0"


def line(row: str, column: str, value: str, signature: str = SIGNATURE, reason: str = "") -> Line:
    return {name: "" for name in FIELDS} | {
        **{"table": "sbert-1", "row": row, "column": column, "value": value, "signature": signature, "reason": reason}
    }


THEN = [line("mine", "sts12", "72.37"), line("mine", "sts13", "80.6"), line("other", "sts12", "", "")]
# (what is there now, what is wrong, what is remarked)
CASES = {
    "equal": ([line("mine", "sts12", "72.37"), line("mine", "sts13", "80.6")], [], []),
    "within": ([line("mine", "sts12", "72.42"), line("mine", "sts13", "80.55")], [], []),
    "fell": (
        [line("mine", "sts12", "72.3"), line("mine", "sts13", "80.6")],
        ["mine × sts12: moved by -0.0700, from 72.3700 to 72.3000 (tolerance 0.05)"],
        [],
    ),
    "rose": (
        [line("mine", "sts12", "72.37"), line("mine", "sts13", "90.6")],
        ["mine × sts13: moved by +10.0000, from 80.6000 to 90.6000 (tolerance 0.05)"],
        [],
    ),
    "another system": (
        [line("mine", "sts12", "70", SIGNATURE.replace("mean", "cls")), line("mine", "sts13", "80.6")],
        [
            "mine × sts12: moved by -2.3700, from 72.3700 to 70.0000 (tolerance 0.05); "
            "its pool is mean in one and cls in the other"
        ],
        [],
    ),
    "not run": (
        [line("mine", "sts12", "72.37"), line("mine", "sts13", "", "", "no weights")],
        ["mine × sts13: has vanished (the baseline has 80.6000): no weights"],
        [],
    ),
    "gone": (
        [line("mine", "sts12", "72.37")],
        ["mine × sts13: has vanished (the baseline has 80.6000): the table has no such cell"],
        [],
    ),
    "another protocol": (
        [line("mine", "sts12", "72.37", SIGNATURE.replace("raw", "senteval")), line("mine", "sts13", "80.6")],
        ["mine × sts12: cannot be compared with the baseline: text is raw in one and senteval in the other"],
        [],
    ),
    "other data": (
        [line("mine", "sts12", "72.37", SIGNATURE.replace("0123", "3210")), line("mine", "sts13", "80.6")],
        [
            "mine × sts12: cannot be compared with the baseline: "
            "data is 0123456789ab in one and 3210456789ab in the other"
        ],
        [],
    ),
    "a later version of the suite": (
        [line("mine", "sts12", "72.37", SIGNATURE.replace("v:0.3", "v:0.4")), line("mine", "sts13", "80.6")],
        [],
        [],
    ),
    "new": (
        [line("mine", "sts12", "72.37"), line("mine", "sts13", "80.6"), line("other", "sts12", "1.5")],
        [],
        ["other × sts12 is new (1.5000), and not in the baseline"],
    ),
}


@pytest.mark.parametrize(("now", "wrong", "remarks"), CASES.values(), ids=list(CASES))
def test_a_cell(now: list[Line], wrong: list[str], remarks: list[str]) -> None:
    checks = compare("sbert-1", now, THEN, 0.05)
    assert [sentence for check in checks for sentence in check.sentences] == [f"sbert-1: {text}" for text in wrong]
    assert [f"{check.cell} {check.remark}" for check in checks if check.remark] == remarks
    assert [check.cell for check in checks[:2]] == ["mine × sts12", "mine × sts13"]


@pytest.mark.parametrize(
    ("metric", "before", "after", "moved"),
    [
        ("mrr-at-10", "0.8842", "0.8838", False),
        ("mrr-at-10", "0.8842", "0.8836", True),  # 0.05 is of 100, and this is of 1
        ("isoscore", "0.95", "0.951", True),
        ("uniformity", "-2.310", "-2.313", False),  # of 8
        ("uniformity", "-2.310", "-2.315", True),
        ("word-product-3", "1000", "1000.4", False),  # without a bound: of the number itself
        ("word-product-3", "1000", "1000.6", True),
        ("mean-of-7", "78.87", "78.91", False),
        ("sentences-per-second", "404569", "204569", False),  # of this machine
    ],
)
def test_a_tolerance_is_as_large_a_share_of_every_metrics_range(
    metric: str, before: str, after: str, moved: bool
) -> None:
    then, now = (line("mine", "a", value) | {"metric": metric} for value in (before, after))
    (check,) = compare("sbert-1", [now], [then], 0.05)
    assert bool(check.sentences) is moved


def test_rows_that_are_not_named_do_not_count() -> None:
    then = [*THEN, line("other", "sts12", "50")]
    now = [line("mine", "sts12", "72.37"), line("mine", "sts13", "80.6"), line("other", "sts12", "60")]
    assert [check.cell for check in compare("sbert-1", now, then, 0.05, ["mine"])] == ["mine × sts12", "mine × sts13"]
    with pytest.raises(ReproError, match="the baseline of sbert-1 has no value of the row 'third'"):
        compare("sbert-1", now, then, 0.05, ["third"])


def test_a_baseline_without_a_cell_of_the_table_holds_nothing() -> None:
    for then in ([], [line("other", "sts12", "")], [line("another", "sts99", "1")]):
        with pytest.raises(ReproError, match="the baseline has no value of any cell of sbert-1"):
            compare("sbert-1", [line("mine", "sts12", "72.37")], then, 0.05)


@pytest.mark.parametrize("twice", ["now", "then"])
def test_a_cell_that_is_there_twice_is_refused(twice: str) -> None:
    tables = {"now": list(THEN), "then": list(THEN)}
    tables[twice].append(THEN[0])
    with pytest.raises(ReproError, match="has the cell mine × sts12 twice"):
        compare("sbert-1", tables["now"], tables["then"], 0.05)


def test_every_committed_table_is_as_itself() -> None:
    for name, lines in baseline(COMMITTED).items():
        if any(line["value"] for line in lines):
            checks = compare(name, from_csv(COMMITTED / f"{name}.csv"), lines, 0)
            assert [check.sentences for check in checks if check.wrong or check.remark] == []
            assert len(checks) == sum(bool(line["value"]) for line in lines)


def test_a_table_has_the_name_of_its_file_or_that_of_its_column(tmp_path: Path) -> None:
    shutil.copy(COMMITTED / "sbert-1.csv", tmp_path / "sbert-1.limit-50.csv")
    (tmp_path / "notes.csv").write_text("a,b\n1,2\n")
    assert list(baseline(tmp_path)) == ["sbert-1.limit-50"]
    assert list(baseline(tmp_path / "sbert-1.limit-50.csv")) == ["sbert-1.limit-50"]  # of another run than sbert-1
    shutil.copy(COMMITTED / "sbert-1.csv", tmp_path / "baseline.csv")
    assert list(baseline(tmp_path / "baseline.csv")) == ["sbert-1"]


def test_a_file_whose_lines_name_other_tables_too_is_no_baseline(tmp_path: Path) -> None:
    """As a spreadsheet numbers on: sbert-1, sbert-2, …; what is dropped would not be compared."""
    first, second = line("avg", "stsb", "70.0"), line("avg", "sickr", "60.0")
    path = tmp_path / "sbert-1.csv"
    path.write_text(to_csv([first | {"table": "sbert-1"}, second | {"table": "sbert-2"}]))
    with pytest.raises(ReproError, match=r"sbert-1\.csv has lines of 'sbert-2' among those of sbert-1"):
        baseline(path)


# (what the file holds, what is said)
BAD = [
    (None, "is no file and no folder"),
    ("", "holds no table"),
    ("row,column,value\na,b,1\n", "has no column table; a baseline is the CSV file of a table"),
    ("a,b\n1,2\n", "is no table that this suite wrote"),
    (to_csv([line("a", "b", "nan")]), "a × b has the value 'nan'"),
]


@pytest.mark.parametrize(("content", "message"), BAD)
def test_what_is_no_baseline(content: str | None, message: str, tmp_path: Path) -> None:
    path = tmp_path / "baseline.csv"
    if content is not None:
        path.write_text(content, encoding="utf-8")
    with pytest.raises(ReproError, match=message):
        baseline(path)


def test_a_folder_without_tables_is_no_baseline(tmp_path: Path) -> None:
    with pytest.raises(ReproError, match="holds no table's CSV file"):
        baseline(tmp_path)
