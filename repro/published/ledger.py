"""The ledger: published numbers, tolerances, recorded deviations, errata, and the verdict on a measured value."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from statistics import fmean
from typing import Literal

from repro.metrics import metric
from repro.tables.spec import AnyColumn, Average, Column, ColumnRef, Ref, Row, Table

FOLDER = Path(__file__).parent
DEFAULT_TOLERANCE = 0.05  # released weights and deterministic rows, on the ×100 scale
TRAINED_TOLERANCE = 0.5  # trained rows, or twice the standard deviation over seeds
ROUNDING = 1e-9  # beyond a tolerance or a bound: a difference of two decimals is not exact, nor is a sum


@dataclass(frozen=True)
class Published:
    """A published number on the ×100 scale, with what was printed."""

    value: float
    printed: str
    std: float | None
    metric: str

    @property
    def rounded(self) -> float:
        """What printing may have taken from it or given: half a unit of its last digit."""
        return 0.5 * _scale(self.metric) * 10.0 ** -len(self.printed.partition(".")[2])


VerdictName = Literal[
    "match", "within-noise", "deviates", "no-published", "other-hardware", "other-protocol", "not-run"
]


@dataclass(frozen=True)
class Verdict:
    """The judgement of one cell: published value, difference, tolerance, verdict and its reason."""

    published: float | None
    delta: float | None
    tolerance: float | None
    verdict: VerdictName
    reason: str = ""
    published_std: float | None = None


@cache
def numbers() -> dict[tuple[str, str, str, str, str], list[Published]]:
    """All published numbers by (paper, table, system, group, task)."""
    by_place: dict[tuple[str, str, str, str, str], list[Published]] = {}
    for path in sorted(FOLDER.glob("*.csv")):
        for line in read_csv(path):
            if not line.get("metric") or not _is_number(line["value"]):
                continue
            item = Published(
                _scale(line["metric"]) * float(line["value"]),
                line["value"],
                float(line["std"]) if line["std"] else None,
                line["metric"],
            )
            keys = {"", line["system_group"]}
            for group in keys:
                place = (line["paper"], line["table"], line["system"], group, line["task"])
                by_place.setdefault(place, []).append(item)
    return by_place


def _scale(metric: str) -> int:
    """From a printed number of this metric to the ×100 scale."""
    return 100 if metric.startswith("cosine_") or "(0-1" in metric else 1


def read_csv(path: Path) -> list[dict[str, str]]:
    """A CSV file as dictionaries."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def printed(paper: str, table: str) -> list[dict[str, str]]:
    """The lines of a paper's table, as they stand in the ledger."""
    lines = (line for path in sorted(FOLDER.glob("*.csv")) for line in read_csv(path))
    return [line for line in lines if line.get("paper") == paper and line.get("table") == table and "metric" in line]


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def published(ref: Ref | None, column: str) -> Published | None:
    """The published number of a row in a column, or None where that source has none."""
    if ref is None:
        return None
    where = ref.columns.get(column, ColumnRef(""))
    system = ref.system.replace("{}", where.protocol)
    candidates = numbers().get((ref.paper, ref.table, system, ref.group or where.group, where.task), [])
    candidates = [item for item in candidates if where.metric in ("", item.metric)]
    return candidates[0] if candidates else None


@cache
def _tolerances() -> dict[tuple[str, str, str], tuple[float, str]]:
    return {
        (line["table"], line["row"], line["column"]): (float(line["tolerance"]), line["reason"])
        for line in read_csv(FOLDER / "tolerances.csv")
    }


@cache
def _deviations() -> dict[tuple[str, str, str], str]:
    return {
        (line["table"], line["row"], line["column"]): line["reason"] for line in read_csv(FOLDER / "deviations.csv")
    }


def deviation_reason(table: str, row: str, column: str) -> str:
    """The recorded reason why this cell (`*`: this row) differs from its published number, or ''."""
    return _deviations().get((table, row, column)) or _deviations().get((table, row, "*"), "")


def recovered(row: Row) -> dict[str, str] | None:
    """How a row's published numbers were really produced, where that had to be found out: recipe, how, source."""
    if row.published is None or row.system.only:
        return None
    wanted = (row.published.paper, row.published.table, row.published.system)
    lines = read_csv(FOLDER / "recipes.csv")
    return next((line for line in lines if (line["paper"], line["table"], line["system"]) == wanted), None)


def errata(table: str) -> list[dict[str, str]]:
    """Contradictions between sources that touch this table."""
    return [line for line in read_csv(FOLDER / "errata.csv") if table in line["tables"].split()]


def tolerance(
    table: str, row: Row, column: AnyColumn, number: Published, stds: Sequence[float | None] = ()
) -> tuple[float, str]:
    """(tolerance, why it is not the default) for |measured − published|, and never less than its rounding.

    It is meant for the ×100 scale; a metric of another range has as large a share of its own. `stds`: over seeds, of
    the column or of those of an average, whose tolerance is their mean: it may be as far off as they all may be.
    """
    share = metric(column.metric).share(number.value) if isinstance(column, Column) else 1.0
    if row.system.seeded:
        allowed = fmean(max(2 * (std or 0.0), TRAINED_TOLERANCE * share) for std in stds or (None,))
        return max(allowed, number.rounded), ""
    of = column.of if isinstance(column, Average) else (column.slug,)
    default = (DEFAULT_TOLERANCE * share, "")
    each, reasons = zip(*(_tolerances().get((table, row.slug, slug), default) for slug in of), strict=True)
    return max(default[0], fmean(each), number.rounded), "; ".join(dict.fromkeys(filter(None, reasons)))


def judge(
    table: Table,
    row: Row,
    column: AnyColumn,
    value: float | None,
    stds: Sequence[float | None],
    why_not: str,
    other_data: str = "",
) -> Verdict:
    """Hold a measured value (None: not run, `why_not`) against the ledger. Two-sided: too good is a deviation too.

    `stds`: see `tolerance`. `other_data`: how the data differ from the published number's.
    """
    only = row.system.only
    there = published(row.published, column.slug) if not only or column.slug in only else None
    number, spread = (there.value, there.std) if there else (None, None)
    if value is None:
        return Verdict(number, None, None, "not-run", why_not, spread)
    if there is None or table.banner:  # of other data, or of a part of them
        return Verdict(None, None, None, "no-published")
    if isinstance(column, Column) and metric(column.metric).of_machine:
        return Verdict(number, None, None, "other-hardware", "", spread)
    if other_data:
        return Verdict(number, None, None, "other-protocol", other_data, spread)
    if row.published and (why := row.published.columns.get(column.slug, ColumnRef("")).differs):
        return Verdict(number, None, None, "other-protocol", why, spread)
    allowed, reason = tolerance(table.id, row, column, there, stds)
    delta = value - there.value
    if abs(delta) <= allowed + ROUNDING:
        return Verdict(number, delta, allowed, "within-noise" if row.system.seeded else "match", reason, spread)
    reason = deviation_reason(table.id, row.slug, column.slug)
    return Verdict(number, delta, allowed, "deviates", reason, spread)
