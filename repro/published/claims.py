"""The papers' findings as data: each is a set of comparisons between cells, held against published and own numbers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from repro.errors import ReproError
from repro.evaluation.plan import Plan
from repro.evaluation.significance import kept_or_made
from repro.published import ledger
from repro.results import csv_lines
from repro.results.csv_lines import Line
from repro.results.signature import Signature, check_comparable
from repro.tables.spec import Table

# models whose rows stand for the paper's, by how the names of these rows begin; the rest of them are the paper's names
MODELS = {"minilm-": "all-MiniLM-L6-v2", "mpnet-": "all-mpnet-base-v2"}


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
    """A finding: it holds when all of its comparisons do. `own`: the same between rows of MODELS, prefix left out.

    One without `comparisons` is this suite's own.
    """

    table: str
    text: str
    comparisons: tuple[Comparison, ...] = ()
    own: tuple[Comparison, ...] = ()


@dataclass(frozen=True)
class Finding:
    """How a claim of `of` comparisons fares on one source of numbers; `holds` is None where nothing was measured.

    `apart`: comparisons that cannot be made, because the two numbers are of different protocols.
    """

    source: str
    holds: bool | None
    of: int
    details: tuple[str, ...] = ()
    apart: tuple[str, ...] = ()

    @property
    def held(self) -> int:
        """How many of the comparisons that could be made hold."""
        return sum("✗" not in line for line in self.details)

    def __str__(self) -> str:
        apart = "".join(f"\n    {line}" for line in self.apart)
        if self.holds is None:
            return f"{self.source}: not measured{apart}"
        total = len(self.details)
        rest = f"; {self.of - total} not measured" if total < self.of else ""
        head = f"{self.source}: {'holds' if self.holds else 'does not hold'}"
        head += f" ({self.held} of {total} comparisons{rest})"
        shown = [line for line in self.details if self.source != "published" or line.endswith("✗")]
        return head + "".join(f"\n    {line}" for line in shown) + apart


_STS = ("sts12", "sts13", "sts14", "sts15", "sts16", "stsb", "sickr")
_TABLE1 = (
    *("glove-avg", "bert-base-avg-service", "infersent", "use"),
    *("sbert-nli-base", "sbert-nli-large", "sroberta-nli-base", "sroberta-nli-large"),
)


def _raised(
    first: str, second: str, columns: tuple[str, ...] = (*_STS[:5], "stsb"), margin: float = 0.0
) -> tuple[Comparison, ...]:
    """`first` above `second` in each column."""
    return tuple(Comparison(column, first, second, margin) for column in columns)


CLAIMS: tuple[Claim, ...] = (
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
        "concatenating |u−v| matters most: the paper's sentence is about what |u−v| adds beside (u, v); on its own u·v "
        "(70.54) beats |u−v| (69.78)",
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
    Claim(
        "whitening-1",
        "whitening on NLI raises first-last-avg on STS-B and STS12-16",
        _raised("bert-base-whitening-nli", "bert-base-first-last-avg"),
        _raised("first-last-avg-whitening-nli", "first-last-avg"),
    ),
    Claim(
        "whitening-1",
        "a third of the dimensions is enough: no set falls by more than 1.5 points",
        _raised("bert-base-whitening-256-target", "bert-base-whitening-target", _STS, -1.5),
        _raised("first-last-avg-whitening-256-target", "first-last-avg-whitening-target", _STS, -1.5),
    ),
    Claim(
        "whitening-1",
        "whitening makes a model worse that was trained by contrast, under the pooling it was trained for",
        own=(
            *_raised("avg", "avg-whitening-nli", _STS),
            *_raised("avg", "avg-whitening-256-nli", _STS),
        ),
    ),
    Claim(
        "whitening-1",
        "under a pooling it was not trained for (CLS) whitening on NLI helps such a model on STS-B and STS12-16",
        own=_raised("cls-whitening-nli", "cls"),
    ),
    Claim(
        "flow-2",
        "a flow on the target raises last2avg on STS-B and STS12-16",
        _raised("bert-base-flow-target", "bert-base-first-last-avg"),
        _raised("first-last-avg-flow-target", "first-last-avg"),
    ),
    Claim(
        "simcse-5",
        "unsupervised SimCSE beats flow and whitening on every set",
        (
            *_raised("unsup-simcse-bert-base", "bert-base-flow3-nli", _STS),
            *_raised("unsup-simcse-bert-base", "bert-base-whitening-nli", _STS),
        ),
        (
            *_raised("unsup-simcse-mean", "avg-flow3-nli", _STS),
            *_raised("unsup-simcse-mean", "avg-whitening-nli", _STS),
        ),
    ),
    Claim(
        "simcse-5",
        "supervised SimCSE beats Sentence-BERT on every set",
        _raised("sup-simcse-bert-base", "sbert-nli-base", _STS),
    ),
    Claim(
        "simcse-5",
        "unsupervised SimCSE raises every set over the model that it started from",
        _raised("unsup-simcse-bert-base", "bert-base-embedding-last-avg", _STS),
        _raised("unsup-simcse", "cls", _STS),
    ),
)


def evaluate(claim: Claim, folder: Path, planned: Plan) -> Iterator[Finding]:
    """The claim on the published numbers, then on the table written in `folder`.

    `planned`: the claim's table, for tests between written numbers whose cells are stored.
    """
    table = planned.table
    if claim.comparisons:
        yield published(claim, table)
    path = folder / f"{claim.table}.csv"
    lines = _measured(path) if path.is_file() else {}
    for source, prefix, comparisons in _sources(claim, table):
        details, held, apart = [], [], []
        for comparison in comparisons:
            cells = [(prefix + row, comparison.column) for row in (comparison.first, comparison.second)]
            there = [lines[cell] for cell in cells if cell in lines]
            if len(there) < 2:
                continue
            try:
                check_comparable([Signature.parse(line.get("signature", "")) for line in there])
            except ReproError as error:
                apart.append(f"{comparison.column}: {cells[0][0]} and {cells[1][0]}: {error}")
                continue
            values = [float(line["value"]) for line in there]
            held.append(comparison.holds(*values))
            details.append(_detail(comparison, prefix, values) + _test(planned, comparison, prefix, values))
        yield Finding(source, all(held) if held else None, len(comparisons), tuple(details), tuple(apart))


def _sources(claim: Claim, table: Table) -> Iterator[tuple[str, str, tuple[Comparison, ...]]]:
    """(name, prefix of its rows, what is compared) of what can be measured: the paper's own systems, and MODELS."""
    if claim.comparisons:
        yield "measured", "", claim.comparisons
    slugs = {row.slug for row in table.rows}
    for prefix, model in MODELS.items():
        comparisons = claim.own or claim.comparisons
        if any(prefix + comparison.first in slugs for comparison in comparisons):
            yield f"measured, {model}", prefix, comparisons


