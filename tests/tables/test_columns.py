"""Columns that tables share: what they are called, and on which text their tasks score."""

from __future__ import annotations

import pytest

from repro import tables
from repro.tables.columns import RAW, SENTEVAL, SIMCSE_TEXT, map_label, sts
from repro.tables.spec import Column


@pytest.mark.parametrize(("text", "end"), [(RAW, ""), (SENTEVAL, "-senteval")])
def test_the_text_of_stsb_and_sick_changes_the_task_and_no_slug(text: str, end: str) -> None:
    columns = sts("all", suffix="-all", text=text)
    names = ["sts12", "sts13", "sts14", "sts15", "sts16", "stsb", "sickr"]
    assert [column.slug for column in columns] == [*(f"{name}-all" for name in names), "avg-all"]
    scored = [column for column in columns if isinstance(column, Column)]
    assert [column.task for column in scored] == [*names[:5], f"stsb{end}", f"sickr{end}"]
    assert {column.metric for column in scored} == {"spearman-all"}


# SimCSE evaluated SentEval's files (evaluation.py:90); the other papers, and MTEB, raw text
@pytest.mark.parametrize("table", ["simcse-5", "simcse-6", "simcse-b2"])
def test_simcses_tables_share_one_form_of_the_text(table: str) -> None:
    tasks = {column.task for column in tables.get(table).scored()}
    graded = {task for task in tasks if task.startswith(("stsb", "sickr"))}
    assert graded
    assert all(task.endswith(SIMCSE_TEXT) for task in graded)


@pytest.mark.parametrize("table", ["sbert-1", "sbert-2", "whitening-1", "flow-2"])
def test_the_other_tables_score_raw_text(table: str) -> None:
    assert not any(column.task.endswith(SENTEVAL) for column in tables.get(table).scored())


@pytest.mark.parametrize(
    ("kind", "label"),
    [
        ("whitening-256-nli", "whitening-256 (NLI sample)"),
        ("flow-target", "flow (target)"),
        ("flow3-nli", "flow, three levels (NLI sample)"),
    ],
)
def test_labels_of_maps(kind: str, label: str) -> None:
    assert map_label(kind) == label
