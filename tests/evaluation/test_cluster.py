"""What is handed on to submitit, and what is refused before anything runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from repro.cli.main import main
from repro.errors import ReproError
from repro.evaluation.executors import TIMEOUT, Cluster

TABLE = "table sbert-1 --suite mini --offline --out OUT"


@pytest.fixture
def slurm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine that has a program named srun, which is how submitit finds Slurm."""
    program = tmp_path / "bin/srun"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(program.parent), prepend=":")


@pytest.mark.usefixtures("slurm")
def test_parameters_are_submitits_own() -> None:
    executor = Cluster("slurm", 4, ("partition=gpu", "gpus=2", "time=600", "constraint=a100")).executor()
    expected = {"partition": "gpu", "gpus_per_node": 2, "time": 600, "constraint": "a100", "job_name": "repro"}
    assert {name: executor._executor.parameters[name] for name in expected} == expected
    assert Cluster("slurm").executor()._executor.parameters["time"] == TIMEOUT


@pytest.mark.usefixtures("slurm")
def test_a_parameter_that_submitit_does_not_know_is_named() -> None:
    with pytest.raises(ReproError, match=r"--slurm colour=red: submitit knows account, .*partition"):
        Cluster("slurm", slurm=("colour=red",)).executor()


@pytest.mark.parametrize("setting", ["partition", "=gpu", "partition="])
def test_a_setting_without_name_or_value(setting: str) -> None:
    with pytest.raises(ReproError, match="use name=value, such as partition=gpu,gpus=1,time=600"):
        Cluster("slurm", slurm=(setting,)).executor()


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ("--slurm partition=gpu", "--slurm goes with --executor slurm"),
        ("--executor local --slurm time=5", "--slurm goes with --executor slurm"),
        ("--executor slurm", "--executor slurm cannot be used here"),
    ],
)
def test_what_cannot_be_handed_on_is_refused_first(
    more: str, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*TABLE.replace("OUT", str(tmp_path)).split(), *more.split()]) == 2
    assert message in capsys.readouterr().err
    assert list(tmp_path.rglob("*.csv")) == []
