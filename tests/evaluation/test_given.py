"""Objects of the user's own in a row of a table: their scores, what is stored of them, the commands that name them."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.stats import pearsonr, spearmanr

from repro import tables
from repro.cli.main import main
from repro.encoders.own import own
from repro.errors import ReproError
from repro.evaluation import machine
from repro.evaluation.config import Options
from repro.evaluation.given import Given
from repro.evaluation.plan import Plan, plan
from repro.evaluation.run import run
from repro.evaluation.suite import Suite
from repro.published.verify import verify
from repro.results import csv_lines
from repro.results.signature import Signature
from repro.tables.spec import BEYOND, Column, Row, Table

MINI = Options(suite=Suite("mini"))
OWN = '''
import numpy as np

class Lengths:
    """A vector of counts: letters, blanks, and a one."""

    def encode(self, sentences):
        return np.array([[len(s), s.count(" "), 1] for s in sentences], np.float32)

class Scorer:
    def score(self, first, second):
        return [-abs(len(a) - len(b)) for a, b in zip(first, second)]

encoder = Lengths()
scorer = Scorer()
'''


class Counts:
    """Vectors of letter counts; it remembers what it was asked for."""

    def __init__(self) -> None:
        self.asked: list[int] = []

    def encode(self, sentences: Sequence[str], power: float = 1) -> np.ndarray:
        self.asked.append(len(sentences))
        return np.array([[s.count("a"), s.count("e"), s.count("o"), 1] for s in sentences], np.float32) ** power


class Scorer:
    """Scores pairs by what their lengths differ in."""

    def __init__(self) -> None:
        self.asked: list[int] = []

    def score(self, first: Sequence[str], second: Sequence[str]) -> list[float]:
        self.asked.append(len(first))
        return [-float(abs(len(one) - len(other))) for one, other in zip(first, second, strict=True)]


STSB = (Column("stsb", "STSb", "stsb"), Column("dev", "dev", "stsb-dev"))


def table_of(thing: object, *columns: Column, **named: Any) -> Table:
    return Table("t", "T", "P", (Row("own", "own", BEYOND, Given(own(thing, **named))),), columns)


def done(thing: object, *columns: Column, **named: Any) -> Plan:
    return run(plan(table_of(thing, *columns, **named), MINI))


def test_its_scores_are_those_of_its_vectors() -> None:
    counts = Counts()
    found = done(counts, *STSB, name="own:counts")
    (part,) = Suite("mini").load("stsb")
    first, second = (counts.encode(sentences).astype(float) for sentences in (part.first, part.second))
    cosines = (first * second).sum(axis=1) / np.linalg.norm(first, axis=1) / np.linalg.norm(second, axis=1)
    result = found.stored["own", "stsb"]
    assert result.value == pytest.approx(100 * spearmanr(np.round(cosines, 9), part.gold).statistic, abs=1e-6)
    assert "|encoder:own:counts|" in str(result.signature)
    assert len(counts.asked) == 1 + 2  # the columns of one data set come from one call
    again = plan(table_of(counts, *STSB, name="own:counts"), MINI)
    assert again.stored == {}  # what it computes may have changed since
    assert len(again.pending) == 2


def test_a_version_stores_results_and_another_one_does_not_find_them() -> None:
    counts = Counts()
    first = done(counts, *STSB, name="own", version="1")
    assert plan(table_of(object.__new__(Counts), *STSB, name="own", version="1"), MINI).stored == first.stored
    again = done(counts, *STSB, name="own", version="1")
    assert (again.stored, len(counts.asked)) == (first.stored, 1)
    others: list[dict[str, Any]] = [
        {"name": "own"},
        {"name": "own", "version": "2"},
        {"name": "other", "version": "1"},
        {"name": "own", "version": "1", "kwargs": {"power": 2}},
    ]
    for named in others:
        assert plan(table_of(counts, *STSB, **named), MINI).stored == {}
    powered = done(counts, *STSB, name="own", version="1", kwargs={"power": 2})
    assert powered.stored["own", "stsb"].value != first.stored["own", "stsb"].value
    assert "|encoder:own@1|kwargs:power=2|" in str(powered.stored["own", "stsb"].signature)
    signature = str(first.stored["own", "stsb"].signature)
    assert "|encoder:own@1|data:" in signature
    assert Signature.parse(signature).system == {"encoder": "own@1", "dtype": "fp32"}


def test_a_search_among_its_vectors_is_timed_alone_and_stored_for_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    search = Column("ms", "ms", "search-stsb", "search-milliseconds")
    table = table_of(Counts(), search, name="own", version="1")
    planned = plan(table, MINI)
    assert [unit.alone for unit in planned.units()] == [True]
    found = run(planned).stored["own", "ms"]
    assert f"|on:{machine.hardware('cpu', '1 thread')}|" in str(found.signature)
    assert plan(table, MINI).stored == {("own", "ms"): found}
    monkeypatch.setattr(machine, "hardware", lambda device, threads="": "another machine")
    assert plan(table, MINI).stored == {}


def test_pairs_are_scored_where_a_task_has_pairs_alone() -> None:
    scorer = Scorer()
    others = (Column("pearson", "P", "stsb", "pearson-all"), Column("mr", "MR", "mr", "accuracy"))
    found = done(scorer, *STSB, *others, name="own", version="1")
    (part,) = Suite("mini").load("stsb")
    scores = [-abs(len(one) - len(other)) for one, other in zip(part.first, part.second, strict=True)]
    assert found.stored["own", "stsb"].value == pytest.approx(100 * spearmanr(scores, part.gold).statistic)
    assert found.stored["own", "pearson"].value == pytest.approx(100 * pearsonr(scores, part.gold).statistic)
    assert found.why_not["own", "mr"] == "own@1 scores pairs of sentences and gives no vectors, which mr needs"
    assert len(scorer.asked) == 2  # two tasks, of which one has two numbers


@pytest.mark.parametrize(
    ("thing", "column", "message"),
    [
        (Scorer(), Column("c", "C", "geometry", "isoscore"), "own scores pairs .* which geometry needs"),
        (Scorer(), Column("c", "C", "all-pairs-cpu", "pairs-per-second"), "own: all-pairs-cpu times an encoder by its"),
        (
            Counts(),
            Column("c", "C", "speed-cpu", "sentences-per-second"),
            "own: speed-cpu times an encoder by its name",
        ),
        (lambda s: 1 / 0, STSB[0], "own fails on the sentences of STSB: ZeroDivisionError: division by zero"),
        (lambda s: np.ones((len(s) - 1, 2)), STSB[0], "own: .* sentences gave vectors of shape"),
        (lambda s: np.full((len(s), 2), np.nan), STSB[0], "own: the vector of .* is not finite"),
        (lambda s: np.ones((len(s), 2)), STSB[0], "own: all .* cosines of test are the same"),
    ],
)
def test_what_cannot_be_scored_is_one_sentence(thing: object, column: Column, message: str) -> None:
    with pytest.raises(ReproError, match=message):
        done(thing, column, name="own")


FAILING = """
asked = []

