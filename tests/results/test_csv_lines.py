"""A table's CSV file: its lines come back, also from a spreadsheet, and other files are refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from repro.errors import ReproError
from repro.results.csv_lines import FIELDS, Line, from_csv, normal, number, to_csv
from repro.tables import FACTS

COMMITTED = Path(__file__).parents[2] / "tables"
FILES = sorted(path for path in COMMITTED.rglob("*.csv") if path.stem not in FACTS)


@pytest.mark.parametrize("path", FILES, ids=lambda path: "/".join(path.parts[-2:]))
def test_committed_files_come_back_to_the_byte(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    banner = text.partition("\n")[0].removeprefix("# ") if text.startswith("# ") else ""
    assert to_csv(from_csv(path, complete=True), banner) == text


def test_texts_with_commas_quotes_and_line_ends_come_back(tmp_path: Path) -> None:
    line: Line = {**dict.fromkeys(FIELDS, ""), "row": 'a, "b"', "column": "c", "label": "two\nlines", "reason": "# no"}
    (tmp_path / "t.csv").write_text(to_csv([line], "a banner, with a comma"), encoding="utf-8")
    assert from_csv(tmp_path / "t.csv", complete=True) == [line]


# (content, what is said of it: with `complete` alone, or always)
REFUSED = [
    ("a,b\n1,2\n", "is no table that this suite wrote", False),
    ("row,column,value\nr,c\n", "is no table that this suite wrote", False),
    ("row,column,value\nr,c,high\n", "r × c has the value 'high'; correct it", False),
    ("row,column,value\nr,c,1\n", "has other columns than this version writes", True),
    ("row,column,value,value\nr,c,1,2\n", "has the column value twice; take the file as it was written", False),
    ("table;row;column;value\nt;r;c;1,5\n", "is separated by semicolons; save it with commas, and with points", False),
    ("table\trow\tcolumn\tvalue\nt\tr\tc\t1.5\n", "is separated by tabs; save it with commas", False),
    ("row,column,value\nr,c,\u0661\n", "has the value '\u0661'; correct it", False),
]


@pytest.mark.parametrize(("content", "message", "complete"), REFUSED)
def test_files_that_are_refused(content: str, message: str, complete: bool, tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text(content, encoding="utf-8")
    with pytest.raises(ReproError, match=message):
        from_csv(tmp_path / "t.csv", complete)


@pytest.mark.parametrize("before", ["\ufeff", "\ufeff\ufeff", "sep=,\n", "\ufeffsep=,\n", "# a banner\n"])
def test_what_a_spreadsheet_puts_in_front_is_passed_over(before: str, tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text(before + "row,column,value\nr,c,1.5\n", encoding="utf-8")
    assert from_csv(tmp_path / "t.csv") == [{"row": "r", "column": "c", "value": "1.5"}]


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_bytes(b"row,column,value\n\xff,\xfe,1\n")
    with pytest.raises(ReproError, match=r"t\.csv is not UTF-8; save it as such"):
        from_csv(tmp_path / "t.csv")


# what a spreadsheet may make of a number, and what the suite writes
SAVED = [("72.3690", "72.369"), ("72", "72.0"), ("7.2E+01", "72.0"), ("", ""), ("72,4", "72,4"), (" 72.5 ", "72.5")]


@pytest.mark.parametrize(("text", "expected"), SAVED)
def test_numbers_come_back_in_one_form(text: str, expected: str) -> None:
    assert normal({"value": text, "reason": text}) == {"value": expected, "reason": text}


@pytest.mark.parametrize("text", ["", "nan", "inf", "-1e999", "1_0", "high", "0x1p3", "72,4"])
def test_what_is_no_number(text: str) -> None:
    assert number(text) is None


def test_a_file_that_a_spreadsheet_saved_says_the_same(tmp_path: Path) -> None:
    """A byte order mark, line ends of two characters, empty cells and lines at the end, counts with a point."""
    text = (COMMITTED / "sbert-1.csv").read_text(encoding="utf-8")
    saved = "\ufeff" + "".join(f"{line},,\r\n" for line in text.splitlines()) + ",,\r\n"
    saved = saved.replace(",0,cpu,", ",0.0,cpu,")
    (tmp_path / "sbert-1.csv").write_bytes(saved.encode())
    assert from_csv(tmp_path / "sbert-1.csv") == from_csv(COMMITTED / "sbert-1.csv")


def test_a_signature_may_be_of_any_length(tmp_path: Path) -> None:
    """The csv module's own limit is 131,072 characters, and a prompt may be longer."""
    line = {name: "" for name in FIELDS} | {"row": "r", "column": "c", "signature": "x" * 200_000}
    (tmp_path / "t.csv").write_text(to_csv([line]))
    assert from_csv(tmp_path / "t.csv") == [line]
