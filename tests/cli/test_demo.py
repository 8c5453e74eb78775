"""The demo: every table that exists, on the embedded set, offline, twice the same, and never mixed with the papers'."""

import argparse
import io
import os
import subprocess
import sys
from pathlib import Path

import pytest

from repro import tables
from repro.cli.demo import side_by_side
from repro.cli.main import main
from repro.cli.parser import build_parser
from repro.encoders import zoo
from repro.errors import ReproError
from repro.published.verify import verify
from repro.results import csv_lines

COMMITTED = Path(__file__).parents[2] / "tables"


def numbers(path: Path) -> int:
    """Cells of the file that have a value."""
    return sum(bool(line["value"]) for line in csv_lines.from_csv(path))


def contents(folder: Path) -> dict[str, object]:
    """Files by name; of a CSV all but how long its cells took."""
    return {
        path.name: [line | {"seconds": ""} for line in csv_lines.from_csv(path)]
        if path.suffix == ".csv"
        else path.read_bytes()
        for path in folder.iterdir()
    }


@pytest.mark.real
@pytest.mark.long
def test_every_table_runs_and_runs_again_from_the_store(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], minilm: zoo.Group
) -> None:
    assert main(["demo", "--out", str(tmp_path), "--device", "cpu"]) == 0
    out = capsys.readouterr().out
    assert tables.demo.BANNER in out
    assert len(out.splitlines()) <= len(tables.TABLES) + 8  # one screen
    first = {path.name: path.read_bytes() for path in (tmp_path / "mini").iterdir()}
    texts = {f"{name}.{suffix}" for name in tables.TABLES for suffix in ("md", "csv", "tex")}
    assert {name for name in first if not name.endswith((".svg", ".png"))} == texts
    assert "simcse-5.geometry.svg" in first
    for name, content in first.items():
        assert name not in texts or tables.demo.BANNER.encode() in content, name
    for name in tables.TABLES:
        (said,) = [line for line in out.splitlines() if f"{name}.md" in line]
        assert said.split("│")[3].strip() == str(numbers(tmp_path / "mini" / f"{name}.csv"))
        lines = csv_lines.from_csv(tmp_path / "mini" / f"{name}.csv")
        reasons = {line["reason"] for line in lines if line["verdict"] == "not-run"}
        rare = "minilm-token-embeddings: STSB has 900 of its words, none from 5000 on"  # flow-1
        assert reasons <= {"nothing is trained for this column", "there is no GPU here", rare}
        assert all("|suite:mini|" in line["signature"] for line in lines if line["signature"])
        assert verify(name, tmp_path / "mini", "mini") == []
    assert main(["demo", "--out", str(tmp_path), "--device", "cpu"]) == 0
    assert {path.name: path.read_bytes() for path in (tmp_path / "mini").iterdir()} == first


@pytest.mark.real
@pytest.mark.long
def test_tables_side_by_side_are_those_of_one_after_the_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, minilm: zoo.Group, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    names = ["flow-1", "simcse-3", "flow-8"]
    monkeypatch.setenv("REPRO_HOME", str(tmp_path / "home"))
    arguments = build_parser().parse_args(["demo", "--out", str(tmp_path / "several"), "--device", "cpu"])
    runs = list(side_by_side(names, arguments))
    assert [run.layout.table.id for run in runs if run] == names
    said = capsys.readouterr().err.splitlines()
    assert [line for line in said if " of 3: " in line] == [f"{n} of 3: {name}" for n, name in enumerate(names, 1)]
    rare = "minilm-token-embeddings: STSB: not run: minilm-token-embeddings: STSB has 900 of its words, none from 5000"
    assert any(line.startswith(rare) for line in said)
    monkeypatch.setenv("REPRO_HOME", str(tmp_path / "other"))
    for name in names:
        command = [sys.executable, "-m", "repro.cli", "table", name, "--suite", "mini", "--offline", "--device", "cpu"]
        subprocess.run([*command, "--out", str(tmp_path / "single")], check=True, capture_output=True)
    files = contents(tmp_path / "several/mini")
    assert len(files) == 3 * len(names)
    assert contents(tmp_path / "single/mini") == files


