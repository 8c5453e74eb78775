"""Cells → CSV lines → Markdown (LaTeX: latex.py). Texts are functions of the CSV lines alone: they cannot disagree."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import replace

from repro import ledger
from repro.cells import check_comparable
from repro.encoders import zoo
from repro.planning import Plan
from repro.table import BEYOND, AnyColumn, Average, Column, Difference, Row, Table

FIELDS = [
    *("table", "group", "row", "column", "metric", "value", "ci_low", "ci_high", "std", "seeds"),
    *(
        "published",
        "published_std",
        "delta",
        "tolerance",
        "verdict",
        "reason",
        "signature",
        "encoder",
        "weights",
        "data_sha256",
    ),
    *("device", "dtype", "seconds", "commit"),
]
PROVENANCE = FIELDS[FIELDS.index("signature") :]
MARKS = {"match": "✓", "within-noise": "≈", "deviates": "✗", "no-published": "", "not-run": "", "other-hardware": ""}
Line = dict[str, str]


def lines_of(made: Plan) -> list[Line]:
    """One CSV line a cell, in table order; averages and differences follow from their row's cells."""
    lines: list[Line] = []
    for row in made.table.rows:
        for column in made.table.columns:
            if isinstance(column, Column):
                lines.append(_cell_line(made, row, column))
            else:
                lines.append(_derived_line(made, row, column))
    for column in made.table.scored():
        check_comparable([line["signature"] for line in lines if line["column"] == column.slug and line["signature"]])
    return lines


def _cell_line(made: Plan, row: Row, column: Column) -> Line:
    cell = made.stored.get((row.slug, column.slug))
    verdict = ledger.judge_cell(made.table, row, column, cell, made.why_not.get((row.slug, column.slug), ""))
    line = _line(made.table, row, column, cell.value if cell else None, verdict)
    if cell is None:
        return line
    if cell.zero_vectors:
        line["reason"] = "; ".join(
            filter(None, [line["reason"], f"{cell.zero_vectors} sentences without a known word"])
        )
    measured = {name: _text(getattr(cell, name)) for name in ("ci_low", "ci_high", "std", "seeds", *PROVENANCE)}
    return {**line, **measured}


def _derived_line(made: Plan, row: Row, column: Average | Difference) -> Line:
    cells = [made.stored.get((row.slug, slug)) for slug in column.of]
    value = column.value([cell.value for cell in cells if cell]) if all(cells) else None
    missing = [slug for slug, cell in zip(column.of, cells, strict=True) if cell is None]
    if row.only:
        reason = row.absent
    elif len(missing) == len(cells):
        reason = made.why_not.get((row.slug, missing[0]), "")
    else:
        reason = "not run: " + ", ".join(missing)
    verdict = ledger.judge(made.table, row, column, value, None, reason)
    return _line(made.table, row, column, value, verdict)


def _line(table: Table, row: Row, column: AnyColumn, value: float | None, verdict: ledger.Verdict) -> Line:
    known = {
        "table": table.id,
        "group": row.group,
        "row": row.slug,
        "column": column.slug,
        "metric": column.metric,
        "value": _text(value),
        "published": _text(verdict.published),
        "published_std": _text(verdict.published_std),
        "delta": _text(verdict.delta),
        "tolerance": _text(verdict.tolerance),
        "verdict": verdict.verdict,
        "reason": verdict.reason,
    }
    return {name: known.get(name, "") for name in FIELDS}


def _text(value: object) -> str:
    if isinstance(value, float):
        return repr(round(value, 10))  # 1e-10 of a point: below that, the order of a sum decides
    return "" if value is None else str(value)


def to_csv(table: Table, lines: Iterable[Line]) -> str:
    """The CSV file's text; a table's banner stands in front as a comment line."""
    text = io.StringIO()
    if table.banner:
        text.write(f"# {table.banner}\n")
    writer = csv.DictWriter(text, FIELDS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(lines)
    return text.getvalue()


def from_csv(text: str) -> list[Line]:
    """Inverse of `to_csv`."""
    return list(csv.DictReader(io.StringIO(text.partition("\n")[2] if text.startswith("#") else text)))


def rows_of(table: Table, lines: Sequence[Line]) -> Table:
    """The table with the rows that the lines have beyond its own (those of --encoder)."""
    known = {row.slug for row in table.rows}
    extra = dict.fromkeys(line["row"] for line in lines if line["row"] not in known)
    return replace(table, rows=(*table.rows, *(Row(slug, slug, BEYOND) for slug in extra)))


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
        recipes = [row.recipe] if row.recipe else [training.root for _, training in row.trainings]
        for weights in dict.fromkeys(filter(None, map(zoo.unpinned, recipes))):
            rows.setdefault(weights, []).append(row.label)
    if not rows:
        return []
    head = "No public source names their revision; it is resolved at the first download and then kept."
    entries = [f"* `{weights}`: {', '.join(dict.fromkeys(labels))}" for weights, labels in rows.items()]
    return ["", "## Weights without a known revision", "", head, "", *entries]


def _provenance(table: Table, by_cell: dict[tuple[str, str], Line]) -> list[str]:
    page = ["## Signatures", "", "The first cell of each row that ran; the CSV has all of them.", ""]
    for row in _measured(table, by_cell):
        line = next(line for c in table.scored() if (line := by_cell[row.slug, c.slug])["value"])
        took = f", {float(line['seconds']) / 3600:.2f} hours" if row.trained else ""
        page.append(f"* {_escape(row.label)}: `{line['signature']}`, weights {line['weights']}, {line['device']}{took}")
    return [*page, ""]
