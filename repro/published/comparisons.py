"""What a claim is: comparisons between the cells of a table, and when each of them holds."""

from __future__ import annotations

import math
from dataclasses import dataclass

from repro.published.ledger import ROUNDING


@dataclass(frozen=True)
class Comparison:
    """`first` above `second` in a column by more than `margin` and no more than `ceiling`; or, where `margin` is below
    nothing, no further below than that; or, `near`, no further than `margin` apart.

    `factor`: `first` is so many times `second`, such as a time of another; nothing is said of their difference.
    `against`: the column of `second` where that is another one, such as the same measure of other words.
    """

    column: str
    first: str  # row slugs
    second: str
    margin: float = 0.0
    near: bool = False
    ceiling: float = math.inf
    against: str = ""
    factor: bool = False

    @property
    def places(self) -> tuple[tuple[str, str], tuple[str, str]]:
        """(row, column) of both cells."""
        return (self.first, self.column), (self.second, self.against or self.column)

    @property
    def columns(self) -> str:
        """Of both cells, in words."""
        return f"{self.column} − {self.against}" if self.against else self.column

    @property
    def sign(self) -> str:
        """Between the two scores."""
        return "/" if self.factor else "−"

    def difference(self, first: float, second: float) -> float:
        """What is compared: the first score less the second, or, `factor`, divided by it."""
        return first / second if self.factor else first - second

    def holds(self, difference: float) -> bool:
        """Whether it does for this `difference`."""
        if self.near:
            return abs(difference) <= self.margin + ROUNDING
        least = self.margin + (ROUNDING if self.margin >= 0 else -ROUNDING)
        return least < difference <= self.ceiling + ROUNDING

    def turns_within(self, low: float, high: float) -> bool:
        """Whether differences from `low` to `high` are on both sides of where it stops to hold."""
        limits = (-self.margin, self.margin) if self.near else (self.margin, self.ceiling)
        return any(low <= limit <= high for limit in limits)


@dataclass(frozen=True)
class Order:
    """Of two rows of a model that of which every column in `lower` is lower is above the other in `column`."""

    column: str
    lower: tuple[str, ...]


@dataclass(frozen=True)
class Claim:
    """A finding: it holds when all of its comparisons do.

    `own`: the same between rows of MODELS, prefix left out. One without `comparisons` is this suite's own.
    `on_most`: it holds when all comparisons do in more than half of its columns.
    `despite`: why the published numbers do not bear it out, where they do not.
    `order`: its comparisons are between all rows of a model, as their numbers have it.
    """

    table: str
    text: str
    comparisons: tuple[Comparison, ...] = ()
    own: tuple[Comparison, ...] = ()
    on_most: bool = False
    despite: str = ""
    order: Order | None = None

    @property
    def sentence(self) -> str:
        """The text, and why the published numbers do not bear it out where they do not."""
        return f"{self.text} ({self.despite})" if self.despite else self.text
