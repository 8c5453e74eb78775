"""JSON, BibTeX and citations of written tables."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from repro import __version__
from repro.errors import ReproError
from repro.reports.citation import SUITE, bibtex, citation
from repro.reports.exports.selection import Selection, select
from repro.reports.exports.texts import to_bibtex, to_citation, to_json
from repro.results.csv_lines import FIELDS, from_csv
from tests.reports.exports.test_selection import CSV

TABLES = CSV.parent


@pytest.fixture
def minilm() -> Selection:
    return select(CSV, ["all-minilm-l6-v2"], [])


def test_json_has_every_field_typed(minilm: Selection) -> None:
    content = json.loads(to_json([select(CSV, [], [])]))
    assert list(content) == ["repro", "tables"]
    assert content["repro"] == __version__
    (table,) = content["tables"]
    assert list(table) == ["id", "title", "paper", "banner", "cells"]
    assert (table["id"], table["banner"]) == ("sbert-1", None)
    assert all(list(cell) == list(FIELDS) for cell in table["cells"])
    cells = {(cell["row"], cell["column"]): cell for cell in table["cells"]}
    for line in from_csv(CSV):
        cell = cells[line["row"], line["column"]]
        for name, text in line.items():
            kind = int if name in ("seeds", "zero_vectors") else float if isinstance(cell[name], float) else str
            assert cell[name] == (kind(text) if text else None), name
    measured = cells["all-minilm-l6-v2", "sts12"]
    assert [type(measured[name]) for name in ("value", "published", "seeds", "zero_vectors", "seconds", "std")] == [
        *(float, float, int, int, float, type(None))
    ]
    assert cells["glove-avg", "sts12"]["value"] is None


def test_a_number_that_is_none_is_refused(minilm: Selection) -> None:
    broken = Selection(minilm.table, ({**minilm.lines[0], "seeds": "1.5"},))
    with pytest.raises(ReproError, match=r"all-minilm-l6-v2 × sts12: seeds is '1\.5', which is no number"):
        to_json([broken])


def test_bibtex_has_each_paper_once_and_the_suite() -> None:
    several = [select(TABLES / f"{name}.csv", [], []) for name in ("sbert-1", "sbert-2", "simcse-5")]
    papers = [several[0].table.paper, several[2].table.paper, SUITE]
    assert to_bibtex(several) == "\n\n".join(map(bibtex, papers)) + "\n"


def test_a_paper_without_an_entry_is_said(minilm: Selection) -> None:
    with pytest.raises(ReproError, match="there is no BibTeX entry of 'Somebody, 2031'"):
        to_bibtex([Selection(replace(minilm.table, paper="Somebody, 2031"), minilm.lines)])


def test_citations_are_of_measured_cells_and_end_with_the_entries(minilm: Selection) -> None:
    text = to_citation([minilm])
    quoted = [citation(minilm.table, line) for line in minilm.measured]
    assert text == "\n\n".join([*quoted, bibtex(minilm.table.paper), bibtex(SUITE)]) + "\n"
    assert len(quoted) == len(minilm.table.columns)


def test_the_same_bytes_every_time(minilm: Selection) -> None:
    for export in (to_json, to_bibtex, to_citation):
        assert export([minilm]) == export([minilm])
