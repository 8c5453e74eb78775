"""Lines with their verdicts, and rows that only written lines know."""

from __future__ import annotations

from typing import get_args

import pytest

from repro import tables
from repro.data import registry
from repro.published.ledger import VerdictName
from repro.published.verdicts import line_of, with_written_rows
from repro.reports import drawing, figures, layout, summary
from repro.reports.site import pages
from repro.results.csv_lines import FIELDS
from repro.tables.spec import BEYOND

VERDICTS = set(get_args(VerdictName))
TABLE = tables.get("sbert-1")
ROW, COLUMN = TABLE.rows[0], TABLE.columns[0]  # averaged GloVe on STS12: 55.14 in the paper


@pytest.mark.parametrize("said", [layout.MARKS, summary.WORDS, pages.WORDS, pages.MEANINGS])
def test_whatever_speaks_of_verdicts_knows_each_of_them(said: dict[str, str]) -> None:
    assert set(said) == VERDICTS


def test_every_figure_has_a_drawer_and_a_title() -> None:
    assert set(figures.NAMES) == set(drawing._DRAWERS) == set(pages.FIGURES)


def test_every_line_has_every_field() -> None:
    line = line_of(TABLE, ROW, COLUMN, {}, "why")
    assert list(line) == list(FIELDS)
    assert (line["label"], line["verdict"], line["reason"], line["value"]) == (ROW.label, "not-run", "why", "")


def test_a_measured_line_is_judged_and_says_how_many_sentences_had_no_known_word() -> None:
    line = line_of(TABLE, ROW, COLUMN, {"value": "55.16", "zero_vectors": "3", "weights": "w"}, "")
    assert {name: line[name] for name in ("published", "delta", "tolerance", "verdict", "weights")} == {
        "published": "55.14",
        "delta": "0.02",
        "tolerance": "0.05",
        "verdict": "match",
        "weights": "w",
    }
    assert line["reason"] == "3 sentences without a known word"


def test_numbers_of_altered_data_are_held_against_nothing() -> None:
    """A gold score that somebody changed in a folder of their own moves a number by less than the tolerance."""
    ours = {"value": "55.16", "data_sha256": registry.public_digests()["sts12"]}
    altered = ours | {"data_sha256": "c258" + "0" * 60}
    assert line_of(TABLE, ROW, COLUMN, ours, "")["verdict"] == "match"
    line = line_of(TABLE, ROW, COLUMN, altered, "")
    assert (line["verdict"], line["published"], line["delta"]) == ("other-protocol", "55.14", "")
    assert (
        line["reason"] == "the data of sts12 differ from the public files (c25800000000, and theirs are 67b54973c78b)"
    )
    average = next(column for column in TABLE.columns if column.slug == "avg")
    for part, verdict in ((ours, "match"), (altered, "other-protocol")):
        line = line_of(TABLE, ROW, average, {"value": "61.32"}, "", {"sts12": part, "sts13": {"value": "1"}})
        assert line["verdict"] == verdict


@pytest.mark.parametrize("variant", [".limit-50", ".sample-9", "limit-3.bfloat16"])
def test_a_part_of_the_data_is_held_against_nothing_and_says_so(variant: str) -> None:
    cut = TABLE.of_run(variant)
    assert "not comparable with a paper" in cut.banner
    line = line_of(cut, ROW, COLUMN, {"value": "1.00"}, "")
    assert (line["value"], line["verdict"], line["published"]) == ("1.00", "no-published", "")


@pytest.mark.parametrize("variant", ["", ".bfloat16", ".seeds-2"])
def test_a_whole_run_has_no_banner(variant: str) -> None:
    assert TABLE.of_run(variant) == TABLE


def test_rows_of_an_added_encoder_come_back_with_their_label_and_group() -> None:
    lines = [
        {"row": "mine", "column": "sts12", "label": "My model", "group": "Mine"},
        {"row": "mine", "column": "sts13", "label": "My model", "group": "Mine"},
        {"row": "older", "column": "sts12"},
        {"row": ROW.slug, "column": "sts12", "label": "of the table itself"},
    ]
    whole = with_written_rows(TABLE, lines)
    assert whole.rows[: len(TABLE.rows)] == TABLE.rows
    assert [(row.slug, row.label, row.group) for row in whole.rows[len(TABLE.rows) :]] == [
        ("mine", "My model", "Mine"),
        ("older", "older", BEYOND),
    ]
