"""The examples of CONTRIBUTING.md, each put into a copy of the package and run as a user would."""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics.pairwise import cosine_similarity

from repro.data import registry
from repro.encoders import zoo
from repro.results.csv_lines import from_csv
from repro.tasks import TASKS

ROOT = Path(__file__).parents[1]
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
SECTIONS = dict(re.findall(r"^## (.+?)\n(.*?)(?=^## |\Z)", CONTRIBUTING, re.MULTILINE | re.DOTALL))
BLOCK = re.compile(r"^```(?:python|csv)\n# (\S+?)(?:, (.+?))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
MINI = registry.HERE / "mini"


def end_of(source: str, line: int, column: int) -> int:
    """Where in a text a place of its syntax tree is: the line from 1, the column in UTF-8's bytes."""
    lines = source.splitlines(keepends=True)
    return len("".join(lines[: line - 1]) + lines[line - 1].encode()[:column].decode())


def added_in(source: str, name: str, code: str) -> str:
    """A module with the code at the end of what `name` holds: of a variable, or an argument of what one is made of."""
    for statement in ast.parse(source).body:
        if not isinstance(statement, ast.Assign | ast.AnnAssign) or statement.value is None:
            continue
        targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
        if name in [target.id for target in targets if isinstance(target, ast.Name)]:
            value = statement.value
        elif isinstance(statement.value, ast.Call) and name in (
            of := {k.arg: k.value for k in statement.value.keywords}
        ):
            value = of[name]
        else:
            continue
        assert value.end_lineno is not None
        assert value.end_col_offset is not None
        end = end_of(source, value.end_lineno, value.end_col_offset) - 1  # of its closing bracket
        before = source[:end].rstrip()
        return before + ("" if before[-1] in ",([{" else ",") + "\n" + code + source[end:]
    raise AssertionError(f"nothing is named {name}")


def added_above(source: str, name: str, code: str) -> str:
    """A module with the code before the definition of a variable."""
    before, found, after = source.partition(f"\n{name} = ")
    assert found
    return f"{before}\n{code}\n\n{found.lstrip()}{after}"


def added_with_the_imports(source: str, code: str) -> str:
    """A module with the code after its last import."""
    last = [node for node in ast.parse(source).body if isinstance(node, ast.Import | ast.ImportFrom)][-1]
    assert last.end_lineno is not None
    lines = source.splitlines(keepends=True)
    return "".join([*lines[: last.end_lineno], code, *lines[last.end_lineno :]])


@dataclass(frozen=True)
class House:
    """A copy of the package in a folder."""

    folder: Path

    def add(self, section: str) -> set[str]:
        """Put a section's examples in their places; the files that they name."""
        blocks = BLOCK.findall(SECTIONS[section])
        assert len(blocks) == len(re.findall(r"^```(?:python|csv)$", SECTIONS[section], re.MULTILINE)) > 0
        for name, where, code in blocks:
            path = self.folder / name
            assert path.exists() == bool(where)
            source = path.read_text(encoding="utf-8") if where else ""
            if not where:
                source = code
            elif where == "with the imports":
                source = added_with_the_imports(source, code)
            elif where.startswith("above "):
                source = added_above(source, where.removeprefix("above "), code)
            else:
                for place in where.removeprefix("in ").split(" and "):
                    source = added_in(source, place, code)
            path.write_text(source, encoding="utf-8")
        return {name for name, _, _ in blocks}

    def files(self) -> dict[str, bytes]:
        """Every file but what Python compiles."""
        paths = (path for path in self.folder.rglob("*") if path.is_file() and path.suffix != ".pyc")
        return {str(path.relative_to(self.folder)): path.read_bytes() for path in paths}

    def run(self, *arguments: str, module: str = "repro.cli") -> str:
        """What a command of the copy prints; it has to end well."""
        environment = {**os.environ, "PYTHONPATH": str(self.folder)}
        command = [sys.executable, "-m", module, *arguments]
        done = subprocess.run(command, cwd=self.folder, env=environment, capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def table(self, table_id: str, *arguments: str, suite: str = "mini") -> dict[tuple[str, str], dict[str, str]]:
        """The lines of a table's CSV, by row and column, after a run."""
        self.run("table", table_id, "--suite", suite, "--offline", "--device", "cpu", "--out", "out", *arguments)
        return self.written(table_id, suite)

    def written(self, table_id: str, suite: str = "mini") -> dict[tuple[str, str], dict[str, str]]:
        folder = self.folder / "out" if suite == "paper" else self.folder / "out" / suite
        return {(line["row"], line["column"]): line for line in from_csv(folder / f"{table_id}.csv")}


Add = Callable[[str], House]


@pytest.fixture
def add(tmp_path: Path) -> Add:
    """A function that puts a section's examples into a copy, and sees that they change the files they name alone."""

    def added(section: str) -> House:
        house = House(tmp_path / "copy")
        for room in ("repro", "tests"):
            shutil.copytree(ROOT / room, house.folder / room, ignore=shutil.ignore_patterns("*.pyc"))
        before = house.files()
        named = house.add(section)
        after = house.files()
        assert {name for name in after if after[name] != before.get(name)} == named
        return house

    return added


def assert_in_its_interval(line: dict[str, str]) -> None:
    assert float(line["ci_low"]) < float(line["value"]) < float(line["ci_high"])


@pytest.mark.long
def test_a_row(add: Add, minilm: zoo.Group) -> None:
    house = add("A row")
    line = house.table("sbert-2", "--row", "minilm-weighted", "--task", "stsb")["minilm-weighted", "stsb"]
    assert line["label"] == "all-MiniLM-L6-v2, later tokens weigh more"
    assert "|pool:weighted-mean|" in line["signature"]
    assert_in_its_interval(line)
    assert ("minilm-weighted", "stsb-dev") in house.table("sbert-2", "--row", "use", suite="paper")


@pytest.mark.long
def test_a_table(add: Add, minilm: zoo.Group) -> None:
    house = add("A table")
    assert "example-1    An example: all-MiniLM-L6-v2" in house.run("list")
    lines = house.table("example-1")
    assert [column for _, column in lines] == ["sts12", "stsb", "avg"]
    for column in ("sts12", "stsb"):
        assert_in_its_interval(lines["all-minilm-l6-v2", column])
    mean = np.mean([float(lines["all-minilm-l6-v2", column]["value"]) for column in ("sts12", "stsb")])
    assert float(lines["all-minilm-l6-v2", "avg"]["value"]) == pytest.approx(mean)
    lines = house.table("example-1", suite="paper")  # whose data are not here
    found = {column: (line["published"], line["verdict"]) for (_, column), line in lines.items()}
    assert found == {"sts12": ("72.37", "not-run"), "stsb": ("82.03", "not-run"), "avg": ("", "not-run")}
    shutil.copy(ROOT / "Makefile", house.folder)
    make = ["make", "--dry-run", "--old-file=.venv/.done", "example-1"]
    done = subprocess.run(make, cwd=house.folder, capture_output=True, text=True, check=True)
    assert ".venv/bin/repro table example-1\n" in done.stdout


@pytest.mark.long
def test_a_task(add: Add, tiny_bert: Path) -> None:
    """Held against scikit-learn's cosines of the encoder's vectors."""
    house, tiny = add("A task"), str(tiny_bert)
    line = house.table("sbert-2", "--encoder", tiny, "--row", tiny, "--task", "paraphrases")[tiny, "paraphrases"]
    assert line["signature"].startswith("paraphrases|suite:mini|metric:accuracy|sim:cos|pos:gold>4|")
    assert_in_its_interval(line)
    (part,) = TASKS["stsb"].load(MINI, registry.dataset("STSB", "mini"))
    pairs = [(a, b) for a, b, gold in zip(part.first, part.second, part.gold, strict=True) if gold > 4]
    first, second = (zoo.build(tiny, device="cpu").encode(side)[0].vectors for side in zip(*pairs, strict=True))
    cosines = cosine_similarity(first.astype(np.float64), second.astype(np.float64))
    nearest = cosines.diagonal() >= cosines.max(axis=1) - 1e-7
    assert float(line["value"]) == pytest.approx(100 * nearest.mean())


@pytest.mark.long
def test_a_metric(add: Add, tiny_bert: Path) -> None:
    house, tiny = add("A metric"), str(tiny_bert)
    line = house.table("sbert-2", "--encoder", tiny, "--row", tiny, "--task", "stsb-normal")[tiny, "stsb-normal"]
    assert "|corr:normal-scores|" in line["signature"]
    assert_in_its_interval(line)
    tests = ("tests/metrics/test_metrics.py", "tests/metrics/test_bootstrap.py")
    passed = house.run("-v", "-k", "normal-scores", "-p", "no:cacheprovider", *tests, module="pytest")
    assert "normal-scores] PASSED" in passed


@pytest.mark.long
def test_a_report_format(add: Add, tiny_bert: Path) -> None:
    house, tiny = add("A report format"), str(tiny_bert)
    line = house.table("sbert-2", "--encoder", tiny, "--row", tiny, "--task", "stsb")[tiny, "stsb"]
    page = house.folder / "out/mini/sbert-2.html"
    text = page.read_text(encoding="utf-8")
    assert f"<tr><th>{tiny}</th><td>{float(line['value']):.2f}</td><td>–</td></tr>" in text
    page.unlink()
    assert "sbert-2.html" in house.run("report", "sbert-2", "--suite", "mini", "--out", "out")
    assert page.read_text(encoding="utf-8") == text
    house.run("verify", "sbert-2", "--suite", "mini", "--out", "out")
    page.write_text(text.replace("</table>", ""), encoding="utf-8")
    with pytest.raises(AssertionError):
        house.run("verify", "sbert-2", "--suite", "mini", "--out", "out")
