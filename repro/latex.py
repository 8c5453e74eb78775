"""CSV lines → a LaTeX table, a function of those lines alone."""

from __future__ import annotations

from collections.abc import Sequence

from repro.render import Line, rows_of
from repro.table import Table

_LATEX = str.maketrans({"&": r"\&", "%": r"\%", "#": r"\#", "_": r"\_", "ρ": r"$\rho$", "×": r"$\times$", "−": "$-$"})


def to_latex(table: Table, lines: Sequence[Line]) -> str:
    """A booktabs table for each section: measured over published; verdicts are in the Markdown and the CSV."""
    table = rows_of(table, lines)
    by_cell = {(line["row"], line["column"]): line for line in lines}
    out = [
        f"% {table.title}: measured, and the published number in parentheses. Needs booktabs.",
        *([f"% {table.banner}"] if table.banner else []),
    ]
    for part in table.sections():
        out += [*([f"% {part.columns[0].section}"] if part.columns[0].section else []), *_tabular(part, by_cell)]
    return "\n".join(out) + "\n"


def _tabular(part: Table, by_cell: dict[tuple[str, str], Line]) -> list[str]:
    out = [
        r"\begin{tabular}{l" + "r" * len(part.columns) + "}",
        r"\toprule",
        " & ".join(["System", *(column.label.translate(_LATEX) for column in part.columns)]) + r" \\",
    ]
    group = ""
    for row in part.rows:
        if row.group != group:
            group = row.group
            out += [
                r"\midrule",
                rf"\multicolumn{{{len(part.columns) + 1}}}{{l}}{{\emph{{{group.translate(_LATEX)}}}}} \\",
            ]
        cells = [_latex_cell(by_cell[row.slug, column.slug], part.decimals) for column in part.columns]
        out.append(" & ".join([row.label.translate(_LATEX), *cells]) + r" \\")
    return [*out, r"\bottomrule", r"\end{tabular}"]


def _latex_cell(line: Line, decimals: int) -> str:
    value = f"{float(line['value']):.{decimals}f}" if line["value"] else "--"
    if line["published"]:
        return f"{value} ({float(line['published']):.{decimals}f})"
    return value if line["value"] else ""
