"""Tables as JSON, the BibTeX entries that go with them, and citations of their numbers."""

from __future__ import annotations

import json
from collections.abc import Sequence

from repro import __version__
from repro.errors import ReproError
from repro.reports.citation import SUITE, bibtex, citation
from repro.reports.exports.selection import Selection
from repro.results.csv_lines import COUNTS, FIELDS, JUDGED, NUMBERS, Line, number

FLOATS = (*NUMBERS, *(name for name in JUDGED if name not in ("verdict", "reason")))


def to_json(selections: Sequence[Selection]) -> str:
    """`{"repro": version, "tables": […]}`, its keys in this order.

    A table is `id`, `title`, `paper`, `banner` (a warning, or null) and `cells`, in the table's order, not-run ones
    too. A cell has the fields of the CSV file under their names and in their order: `seeds` and `zero_vectors` are
    integers, the other numbers floats in the table's unit, the rest text; null where the cell has none.
    """
    tables = [
        {
            "id": selection.table.id,
            "title": selection.table.title,
            "paper": selection.table.paper,
            "banner": selection.table.banner or None,
            "cells": [{name: _typed(name, line) for name in FIELDS} for line in selection.lines],
        }
        for selection in selections
    ]
    return json.dumps({"repro": __version__, "tables": tables}, ensure_ascii=False, indent=1, allow_nan=False) + "\n"


def _typed(name: str, line: Line) -> str | int | float | None:
    text = line[name]
    if not text or name not in (*FLOATS, *COUNTS):
        return text or None
    value = number(text)
    if value is None or (name in COUNTS and not value.is_integer()):
        raise ReproError(
            f"{line['row']} × {line['column']}: {name} is {text!r}, which is no number; see `repro verify`"
        )
    return int(value) if name in COUNTS else value


def to_bibtex(selections: Sequence[Selection]) -> str:
    """The entry of each table's paper, once each, and that of this suite.

    ReproError where papers.csv does not have the paper.
    """
    papers = dict.fromkeys(selection.table.paper for selection in selections)
    for paper in papers:
        if not bibtex(paper):
            raise ReproError(f"there is no BibTeX entry of {paper!r}; add it to repro/published/papers.csv")
    entries = dict.fromkeys([*(bibtex(paper) for paper in papers), bibtex(SUITE)])
    return "\n\n".join(entries) + "\n"


def to_citation(selections: Sequence[Selection]) -> str:
    """What one quotes of every measured cell, and the BibTeX entries below them, a blank line between all."""
    quoted = [citation(selection.table, line) for selection in selections for line in selection.measured]
    return "\n\n".join([*quoted, to_bibtex(selections)])