def encoder(sentences):
    asked.append(len(sentences))
    if len(asked) > 1:
        raise ValueError({message!a})
    return [[len(s), s.count(" "), 1] for s in sentences]
"""


@pytest.mark.parametrize("message", ["one\r\ntwo", "one\rtwo", "one\n\ttwo", "one\x85two", "one \u2028two"])
def test_an_error_of_several_lines_is_a_reason_of_one(
    message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (reason,) = reasons(message, tmp_path, monkeypatch)
    assert reason.endswith("failing:encoder fails on the sentences of STSB: ValueError: one two")
    assert f"not run: {reason}" in capsys.readouterr().err.splitlines()


@pytest.mark.parametrize(
    ("message", "shown"), [("half \ud800", r"half \ud800"), ("bell \x07 nul \0", r"bell \x07 nul \x00")]
)
def test_what_no_file_holds_is_a_code_in_the_reason(
    message: str, shown: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (reason,) = reasons(message, tmp_path, monkeypatch)
    assert reason.endswith(f"ValueError: {shown}")


def test_an_error_without_end_is_cut(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (reason,) = reasons("x" * 300_000 + " end", tmp_path, monkeypatch)
    assert len(reason) < 2100
    assert reason.endswith("xxx end")


def reasons(message: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """Why an encoder that fails so on its second data set has no number there, as its table's file says."""
    (folder / "failing.py").write_text(FAILING.format(message=message))
    monkeypatch.chdir(folder)
    monkeypatch.delitem(sys.modules, "failing", raising=False)
    run = (
        "table sbert-1 --suite mini --offline --task sts12 --task stsb --encoder failing:encoder --row failing:encoder"
    )
    assert main([*run.split(), "--out", str(folder)]) == 0
    assert main(["report", "sbert-1", "--suite", "mini", "--out", str(folder)]) == 0
    lines = csv_lines.from_csv(folder / "mini" / "sbert-1.csv", complete=True)
    of = [line for line in lines if line["row"] == "failing:encoder" and line["column"] in ("sts12", "stsb")]
    return {line["reason"] for line in of if not line["value"]}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "own_encoders.py").write_text(OWN)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delitem(sys.modules, "own_encoders", raising=False)
    return tmp_path


def made(out: Path, name: str) -> list[csv_lines.Line]:
    """The object's lines of Table 1 on the embedded set, in which `verify` finds no fault."""
    assert main(f"table sbert-1 --suite mini --offline --encoder {name} --row {name} --out {out}".split()) == 0
    assert verify("sbert-1", out / "mini", "mini") == []
    return [line for line in csv_lines.from_csv(out / "mini/sbert-1.csv") if line["row"] == name]


