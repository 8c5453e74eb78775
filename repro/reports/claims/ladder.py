"""What the page shows of scratch-bert's rows in SimCSE's Table 5: a ladder of averages, and the scatter's points."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import fmean

from repro import tables
from repro.published import ledger
from repro.published.claims import BASE, BASE_PREFIX, on_base
from repro.published.findings import Measured
from repro.reports.plots import Point
from repro.results.csv_lines import number
from repro.tables.spec import Average, Row, Table

TABLE = "simcse-5"
QUOTED = "sbert-1"  # of a paper that has another text and another layer than SimCSE
# layers 1 and 4 of scratch-bert; of BERT-base SimCSE averages the input embeddings and layer 12
FIRST_LAST = "first and last layer"
# of each step: its name, the paper's row that scratch-bert's stands for, and the table that prints BERT-base's average
STEPS = (
    ("CLS", "bert-base-cls-service", QUOTED),
    ("static: input embeddings", "glove-avg", ""),
    ("mean", "bert-base-avg-service", QUOTED),
    (FIRST_LAST, "bert-base-embedding-last-avg", TABLE),
    ("flow (NLI)", "bert-base-flow3-nli", TABLE),
    ("whitening (NLI)", "bert-base-whitening-nli", TABLE),
    ("SBERT (NLI)", "sbert-nli-base", TABLE),
    ("unsupervised SimCSE", "unsup-simcse-bert-base", TABLE),
    ("supervised SimCSE", "sup-simcse-bert-base", TABLE),
)


@dataclass(frozen=True)
class Step:
    """One step of the ladder: the average over seven STS sets, of scratch-bert and of BERT-base in a paper.

    `spread`: the mean of the seven sets' standard deviations over `seeds`; that of their average, which a table does
    not have, is no larger (the norm of a sum is at most the sum of the norms). `legend`: as in figures. `quoted`: the
    published number is of QUOTED.
    """

    name: str
    legend: str
    average: float | None
    spread: float | None
    seeds: int
    published: float | None
    quoted: bool


def ladder(table: Table, lines: Measured) -> list[Step]:
    """From CLS to supervised SimCSE. `table` is TABLE, `lines` are its own."""
    rows = {row.slug: row for row in table.rows}
    (average,) = (column for column in table.columns if isinstance(column, Average))
    return [_step(name, rows.get(on_base(row)), row, where, average, lines) for name, row, where in STEPS]


def _step(name: str, base: Row | None, row: str, where: str, average: Average, lines: Measured) -> Step:
    of = [lines[base.slug, column] for column in average.of if (base.slug, column) in lines] if base else []
    if base is None or len(of) < len(average.of):
        return Step(name, "plain", None, None, 0, _published(row, where, average.slug), where == QUOTED)
    value = average.value([float(line["value"]) for line in of])
    seeds = max(int(number(line.get("seeds", "")) or 1) for line in of)
    spread = fmean(number(line.get("std", "")) or 0.0 for line in of) if seeds > 1 else None
    return Step(name, base.system.legend, value, spread, seeds, _published(row, where, average.slug), where == QUOTED)


def _published(row: str, where: str, column: str) -> float | None:
    if not where:
        return None
    (ref,) = (each.published for each in tables.get(where).rows if each.slug == row)
    found = ledger.published(ref, column)
    return found.value if found else None


def points(table: Table, lines: Measured) -> tuple[Point, ...]:
    """scratch-bert's rows that have alignment, uniformity and the average, its name left out of their labels."""
    names = ("alignment", "uniformity", "avg")
    return tuple(
        Point(
            row.label.removeprefix(f"{BASE}, "),
            row.system.legend,
            *(float(lines[row.slug, name]["value"]) for name in names),
        )
        for row in table.rows
        if row.slug.startswith(BASE_PREFIX) and all((row.slug, name) in lines for name in names)
    )
