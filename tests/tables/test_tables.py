"""Tables are found by themselves: a module in the folder is a table, is listed, and is a target of make."""

from __future__ import annotations

import pkgutil
import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

from repro import tables
from repro.cli.main import main
from repro.errors import ReproError
from repro.tables.spec import FLOW_SEEDS

ROOT = Path(__file__).parents[2]
SBERT = [*(f"sbert-{number}" for number in range(1, 8)), "sbert-65h"]
WHITENING = ["whitening-1", "whitening-2", "whitening-f2", "whitening-r1"]
FLOW = [f"flow-{number}" for number in range(1, 9)]
SIMCSE = [
    *("simcse-1", "simcse-2", "simcse-3", "simcse-4", "simcse-5", "simcse-6", "simcse-7"),
    *("simcse-a1", "simcse-b1", "simcse-b2", "simcse-b3", "simcse-c1", "simcse-d1", "simcse-d2", "simcse-e1"),
]
SENTEVAL = ["senteval-3"]
LISTED = [*SBERT, *WHITENING, *FLOW, *SIMCSE, *SENTEVAL]
FACTS = ["flow-7", "simcse-a1", "simcse-b1"]  # nothing in them is measured
IDS = [table_id for table_id in LISTED if table_id not in FACTS]
MODULE = """
from dataclasses import replace
from repro.tables.sbert_1_unsupervised_sts import TABLE as FIRST
TABLE = replace(FIRST, id="{id}", title="another table")
"""


def commands_of(target: str) -> list[str]:
    """What `make target` would run, the set-up left out."""
    run = subprocess.run(
        ["make", "--dry-run", "--old-file=.venv/.done", target], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return [line for line in run.stdout.splitlines() if line.startswith(".venv/bin/repro")]


def test_tables_stand_paper_after_paper() -> None:
    assert list(tables.TABLES) == IDS
    assert [table.id for table in tables.listed()] == LISTED
    assert all(table.id == name for name, table in tables.TABLES.items())


@pytest.mark.parametrize(
    ("table_id", "before", "after"),
    [
        ("sbert-10", "sbert-7", "sbert-65h"),
        ("simcse-a2", "simcse-7", "simcse-b2"),  # tables of facts are no such tables
        ("another-1", "senteval-3", None),  # of a paper that nobody listed
    ],
)
def test_a_module_in_the_folder_is_a_table(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, table_id: str, before: str, after: str | None
) -> None:
    name = f"{table_id.replace('-', '_')}_written_for_a_test"
    (tmp_path / f"{name}.py").write_text(MODULE.format(id=table_id), encoding="utf-8")
    monkeypatch.setattr(tables, "__path__", [*tables.__path__, str(tmp_path)])
    try:
        ids = [*tables.discover(), None]
    finally:
        sys.modules.pop(f"repro.tables.{name}", None)
    assert ids[ids.index(table_id) - 1 : ids.index(table_id) + 2] == [before, table_id, after]


def test_an_unknown_table_is_refused_with_the_ids_there_are() -> None:
    with pytest.raises(ReproError, match=r"'sbert-8' is not a table; there are: sbert-1, .*, senteval-3"):
        tables.get("sbert-8")


def test_a_list_of_tables_needs_neither_torch_nor_scipy() -> None:
    code = "import sys, repro.tables; print(sorted({'torch', 'scipy', 'transformers'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_the_name_of_a_module_begins_with_the_id_of_its_table() -> None:
    """The Makefile reads the ids from the names."""
    for module in pkgutil.iter_modules(tables.__path__):
        found = import_module(f"repro.tables.{module.name}")
        table = getattr(found, "TABLE", None) or getattr(found, "FACTS", None)
        if table is not None:
            assert module.name.startswith(f"{table.id.replace('-', '_')}_")


@pytest.mark.parametrize("table_id", LISTED)
def test_every_id_is_a_target_of_make(table_id: str) -> None:
    assert commands_of(table_id) == [f".venv/bin/repro table {table_id}"]


@pytest.mark.parametrize(
    ("target", "ids"),
    [
        *((f"table{number}", [f"sbert-{number}"]) for number in range(1, 8)),
        ("flow", FLOW),
        ("whitening", WHITENING),
        ("simcse", SIMCSE),
        ("tables", [*FLOW, *SBERT, *SENTEVAL, *SIMCSE, *WHITENING]),  # papers by name, tables by number
    ],
)
def test_short_and_common_targets_of_make(target: str, ids: list[str]) -> None:
    assert commands_of(target) == [f".venv/bin/repro table {table_id}" for table_id in ids]


@pytest.mark.parametrize("table_id", IDS)
def test_the_command_below_a_table_makes_it(table_id: str) -> None:
    make, target = tables.get(table_id).command.split()
    assert make == "make"
    assert f".venv/bin/repro table {table_id}" in commands_of(target)


def test_the_readme_lists_the_tables() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    listed = re.findall(r"^\| `make ([\w-]+)` \| \[(.+)\]\(tables/([\w-]+)\.md\) \|$", readme, re.MULTILINE)
    assert listed == [(table.id, table.title, table.id) for table in tables.listed()]


def test_help_names_every_target_once() -> None:
    shown = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = re.findall(r"^([a-z][\w-]*):", makefile, re.MULTILINE)
    assert all(len(re.findall(rf"\bmake {target}\b(?!-)", shown)) == 1 for target in targets)
    assert all(table_id in shown for table_id in LISTED)


def test_a_table_of_facts_is_written_and_not_measured(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["table", "simcse-a1", "--out", str(tmp_path)]) == 0
    assert {path.name for path in tmp_path.iterdir()} == {"simcse-a1.md", "simcse-a1.csv"}
    with pytest.raises(ReproError, match="nothing in simcse-a1 is measured"):
        tables.get("simcse-a1")


@pytest.mark.parametrize("table_id", ["flow-8", "flow-2", "simcse-b3"])
def test_a_flow_that_a_user_names_is_fitted_as_often_as_the_tables_own(table_id: str) -> None:
    """One fit once stood under "mean of 5 runs"."""
    named = tables.get(table_id).with_encoders(["minilm-avg,post=flow,source=nli", "minilm-avg,post=whitening"])
    assert [len(row.system.runs(None)) for row in named.rows[-2:]] == [FLOW_SEEDS, 1]
