"""Which part of a written table is exported."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from repro.errors import ReproError
from repro.reports.exports.selection import select

COMMITTED = Path(__file__).parents[3] / "tables"
CSV = COMMITTED / "sbert-1.csv"


def test_all_of_a_table_and_a_part_of_it() -> None:
    whole = select(CSV, [], [])
    assert len(whole.lines) == len(whole.table.rows) * len(whole.table.columns)
    assert 0 < len(whole.measured) < len(whole.lines)
    part = select(CSV, ["all-mpnet-base-v2", "all-minilm-l6-v2"], ["avg", "sts13"])
    assert [(line["row"], line["column"]) for line in part.lines] == [
        ("all-minilm-l6-v2", "sts13"),
        ("all-minilm-l6-v2", "avg"),
        ("all-mpnet-base-v2", "sts13"),
        ("all-mpnet-base-v2", "avg"),
    ]
    assert [(column.slug, line["row"]) for column, line in part.scored] == [
        ("sts13", "all-minilm-l6-v2"),
        ("sts13", "all-mpnet-base-v2"),
    ]


def test_a_cut_run_keeps_its_banner(tmp_path: Path) -> None:
    path = Path(shutil.copy(CSV, tmp_path / "sbert-1.limit-50.csv"))
    assert "--limit 50" in select(path, [], []).table.banner


# (file, rows, tasks, what is said)
BAD = [
    ("sbert-9.csv", [], [], "'sbert-9' is not a table"),
    ("nowhere/sbert-1.csv", [], [], r"sbert-1\.csv is missing; write it with `repro table sbert-1`"),
    ("sbert-1.csv", ["nobody"], [], "sbert-1 has no row 'nobody'; there are"),
    ("sbert-1.csv", [], ["sts99"], "sbert-1 has no task 'sts99'; there are: sts12,"),
    ("sbert-1.csv", ["all-minilm-l6-v2", "use"], [], "the row 'use' of sbert-1 has no measured number"),
    ("sbert-4.csv", [], [], "sbert-4 has no measured number; `repro table sbert-4` measures what can be"),
]


@pytest.mark.parametrize(("name", "rows", "tasks", "message"), BAD)
def test_bad_input(name: str, rows: list[str], tasks: list[str], message: str) -> None:
    with pytest.raises(ReproError, match=message):
        select(COMMITTED / name, rows, tasks)


def test_a_file_that_lacks_a_cell_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "sbert-1.csv"
    path.write_text("".join(CSV.read_text(encoding="utf-8").splitlines(keepends=True)[:-1]), encoding="utf-8")
    with pytest.raises(ReproError, match=r"is not as this suite wrote it: the cell .* is missing"):
        select(path, [], [])
