"""How the papers' findings fare: on the ledger's numbers, and on those of a written table, model by model."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import permutations
from pathlib import Path

from repro.errors import ReproError
from repro.evaluation.plan import Plan
from repro.evaluation.significance import interval_over_seeds, kept_or_made, scatter_alike
from repro.published import ledger
from repro.published.claims import BASE, BASE_PREFIX, CLAIMS, MODELS, of_model, on_base
from repro.published.comparisons import Claim, Comparison, Order
from repro.published.outcomes import Finding, Outcome
from repro.results import csv_lines
from repro.results.csv_lines import Line, Place
from repro.results.signature import Signature, check_comparable
from repro.tables.spec import Table

PUBLISHED = "published"
SYSTEMS = "the papers' systems"  # measured here
SOURCES = (PUBLISHED, BASE, *MODELS.values(), SYSTEMS)
Measured = Mapping[Place, Line]  # lines with a value


def measured(path: Path) -> Measured:
    """The lines of a written table that have a value, none where it is not written.

    ReproError where it has two values of one cell.
    """
    by_place: dict[Place, Line] = {}
    for line in csv_lines.from_csv(path) if path.is_file() else ():
        place = (line["row"], line["column"])
        if line["value"] and by_place.setdefault(place, line)["value"] != line["value"]:
            raise ReproError(f"{path} has two values of {place[0]} × {place[1]}; see `repro verify`")
    return by_place


Fared = Sequence[tuple[Claim, Sequence[Finding]]]


def of_table(table: Table, folder: Path, planned: Plan | None = None) -> Fared:
    """The claims on a table, and how each fares, from the file in `folder` (`planned`: see `evaluate`)."""
    lines = measured(folder / f"{table.id}.csv")
    return [(claim, evaluate(claim, table, lines, planned)) for claim in CLAIMS if claim.table == table.id]


def unexpected(fared: Fared) -> list[Claim]:
    """The claims that do not hold on the published numbers and do not say why."""
    return [
        claim
        for claim, findings in fared
        for finding in findings
        if finding.source == PUBLISHED and finding.holds is False and not claim.despite
    ]


def evaluate(claim: Claim, table: Table, lines: Measured, planned: Plan | None = None) -> list[Finding]:
    """The claim on each of SOURCES, in that order.

    `planned`: the table's plan, for tests between written numbers whose cells are stored.
    """
    findings = [published(claim, table)]
    nothing = "no such pair measured" if claim.order else "not measured"
    decimals = _decimals(table)
    for source, comparisons, rowless in _sources(claim, table, lines):
        outcomes, apart = [], []
        for comparison in comparisons:
            there = [lines.get(place) for place in comparison.places]
            if (first := there[0]) is None or (second := there[1]) is None:
                continue
            if why := _incomparable(comparison, first, second):
                apart.append(f"{comparison.column}: {comparison.first} and {comparison.second}: {why}")
                continue
            outcomes.append(_outcome(comparison, first, second, decimals, planned))
        due = Counter(comparison.column for comparison in comparisons)
        findings.append(Finding(source, tuple(outcomes), due, rowless, tuple(apart), claim.on_most, nothing))
    return findings


def published(claim: Claim, table: Table) -> Finding:
    """The claim on the ledger's numbers."""
    refs = {row.slug: row.published for row in table.rows}
    outcomes = []
    for comparison in claim.comparisons:
        references = [ledger.published(refs[row], column) for row, column in comparison.places]
        first, second = (number.value for number in references if number)
        outcomes.append(Outcome(comparison, first, second, decimals=_decimals(table)))
    due = Counter(comparison.column for comparison in claim.comparisons)
    return Finding(PUBLISHED, tuple(outcomes), due, on_most=claim.on_most, nothing="not published")


def _decimals(table: Table) -> int:
    """Of scores in comparisons: those of the table, and no fewer than two."""
    return max(2, table.decimals)


