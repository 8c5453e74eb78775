"""Running tables: resumed after a kill, byte-identical, two at once, and without torch when all is stored."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from repro import tables
from repro.evaluation import written
from repro.evaluation.config import Options
from repro.evaluation.plan import plan
from repro.evaluation.run import run as compute
from repro.evaluation.suite import Suite
from repro.results.csv_lines import from_csv
from repro.results.result import Result
from tests.conftest import save_tiny_bert

VOLATILE = ("seconds", "commit")


# what each table is asked for: few items, and rows and columns of several kinds
ASKED = {
    "sbert-1": "--limit 20 --row glove-840b-sick-sbert --task sts16 --task stsb --task sickr",
    "sbert-5": "--limit 30 --row use --task cr --task cr-adam --task sst --task sst-dev",
}


def command(
    home: Path, out: Path, mirror: Path, encoder: Path, table: str = "sbert-1"
) -> tuple[list[str], dict[str, str]]:
    arguments = ["table", table, "--offline", "--device", "cpu", "--out", str(out), "--encoder", str(encoder)]
    arguments += ASKED[table].split()
    environment = {**os.environ, "REPRO_HOME": str(home), "REPRO_MIRROR": str(mirror)}
    return [sys.executable, "-m", "repro.cli", *arguments], environment


def run(home: Path, out: Path, mirror: Path, encoder: Path, table: str = "sbert-1") -> subprocess.CompletedProcess[str]:
    arguments, environment = command(home, out, mirror, encoder, table)
    return subprocess.run(arguments, env=environment, check=True, capture_output=True, text=True, timeout=300)


def stable(out: Path) -> dict[str, str]:
    """The written texts, times and commit left out."""
    texts = {path.suffix: path.read_text(encoding="utf-8") for path in out.iterdir()}
    (path,) = out.glob("*.csv")
    lines = from_csv(path)
    return {**texts, ".csv": str([{k: v for k, v in line.items() if k not in VOLATILE} for line in lines])}


@pytest.mark.long
@pytest.mark.real
@pytest.mark.parametrize("table", ["sbert-1", pytest.param("sbert-5", marks=pytest.mark.slow)])
def test_a_killed_run_goes_on_and_ends_with_the_same_bytes(
    mirror: Path, tmp_path: Path, tiny_bert: Path, table: str
) -> None:
    run(tmp_path / "whole", tmp_path / "expected", mirror, tiny_bert, table)
    arguments, environment = command(tmp_path / "home", tmp_path / "out", mirror, tiny_bert, table)
    child = subprocess.Popen(arguments, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    results = tmp_path / "home/results"
    for _ in range(30000):
        if len(list(results.glob("*.json"))) >= 2 or child.poll() is not None:
            break
        time.sleep(0.01)
    child.send_signal(signal.SIGKILL)
    child.wait()
    stored = {path: path.read_bytes() for path in results.glob("*.json")}
    assert len(stored) >= 2
    assert not (tmp_path / "out").exists()
    run(tmp_path / "home", tmp_path / "out", mirror, tiny_bert, table)
    assert all(path.read_bytes() == content for path, content in stored.items())  # not computed again
    assert stable(tmp_path / "out") == stable(tmp_path / "expected")
    script = (  # with every cell stored, neither library is imported
        "import sys; from repro.cli.main import main; code = main(sys.argv[1:]); "
        "sys.exit(code or 10 * ('torch' in sys.modules) + 20 * ('transformers' in sys.modules))"
    )
    arguments, environment = command(tmp_path / "home", tmp_path / "again", mirror, tiny_bert, table)
    subprocess.run([sys.executable, "-c", script, *arguments[3:]], env=environment, check=True, capture_output=True)
    assert stable(tmp_path / "again") == stable(tmp_path / "expected")


@pytest.mark.long
@pytest.mark.real
def test_two_runs_at_once_write_the_same_table(mirror: Path, tmp_path: Path, tiny_bert: Path) -> None:
    children = []
    for name in ("one", "two"):
        arguments, environment = command(tmp_path / "home", tmp_path / name, mirror, tiny_bert)
        children.append(subprocess.Popen(arguments, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE))
    for child in children:
        child.communicate(timeout=300)
    assert [child.returncode for child in children] == [0, 0]
    assert stable(tmp_path / "one") == stable(tmp_path / "two")
    assert not [path for path in (tmp_path / "home/results").rglob("*") if path.is_file() and path.suffix != ".json"]


@pytest.fixture
def suite(data: Path) -> Suite:
    return Suite(own=data, offline=True)


@pytest.mark.real
def test_a_cut_run_carries_its_limit_and_its_own_file_name(suite: Suite, tiny_bert: Path) -> None:
    table = tables.get("sbert-1").with_encoders([str(tiny_bert)])
    options = Options(suite=suite, rows=(str(tiny_bert),), tasks=("stsb",), limit=30, device="cpu")
    finished = plan(table, options)
    assert len(finished.pending) == 1
    finished = compute(finished)
    cell = finished.stored[str(tiny_bert), "stsb"]
    assert "|limit:30|" in str(cell.signature)
    assert options.variant == ".limit-30"
    assert len(cell.scores) == 9
    assert cell.ci_low < cell.value < cell.ci_high


@pytest.mark.real
def test_force_computes_again_and_gets_the_same(suite: Suite, tiny_bert: Path) -> None:
    table = tables.get("sbert-1").with_encoders([str(tiny_bert)])
    found: list[Result] = []
    for force in (False, False, True):
        options = Options(suite=suite, rows=(str(tiny_bert),), tasks=("stsb",), limit=30, device="cpu", force=force)
        finished = plan(table, options)
        assert len(finished.pending) == (0 if found and not force else 1)
        finished = compute(finished)
        found.append(finished.stored[str(tiny_bert), "stsb"])
    assert found[0] == found[1]
    assert found[0].value == found[2].value


@pytest.mark.real
def test_other_weights_in_the_same_folder_are_computed_anew(suite: Suite, tiny_bert: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(tiny_bert, tmp_path / "model")
    table = tables.get("sbert-1").with_encoders([str(folder)])
    options = Options(suite=suite, rows=(str(folder),), tasks=("stsb",), limit=10, device="cpu")
    finished = plan(table, options)
    finished = compute(finished)
    assert plan(table, options).pending == []
    save_tiny_bert(folder, seed=7)
    again = plan(table, options)
    assert len(again.pending) == 1
    again = compute(again)
    assert again.stored[str(folder), "stsb"].value != finished.stored[str(folder), "stsb"].value


@pytest.mark.real
def test_every_cell_is_in_the_csv_and_the_absent_ones_say_why(suite: Suite) -> None:
    finished = plan(tables.get("sbert-1"), Options(suite=suite, rows=("use", "sbert-nli-base"), limit=5))
    lines = written.lines_of(finished)
    assert len(lines) == len(finished.table.rows) * len(finished.table.columns)
    by_row = {line["row"]: line for line in lines if line["column"] == "sts12"}
    assert all(line["verdict"] == "not-run" and line["reason"] for line in by_row.values())
    assert "outside the zoo" in by_row["use"]["reason"]
    assert "bert-base-nli-mean-tokens are not on this machine" in by_row["sbert-nli-base"]["reason"]
    assert by_row["glove-avg"]["reason"] == "not asked for in this run"


@pytest.mark.real
def test_average_is_of_unrounded_cells(suite: Suite, tiny_bert: Path) -> None:
    table = tables.get("sbert-1").with_encoders([str(tiny_bert)])
    finished = plan(table, Options(suite=suite, rows=(str(tiny_bert),), limit=10, device="cpu"))
    finished = compute(finished)
    lines = {line["column"]: line for line in written.lines_of(finished) if line["row"] == str(tiny_bert)}
    seven = ("sts12", "sts13", "sts14", "sts15", "sts16", "stsb", "sickr")
    assert float(lines["avg"]["value"]) == pytest.approx(sum(float(lines[c]["value"]) for c in seven) / 7, abs=1e-9)
