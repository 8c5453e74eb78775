"""The columns of a table: scores that are measured, and numbers that follow from them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


class Headed:
    """A column under its own label and that of its section."""

    label: str
    section: str

    @property
    def full_label(self) -> str:
        """Both labels, as where a column stands alone."""
        return ", ".join(filter(None, [self.label, self.section]))


@dataclass(frozen=True)
class Column(Headed):
    """One score: a task and one of its metrics."""

    slug: str
    label: str
    task: str
    metric: str = "spearman-all"
    section: str = ""  # heading under which the column stands; a table of one section needs none


@dataclass(frozen=True)
class Average(Headed):
    """The mean of other columns, computed from unrounded values."""

    label: str
    of: tuple[str, ...]
    slug: str = "avg"
    section: str = ""

    @property
    def metric(self) -> str:
        """As in the CSV."""
        return f"mean-of-{len(self.of)}"

    def value(self, values: Sequence[float]) -> float:
        """From the values of the columns `of`."""
        return sum(values) / len(values)


@dataclass(frozen=True)
class Difference(Headed):
    """One column less another, such as two probes on one task."""

    slug: str
    label: str
    of: tuple[str, str]
    section: str = ""
    metric: str = "difference"

    def value(self, values: Sequence[float]) -> float:
        """From the values of the columns `of`."""
        return values[0] - values[1]


AnyColumn = Column | Average | Difference
