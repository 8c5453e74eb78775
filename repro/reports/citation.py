"""What one quotes of a cell, and the BibTeX entries of the papers and of this suite."""

from __future__ import annotations

from repro.errors import ReproError
from repro.published.ledger import FOLDER, read_csv
from repro.reports.layout import cell_view, repeats
from repro.results.csv_lines import Line
from repro.results.signature import Signature
from repro.tables.spec import Column, Table
from repro.version import __version__

SUITE = "repro"  # names the suite's own entry


def citation(table: Table, line: Line) -> str:
    """One cell of a table in plain text: row, column and value, and below them what decides the value.

    The value has the table's decimals, its spread over seeds, or runs of a time (±), and its 95 % bootstrap interval;
    an average names the columns that it is computed from. There is no newline at the end. ReproError where the cell was
    not measured.
    """
    column = next(column for column in table.columns if column.slug == line["column"])
    cell = cell_view(line, table.decimals)
    labels = {column.slug: column.full_label for column in table.columns}
    place = f"{line['label']}, {labels[line['column']]}"
    if cell.value is None:
        raise ReproError(f"{table.id}: {line['row']} × {line['column']} was not measured; there is nothing to cite")
    value = cell.measured_text
    if cell.interval:
        value += f" [{cell.interval_text(', ')}]"
    if of := repeats(line, column):
        value += f", {of}"
    version = Signature.parse(line["signature"]).version
    facts = {
        "table": table.title,
        "paper": table.paper,
        "warning": table.banner,
        "computed from": "" if isinstance(column, Column) else "; ".join(labels[slug] for slug in column.of),
        "signature": line["signature"],
        "weights": line["weights"],
        "data": line["data_sha256"] and f"sha256:{line['data_sha256']}",
        "measured with": ", ".join([f"repro {version}", *([f"commit {line['commit']}"] if line["commit"] else [])])
        if version
        else "",
    }
    return "\n".join([f"{place}: {value}", *(f"  {name}: {text}" for name, text in facts.items() if text)])


def bibtex(paper: str) -> str:
    """The BibTeX entry of the paper that a table's `paper` names, or of the suite (`SUITE`), without a final newline.

    '' where papers.csv has none. Facts that an entry lacks are left out.
    """
    entry = next((entry for entry in read_csv(FOLDER / "papers.csv") if paper.startswith(entry["named"])), None)
    if entry is None:
        return ""
    fields = {name: text for name, text in entry.items() if text and name not in ("named", "key", "type")}
    fields["title"] = f"{{{fields['title']}}}"  # so that no style changes its capitals
    lines = [f"  {name} = {{{text.replace('{version}', __version__)}}}," for name, text in fields.items()]
    return "\n".join([f"@{entry['type']}{{{entry['key']},", *lines, "}"])
