"""An object with `encode` is an encoder: named on the command line, or given to a table."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import spearmanr

from repro import tables
from repro.cli.main import main
from repro.errors import ReproError
from repro.evaluation.config import Options
from repro.evaluation.given import Given, given
from repro.evaluation.plan import plan
from repro.evaluation.run import run
from repro.evaluation.suite import Suite
from repro.published.verify import verify
from repro.results import csv_lines
from repro.tables.spec import BEYOND, Column, Row, Table

OWN = '''
import numpy as np

class Lengths:
    """A vector of counts: letters, blanks, and a one."""

    def encode(self, sentences):
        return np.array([[len(s), s.count(" "), 1] for s in sentences], np.float32)

encoder = Lengths()
number = 3

def broken():
    raise RuntimeError("no such model")
'''


class Counts:
    """Vectors of letter counts; it remembers what it was asked for."""

    def __init__(self) -> None:
        self.asked: list[int] = []

    def encode(self, sentences: Sequence[str]) -> np.ndarray:
        self.asked.append(len(sentences))
        return np.array([[s.count("a"), s.count("e"), s.count("o"), 1] for s in sentences], np.float32)


def test_its_scores_are_those_of_its_vectors() -> None:
    counts = Counts()
    row = Row("own", "own", BEYOND, Given(counts, "own:counts"))
    table = Table("t", "T", "P", (row,), (Column("stsb", "STSb", "stsb"), Column("dev", "dev", "stsb-dev")))
    found = run(plan(table, Options(suite=Suite("mini"))))
    (part,) = Suite("mini").load("stsb")
    first, second = (counts.encode(sentences).astype(float) for sentences in (part.first, part.second))
    cosines = (first * second).sum(axis=1) / np.linalg.norm(first, axis=1) / np.linalg.norm(second, axis=1)
    result = found.stored["own", "stsb"]
    assert result.value == pytest.approx(100 * spearmanr(np.round(cosines, 9), part.gold).statistic, abs=1e-6)
    assert "|enc:own:counts|" in str(result.signature)
    assert len(counts.asked) == 1 + 2  # the columns of one data set come from one call
    again = plan(table, Options(suite=Suite("mini")))
    assert again.stored == {}  # what it computes may have changed since
    assert len(again.pending) == 2


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "own_encoders.py").write_text(OWN)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delitem(sys.modules, "own_encoders", raising=False)
    return tmp_path


@pytest.mark.parametrize("name", ["own_encoders:encoder", "own_encoders:Lengths"])
def test_the_command_line_names_it(name: str, folder: Path) -> None:
    out = folder / "out"
    assert main(f"table sbert-1 --suite mini --offline --encoder {name} --row {name} --out {out}".split()) == 0
    lines = [line for line in csv_lines.from_csv(out / "mini/sbert-1.csv") if line["row"] == name]
    assert len([line for line in lines if line["value"]]) == 9
    assert verify("sbert-1", out / "mini", "mini") == []


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("no_module_of_this_name:x", "the encoder cannot be had: ModuleNotFoundError"),
        ("own_encoders:nothing", "the encoder cannot be had: AttributeError"),
        ("own_encoders:broken", "the encoder cannot be had: RuntimeError: no such model"),
        ("own_encoders:number", "the encoder cannot be had: TypeError"),
        ("collections:OrderedDict", r"has no encode\(sentences\)"),
    ],
)
@pytest.mark.usefixtures("folder")
def test_what_is_no_encoder_is_one_sentence(name: str, message: str) -> None:
    with pytest.raises(ReproError, match=message):
        given(name)
    with pytest.raises(ReproError, match=message):
        tables.get("sbert-1").with_encoders([name])


class Fails:
    def encode(self, sentences: Sequence[str]) -> np.ndarray:
        raise ValueError("too long")


class OneShort:
    def encode(self, sentences: Sequence[str]) -> np.ndarray:
        return np.ones((len(sentences) - 1, 2), np.float32)


class NotFinite:
    def encode(self, sentences: Sequence[str]) -> np.ndarray:
        return np.full((len(sentences), 2), np.nan, np.float32)


@pytest.mark.parametrize(
    ("encoder", "message"),
    [
        (Fails(), "own fails on the sentences of STSB: too long"),
        (OneShort(), "own: .* sentences gave vectors of shape"),
        (NotFinite(), "own: the vector of .* is not finite"),
    ],
)
def test_what_it_gives_passes_the_gate(encoder: object, message: str) -> None:
    table = Table("t", "T", "P", (Row("own", "own", BEYOND, Given(encoder, "own")),), (Column("stsb", "S", "stsb"),))  # type: ignore[arg-type]
    with pytest.raises(ReproError, match=message):
        run(plan(table, Options(suite=Suite("mini"))))


def test_the_installed_command_looks_into_the_working_directory(folder: Path) -> None:
    command = [str(Path(sys.executable).parent / "repro"), "table", "sbert-1", "--suite", "mini", "--offline"]
    command += ["--encoder", "own_encoders:encoder", "--dry-run", "--out", str(folder / "out")]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
    assert "compute  own_encoders:encoder × sts12" in done.stdout
