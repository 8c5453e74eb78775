"""`repro doctor`: plain text and JSON, with nothing downloaded."""

import json
from pathlib import Path

import pytest

from repro import tables
from repro.cli.main import main
from repro.encoders import packages
from repro.evaluation import doctor
from repro.evaluation.suite import Suite
from repro.paths import home


def test_json_has_every_table_and_every_row(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "--json", "--offline"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["hub answers"] is False
    assert found["devices"]["cpu"]["float32"] is True
    assert set(found["data"].values()) == {False}  # a fresh REPRO_HOME
    assert found["libraries"]["torch"]["installed"] != "missing"
    for name, table in tables.TABLES.items():
        assert list(found["tables"][name]) == [row.slug for row in table.rows]
    assert found["tables"]["sbert-1"]["glove-840b-sick-sbert"].startswith("after `repro fetch`; the data set SICK ")
    assert found["tables"]["sbert-1"]["sbert-nli-base"].startswith(
        "weights not on this machine, and the hub is not asked or does not answer; the data sets STS12, STS13, "
    )


@pytest.mark.parametrize(
    ("table", "row", "state"),
    [
        ("sbert-1", "all-minilm-l6-v2", "after a download"),
        ("flow-4", "minilm-avg", "the data set QNLI is not here and cannot be had now"),  # its only column
        (
            "sbert-3",
            "all-minilm-l6-v2",
            "after a download; not the columns of AFS, whose data are not here and cannot be had now",
        ),
        ("sbert-6", "mean", "after a download"),  # trained on what can be fetched
    ],
)
def test_a_row_is_held_against_the_data_of_its_columns(table: str, row: str, state: str) -> None:
    """With a network, all-MiniLM-L6-v2 installed, and no data: AFS and QNLI are the user's to bring."""
    found = doctor.rows_that_can_run(table, Suite(), None)
    assert found[row] == state


def test_word_vectors_without_their_index_are_said_of_their_row_alone() -> None:
    """As after a download that was cut off between the two files."""
    folder = home() / "data/vectors"
    folder.mkdir(parents=True)
    (folder / "glove.6B.50d.npy").write_bytes(b"half")
    found = doctor.rows_that_can_run("sbert-1", Suite(), False)
    assert "glove.6B.50d" in found["glove-6b-50d-whitespace"]
    assert found["glove-avg"].startswith("the word vectors glove.6B.300d.txt are not on this machine")


@pytest.mark.parametrize(
    ("options", "state"),
    [
        (["--offline"], "weights not on this machine, and the hub is not asked or does not answer; `make base` brings"),
        ([], "after a download; `make base` brings"),
    ],
)
def test_a_row_whose_weights_a_package_carries_says_what_installs_it(
    options: list[str], state: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packages, "present", lambda package: None)
    assert main(["doctor", "--json", *options]) == 0
    found = json.loads(capsys.readouterr().out)["tables"]
    assert found["sbert-1"]["all-mpnet-base-v2"].startswith(f"{state} them")
    assert found["flow-2"]["mpnet-cls-flow-nli"].startswith(f"{state} them")
    assert found["sbert-1"]["all-minilm-l6-v2"].startswith(f"{state} them".replace("make base", "make setup"))
    assert "are not on this machine; put the file into" in found["sbert-5"]["glove-6b-50d-sbert"]
    assert found["sbert-5"]["glove-6b-50d-sbert"].count("; `make glove` brings them") == 1


@pytest.mark.parametrize(("options", "said"), [(["--offline"], "not-run"), ([], "compute")])
def test_a_dry_run_says_what_installs_weights(
    options: list[str], said: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packages, "present", lambda package: None)
    assert main(["table", "sbert-2", "--suite", "mini", "--encoder", "mpnet-avg", "--dry-run", *options]) == 0
    line = next(line for line in capsys.readouterr().out.splitlines() if "mpnet-avg × stsb" in line)
    assert line.startswith(said)
    assert "the weights sentence-transformers/all-mpnet-base-v2" in line
    assert "`make base` brings them" in line


def test_text_names_what_is_missing(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "--offline"]) == 0
    out = capsys.readouterr().out
    assert "Model hub does not answer, or may not be asked" in out
    assert "put the file into" in out


@pytest.mark.parametrize(
    ("pins", "installed", "tested"),
    [
        (None, "2.13.0+cpu", None),  # an installed package has no constraints.txt beside it
        ("torch==2.13.0\n", "2.13.0+cpu", None),
        ("torch==2.12.0 ; x\n", "2.13.0+cpu", "2.12.0"),
        ("numpy==1\n", "2.13.0", None),
    ],
)
def test_tested_versions_are_named_where_they_are_known_and_others(
    pins: str | None, installed: str, tested: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if pins is not None:
        (tmp_path / "constraints.txt").write_text(pins)
    monkeypatch.setattr(doctor, "CONSTRAINTS", tmp_path / "constraints.txt")
    monkeypatch.setattr(doctor, "version", lambda name: installed)
    assert doctor.libraries()["torch"] == {"installed": installed} | ({"tested": tested} if tested else {})
