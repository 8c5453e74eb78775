"""`repro table`: which rows a command asks for, and which options have a meaning for them."""

from __future__ import annotations

from pathlib import Path

import pytest

from repro import evaluate, tables
from repro.cli.main import main
from repro.cli.tables import _show
from repro.errors import ReproError
from repro.reports.layout import lay_out
from repro.results.csv_lines import from_csv
from tests.processes import ROOT

Said = pytest.CaptureFixture[str]


def planned(capsys: Said, *arguments: str) -> set[str]:
    """The rows that a table of the embedded set would compute."""
    capsys.readouterr()
    assert main(["table", *arguments, "--suite", "mini", "--task", "stsb", "--dry-run"]) == 0
    lines = capsys.readouterr().out.splitlines()
    return {line.split()[1] for line in lines if line.startswith("compute")}


def test_an_encoder_is_not_taken_for_the_row_of_its_name_that_is_trained(capsys: Said) -> None:
    assert main(["table", "sbert-6", "--encoder", "scratch-cls", "--dry-run"]) == 2
    said = capsys.readouterr().err
    assert "sbert-6's row scratch-cls is a model that is trained from the encoder of that name" in said
    with pytest.raises(ReproError, match="choose it with --row, or name the encoder by its weights and settings"):
        evaluate("scratch-cls", "sbert-6")
    assert main(["table", "sbert-6", "--row", "scratch-cls", "--dry-run"]) == 0
    assert main(["table", "sbert-1", "--encoder", "scratch-cls", "--dry-run"]) == 0  # there it is the encoder


def test_a_row_of_a_base_or_an_encoder_can_be_chosen(tiny_bert: Path, capsys: Said) -> None:
    base = ["sbert-2", "--base", str(tiny_bert)]
    rows = {f"{tiny_bert}:{setup}" for setup in ("stsb", "nli-stsb", "cross-stsb", "cross-nli-stsb")}
    assert rows < planned(capsys, *base)
    assert planned(capsys, *base, "--row", f"{tiny_bert}:stsb") == {f"{tiny_bert}:stsb"}
    # an encoder, and a base of which no row is named, were added to be computed
    chosen = ["--encoder", "minilm-max", "--row", f"{tiny_bert}:stsb"]
    assert planned(capsys, *base, *chosen) == {f"{tiny_bert}:stsb", "minilm-max"}
    assert planned(capsys, *base, "--row", "minilm-avg") == {*rows, "minilm-avg"}
    assert planned(capsys, "sbert-1", "--encoder", str(tiny_bert), "--row", "minilm-avg") == {
        *(str(tiny_bert), "minilm-avg"),
    }


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (
            ["sbert-1", "--encoder", "builtins:len", "--row", "builtins:len", "--dtype", "bfloat16"],
            "in bfloat16; leave out --dtype",
        ),
        (["sbert-1", "--sample", "3"], "sbert-1 trains none of the rows that were asked for; leave out --sample"),
        (
            ["sbert-1", "--seeds", "3"],
            "sbert-1 trains or draws none of the rows that were asked for; leave out --seeds",
        ),
        (["sbert-2", "--row", "minilm-avg", "--sample", "3"], "sbert-2 trains none of the rows that were asked for"),
        (["flow-2", "--sample", "3"], "flow-2 trains none"),  # flows are fitted, on the whole of their corpus
    ],
)
def test_a_cut_without_a_meaning_for_any_row_is_refused(arguments: list[str], why: str, capsys: Said) -> None:
    assert main(["table", *arguments, "--suite", "mini", "--dry-run"]) == 2
    assert why in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments", [["sbert-2", "--sample", "3"], ["sbert-2", "--seeds", "2"], ["flow-2", "--seeds", "2"]]
)
def test_a_cut_of_some_rows_is_not(arguments: list[str]) -> None:
    assert main(["table", *arguments, "--suite", "mini", "--dry-run"]) == 0


FACTS = [
    *(["--row", "nope"], ["--task", "nope"], ["--encoder", "./nothere"], ["--base", "./nothere"], ["--light"]),
    *(["--limit", "3"], ["--seeds", "2"], ["--sample", "2"], ["--probe", "exact"], ["--picture", "x.svg"], ["--force"]),
]


def test_a_dry_run_of_a_table_of_facts_has_nothing_to_compute(tmp_path: Path, capsys: Said) -> None:
    assert main(["table", "simcse-a1", "--out", str(tmp_path), "--dry-run"]) == 0
    assert capsys.readouterr().out == "nothing in simcse-a1 is measured: 0 cells to compute\n"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("table", ["simcse-2", "simcse-4", "sbert-1"])
def test_a_row_that_is_measured_in_any_section_was_run(table: str, capsys: Said) -> None:
    lines = from_csv(ROOT / f"tables/{table}.csv")
    _show(lay_out(tables.get(table), lines), None)
    rows = {line["row"] for line in lines} - {line["row"] for line in lines if line["value"]}
    assert f"\n{len(rows)} rows were not run; " in capsys.readouterr().out


@pytest.mark.parametrize("option", FACTS)
def test_what_means_nothing_to_a_table_of_facts_is_refused(option: list[str], tmp_path: Path, capsys: Said) -> None:
    assert main(["table", "simcse-a1", "--out", str(tmp_path), *option]) == 2
    assert f"nothing in simcse-a1 is measured; leave out {option[0]}" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
