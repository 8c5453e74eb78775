"""`repro table`: which rows a command asks for, and which options have a meaning for them."""

from __future__ import annotations

from pathlib import Path

import pytest

from repro.cli.main import main

Said = pytest.CaptureFixture[str]


def planned(capsys: Said, *arguments: str) -> set[str]:
    """The rows that a table of the embedded set would compute."""
    capsys.readouterr()
    assert main(["table", *arguments, "--suite", "mini", "--task", "stsb", "--dry-run"]) == 0
    lines = capsys.readouterr().out.splitlines()
    return {line.split()[1] for line in lines if line.startswith("compute")}


def test_a_row_of_a_base_or_an_encoder_can_be_chosen(tiny_bert: Path, capsys: Said) -> None:
    base = ["sbert-2", "--base", str(tiny_bert)]
    rows = {f"{tiny_bert}:{setup}" for setup in ("stsb", "nli-stsb", "cross-stsb", "cross-nli-stsb")}
    assert rows < planned(capsys, *base)
    assert planned(capsys, *base, "--row", f"{tiny_bert}:stsb") == {f"{tiny_bert}:stsb"}
    assert planned(capsys, *base, "--encoder", "minilm-max", "--row", "minilm-max") == {"minilm-max"}
    # none of theirs is named: they were added to be computed
    assert planned(capsys, *base, "--row", "minilm-avg") == {*rows, "minilm-avg"}
    assert planned(capsys, "sbert-1", "--encoder", str(tiny_bert), "--row", "minilm-avg") == {
        *(str(tiny_bert), "minilm-avg"),
    }
