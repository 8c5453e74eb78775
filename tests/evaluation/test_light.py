"""The rows that a machine without a GPU measures."""

from __future__ import annotations

import pytest

from repro import tables
from repro.cli.main import main
from repro.evaluation.light import light_rows


@pytest.mark.parametrize("name", tables.TABLES)
def test_every_table_has_some_and_no_large_model_or_training_on_nli_is_among_them(name: str) -> None:
    rows = light_rows(tables.get(name))
    assert rows
    assert not [row for row in rows if "large" in row]
    assert not [row for row in rows if row.startswith(("bert", "roberta", "sbert")) and row.endswith("-nli")]


def test_the_released_base_models_are_light() -> None:
    assert {"sbert-nli-base", "bert-base-avg", "all-minilm-l6-v2"} <= set(light_rows(tables.get("sbert-1")))
    assert "sbert-nli-large" not in light_rows(tables.get("sbert-1"))
    assert "minilm-stsb" in light_rows(tables.get("sbert-2"))
    assert "sbert-stsb-base" not in light_rows(tables.get("sbert-2"))
    assert {"bert-base-whitening-target", "minilm-avg-whitening-nli"} <= set(light_rows(tables.get("whitening-1")))


def test_light_rows_alone_are_planned(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["table", "sbert-1", "--light", "--dry-run", "--offline"]) == 0
    out = capsys.readouterr().out
    assert "not-run  sbert-nli-large × sts12: not asked for in this run" in out
    assert main(["table", "sbert-1", "--light", "--row", "use"]) == 2
