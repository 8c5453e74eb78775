"""Is the difference between two rows more than chance? Paired bootstrap over the items that both rows scored."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from repro.cells import check_comparable, unpack
from repro.errors import ReproError
from repro.metrics.bootstrap import interval, paired_p_value
from repro.runner import Plan
from repro.table import Column
from repro.tasks.sts import StsScores

Comparison = tuple[Column, float, tuple[float, float], float]


def compare(made: Plan, first: str, second: str) -> Iterator[Comparison]:
    """(column, first − second, 95 % interval, two-sided p) of each column where both rows are stored.

    Raises ReproError when no column has both, or when the two were computed under different protocols.
    """
    shared = [c for c in made.table.scored() if (first, c.slug) in made.stored and (second, c.slug) in made.stored]
    if not shared:
        raise ReproError(f"{made.table.id}: {first} and {second} have no stored column in common; run the table first")
    for column in shared:
        cells = [made.stored[slug, column.slug] for slug in (first, second)]
        check_comparable([cell.signature for cell in cells])
        gold = tuple(part.gold for part in made.data[column.task])
        draws = [
            StsScores(tuple(unpack(item) for item in cell.items), gold).draws(
                column.correlation, column.aggregation, made.options.resamples, made.options.seed
            )
            for cell in cells
        ]
        difference: np.ndarray = draws[0] - draws[1]
        yield column, cells[0].value - cells[1].value, interval(difference), paired_p_value(difference)
