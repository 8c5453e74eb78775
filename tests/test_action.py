"""The composite action: its steps are run by bash with stubs for pip and repro, whose arguments the parser takes."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from repro.cli.parser import build_parser

PATH = Path(__file__).parents[1] / ".github/actions/verify/action.yml"
ACTION: dict[str, Any] = yaml.safe_load(PATH.read_text(encoding="utf-8"))
STEPS: list[dict[str, Any]] = ACTION["runs"]["steps"]
STUB = f"""#!{sys.executable}
import json, os, sys
with open(os.environ["CALLS"], "a") as file:
    print(json.dumps(sys.argv), file=file)
"""
HOSTILE = 'a b\'; touch broken; "$(touch broken)" `touch broken`'
INPUTS = {
    "tables": "sbert-1  sbert-2",
    "encoder": "./my-model",
    "baseline": "baseline/sbert-1.csv",
    "tolerance": "0.1",
    "junit": "junit.xml",
    "out": "tables",
    "suite": "",
    "python-version": "3.11",
}


def calls(folder: Path, inputs: dict[str, str]) -> list[list[str]]:
    """Every call of python and repro that the steps make with these inputs, in a folder."""
    for name in ("python", "repro"):
        (folder / name).write_text(STUB)
        (folder / name).chmod(0o755)
    values = {f"inputs.{name}": value for name, value in inputs.items()} | {"github.action_path": str(PATH.parent)}
    for step in (step for step in STEPS if "run" in step):
        given = {
            name: re.sub(r"\$\{\{ (\S+) \}\}", lambda match: values[match[1]], text)
            for name, text in step["env"].items()
        }
        path = f"{folder}{os.pathsep}{os.environ['PATH']}"
        environment = {**given, "PATH": path, "CALLS": str(folder / "calls")}
        flags = ["--noprofile", "--norc", "-eo", "pipefail"]  # as a runner starts `shell: bash`
        subprocess.run(["bash", *flags, "-c", step["run"]], cwd=folder, env=environment, check=True)
    lines = (folder / "calls").read_text().splitlines()
    return [[Path(program).name, *arguments] for program, *arguments in map(json.loads, lines)]


def test_the_steps_install_run_and_verify(tmp_path: Path) -> None:
    install, *tables, verify = calls(tmp_path, INPUTS)
    assert install[:4] == ["python", "-m", "pip", "install"]
    root = PATH.parents[3]
    assert [Path(install[5]).resolve(), Path(install[6]).resolve()] == [root / "constraints.txt", root]
    parser = build_parser()
    for call, table in zip(tables, ("sbert-1", "sbert-2"), strict=True):
        assert call[0] == "repro"
        arguments = parser.parse_args(call[1:])
        assert (arguments.id, arguments.encoder, arguments.row) == (table, ["./my-model"], ["./my-model"])
        assert str(arguments.out) == "tables"
    arguments = parser.parse_args(verify[1:])
    assert (arguments.command, arguments.ids) == ("verify", ["sbert-1", "sbert-2"])
    assert (str(arguments.against), arguments.tolerance) == ("baseline/sbert-1.csv", 0.1)
    assert (str(arguments.junit), str(arguments.out), arguments.row) == ("junit.xml", "tables", ["./my-model"])


def test_another_suite_can_be_installed(tmp_path: Path) -> None:
    assert calls(tmp_path, {**INPUTS, "suite": HOSTILE})[0] == ["python", "-m", "pip", "install", HOSTILE]


@pytest.mark.parametrize("name", sorted(INPUTS.keys() - {"tolerance", "tables"}))
def test_inputs_reach_the_commands_as_they_are(name: str, tmp_path: Path) -> None:
    called = calls(tmp_path, {**INPUTS, name: HOSTILE})
    assert not (tmp_path / "broken").exists()
    if name != "python-version":  # an input of another action
        assert any(HOSTILE in call for call in called)


def test_no_expression_stands_in_a_script_and_every_input_is_used() -> None:
    assert all("${{" not in step.get("run", "") for step in STEPS)
    text = PATH.read_text(encoding="utf-8")
    assert set(re.findall(r"inputs\.([\w-]+)", text)) == set(ACTION["inputs"]) == set(INPUTS)
    assert {name for name, given in ACTION["inputs"].items() if given.get("required")} == {
        *("tables", "encoder", "baseline")
    }


def test_its_defaults_are_those_of_the_commands() -> None:
    from repro.published.ledger import DEFAULT_TOLERANCE

    assert float(ACTION["inputs"]["tolerance"]["default"]) == DEFAULT_TOLERANCE
