"""The pages as text, from templates: the start page, a page for each table, and one that compares two of its rows."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from repro.evaluation.significance import Comparison, Pair
from repro.published.claims import BASE
from repro.published.findings import PUBLISHED, Fared
from repro.published.outcomes import LEGEND
from repro.reports.citation import bibtex
from repro.reports.facts import LEGEND as ABOUT_FACTS
from repro.reports.facts import cells, grid
from repro.reports.layout import MARKS, Layout
from repro.reports.markdown import REMARKS
from repro.reports.site.cards import cards, interval_text
from repro.reports.site.comparing import comparing
from repro.reports.site.shown import Shown
from repro.tables import demo
from repro.tables.facts import Facts
from repro.version import __version__

WORDS = {
    "match": "match",
    "within-noise": "within noise",
    "deviates": "deviates",
    "other-hardware": "other hardware",
    "other-protocol": "other protocol",
    "no-published": "not published",
    "not-run": "not run",
}
MEANINGS = {
    "match": "released weights or a deterministic row, within 0.05 of 100 or a tolerance with a reason in the ledger",
    "within-noise": "a row trained here, within twice the spread over seeds or 0.5 of 100, whichever is larger",
    "deviates": "outside, in either direction: too good is a deviation too",
    "other-hardware": "a speed: the published one is of another machine, and no target",
    "other-protocol": "the published number came about otherwise, and is no target; the table's page says how",
    "no-published": "measured; this table has no published number to hold it against",
    "not-run": "the table's page says why",
}
HOLDING = {True: " ✓", False: " ✗", None: ""}
BESIDE = (PUBLISHED, BASE)  # each a column of its own
SUITE_TITLES = {"paper": "The papers' tables", "mini": "The embedded mini data set"}
SUITE_CAPTIONS = {"paper": "Cells of each table, by verdict", "mini": "Cells of each table on the mini data set"}
FIGURES = {
    "geometry": "Alignment against uniformity on STS-B, a mark for each row; lower left is better",
    "spectra": "Spectra of sentence vectors on STS-B: standard deviation along each principal axis",
    "dimensions": "Average over the sets against the dimensions that a whitening keeps, a line for each model",
    "growth-cpu": "Seconds to find the closest pair against the number of sentences, on a CPU",
    "growth-gpu": "Seconds to find the closest pair against the number of sentences, on a GPU",
}


def environment() -> Environment:
    """The templates: every text is escaped, and a name that is not given is an error."""
    made = Environment(
        loader=PackageLoader("repro.reports.site"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    made.filters["code"] = _with_code
    made.globals |= {
        "version": __version__,
        "marks": {**MARKS, "not-run": "–"},
        "words": WORDS,
        "meanings": MEANINGS,
        "holding": HOLDING,
        "beside": BESIDE,
        "legend": LEGEND,
        "verdicts": tuple(WORDS),
        "interval_text": interval_text,
    }
    return made


def _with_code(text: str) -> Markup:
    """The text, escaped, with what stands between backquotes as code."""
    parts = [
        Markup("<code>{}</code>").format(part) if place % 2 else escape(part)
        for place, part in enumerate(text.split("`"))
    ]
    return Markup("").join(parts)


def start_page(
    templates: Environment,
    suites: Mapping[str, Sequence[Shown]],
    facts: Sequence[Facts],
    claims: Mapping[Shown, Fared],
) -> str:
    """All tables by paper, with how many cells have which verdict, those of facts, and how the claims fare."""
    return templates.get_template("index.html").render(
        root="",
        suites={suite: _by_paper(tables) for suite, tables in suites.items()},
        tables=[shown for tables in suites.values() for shown in tables],
        suite_titles=SUITE_TITLES,
        suite_captions=SUITE_CAPTIONS,
        banner=demo.BANNER,
        facts=facts,
        claims=[(shown, claim, found) for shown, of_table in claims.items() for claim, found in of_table],
    )


def _by_paper(tables: Iterable[Shown]) -> dict[str, list[Shown]]:
    papers: dict[str, list[Shown]] = {}
    for shown in tables:
        papers.setdefault(shown.paper, []).append(shown)
    return papers


def table_page(templates: Environment, shown: Shown, claims: Fared) -> str:
    """The table with its cells' cards, figures, claims, reasons and notes."""
    layout = shown.layout
    assert layout is not None
    remarks, entry = _remarks(layout), bibtex(layout.table.paper)
    figures = [(path.name, FIGURES[path.name.split(".")[1]]) for path in shown.figures]
    parts = {
        "figures": ("Figures", figures),
        "claims": ("Claims", claims),
        "reasons": ("Reasons", remarks),
        "notes": ("How computed", True),
        "errata": ("Errata", layout.errata),
        "cite": ("Cite", entry),
    }
    return templates.get_template("table.html").render(
        root=shown.root,
        shown=shown,
        layout=layout,
        contents=[(link, title) for link, (title, there) in parts.items() if there],
        row_of={row.slug: place for place, row in enumerate(layout.table.rows)},
        column_of={column.slug: place for place, column in enumerate(layout.table.columns)},
        figures=figures,
        claims=claims,
        remarks=remarks,
        bibtex=entry,
        content=as_json(_content(layout)),
    )


def facts_page(templates: Environment, table: Facts) -> str:
    """What a table of facts prints, with a sign where the suite does the same or something else."""
    names, rows = grid(cells(table))
    entry = bibtex(table.paper)
    return templates.get_template("facts.html").render(
        root="", table=table, names=names, rows=rows, about=ABOUT_FACTS, bibtex=entry
    )


def compare_page(templates: Environment, shown: Shown, tests: Mapping[str, Mapping[Pair, Comparison]]) -> str:
    """Any two rows of the table side by side, with the tests between them."""
    layout = shown.layout
    assert layout is not None
    content = as_json(comparing(layout, tests))
    return templates.get_template("compare.html").render(root=shown.root, layout=layout, content=content)


def as_json(content: object) -> Markup:
    """JSON that can stand in a script element, whatever its texts hold."""
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
    return Markup(text.replace("<", "\\u003c"))


def _content(layout: Layout) -> dict[str, Any]:
    recipes = {row: f"{line['recipe']}: {line['how']} ({line['source']})" for row, line in layout.recovered}
    table = layout.table
    rows = [{"slug": row.slug, "label": row.label, "recipe": recipes.get(row.label, "")} for row in table.rows]
    columns = [column.full_label for column in table.columns]
    return {"rows": rows, "columns": columns, "words": WORDS, **cards(layout)}


def _remarks(layout: Layout) -> dict[str, dict[str, list[str]]]:
    """Places by reason, under the heading of their verdict."""
    remarks: dict[str, dict[str, list[str]]] = {}
    for remark in layout.remarks:
        where = f": {', '.join(remark.columns)}" if remark.columns else ""
        reasons = remarks.setdefault(REMARKS[remark.verdict], {})
        reasons.setdefault(remark.reason, []).append(remark.row + where)
    return remarks
