"""A table in LaTeX, for booktabs."""

from __future__ import annotations

from repro.reports.layout import CellView, Layout, Section

_LETTERS = {
    "αβγδεζηθικλμν": "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu",
    "ξπρστυφχψω": "xi pi rho sigma tau upsilon phi chi psi omega",
    "ΓΔΘΛΞΠΣΥΦΨΩ": "Gamma Delta Theta Lambda Xi Pi Sigma Upsilon Phi Psi Omega",
}
_GREEK = {
    letter: rf"$\{name}$"
    for letters, names in _LETTERS.items()
    for letter, name in zip(letters, names.split(), strict=True)
}
_LATEX = str.maketrans(
    {character: f"\\{character}" for character in "&%#_${}"}
    | {character: f"{{{character}}}" for character in "[]*"}  # after a \\ they would be its length, or a part of it
    | {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}
    | {"|": r"$|$", "×": r"$\times$", "−": "$-$", "·": r"$\cdot$", "↓": r"$\downarrow$"}
    | _GREEK
)


def to_latex(layout: Layout) -> str:
    """A tabular for each section: measured, and published in parentheses; the verdicts are in Markdown and CSV."""
    table = layout.table
    out = [
        f"% {table.title}: measured, and the published number in parentheses. Needs booktabs.",
        *([f"% {table.banner}"] if table.banner else []),
    ]
    for section in layout.sections:
        out += [*([f"% {section.title}"] if section.title else []), *_tabular(section)]
    return "\n".join(out) + "\n"


def _tabular(section: Section) -> list[str]:
    labels = ["System", *(column.label.translate(_LATEX) for column in section.columns)]
    out = [r"\begin{tabular}{l" + "r" * len(section.columns) + "}", r"\toprule", " & ".join(labels) + r" \\"]
    for group in section.groups:
        title = group.title.translate(_LATEX)
        out += [r"\midrule", rf"\multicolumn{{{len(labels)}}}{{l}}{{\emph{{{title}}}}} \\"]
        out += [" & ".join([row.label.translate(_LATEX), *map(_cell, row.cells)]) + r" \\" for row in group.rows]
    return [*out, r"\bottomrule", r"\end{tabular}"]


def _cell(cell: CellView) -> str:
    if cell.empty:
        return ""
    text = f"{cell.measured_text} ({cell.published_text})" if cell.published_text else cell.measured_text
    return text.replace("–", "--").replace("±", r"$\pm$")
