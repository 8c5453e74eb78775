"""`repro report`: files from committed CSV files alone, without torch, and one sentence where there is none."""

from __future__ import annotations

import shutil
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from repro.cli.main import main
from repro.paths import locked
from repro.results import csv_lines
from tests.processes import ROOT, forked, modules_after

COMMITTED = ROOT / "tables"


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    return Path(shutil.copytree(COMMITTED, tmp_path / "tables"))


def contents(folder: Path) -> dict[Path, bytes]:
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_after_deleting_every_text_report_brings_back_the_same_bytes_without_torch(copy: Path) -> None:
    before = contents(copy)
    for path in (*copy.rglob("*.md"), *copy.rglob("*.tex")):
        path.unlink()
    code = "import sys; from repro.cli.main import main\nif main(sys.argv[1:]): raise SystemExit(9)"
    for suite in ("paper", "mini"):
        modules = modules_after(code, "report", "--out", str(copy), "--suite", suite)
        assert not modules & {"torch", "transformers", "repro.evaluation.run", "pandas", "matplotlib"}
    assert contents(copy) == before


def test_only_the_named_tables_are_written(copy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for path in copy.glob("sbert-*.md"):
        path.unlink()
    assert main(["report", "sbert-2", "sbert-7", "--out", str(copy)]) == 0
    assert {path.name for path in copy.glob("sbert-*.md")} == {"sbert-2.md", "sbert-7.md"}
    assert capsys.readouterr().out.splitlines() == [
        f"wrote {copy}/{name}.csv, {copy}/{name}.md, {copy}/{name}.tex" for name in ("sbert-2", "sbert-7")
    ]


def test_a_cut_run_has_files_of_its_own(copy: Path) -> None:
    shutil.copy(copy / "sbert-1.csv", copy / "sbert-1.limit-50.csv")
    assert main(["report", "sbert-1.limit-50", "--out", str(copy)]) == 0
    banner = "Computed on a part of the data (--limit 50): not comparable with a paper."
    for suffix in ("csv", "md", "tex"):
        head = "".join((copy / f"sbert-1.limit-50.{suffix}").read_text().splitlines(keepends=True)[:4])
        assert banner in head
        assert banner not in (copy / f"sbert-1.{suffix}").read_text()


@pytest.mark.parametrize("name", ["sbert-1", "sbert-1.limit-9"])
def test_a_cut_run_under_another_name_is_refused(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = ["sbert-1", "--suite", "mini", "--offline", "--row", "minilm-cls", "--limit", "5"]
    assert main(["table", *run, "--out", str(tmp_path)]) == 0
    shutil.copy(tmp_path / "mini" / "sbert-1.limit-5.csv", tmp_path / "mini" / f"{name}.csv")
    assert main(["report", name, "--suite", "mini", "--out", str(tmp_path)]) == 2
    assert "it is of a run of --limit 5, and the file's name is not" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["sbert-1"], "sbert-1.csv is missing; write it with `repro table sbert-1`"),
        ([], "holds no written table"),
        (["sbert-9"], "'sbert-9' is not a table"),
    ],
)
def test_without_a_csv_it_is_one_sentence(
    arguments: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["report", *arguments, "--out", str(tmp_path / "none")]) == 2
    said = capsys.readouterr().err
    assert message in said
    assert said.count("\n") == 1
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize("command", ["report", "summary"])
@pytest.mark.parametrize("lines", [0, 1])
def test_a_csv_without_a_line_is_no_table(
    command: str, lines: int, copy: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = copy / "sbert-1.csv"
    path.write_text("".join(path.read_text().splitlines(keepends=True)[:lines]))
    assert main([command, "sbert-1", "--out", str(copy)]) == 2
    assert f"{path} is not as this suite wrote it: " in capsys.readouterr().err


EDITS: dict[str, Callable[[list[str]], list[str]]] = {
    "a line twice": lambda lines: [*lines, lines[-1]],
    "a line less": lambda lines: lines[:-1],
    "another row": lambda lines: [*lines[:-1], lines[-1].replace(lines[-1].split(",")[2], "nix", 1)],
}


@pytest.mark.parametrize("command", ["report", "summary"])
@pytest.mark.parametrize("edit", EDITS)
def test_lines_that_the_table_did_not_write_are_refused(
    command: str, edit: str, copy: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = copy / "sbert-1.csv"
    path.write_text("".join(EDITS[edit](path.read_text().splitlines(keepends=True))))
    assert main([command, "sbert-1", "--out", str(copy)]) == 2
    assert "sbert-1" in capsys.readouterr().err


# of all-minilm-l6-v2 × sts12, whose verdict is `match`
IMPOSSIBLE = [
    ({"value": "100000.0"}, "value is 100000.0, and spearman-all is from -100 to 100"),
    ({"ci_low": "74.2", "ci_high": "70.3"}, "value is 72.3690125227, its interval 74.2 to 70.3"),
    ({"seeds": "3.5"}, "seeds is 3.5"),
    ({"seeds": "-3"}, "seeds is -3"),
    ({"std": "0.5"}, "std is 0.5, and seeds is 1"),
    ({"seconds": ""}, "seconds is empty"),
    ({"signature": ""}, "its signature is of nothing, and its column of sts12"),
    ({"metric": "accuracy"}, "metric is accuracy, and that of its column is spearman-all"),
    ({"table": "sbert-2"}, "table is sbert-2, and that of its column is sbert-1"),
    ({"verdict": "not-run"}, "its verdict is not-run, and its value 72.3690125227"),
    ({"delta": ""}, "its verdict is match, and delta empty"),
    ({"verdict": "no-published"}, "its verdict is no-published, and published is 72.3689999808"),
    ({"value": "", "verdict": "not-run"}, "has no value and says ci_low"),
    ({"value": "73.0"}, "delta is 1.25419e-05, and not the value less the published 72.3689999808"),
    ({"value": "73.0", "delta": "0.6310000192", "tolerance": "1.0"}, "× avg: is 78.8742574422; its parts make 78.96"),
    ({"published": "72.0", "delta": "0.5", "tolerance": "1.0", "verdict": "match"}, "delta is 0.5, and not the value"),
    (
        {"published": "72.0", "delta": "0.3690125227", "tolerance": "0.1", "verdict": "match"},
        "its verdict is match, delta 0.3690125227 and tolerance 0.1",
    ),
]


@pytest.mark.parametrize("command", ["report", "summary", "claims", "export --to citation"])
@pytest.mark.parametrize(("changes", "message"), IMPOSSIBLE)
def test_a_number_that_no_run_gives_is_not_passed_on(
    command: str, changes: dict[str, str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = csv_lines.from_csv(COMMITTED / "sbert-1.csv")
    (line,) = (line for line in lines if (line["row"], line["column"]) == ("all-minilm-l6-v2", "sts12"))
    line.update(changes)
    path = tmp_path / "sbert-1.csv"
    path.write_text(csv_lines.to_csv(lines), encoding="utf-8")
    name, *rest = command.split()
    assert main([name, "sbert-1", *rest, "--out", str(tmp_path)]) == 2
    said = capsys.readouterr()
    assert f"{path} is not as this suite wrote it: all-minilm-l6-v2 × " in said.err
    assert message in said.err
    assert (said.out, list(tmp_path.iterdir())) == ("", [path])


# what the file of the run before is, and what is said
BEFORE: list[tuple[Callable[[list[str]], list[str]], str]] = [
    (lambda lines: lines[:1], "holds no table"),
    (lambda lines: [*lines, lines[-1]], "the run before has the cell"),
    (lambda lines: [line.replace("sbert-1,", "sbert-2,", 1) for line in lines], "has lines of sbert-2 and none of"),
    (lambda lines: [line.replace(",verdict,", ",judgement,") for line in lines], "has no column verdict"),
]


@pytest.mark.parametrize(("edit", "message"), BEFORE)
def test_a_summary_is_held_against_a_sound_file_alone(
    edit: Callable[[list[str]], list[str]], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = (COMMITTED / "sbert-1.csv").read_text(encoding="utf-8").splitlines(keepends=True)
    (tmp_path / "sbert-1.csv").write_text("".join(edit(lines)), encoding="utf-8")
    assert main(["summary", "sbert-1", "--out", str(COMMITTED), "--before", str(tmp_path)]) == 2
    assert message in capsys.readouterr().err


def test_the_summary_of_a_table_of_facts_says_that_there_is_none(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["summary", "flow-7", "--out", str(COMMITTED)]) == 2
    assert "nothing in flow-7 is measured" in capsys.readouterr().err


def test_it_waits_for_a_run_that_is_writing(copy: Path) -> None:
    """The lock is that of `repro table`; it is free again when the table is written."""
    (copy / "sbert-1.md").unlink()

    def report() -> int:
        return main(["report", "sbert-1", "--out", str(copy)])

    def report_within_a_second() -> int:
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.setitimer(signal.ITIMER_REAL, 1)
        return report()

    with locked(copy / "sbert-1.csv"):
        assert forked(report_within_a_second)[0] == -signal.SIGALRM
    assert not (copy / "sbert-1.md").exists()
    assert forked(report)[0] == 0
    assert (copy / "sbert-1.md").exists()
    with locked(copy / "sbert-1.csv"):
        pass
