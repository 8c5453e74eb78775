"""`repro verify` with --against and --junit: exit status, what is printed, what is written, and refusals."""

from __future__ import annotations

import shutil
from pathlib import Path
from xml.etree import ElementTree

import pytest

from repro.cli.main import main
from repro.results.csv_lines import from_csv, to_csv
from tests.processes import ROOT, modules_after

COMMITTED = ROOT / "tables"
Said = pytest.CaptureFixture[str]


@pytest.fixture
def tables(tmp_path: Path) -> Path:
    """A folder with one committed table."""
    folder = tmp_path / "tables"
    folder.mkdir()
    for suffix in ("csv", "md", "tex"):
        shutil.copy(COMMITTED / f"sbert-1.{suffix}", folder)
    return folder


def baseline(tables: Path, change: float) -> Path:
    """That table's CSV file, all-MiniLM-L6-v2's STS12 changed."""
    lines = from_csv(tables / "sbert-1.csv")
    for line in lines:
        if (line["row"], line["column"]) == ("all-minilm-l6-v2", "sts12"):
            line["value"] = str(float(line["value"]) + change)
    path = tables.parent / "baseline.csv"
    path.write_text(to_csv(lines), encoding="utf-8")
    return path


def verify(tables: Path, *arguments: str) -> int:
    return main(["verify", *arguments, "--out", str(tables)])


@pytest.mark.parametrize(("change", "moved"), [(-0.3, "+0.3000"), (0.3, "-0.3000")])
def test_a_cell_that_moved_in_either_direction_fails(change: float, moved: str, tables: Path, capsys: Said) -> None:
    against = str(baseline(tables, change))
    assert verify(tables, "--against", against) == 1
    first, last = capsys.readouterr().out.splitlines()
    assert first.startswith(f"sbert-1: all-minilm-l6-v2 × sts12: moved by {moved}, from 7")
    assert last == "sbert-1: 1 failures"
    assert verify(tables, "sbert-1", "--against", against, "--tolerance", "0.3") == 0
    assert capsys.readouterr().out == "sbert-1: holds\n"
    assert verify(tables, "--against", against, "--row", "all-mpnet-base-v2") == 0


def test_a_new_cell_is_said_and_a_vanished_one_fails(tables: Path, capsys: Said) -> None:
    lines = from_csv(tables / "sbert-1.csv")
    earlier = [line for line in lines if (line["row"], line["column"]) != ("all-minilm-l6-v2", "sts12")]
    against = tables.parent / "baseline.csv"
    against.write_text(to_csv(earlier), encoding="utf-8")
    assert verify(tables, "--against", str(against)) == 0
    assert capsys.readouterr().out.splitlines() == [
        "sbert-1: all-minilm-l6-v2 × sts12 is new (72.3690), and not in the baseline",
        "sbert-1: holds",
    ]
    against.write_text(to_csv(lines), encoding="utf-8")
    (tables / "sbert-1.csv").write_text(to_csv(earlier), encoding="utf-8")
    assert verify(tables, "--against", str(against)) == 1
    assert "sbert-1: all-minilm-l6-v2 × sts12: has vanished (the baseline has 72.3690)" in capsys.readouterr().out


def test_junit_has_a_case_a_cell_with_and_without_a_baseline(tables: Path, tmp_path: Path) -> None:
    lines = from_csv(tables / "sbert-1.csv")
    measured = sum(bool(line["value"]) for line in lines)
    junit = tmp_path / "new/junit.xml"
    assert verify(tables, "--against", str(baseline(tables, 1)), "--junit", str(junit)) == 1
    root = ElementTree.parse(junit).getroot()
    assert (root.get("tests"), root.get("failures"), root.get("skipped")) == (str(measured), "1", "0")
    (failure,) = root.iter("failure")
    assert "moved by -1.0000" in failure.get("message", "")
    assert verify(tables, "sbert-1", "--junit", str(junit)) == 0
    root = ElementTree.parse(junit).getroot()
    counts = [str(len(lines) + 1), "0", str(len(lines) - measured)]  # and the table as a whole
    assert [root.get(name) for name in ("tests", "failures", "skipped")] == counts
    (tables / "sbert-1.md").unlink()
    assert verify(tables, "--junit", str(junit)) == 1
    (failure,) = ElementTree.parse(junit).getroot().iter("failure")
    assert "sbert-1.md does not say" in failure.get("message", "")


