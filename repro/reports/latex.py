"""CSV lines → a LaTeX table, a function of those lines alone."""

from __future__ import annotations

from collections.abc import Sequence

from repro.published.sound import Line
from repro.reports.csv_lines import rows_of
from repro.reports.markdown import with_spread
from repro.tables.spec import Table

_LATEX = str.maketrans(
    {character: f"\\{character}" for character in "&%#_${}"}
    | {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}
    | {"|": r"$|$", "ρ": r"$\rho$", "×": r"$\times$", "−": "$-$", "·": r"$\cdot$", "Δ": r"$\Delta$"}
    | {"↓": r"$\downarrow$"}
)


def to_latex(table: Table, lines: Sequence[Line]) -> str:
    """A booktabs table for each section: measured over published; verdicts are in the Markdown and the CSV."""
    table = rows_of(table, lines)
    by_cell = {(line["row"], line["column"]): line for line in lines}
    out = [
        f"% {table.title}: measured, and the published number in parentheses. Needs booktabs.",
        *([f"% {table.banner}"] if table.banner else []),
    ]
    for number, part in enumerate(table.sections()):
        section = part.columns[0].section
        found = _tabular(part, by_cell, whole=number == 0)
        if r"\midrule" in found:  # a section without rows is left out, as in Markdown
            out += [*([f"% {section}"] if section else []), *found]
    return "\n".join(out) + "\n"


def _tabular(part: Table, by_cell: dict[tuple[str, str], Line], whole: bool) -> list[str]:
    """The rows of a section; unless `whole`, without those that have neither a measured nor a published number."""
    out = [
        r"\begin{tabular}{l" + "r" * len(part.columns) + "}",
        r"\toprule",
        " & ".join(["System", *(column.label.translate(_LATEX) for column in part.columns)]) + r" \\",
    ]
    group = ""
    for row in part.rows:
        lines = [by_cell[row.slug, column.slug] for column in part.columns]
        if not whole and not any(line["value"] or line["published"] for line in lines):
            continue
        if row.group != group:
            group = row.group
            out += [
                r"\midrule",
                rf"\multicolumn{{{len(part.columns) + 1}}}{{l}}{{\emph{{{group.translate(_LATEX)}}}}} \\",
            ]
        cells = [_latex_cell(line, part.decimals) for line in lines]
        out.append(" & ".join([row.label.translate(_LATEX), *cells]) + r" \\")
    return [*out, r"\bottomrule", r"\end{tabular}"]


def _latex_cell(line: Line, decimals: int) -> str:
    value = with_spread(line["value"], line["std"], decimals)
    if line["published"]:
        value += f" ({with_spread(line['published'], line['published_std'], decimals)})"
    elif not line["value"]:
        return ""
    return value.replace("–", "--").replace("±", r"$\pm$")
