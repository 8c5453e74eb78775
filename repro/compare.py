"""Is the difference between two rows more than chance? Paired tests over the items that both rows were scored on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from repro.cells import check_comparable, unpack
from repro.errors import ReproError
from repro.metrics.bootstrap import interval
from repro.runner import Plan
from repro.table import Column
from repro.tasks import TASKS


@dataclass(frozen=True)
class Comparison:
    """First row − second row in one column, its 95 % bootstrap interval, and the two-sided p of the named test."""

    column: Column
    difference: float
    interval: tuple[float, float]
    p: float
    test: str


def compare(made: Plan, first: str, second: str) -> Iterator[Comparison]:
    """Every column where both rows are stored and have test items.

    Raises ReproError when no column has both, or when the two were computed under different protocols.
    """
    shared = [c for c in made.table.scored() if (first, c.slug) in made.stored and (second, c.slug) in made.stored]
    if not shared:
        raise ReproError(f"{made.table.id}: {first} and {second} have no stored column in common; run the table first")
    for column in shared:
        cells = [made.stored[slug, column.slug] for slug in (first, second)]
        check_comparable([cell.signature for cell in cells])
        if not all(cell.items for cell in cells):
            continue
        task, data = TASKS[column.task], made.data[column.task]
        scores = [task.restore(data, tuple(map(unpack, cell.items))) for cell in cells]
        one, other = (found.draws(column.metric, made.options.resamples, made.options.seed) for found in scores)
        if one is None or other is None:
            continue
        difference = one - other
        p, test = scores[0].p_value(scores[1], column.metric, difference)
        yield Comparison(column, cells[0].value - cells[1].value, interval(difference), p, test)
