"""CSV lines → Markdown (LaTeX: latex.py), a function of these lines alone: they cannot disagree."""

from __future__ import annotations

from collections.abc import Sequence

from repro.published import ledger
from repro.published.sound import Line
from repro.reports.csv_lines import rows_of
from repro.tables.spec import Row, Table

MARKS = {"match": "✓", "within-noise": "≈", "deviates": "✗", "no-published": "", "not-run": "", "other-hardware": ""}


def cell_text(line: Line, decimals: int) -> str:
    """`72.37 (72.37, +0.00 ✓)`: measured, published, difference and verdict; a dash stands for not measured.

    What was trained with several seeds reads `84.61 ± 0.21 (84.67 ± 0.19, −0.06 ≈)`.
    """
    value = with_spread(line["value"], line["std"], decimals)
    if not line["published"]:
        return value if line["value"] else ""
    published = with_spread(line["published"], line["published_std"], decimals)
    if not line["value"]:
        return f"– ({published})"
    if not line["delta"]:
        return f"{value} ({published})"
    return f"{value} ({published}, {difference(line, decimals)})"


def with_spread(value: str, std: str, decimals: int) -> str:
    """`84.61 ± 0.21`, or the value alone, or a dash where there is none."""
    if not value:
        return "–"
    return f"{float(value):.{decimals}f}" + (f" ± {float(std):.{decimals}f}" if std else "")


def difference(line: Line, decimals: int) -> str:
    """`+0.49 ✗`; a difference that rounds to nothing is `±0.00`."""
    text = f"{float(line['delta']):+.{decimals}f}"
    return f"{text if text.strip('+-0.') else '±' + text[1:]} {MARKS[line['verdict']]}"


def to_markdown(table: Table, lines: Sequence[Line]) -> str:
    """The Markdown page of a table."""
    table = rows_of(table, lines)
    by_cell = {(line["row"], line["column"]): line for line in lines}
    page = [
        f"# {table.title}",
        "",
        *([f"> **{table.banner}**", ""] if table.banner else []),
        f"{table.paper}. Regenerate with `{table.command}`.",
        "",
        "Each cell: measured (published, difference and verdict). ✓ match, ≈ within noise, ✗ deviates, – not run; "
        "a number alone has no published counterpart.",
        "",
    ]
    for number, part in enumerate(table.sections()):
        grid = _grid(part, by_cell, whole=number == 0)
        if len(grid) > 2:  # more than its head
            page += [*_heading(part, "## "), *grid, ""]
    page += [*_intervals(table, by_cell), *_reasons(table, lines), *_provenance(table, by_cell)]
    page += ["## How these numbers are computed", ""]
    page += [f"{number}. {note}" for number, note in enumerate(table.notes, 1)]
    page += [*_recipes(table), *_unpinned(table)]
    found = ledger.errata(table.id)
    if found and not table.banner:
        page += ["", "## Errata and contradictions between sources", ""]
        page += [
            f"* ({e['id']}) {e['item']}: {e['source_a']} {e['value_a']}; {e['source_b']} {e['value_b']}. {e['comment']}"
            for e in found
        ]
    return "\n".join(page) + "\n"


def _heading(part: Table, mark: str) -> list[str]:
    section = part.columns[0].section
    return [mark + section, ""] if section else []


def _grid(part: Table, by_cell: dict[tuple[str, str], Line], whole: bool) -> list[str]:
    """The rows of a section; unless `whole`, without those that have neither a measured nor a published number."""
    labels = [column.label for column in part.columns]
    page = _head(["", *labels])
    group = ""
    for row in part.rows:
        cells = [cell_text(by_cell[row.slug, column.slug], part.decimals) for column in part.columns]
        if not whole and not any(cells):
            continue
        if row.group != group:
            group = row.group
            page.append(f"| **{group}** |" + " |" * len(labels))
        page.append("| " + " | ".join([_escape(row.label), *cells]) + " |")
    return page


def _head(labels: Sequence[str]) -> list[str]:
    return ["| " + " | ".join(labels) + " |", "|" + "---|" * len(labels)]


def _escape(text: str) -> str:
    return text.replace("|", "\\|")


def _measured(table: Table, by_cell: dict[tuple[str, str], Line]) -> list[Row]:
    return [row for row in table.rows if any(by_cell[row.slug, column.slug]["value"] for column in table.columns)]


def _intervals(table: Table, by_cell: dict[tuple[str, str], Line]) -> list[str]:
    page: list[str] = []
    rows = _measured(table, by_cell)
    for part in table.sections():
        columns = [c for c in part.scored() if any(by_cell[row.slug, c.slug]["ci_low"] for row in rows)]
        if not columns:
            continue
        page += [*_heading(part, "### "), *_head(["", *(column.label for column in columns)])]
        for row in rows:
            cells = [_interval(by_cell[row.slug, column.slug]) for column in columns]
            page.append("| " + " | ".join([_escape(row.label), *cells]) + " |")
        page.append("")
    return ["## 95 % bootstrap intervals", "", *page] if page else []


def _interval(line: Line) -> str:
    found = line["value"] and line["ci_low"]
    return f"{float(line['ci_low']):.2f} to {float(line['ci_high']):.2f}" if found else ""


def _reasons(table: Table, lines: Sequence[Line]) -> list[str]:
    labels = {row.slug: row.label for row in table.rows}
    labels |= {column.slug: ", ".join(filter(None, [column.label, column.section])) for column in table.columns}
    page: list[str] = []
    for verdict, title in (("deviates", "Deviations"), ("match", "Wider tolerances"), ("not-run", "Not run")):
        grouped: dict[tuple[str, str], list[str]] = {}
        for line in lines:
            if line["verdict"] == verdict and (line["reason"] or verdict != "match"):
                grouped.setdefault((line["row"], line["reason"]), []).append(labels[line["column"]])
        if grouped:
            page += [f"## {title}", ""]
            for (row, reason), columns in grouped.items():
                where = "" if len(columns) == len(table.columns) else f", {', '.join(columns)}"
                page.append(f"* {labels[row]}{where}: {reason or 'no reason recorded'}")
            page.append("")
    return page


def _recipes(table: Table) -> list[str]:
    found = [(row, line) for row in table.rows if (line := ledger.recovered(row))]
    entries = [f"* {row.label}: `{line['recipe']}`, {line['how']} ({line['source']})" for row, line in found]
    return ["", "## Recovered recipes", "", *entries] if entries else []


def _unpinned(table: Table) -> list[str]:
    rows: dict[str, list[str]] = {}  # labels by weights
    for row in table.rows:
        if row.system.unpinned:
            rows.setdefault(row.system.unpinned, []).append(row.label)
    if not rows:
        return []
    head = "No public source names their revision; it is resolved at the first download and then kept."
    entries = [f"* `{weights}`: {', '.join(dict.fromkeys(labels))}" for weights, labels in rows.items()]
    return ["", "## Weights without a known revision", "", head, "", *entries]


def _provenance(table: Table, by_cell: dict[tuple[str, str], Line]) -> list[str]:
    page = ["## Signatures", "", "The first cell of each row that ran; the CSV has all of them.", ""]
    for row in _measured(table, by_cell):
        line = next(line for c in table.scored() if (line := by_cell[row.slug, c.slug])["value"])
        took = f", {float(line['seconds']) / 3600:.2f} hours" if "|train:" in line["signature"] else ""
        page.append(f"* {_escape(row.label)}: `{line['signature']}`, weights {line['weights']}, {line['device']}{took}")
    return [*page, ""]
