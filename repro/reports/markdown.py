"""A table's Markdown page."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from repro.reports.layout import CellView, Layout, Section

# headings by verdict
REMARKS = {
    "deviates": "Deviations",
    "match": "Wider tolerances",
    "other-protocol": "Published under another protocol",
    "not-run": "Not run",
}


def to_markdown(layout: Layout) -> str:
    """The page: a grid for each section, then intervals, reasons, signatures and how the numbers are computed."""
    table = layout.table
    page = [
        f"# {table.title}",
        "",
        *([f"> **{table.banner}**", ""] if table.banner else []),
        f"{table.paper}. Regenerate with `{table.command}`.",
        "",
        "Each cell: measured (published, difference and verdict). ✓ match, ≈ within noise, ✗ deviates, – not run; "
        "a number alone has no published counterpart, an empty cell neither number.",
        "",
    ]
    for section in layout.sections:
        page += [*_heading(section, "## "), *_grid(section), ""]
    page += [*_intervals(layout), *_remarks(layout), *_signatures(layout)]
    page += ["## How these numbers are computed", ""]
    page += [f"{number}. {note}" for number, note in enumerate(table.notes, 1)]
    page += [*_recovered(layout), *_unpinned(layout), *_errata(layout)]
    return "\n".join(page) + "\n"


def cell_text(cell: CellView) -> str:
    """`72.37 (72.37, +0.00 ✓)`: measured, published, difference and verdict; a dash stands for not measured.

    What was trained with several seeds reads `84.61 ± 0.21 (84.67 ± 0.19, −0.06 ≈)`.
    """
    if cell.empty:
        return ""
    beside = ", ".join(filter(None, [cell.published_text, cell.delta_text]))
    return f"{cell.measured_text} ({beside})" if beside else cell.measured_text


def _heading(section: Section, mark: str) -> list[str]:
    return [mark + section.title, ""] if section.title else []


def _grid(section: Section) -> list[str]:
    page = _head(section)
    for group in section.groups:
        page.append(f"| **{group.title}** |" + " |" * len(section.columns))
        page += [_row(row.label, map(cell_text, row.cells)) for row in group.rows]
    return page


def _head(section: Section) -> list[str]:
    labels = ["", *(column.label for column in section.columns)]
    return ["| " + " | ".join(labels) + " |", "|" + "---|" * len(labels)]


def _row(label: str, cells: Iterable[str]) -> str:
    return "| " + " | ".join([escape(label), *cells]) + " |"


def escape(text: str) -> str:
    """The text as it stands in a cell."""
    return text.replace("|", "\\|")


def _intervals(layout: Layout) -> list[str]:
    page: list[str] = []
    for section in layout.intervals:
        page += [*_heading(section, "### "), *_head(section)]
        page += [_row(row.label, map(_interval, row.cells)) for row in section.rows]
        page.append("")
    return ["## 95 % bootstrap intervals", "", *page] if page else []


def _interval(cell: CellView) -> str:
    return cell.interval_text(" to ", least=2)


def _remarks(layout: Layout) -> list[str]:
    page: list[str] = []
    for verdict, title in REMARKS.items():
        remarks = [remark for remark in layout.remarks if remark.verdict == verdict]
        if remarks:
            page += [f"## {title}", ""]
            for remark in remarks:
                where = f", {', '.join(remark.columns)}" if remark.columns else ""
                page.append(f"* {remark.row}{where}: {remark.reason or 'no reason recorded'}")
            page.append("")
    return page


def _signatures(layout: Layout) -> list[str]:
    page = ["## Signatures", "", "The first cell of each row that ran; the CSV has all of them.", ""]
    for of in layout.provenance:
        took = "" if of.hours is None else f", {of.hours:.2f} hours"
        page.append(f"* {escape(of.row)}: `{of.signature}`, weights {of.weights}, {of.device}{took}")
    return [*page, ""]


def _recovered(layout: Layout) -> list[str]:
    entries = [f"* {row}: `{line['recipe']}`, {line['how']} ({line['source']})" for row, line in layout.recovered]
    return _listed("Recovered recipes", entries)


def _unpinned(layout: Layout) -> list[str]:
    head = "No public source names their revision; it is resolved at the first download and then kept."
    entries = [f"* `{weights}`: {', '.join(rows)}" for weights, rows in layout.unpinned.items()]
    return _listed("Weights without a known revision", [head, "", *entries] if entries else [])


def _errata(layout: Layout) -> list[str]:
    entries = [
        f"* ({e['id']}) {e['item']}: {e['source_a']} {e['value_a']}; {e['source_b']} {e['value_b']}. {e['comment']}"
        for e in layout.errata
    ]
    return _listed("Errata and contradictions between sources", entries)


def _listed(title: str, entries: Sequence[str]) -> list[str]:
    return ["", f"## {title}", "", *entries] if entries else []
