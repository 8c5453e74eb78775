"""Tables of facts: what the ledger has of them, whole, and what this suite does beside it."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from repro.published import ledger
from repro.reports import facts
from repro.tables import FACTS


@pytest.mark.parametrize(("table", "count"), [("flow-7", 4), ("simcse-a1", 12), ("simcse-b1", 30)])  # the ledger's
def test_every_line_of_the_ledger_is_a_cell_and_the_suite_does_the_same(table: str, count: int) -> None:
    found = facts.cells(FACTS[table])
    assert len(found) == count == len(ledger.printed(*FACTS[table].source))
    assert {fact.verdict for fact in found} == ({"same"} if table == "simcse-a1" else {"same", ""})
    own = FACTS[table].own()
    assert {(fact.system, fact.fact) for fact in found if fact.verdict} == set(own)  # each is of a line


# SimCSE Table B.1
@pytest.mark.parametrize(
    ("paper", "aggregation"),
    [
        ("Reimers and Gurevych (2019)", "all"),
        ("Li et al. (2020)", "wmean"),
        ("Su et al. (2021)", "wmean"),
        ("Ours", "all"),
    ],
)
def test_protocols_of_the_four_papers(paper: str, aggregation: str) -> None:
    own = FACTS["simcse-b1"].own()
    names = ("additional regressor", "correlation metric", "aggregation")
    assert tuple(own[paper, name] for name in names) == ("no", "Spearman", aggregation)


@pytest.mark.parametrize(
    ("printed", "own", "same"),
    [
        ("3e-5", "3e-05", True),
        ("64", "64", True),
        ("1e-5", "3e-05", False),
        ("Spearman", "spearman", True),
        ("64", "64/512", False),
    ],
)
def test_texts_that_say_the_same(printed: str, own: str, same: bool) -> None:
    assert facts.equal(printed, own) == same


def test_a_page_and_a_csv_file(tmp_path: Path) -> None:
    page, lines = facts.texts(FACTS["simcse-a1"], tmp_path).values()
    assert "| unsup RoBERTa-large | 512 ✓ | 3e-5 ✓ |" in page
    rows = list(csv.DictReader(lines.splitlines()))
    assert rows[0]["published"] == "64"
    assert rows[0]["verdict"] == "same"
    names, rows = facts.grid(facts.cells(FACTS["simcse-a1"]))
    assert (names, rows["unsup BERT-base"]) == (["batch size", "learning rate"], ["64 ✓", "3e-5 ✓"])
    differing = facts.Fact("t", "s", "f", "64", "512", "differs", "")
    assert differing.text == "64 (512 ✗)"


@pytest.mark.parametrize("name", ["simcse-a1.md", "simcse-a1.csv"])
@pytest.mark.parametrize("damage", [None, b"3e-5 is 3e-4\n"])
def test_a_file_that_is_missing_or_says_something_else_is_named(
    tmp_path: Path, name: str, damage: bytes | None
) -> None:
    for path, text in facts.texts(FACTS["simcse-a1"], tmp_path).items():
        path.write_text(text, encoding="utf-8")
    assert facts.outdated(FACTS["simcse-a1"], tmp_path) == []
    if damage is None:
        (tmp_path / name).unlink()
    else:
        (tmp_path / name).write_bytes(damage)
    (sentence,) = facts.outdated(FACTS["simcse-a1"], tmp_path)
    assert sentence.startswith(str(tmp_path / name))