def test_what_is_wrong_with_one_of_several_tables_is_raised(tmp_path: Path) -> None:
    (tmp_path / "mini/simcse-e1.csv").mkdir(parents=True)
    arguments = build_parser().parse_args(["demo", "--out", str(tmp_path), "--device", "cpu"])
    with pytest.raises(ReproError, match=r"simcse-e1\.csv"):
        list(side_by_side(["simcse-e1"], arguments))


class Deadly:
    """Ends the process that unpickles it."""

    def __reduce__(self) -> tuple[object, tuple[int]]:
        return os._exit, (9,)


def test_a_process_that_dies_is_one_sentence() -> None:
    with pytest.raises(ReproError, match="a process that writes tables died"):
        list(side_by_side(["simcse-e1"], argparse.Namespace(out=Deadly())))


def test_tables_with_times_run_alone() -> None:
    assert [name for name in tables.TABLES if tables.get(name, "mini").times] == [
        "sbert-7",
        "sbert-65h",
        "whitening-r1",
    ]


@pytest.mark.parametrize("folder", [COMMITTED, COMMITTED / "mini"], ids=["paper", "mini"])
def test_simcse_b2_has_every_aggregation_side_by_side(folder: Path) -> None:
    lines = csv_lines.from_csv(folder / "simcse-b2.csv")
    values = {(line["row"], line["column"]): float(line["value"]) for line in lines if line["value"]}
    rows = [row for row, column in values if column == "side-all"]
    assert "minilm-avg" in rows
    sets = ("sts12", "sts13", "sts14", "sts15", "sts16", "stsb", "sickr")
    for row in rows:
        for name in ("all", "wmean", "mean"):
            mean = sum(values[row, f"{task}-{name}"] for task in sets) / 7
            assert values[row, f"side-{name}"] == pytest.approx(mean, abs=1e-8)
        for year in sets[:5]:
            difference = values[row, f"{year}-wmean"] - values[row, f"{year}-all"]
            assert values[row, f"{year}-worth"] == pytest.approx(difference, abs=1e-8)


@pytest.mark.parametrize("name", tables.TABLES)
def test_committed_demo_tables_hold(name: str) -> None:
    assert verify(name, COMMITTED / "mini", "mini") == []


def test_the_demo_trains_every_objective() -> None:
    trained = [
        recipe
        for name in tables.TABLES
        for row in tables.get(name, "mini").rows
        for column, recipe in getattr(row.system, "trainings", ())
        if column in {found.slug for found in tables.get(name, "mini").scored()}
    ]
    objectives = {"softmax", "cosine", "triplet", "contrastive", "cross-regression"}
    assert {recipe.objective for recipe in trained} == objectives
    assert all("sample" in recipe.signature() for recipe in trained)


@pytest.mark.parametrize("name", tables.TABLES)
def test_an_embedded_table_has_the_papers_columns_and_none_of_its_numbers(name: str) -> None:
    paper, mini = tables.get(name), tables.get(name, "mini")
    absent = ("bws", "quora")  # no stand-in for the stand-in, nor for Quora's questions
    there = [column for column in paper.columns if not column.slug.startswith(absent)]
    if name == "flow-1":  # words are counted in STS-B, the embedded set has no Wikipedia
        there = [column for column in there if column.slug.endswith("-stsb")]
    assert mini.columns == tuple(there)
    assert all(row.published is None for row in mini.rows)
    assert mini.banner
    assert not paper.banner


def test_a_commented_csv_reads_back(tmp_path: Path) -> None:
    table = tables.get("sbert-1", "mini")
    line = dict.fromkeys(csv_lines.FIELDS, "x") | {"value": "1.5"}
    text = csv_lines.to_csv([line], table.banner)
    assert text.startswith("# These numbers come from the embedded mini data set")
    (tmp_path / "t.csv").write_text(text, encoding="utf-8")
    assert csv_lines.from_csv(tmp_path / "t.csv") == [line]
    assert len(io.StringIO(text).readlines()) == 3


@pytest.mark.parametrize("suite", ["paper", "mini"])
@pytest.mark.parametrize("name", tables.TABLES)
def test_no_two_rows_or_columns_of_a_table_share_a_slug(name: str, suite: str) -> None:
    table = tables.get(name, suite)
    for slugs in ([row.slug for row in table.rows], [column.slug for column in table.columns]):
        assert len(slugs) == len(set(slugs))