@pytest.mark.parametrize("name", ["own_encoders:encoder", "own_encoders:Lengths@2", "own_encoders:scorer@1.0"])
def test_the_command_line_names_it(name: str, folder: Path) -> None:
    lines = made(folder / "out", name)
    assert len([line for line in lines if line["value"]]) == 9
    assert {line["group"] for line in lines} == {BEYOND}
    assert all(f"|encoder:{name}|" in line["signature"] for line in lines if line["signature"])


def test_two_rows_are_compared_where_both_are_stored(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    encoder, scorer = "own_encoders:encoder@1", "own_encoders:scorer@1"
    values = [made(folder / "out", name)[0]["value"] for name in (encoder, scorer)]
    capsys.readouterr()
    assert main(["compare", "sbert-1", encoder, scorer, "--suite", "mini", "--offline"]) == 0
    line = capsys.readouterr().out.splitlines()[1]
    assert float(line.split()[1]) == pytest.approx(float(values[0]) - float(values[1]), abs=0.006)
    assert "p = " in line
    made(folder / "out", "own_encoders:encoder")
    assert main(["compare", "sbert-1", scorer, "own_encoders:encoder", "--suite", "mini", "--offline"]) == 2
    assert "of own_encoders:encoder are not stored without a version, as in" in capsys.readouterr().err


@pytest.mark.usefixtures("folder")
def test_commands_on_sentences_take_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "in.txt").write_text("aa a\nbb\ncccc c c\n")
    assert main(["encode", "own_encoders:encoder", "in.txt", "-o", "out.npy"]) == 0
    np.testing.assert_array_equal(np.load("out.npy"), [[4, 1, 1], [2, 0, 1], [8, 2, 1]])
    capsys.readouterr()
    assert main(["search", "own_encoders:Lengths", "in.txt", "b", "-k", "1"]) == 0
    assert capsys.readouterr().out.split("\t")[2] == "bb\n"
    assert main(["similarity", "own_encoders:encoder@1", "aa a", "bb bb"]) == 0
    assert float(capsys.readouterr().out) == pytest.approx(22 / np.sqrt(18 * 27), abs=1e-4)
    assert main(["encode", "own_encoders:scorer", "in.txt", "-o", "out.npy"]) == 2
    assert "own_encoders:scorer scores pairs of sentences and gives no vectors" in capsys.readouterr().err
    assert main(["fit", "own_encoders:encoder", "in.txt", "-o", "out.safetensors"]) == 2


def test_an_object_that_cannot_be_had_is_refused_before_anything_runs() -> None:
    with pytest.raises(ReproError, match="the encoder cannot be had: ModuleNotFoundError"):
        tables.get("sbert-1").with_encoders(["no_module_of_this_name:x@1"])


QUITTING = {
    "at once": "def f(sentences): ...\nraise SystemExit",
    "with a sentence": "def f(sentences): ...\nraise SystemExit('set MY_KEY first')",
    "by an argument parser": "import argparse\nargparse.ArgumentParser().parse_args(['--what'])",
    "when asked": "def f(sentences):\n    raise SystemExit(0)",
}


@pytest.mark.parametrize("when", QUITTING)
def test_code_that_ends_the_process_is_one_sentence(
    when: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    module = f"quitting_{list(QUITTING).index(when)}"
    Path(f"{module}.py").write_text(QUITTING[when])
    Path("in.txt").write_text("the cat\n")
    assert main(["encode", f"{module}:f", "in.txt", "-o", "out.npy"]) == 2
    last = capsys.readouterr().err.splitlines()[-1]
    assert re.search(rf"repro: {module}:f(: the encoder cannot be had| fails on 1 sentences): SystemExit", last)
    assert not Path("out.npy").exists()


def test_the_installed_command_looks_into_the_working_directory(folder: Path) -> None:
    command = [str(Path(sys.executable).parent / "repro"), "table", "sbert-1", "--suite", "mini", "--offline"]
    command += ["--encoder", "own_encoders:encoder", "--dry-run", "--out", str(folder / "out")]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
    assert "compute  own_encoders:encoder × sts12" in done.stdout


def test_an_object_that_may_have_changed_leaves_no_number_beside_new_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without a version nobody knows whether what the file has is of the code that is there now."""
    (tmp_path / "changing.py").write_text(OWN)
    monkeypatch.chdir(tmp_path)
    arguments = ["table", "sbert-2", "--suite", "mini", "--out", "out", "--encoder", "changing:encoder"]
    arguments += ["--row", "changing:encoder"]
    assert main([*arguments, "--task", "stsb"]) == 0
    before = (tmp_path / "out/mini/sbert-2.csv").read_bytes()
    capsys.readouterr()
    assert main([*arguments, "--task", "stsb-dev"]) == 2
    said = capsys.readouterr().err
    assert "changing:encoder × stsb that cannot stand beside new ones" in said
    assert "run the whole table" in said
    assert (tmp_path / "out/mini/sbert-2.csv").read_bytes() == before
    assert main(arguments) == 0