# (arguments, what is said; TABLES and BASELINE stand for their paths)
BAD = [
    (["sbert-9"], "'sbert-9' is not a table"),
    (["sbert-1.csv"], "'sbert-1.csv' is not a table"),
    (["--tolerance", "0.1"], "--tolerance and --row go with --against"),
    (["--row", "all-minilm-l6-v2"], "--tolerance and --row go with --against"),
    (["--against", "BASELINE", "--tolerance", "nan"], "'nan' is not a tolerance"),
    (["--against", "BASELINE", "--tolerance", "-0.1"], "'-0.1' is not a tolerance"),
    (["--against", "BASELINE", "--tolerance", "inf"], "'inf' is not a tolerance"),
    (["--against", "BASELINE", "--tolerance", "much"], "'much' is not a tolerance"),
    (["--against", "nowhere.csv"], "nowhere.csv is no file and no folder"),
    (["--against", "BASELINE", "sbert-2"], "sbert-2.csv is missing; write it with `repro table sbert-2`"),
    (["--against", "BASELINE", "sbert-9"], "'sbert-9' is not a table"),
    (["--against", "BASELINE", "--row", "nobody"], "has no value of the row 'nobody'"),
    (
        ["--against", "BASELINE", "--row", "nobody", "sbert-1"],
        "the baseline of sbert-1 has no value of the row 'nobody'",
    ),
    (["--against", "BASELINE", "--junit", "BASELINE"], "is a file that this command reads"),
    (["--junit", "TABLES/sbert-1.csv"], "is a file that this command reads"),
    (["--junit", "TABLES"], "is a folder; name a file"),
]


@pytest.mark.parametrize(("arguments", "message"), BAD)
def test_bad_input_is_one_sentence(arguments: list[str], message: str, tables: Path, capsys: Said) -> None:
    paths = {"TABLES": str(tables), "BASELINE": str(baseline(tables, 0))}
    for name, path in paths.items():
        arguments = [argument.replace(name, path) for argument in arguments]
    before = {path: path.read_bytes() for path in tables.parent.rglob("*.csv")}
    assert verify(tables, *arguments) == 2
    said = capsys.readouterr().err.splitlines()[-1]
    assert said.startswith("repro")
    assert message in said
    assert {path: path.read_bytes() for path in tables.parent.rglob("*.csv")} == before


def test_a_folder_is_held_against_table_by_table(tables: Path, capsys: Said) -> None:
    shutil.copy(COMMITTED / "simcse-b2.csv", tables)
    assert verify(tables, "--against", str(tables), "--row", "all-minilm-l6-v2") == 0
    assert capsys.readouterr().out.splitlines() == ["sbert-1: holds", "simcse-b2: holds"]
    assert verify(tables, "--against", str(tables), "--row", "minilm-avg") == 0
    assert capsys.readouterr().out.splitlines() == ["simcse-b2: holds"]


def test_a_table_that_is_gone_fails_and_the_others_are_held_all_the_same(
    tables: Path, tmp_path: Path, capsys: Said
) -> None:
    before = shutil.copytree(tables, tmp_path / "before")
    shutil.copy(COMMITTED / "simcse-b2.csv", tables)
    shutil.copy(COMMITTED / "simcse-b2.csv", before)
    (tables / "sbert-1.csv").unlink()
    junit = tmp_path / "junit.xml"
    assert verify(tables, "--against", str(before), "--junit", str(junit)) == 1
    missing = f"{tables / 'sbert-1.csv'} is missing; write it with `repro table sbert-1`"
    assert capsys.readouterr().out.splitlines() == [missing, "sbert-1: 1 failures", "simcse-b2: holds"]
    (failure,) = ElementTree.parse(junit).getroot().iter("failure")
    assert missing in failure.get("message", "")


def test_a_baseline_of_another_table_is_no_success(tables: Path, capsys: Said) -> None:
    shutil.copy(COMMITTED / "sbert-2.csv", tables)
    against = str(tables / "sbert-2.csv")
    assert verify(tables, "sbert-1", "--against", against) == 2
    assert "the baseline has no value of any cell of sbert-1" in capsys.readouterr().err


def test_a_comparison_needs_neither_torch_nor_scipy(tables: Path) -> None:
    code = "import sys; from repro.cli.main import main\nif main(sys.argv[1:]): raise SystemExit(9)"
    modules = modules_after(code, "verify", "--against", str(tables / "sbert-1.csv"), "--out", str(tables))
    assert not modules & {"torch", "transformers", "pandas", "scipy.stats"}
