"""What a page holds of each cell beside its numbers, as JSON that is short: equal texts are there once."""

from __future__ import annotations

import re

from repro.reports.citation import citation
from repro.reports.layout import CellView, Layout, cell_view, repeats
from repro.results.csv_lines import Line
from repro.results.signature import LAST, SYSTEM_FIELDS

# of a line as they are; `signature` stands there in three parts, which many cells share
PLAIN = ("reason", "tolerance", "zero_vectors", "encoder", "weights", "data_sha256", "device", "dtype")
FIELDS = (*PLAIN, "repeats", "seconds", "commit", "task", "system", "rest", "cite")
Fields = dict[str, str]


class Texts:
    """Texts by number; the empty one is 0."""

    def __init__(self) -> None:
        self._numbers = {"": 0}

    def number(self, text: str) -> int:
        """The number of a text, which may be new."""
        return self._numbers.setdefault(text, len(self._numbers))

    def all(self) -> list[str]:
        """Every text, in order of its number."""
        return list(self._numbers)


def cards(layout: Layout) -> dict[str, object]:
    """`texts`, and for each of FIELDS their numbers, one a cell in the table's order; a number alone is of all cells.

    `cite` is the cell's citation with {names} in it, for what else is known of the cell (see `filled`).
    """
    texts = Texts()
    columns: dict[str, list[int]] = {name: [] for name in FIELDS}
    for line in layout.lines:
        for name, text in _fields(layout, line).items():
            columns[name].append(texts.number(text))
    return {
        "texts": texts.all(),
        "cells": {name: numbers[0] if len(set(numbers)) == 1 else numbers for name, numbers in columns.items()},
    }


def _fields(layout: Layout, line: Line) -> Fields:
    task, system, rest = parts(line["signature"])
    fields = {name: line[name] for name in (*PLAIN, "seconds", "commit")}
    column = next(column for column in layout.table.columns if column.slug == line["column"])
    return fields | {
        "repeats": repeats(line, column),
        "task": task,
        "system": system,
        "rest": rest,
        "cite": _template(layout, line),
    }


def parts(signature: str) -> tuple[str, str, str]:
    """Task and protocol, system, and data with all that follows: joined with `|` they are the signature again."""
    fields = signature.split("|") if signature else []
    names = [field.partition(":")[0] for field in fields]
    end = next((place for place, name in enumerate(names) if name in (*LAST, "v")), len(names))
    start = next((place for place, name in enumerate(names[:end]) if name in SYSTEM_FIELDS), end)
    first, second, third = ("|".join(part) for part in (fields[:start], fields[start:end], fields[end:]))
    return first, second, third


def _template(layout: Layout, line: Line) -> str:
    if not line["value"]:
        return ""
    text, known = citation(layout.table, line), known_of(cell_view(line, layout.table.decimals), line)
    template = text
    for name in sorted(known, key=lambda name: -len(known[name])):  # what holds another text first
        if len(known[name]) > 3:
            template = template.replace(known[name], f"{{{name}}}", 1)
    return template if filled(template, known) == text else text


def known_of(cell: CellView, line: Line) -> Fields:
    """What the page knows of a cell when it fills in its citation."""
    names = ("label", "signature", "weights", "data_sha256", "commit")
    return {
        "measured": cell.measured_text,
        "interval": cell.interval_text(", "),
        **{name: line[name] for name in names},
    }


def filled(template: str, known: Fields) -> str:
    """The template with each {name} replaced by what is known under that name, as the page's script does it."""
    return re.sub(r"\{(\w+)\}", lambda found: known.get(found[1], found[0]), template)


def interval_text(cell: CellView) -> str:
    """`70.25 to 74.21`, or ''."""
    return cell.interval_text(" to ")
