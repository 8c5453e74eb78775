"""A table of facts as Markdown and CSV: what the ledger has, what this suite does, and whether that is the same."""

from __future__ import annotations

import csv
import io
from contextlib import suppress
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from repro.paths import write_all
from repro.published import ledger
from repro.tables.facts import Facts

MARKS = {"same": "✓", "differs": "✗"}
LEGEND = (
    "Each cell: as printed. ✓ what this suite does too, ✗ (with what it does instead); a cell without a sign is of "
    "nothing that the suite does. Nothing here is measured."
)


@dataclass(frozen=True)
class Fact:
    """One cell. `own` is '' where the suite has nothing to say, and then the verdict is too."""

    table: str
    system: str
    fact: str
    published: str
    own: str
    verdict: str  # of MARKS
    source: str

    @property
    def text(self) -> str:
        """`3e-5 ✓`, `3e-5 (2e-05 ✗)` or what is printed alone."""
        if self.verdict == "differs":
            return f"{self.published} ({self.own} {MARKS[self.verdict]})"
        return f"{self.published} {MARKS[self.verdict]}" if self.verdict else self.published


def cells(table: Facts) -> list[Fact]:
    """A cell for each fact that the ledger has of the table, in its order."""
    own = table.own()
    found = []
    for line in ledger.printed(*table.source):
        name = line[table.named_in]
        mine = own.get((line["system"], name), "")
        verdict = ("same" if equal(line["value"], mine) else "differs") if mine else ""
        found.append(Fact(table.id, line["system"], name, line["value"], mine, verdict, line["source"]))
    return found


def equal(printed: str, own: str) -> bool:
    """Whether two texts say the same: `3e-5` is 3e-05."""
    with suppress(ValueError):
        return float(printed) == float(own)
    return printed.casefold() == own.casefold()


def texts(table: Facts, folder: Path) -> dict[Path, str]:
    """The table's two files."""
    facts = cells(table)
    return {folder / f"{table.id}.md": to_markdown(table, facts), folder / f"{table.id}.csv": to_csv(facts)}


def write(table: Facts, folder: Path) -> list[Path]:
    """Write the table's two files, both or none; their paths."""
    contents = texts(table, folder)
    write_all(dict(contents))
    return list(contents)


def outdated(table: Facts, folder: Path) -> list[str]:
    """A sentence for each of the table's two files that is not there, or not what ledger and suite say now."""
    return [
        f"{path} does not say what the ledger and the suite say; `repro table {table.id}` writes it again"
        for path, text in texts(table, folder).items()
        if not path.is_file() or path.read_bytes() != text.encode()
    ]


def to_csv(facts: list[Fact]) -> str:
    """A line for each cell, below the names of the columns."""
    text = io.StringIO()
    writer = csv.DictWriter(text, [field.name for field in fields(Fact)], lineterminator="\n")
    writer.writeheader()
    writer.writerows(asdict(fact) for fact in facts)
    return text.getvalue()


def grid(facts: list[Fact]) -> tuple[list[str], dict[str, list[str]]]:
    """The names of the facts, and of each system a text for each of them, '' where nothing is printed."""
    names = list(dict.fromkeys(fact.fact for fact in facts))
    by_place = {(fact.system, fact.fact): fact.text for fact in facts}
    systems = dict.fromkeys(fact.system for fact in facts)
    return names, {system: [by_place.get((system, name), "") for name in names] for system in systems}


def to_markdown(table: Facts, facts: list[Fact]) -> str:
    """The page: a row for each system, a column for each fact."""
    names, rows = grid(facts)
    page = [
        f"# {table.title}",
        "",
        f"{table.paper}. Regenerate with `{table.command}`.",
        "",
        LEGEND,
        "",
        "| | " + " | ".join(names) + " |",
        "|" + "---|" * (len(names) + 1),
    ]
    page += ["| " + " | ".join([system, *row]) + " |" for system, row in rows.items()]
    page += ["", *(f"{number}. {note}" for number, note in enumerate(table.notes, 1))]
    return "\n".join(page) + "\n"
