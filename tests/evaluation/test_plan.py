"""Who plans, or only looks, touches nothing; who runs, nothing that the cells asked for do not need."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from repro import tables
from repro.cli.main import main
from repro.encoders import trained_here, zoo
from repro.evaluation import doctor
from repro.evaluation.config import Options
from repro.evaluation.plan import plan
from repro.evaluation.session import Session
from repro.evaluation.trainings import TrainingUnit

LOOKING = [
    ["claims", "--out", str(Path(__file__).parents[2] / "tables")],
    ["doctor"],
    ["doctor", "--offline", "--json"],
    ["table", "sbert-1", "--dry-run"],
    ["table", "sbert-2", "--dry-run"],
    ["table", "simcse-5", "--dry-run", "--row", "all-minilm-l6-v2"],
    ["table", "whitening-1", "--dry-run", "--row", "minilm-avg-whitening-nli"],
    ["table", "sbert-7", "--suite", "mini", "--dry-run"],
    ["compare", "sbert-1", "all-minilm-l6-v2", "glove-avg"],
    ["cache"],
    ["list", "encoders"],
]


@pytest.fixture
def nobody_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    def asked(*_: object, **__: object) -> None:
        raise AssertionError("something that is not here was asked for")

    for name in ("huggingface_hub.snapshot_download", "huggingface_hub.hf_hub_download", "pooch.retrieve"):
        monkeypatch.setattr(name, asked)
    monkeypatch.setattr("repro.hub.hub_answers", asked)
    monkeypatch.setattr("repro.evaluation.doctor.hub_answers", asked)


@pytest.mark.usefixtures("nobody_is_asked")
@pytest.mark.parametrize("command", LOOKING, ids=" ".join)
def test_who_looks_leaves_an_empty_home_empty(
    command: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(command) == (2 if command[0] == "compare" else 0)
    said = capsys.readouterr().err
    assert ("no stored column in common; run the table first" in said) == (command[0] == "compare")
    assert "asked for" not in said
    assert list(tmp_path.iterdir()) == []


COUNTED = """
import socket, sys
attempts = []
for name in ("connect", "connect_ex"):
    setattr(socket.socket, name, lambda *_: attempts.append(1) or (_ for _ in ()).throw(OSError("blocked")))
for name in ("getaddrinfo", "create_connection"):
    setattr(socket, name, lambda *_, **__: attempts.append(1) or (_ for _ in ()).throw(OSError("blocked")))
from repro.cli.main import main
status = main(sys.argv[1:])
print(f"{len(attempts)} attempts, torch {'torch' in sys.modules}", file=sys.stderr)
sys.exit(status)
"""


@pytest.mark.parametrize(
    "command", ["table sbert-2 --row all-minilm-l6-v2 --dry-run", "claims", "doctor", "verify sbert-1"]
)
def test_who_looks_makes_no_attempt_to_connect(command: str, tmp_path: Path) -> None:
    environment = {**os.environ, "REPRO_HOME": str(tmp_path / "home")}
    done = subprocess.run(
        [sys.executable, "-c", COUNTED, *command.split()], env=environment, capture_output=True, text=True, check=True
    )
    devices = command == "doctor"  # which it asks torch for
    assert done.stderr.splitlines()[-1] == f"0 attempts, torch {devices}"
    assert not (tmp_path / "home").exists()


# row, column, and the data sets that these need
@pytest.mark.real
@pytest.mark.parametrize(
    ("row", "column", "folders"),
    [
        ("all-minilm-l6-v2", "stsb", {"downstream/STS/STSBenchmark"}),
        ("all-minilm-l6-v2", "sts16", {"downstream/STS/STS16-en-test"}),
        ("glove-840b-sick-sbert", "sickr", {"downstream/SICK", "vectors/glove.840B.300d.sick"}),
    ],
)
@pytest.mark.usefixtures("minilm")
def test_a_cell_gets_what_it_needs_and_nothing_else(
    row: str, column: str, folders: set[str], mirror: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("huggingface_hub.snapshot_download", "huggingface_hub.hf_hub_download"):
        monkeypatch.setattr(name, None)
    monkeypatch.setattr("repro.hub.hub_answers", None)
    table = ["table", "sbert-1", "--row", row, "--task", column, "--limit", "10", "--device", "cpu"]
    assert main([*table, "--mirror", str(mirror), "--out", str(tmp_path / "out")]) == 0
    fetched = {path.parent for path in (tmp_path / "home/data").rglob("*") if path.is_file() and path.suffix != ".lock"}
    assert {str(path.relative_to(tmp_path / "home/data")) for path in fetched} == folders


def test_a_row_that_is_named_is_the_only_one_that_is_trained() -> None:
    planned = plan(tables.get("sbert-2"), Options(rows=("sbert-stsb-base",), seeds=2))
    units = planned.units()
    assert all(isinstance(unit, TrainingUnit) for unit in units)
    assert len({(unit.recipe, unit.seed) for unit in units if isinstance(unit, TrainingUnit)}) == 2  # one a seed
    assert {row for unit in units for row, _ in unit.cells} == {"sbert-stsb-base"}


@pytest.mark.usefixtures("nobody_is_asked")
def test_a_model_that_is_trained_here_is_no_download_and_says_what_trains_it(tiny_bert: Path) -> None:
    recipe = zoo.recipe("scratch-bert").plain
    (need,) = Session(Options()).needs_weights(recipe)
    assert need.get is None
    assert need.why == f"scratch-bert is not on this machine; {trained_here.MADE_BY['scratch-bert']}"
    assert doctor._weights(recipe, None) == need.why
    shutil.copytree(tiny_bert, trained_here.folder("scratch-bert"))
    assert list(Session(Options()).needs_weights(recipe)) == []
    assert doctor._weights(recipe, None) == "yes"