def _measured(path: Path) -> dict[tuple[str, str], Line]:
    """The lines of a written table that have a value; ReproError where it has two values of one cell."""
    by_place: dict[tuple[str, str], Line] = {}
    for line in csv_lines.from_csv(path):
        place = (line["row"], line["column"])
        if line["value"] and by_place.setdefault(place, line)["value"] != line["value"]:
            raise ReproError(f"{path} has two values of {place[0]} × {place[1]}; see `repro verify`")
    return by_place


def published(claim: Claim, table: Table) -> Finding:
    """The claim on the ledger's numbers."""
    refs = {row.slug: row.published for row in table.rows}
    details, held = [], []
    for comparison in claim.comparisons:
        references = [ledger.published(refs[row], comparison.column) for row in (comparison.first, comparison.second)]
        first, second = (number.value for number in references if number)
        held.append(comparison.holds(first, second))
        details.append(_detail(comparison, "", [first, second]))
    return Finding("published", all(held), len(claim.comparisons), tuple(details))


def _detail(comparison: Comparison, prefix: str, values: list[float]) -> str:
    first, second = values
    verdict = "" if comparison.holds(first, second) else "  ✗"
    rows = f"{prefix}{comparison.first} {first:.2f}, {prefix}{comparison.second} {second:.2f}"
    return f"{comparison.column}: {rows} ({first - second:+.2f}){verdict}"


def _test(planned: Plan, comparison: Comparison, prefix: str, written: list[float]) -> str:
    """The test on the stored cells, where these are the ones that were written."""
    rows = [prefix + comparison.first, prefix + comparison.second]
    stored = [planned.stored.get((row, comparison.column)) for row in rows]
    if any(cell is None or abs(cell.value - value) > 1e-6 for cell, value in zip(stored, written, strict=True)):
        return ""
    (column,) = (column for column in planned.table.scored() if column.slug == comparison.column)
    test = kept_or_made(planned, column, *rows)
    return f", {test.p_text}" if test else ""
