"""`repro doctor`: plain text and JSON, with nothing downloaded."""

import json

import pytest

from repro import tables
from repro.cli import main


def test_json_has_every_table_and_every_row(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "--json", "--offline"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["hub answers"] is False
    assert found["devices"]["cpu"]["float32"] is True
    assert set(found["data"].values()) == {False}  # a fresh REPRO_HOME
    assert found["libraries"]["torch"]["installed"] != "missing"
    for name, table in tables.TABLES.items():
        assert list(found["tables"][name]) == [row.slug for row in table.rows]
    assert found["tables"]["sbert-1"]["glove-840b-sick-sbert"] == "after `repro fetch`"
    assert found["tables"]["sbert-1"]["sbert-nli-base"] == "weights not on this machine, and the hub does not answer"


def test_text_names_what_is_missing(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "--offline"]) == 0
    out = capsys.readouterr().out
    assert "Model hub does not answer" in out
    assert "put the file into" in out