def _sources(claim: Claim, table: Table, lines: Measured) -> Iterator[tuple[str, tuple[Comparison, ...], int]]:
    """What is compared of each model, and how many of the claim's comparisons scratch-bert has no rows for."""
    if claim.order:
        for prefix, model in {BASE_PREFIX: BASE, **MODELS}.items():
            rows = [row.slug for row in table.rows if row.slug.startswith(prefix) or row.slug == model.lower()]
            yield model, tuple(_ordered(claim.order, rows, lines)), 0
    else:
        slugs = {row.slug for row in table.rows}
        all_of_it = on_the_base(claim)
        shown = tuple(pair for pair in all_of_it if {pair.first, pair.second} <= slugs)
        yield BASE, shown, len(all_of_it) - len(shown)
        for prefix, model in MODELS.items():
            pairs = claim.own or claim.comparisons
            yield model, tuple(_of_model(prefix, pair) for pair in pairs), 0
    yield SYSTEMS, claim.comparisons, 0


def _of_model(prefix: str, pair: Comparison) -> Comparison:
    return replace(pair, first=of_model(prefix, pair.first), second=of_model(prefix, pair.second))


def on_the_base(claim: Claim) -> list[Comparison]:
    """The claim's comparisons between rows of scratch-bert, in their order, whether a table has these or not."""
    return [
        replace(pair, first=on_base(pair.first), second=on_base(pair.second)) for pair in claim.comparisons or claim.own
    ]


def _ordered(order: Order, rows: Sequence[str], lines: Measured) -> Iterator[Comparison]:
    """Pairs of rows of which the first is lower in every column that orders them."""
    columns = (order.column, *order.lower)
    whole = [row for row in rows if all((row, column) in lines for column in columns)]
    values = {row: [float(lines[row, column]["value"]) for column in order.lower] for row in whole}
    for first, second in permutations(whole, 2):
        if all(one < other for one, other in zip(values[first], values[second], strict=True)):
            yield Comparison(order.column, first, second)


def _incomparable(comparison: Comparison, first: Line, second: Line) -> str:
    """Why these two numbers are not compared; '' where they are."""
    signatures = _signatures(first, second)
    machines = [signature.system.get("on", "") for signature in signatures]
    if machines[0] != machines[1]:
        return f"one was timed on {machines[0]}, the other on {machines[1]}"
    models = [line.get("weights", "").partition("@")[0] for line in (first, second)]
    if models[0] == models[1] and first.get("weights") != second.get("weights"):
        return f"one is of {first['weights']}, the other of {second['weights']}"
    try:
        if not comparison.against:
            check_comparable(signatures)
    except ReproError as error:
        return str(error)
    return ""


def _outcome(comparison: Comparison, first: Line, second: Line, decimals: int, planned: Plan | None) -> Outcome:
    values = (float(first["value"]), float(second["value"]))
    if comparison.factor:
        return Outcome(comparison, *values, decimals=decimals)
    stds = [csv_lines.number(line.get("std", "")) or 0.0 for line in (first, second)]
    seeds = [_seeds(line) for line in (first, second)]
    interval = interval_over_seeds(values[0] - values[1], stds, seeds)
    if 1 in seeds and not scatter_alike(*_signatures(first, second)):
        interval = None
    one_run = 1 in seeds and interval is None
    return Outcome(comparison, *values, interval, _test(comparison, values, planned), decimals, one_run)


def _signatures(first: Line, second: Line) -> list[Signature]:
    return [Signature.parse(line.get("signature", "")) for line in (first, second)]


def _seeds(line: Line) -> int | None:
    """How many seeds a number is of; None where no seed changes it."""
    count = int(csv_lines.number(line.get("seeds", "")) or 1)
    return count if count > 1 or "seeds" in Signature.parse(line.get("signature", "")).system else None


def _test(comparison: Comparison, written: tuple[float, float], planned: Plan | None) -> str:
    """The test on the stored cells, where these are the ones that were written."""
    if planned is None or comparison.against:
        return ""
    rows = (comparison.first, comparison.second)
    stored = [planned.stored.get((row, comparison.column)) for row in rows]
    if any(cell is None or abs(cell.value - value) > 1e-6 for cell, value in zip(stored, written, strict=True)):
        return ""
    (column,) = (column for column in planned.table.scored() if column.slug == comparison.column)
    test = kept_or_made(planned, column, *rows)
    return test.p_text if test else ""
