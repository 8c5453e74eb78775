"""The papers' findings as data: each is a set of comparisons between cells, held against published and own numbers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from repro import ledger, render, runner, tables
from repro.compare import significance
from repro.errors import ReproError
from repro.measured import Options
from repro.table import Table

OWN = ("", "minilm-")  # prefixes of the rows that stand for the paper's: its own systems run here, all-MiniLM-L6-v2


@dataclass(frozen=True)
class Comparison:
    """`first` above `second` in a column by more than `margin`; or, `near`, no further than `margin` apart."""

    column: str
    first: str  # row slugs
    second: str
    margin: float = 0.0
    near: bool = False

    def holds(self, first: float, second: float) -> bool:
        """Whether it does for these two scores."""
        return abs(first - second) <= self.margin if self.near else first - second > self.margin


@dataclass(frozen=True)
class Claim:
    """A finding: it holds when all of its comparisons do."""

    table: str
    text: str
    comparisons: tuple[Comparison, ...]


@dataclass(frozen=True)
class Finding:
    """How a claim fares on one source of numbers; `holds` is None where nothing was measured."""

    source: str
    holds: bool | None
    of: int
    details: tuple[str, ...] = ()

    def __str__(self) -> str:
        if self.holds is None:
            return f"{self.source}: not measured"
        head = f"{self.source}: {'holds' if self.holds else 'does not hold'}"
        head += f" ({len(self.details)} of {self.of} comparisons)"
        shown = [line for line in self.details if self.source != "published" or line.endswith("✗")]
        return head + "".join(f"\n    {line}" for line in shown)


_STS = ("sts12", "sts13", "sts14", "sts15", "sts16", "stsb", "sickr")
_TABLE1 = (
    *("glove-avg", "bert-base-avg-service", "infersent", "use"),
    *("sbert-nli-base", "sbert-nli-large", "sroberta-nli-base", "sroberta-nli-large"),
)

CLAIMS = (
    Claim(
        "sbert-1",
        "SBERT beats averaged GloVe on every set",
        tuple(Comparison(column, "sbert-nli-base", "glove-avg") for column in _STS),
    ),
    Claim(
        "sbert-1",
        "CLS without fine-tuning is the worst row",
        tuple(Comparison(column, row, "bert-base-cls-service") for column in _STS for row in _TABLE1),
    ),
    Claim(
        "sbert-6",
        "concatenating |u−v| matters most: it adds more than any other part, whatever else is there",
        (
            Comparison("nli", "u,v,diff", "u,v"),
            Comparison("nli", "diff,prod", "prod"),
            Comparison("nli", "u,v,diff,prod", "u,v,prod"),
            Comparison("nli", "u,v,diff", "u,v,prod"),
            Comparison("nli", "u,v,diff", "u,v,diff,prod"),
        ),
    ),
    Claim(
        "sbert-6",
        "pooling hardly matters for the NLI objective: within two points of MEAN",
        (Comparison("nli", "mean", "max", 2, near=True), Comparison("nli", "mean", "cls", 2, near=True)),
    ),
    Claim(
        "sbert-6",
        "MAX is clearly worse for regression: by more than five points",
        (Comparison("stsb", "mean", "max", 5), Comparison("stsb", "cls", "max", 5)),
    ),
)


def evaluate(claim: Claim, folder: Path, options: Options | None = None) -> Iterator[Finding]:
    """The claim on the published numbers, then on the table written in `folder`, with tests where cells are stored."""
    table = tables.get(claim.table)
    yield published(claim, table)
    path = folder / f"{claim.table}.csv"
    lines = render.from_csv(path.read_text(encoding="utf-8")) if path.is_file() else []
    values = {(line["row"], line["column"]): float(line["value"]) for line in lines if line["value"]}
    made = _plan(table, options or Options())
    for prefix in OWN:
        details, held = [], []
        for comparison in claim.comparisons:
            cells = [(prefix + row, comparison.column) for row in (comparison.first, comparison.second)]
            if all(cell in values for cell in cells):
                found = [values[cell] for cell in cells]
                held.append(comparison.holds(*found))
                details.append(_detail(comparison, prefix, found) + _test(made, table, comparison, prefix))
        source = "measured" + (f", {prefix}" if prefix else "")
        yield Finding(source, all(held) if held else None, len(claim.comparisons), tuple(details))


def published(claim: Claim, table: Table) -> Finding:
    """The claim on the ledger's numbers."""
    refs = {row.slug: row.published for row in table.rows}
    details, held = [], []
    for comparison in claim.comparisons:
        found = [ledger.published(refs[row], comparison.column) for row in (comparison.first, comparison.second)]
        first, second = (number.value for number in found if number)
        held.append(comparison.holds(first, second))
        details.append(_detail(comparison, "", [first, second]))
    return Finding("published", all(held), len(claim.comparisons), tuple(details))


def _detail(comparison: Comparison, prefix: str, values: list[float]) -> str:
    first, second = values
    verdict = "" if comparison.holds(first, second) else "  ✗"
    rows = f"{prefix}{comparison.first} {first:.2f}, {prefix}{comparison.second} {second:.2f}"
    return f"{comparison.column}: {rows} ({first - second:+.2f}){verdict}"


def _plan(table: Table, options: Options) -> runner.Plan | None:
    try:
        return runner.plan(table, options)
    except ReproError:  # without its data there are no tests, only the written numbers
        return None


def _test(made: runner.Plan | None, table: Table, comparison: Comparison, prefix: str) -> str:
    if made is None:
        return ""
    (column,) = (column for column in table.scored() if column.slug == comparison.column)
    found = significance(made, column, prefix + comparison.first, prefix + comparison.second)
    return f", p = {found.p:.3f} ({found.test})" if found else ""
