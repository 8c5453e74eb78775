"""What is quoted of a cell, and the BibTeX entries: held against CITATION.cff, which says the same facts by itself."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

import repro
from repro import tables
from repro.errors import ReproError
from repro.reports.citation import SUITE, bibtex, citation
from repro.results.csv_lines import Line, from_csv
from repro.tables import TABLES
from repro.tables.spec import Table

ROOT = Path(repro.__file__).parents[1]
CFF: dict[str, Any] = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))


def line_of(table: str, row: str, column: str) -> Line:
    lines = from_csv(ROOT / f"tables/{table}.csv")
    return next(line for line in lines if (line["row"], line["column"]) == (row, column))


def test_a_measured_cell() -> None:
    line = line_of("sbert-1", "all-minilm-l6-v2", "sts12")
    assert citation(tables.get("sbert-1"), line).splitlines() == [
        "all-MiniLM-L6-v2, STS12: 72.37 [70.25, 74.21]",
        "  table: Sentence-BERT, Table 1: unsupervised STS (Spearman's ρ × 100)",
        "  paper: Reimers and Gurevych, Sentence-BERT, EMNLP-IJCNLP 2019, Table 1",
        f"  signature: {line['signature']}",
        f"  weights: {line['weights']}",
        f"  data: sha256:{line['data_sha256']}",
        f"  measured with: repro {line['signature'].rpartition(':')[2]}, commit {line['commit']}",
    ]


def test_an_average_names_its_parts_and_a_trained_cell_its_seeds() -> None:
    average = citation(tables.get("sbert-1"), line_of("sbert-1", "all-minilm-l6-v2", "avg"))
    assert average.startswith("all-MiniLM-L6-v2, Avg.: 78.87\n")
    assert average.endswith("\n  computed from: STS12; STS13; STS14; STS15; STS16; STSb; SICK-R")
    line = line_of("sbert-1", "all-minilm-l6-v2", "sts12") | {"std": "0.214", "seeds": "3"}
    assert citation(tables.get("sbert-1"), line).startswith(
        "all-MiniLM-L6-v2, STS12: 72.37 ± 0.21 [70.25, 74.21], 3 seeds\n"
    )


def test_runs_of_a_time_are_no_seeds() -> None:
    line = line_of("sbert-7", "all-minilm-l6-v2", "cpu")
    assert (line["seeds"], line["metric"]) == ("5", "sentences-per-second")
    text = citation(tables.get("sbert-7"), line).splitlines()[0]
    assert text.endswith(", median of 5 runs")


def test_a_banner_comes_along() -> None:
    table = replace(tables.get("sbert-1"), banner="not comparable with any paper")
    line = line_of("sbert-1", "all-minilm-l6-v2", "sts12")
    assert "  warning: not comparable with any paper\n" in citation(table, line)


def test_what_was_not_measured_cannot_be_cited() -> None:
    with pytest.raises(ReproError, match="sbert-1: glove-avg × sts12 was not measured; there is nothing to cite"):
        citation(tables.get("sbert-1"), line_of("sbert-1", "glove-avg", "sts12"))


@pytest.mark.parametrize("table", TABLES.values(), ids=list(TABLES))
def test_every_table_has_an_entry(table: Table) -> None:
    entry = bibtex(table.paper)
    assert re.fullmatch(r"@(inproceedings|article)\{[a-z0-9-]+,\n(  \w+ = \{.+\},\n)+\}", entry)
    assert entry.count("{") == entry.count("}")


def fields(entry: str) -> dict[str, str]:
    return dict(re.findall(r"^  (\w+) = \{(.+)\},$", entry, re.MULTILINE))


@pytest.mark.parametrize(
    ("table", "reference"),
    list(zip(("sbert-1", "flow-2", "whitening-1", "simcse-5"), CFF["references"], strict=True)),
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_an_entry_says_what_the_citation_file_says(table: str, reference: dict[str, Any]) -> None:
    entry = fields(bibtex(TABLES[table].paper))
    assert entry["title"] == f"{{{reference['title']}}}"
    people = [f"{person['family-names']}, {person['given-names']}" for person in reference["authors"]]
    assert entry["author"] == " and ".join(people)
    assert entry.get("booktitle") == reference.get("collection-title")
    assert entry.get("journal") == reference.get("journal")
    assert entry["year"] == str(reference["year"])
    pages = f"{reference['start']}--{reference['end']}" if "start" in reference else None
    assert entry.get("pages") == pages
    assert entry.get("doi") == reference.get("doi")
    if "url" in reference:
        assert entry["url"] == reference["url"]


def test_the_suite_has_an_entry_of_its_own_and_others_have_none() -> None:
    entry = fields(bibtex(SUITE))
    assert entry["title"] == f"{{{CFF['title']}}}"
    assert entry["author"] == f"{{{CFF['authors'][0]['name']}}}"
    assert entry["note"] == f"Version {CFF['version']}"
    assert entry["year"] == str(CFF["date-released"])[:4]
    assert bibtex("Somebody, Something else, 2031") == ""
