"""Settings of recipes as cells: shown and judged, written again from the CSV, and never measured."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from repro.cli.main import main
from repro.encoders import zoo
from repro.evaluation.config import Options
from repro.evaluation.plan import plan
from repro.evaluation.settings import Settings
from repro.evaluation.systems import system_of
from repro.evaluation.written import lines_of
from repro.published.verify import verify
from repro.tables import get
from repro.tables.spec import BEYOND, Row

TABLE = get("flow-7")


def test_a_cell_is_the_field_of_the_recipe_beside_the_papers() -> None:
    lines = {(line["row"], line["column"]): line for line in lines_of(plan(TABLE, Options()))}
    cells = {place: (line["value"], line["published"], line["verdict"]) for place, line in lines.items()}
    assert cells == {
        ("bert-base-flow-target", "levels"): ("2.0", "2.0", "match"),
        ("bert-base-flow-target", "depth"): ("3.0", "3.0", "match"),
        ("bert-base-flow-target", "width"): ("32.0", "32.0", "match"),
        ("bert-base-flow3-target", "levels"): ("3.0", "3.0", "match"),
        ("bert-base-flow3-target", "depth"): ("3.0", "", "no-published"),
        ("bert-base-flow3-target", "width"): ("32.0", "", "no-published"),
    }


def test_other_settings_deviate_and_other_rows_have_none() -> None:
    wider = zoo.recipe("bert-base-flow-target,width=64").fitted
    assert wider is not None
    row = TABLE.rows[0]
    rows = (replace(row, system=Settings(wider)), Row("plain", "plain", BEYOND, system_of(zoo.MINILM)))
    lines = {(line["row"], line["column"]): line for line in lines_of(plan(replace(TABLE, rows=rows), Options()))}
    assert [lines[row.slug, "width"][name] for name in ("value", "delta", "verdict")] == ["64.0", "32.0", "deviates"]
    assert (lines["plain", "width"]["value"], lines["plain", "width"]["reason"]) == (
        "",
        "its recipe has no such setting",
    )


def test_a_written_setting_is_held_against_the_recipe(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["table", "flow-7", "--out", str(tmp_path)]) == 0
    assert verify("flow-7", tmp_path) == []
    path = tmp_path / "flow-7.csv"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace(",depth,setting,3.0,", ",depth,setting,4.0,"), encoding="utf-8")
    assert any("is 4.0; its parts make 3" in sentence for sentence in verify("flow-7", tmp_path))
