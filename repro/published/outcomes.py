"""A comparison that was made, how a claim fares on one source of numbers, and how both are said."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from repro.published.comparisons import Comparison
from repro.results.csv_lines import signed

LEGEND = (
    "n/m: n of the m comparisons made hold; a claim on most sets or tasks holds when they do in more than half of "
    "these. open: what is measured does not decide it. without a row: the paper's comparisons of which the model has "
    "no row. ≈: over seeds, the 95 % interval of the difference is on both sides of what is claimed, or a row of one "
    "run is within the last digit shown of where it turns; it counts by its mean, and a claim that turns with these "
    "alone is open. of one run: of rows that were trained once; nothing says how far another seed would move them."
)


@dataclass(frozen=True)
class Outcome:
    """A comparison between two scores. `interval`: of their difference, 95 %, over seeds. `test`: what tells the two
    apart, in words. `decimals`: that are shown of the scores. `one_run`: one of them is of one seed, and nothing says
    how far another would move it."""

    comparison: Comparison
    first: float
    second: float
    interval: tuple[float, float] | None = None
    test: str = ""
    decimals: int = 2
    one_run: bool = False

    @property
    def difference(self) -> float:
        """First less second, or divided by it, as the comparison has it."""
        return self.comparison.difference(self.first, self.second)

    @property
    def texts(self) -> tuple[str, str, str]:
        """First, second, and difference: `72.00`, `71.00`, `+1.00`; `0.98`, `0.32`, `×3.02`."""
        first, second = (f"{score:z.{self.decimals}f}" for score in (self.first, self.second))
        difference = self.difference
        return first, second, f"×{difference:.2f}" if self.comparison.factor else signed(difference, self.decimals)

    @property
    def holds(self) -> bool:
        """Whether the comparison does."""
        return self.comparison.holds(self.difference)

    @property
    def undecided(self) -> bool:
        """Whether seeds leave it open: the interval does, or one run is as good as on the limit."""
        digit = 10.0**-self.decimals
        nearly = (self.difference - digit, self.difference + digit) if self.one_run else None
        interval = self.interval or nearly
        return interval is not None and self.comparison.turns_within(*interval)

    @property
    def mark(self) -> str:
        """`✓` or `✗`, and `≈` where it is undecided."""
        return ("✓" if self.holds else "✗") + (" ≈" if self.undecided else "")

    @property
    def certainty(self) -> str:
        """`95 % +1.20 to +3.40 over seeds, p = 0.003 (Welch's t)`, `one run`; '' where nothing tells."""
        bounds = [signed(bound, self.decimals) for bound in self.interval or ()]
        interval = f"95 % {' to '.join(bounds)} over seeds" if bounds else "one run" * self.one_run
        return ", ".join(filter(None, [interval, self.test]))

    def __str__(self) -> str:
        first, second, difference = self.texts
        rows = f"{self.comparison.first} {first}, {self.comparison.second} {second}"
        about = ", ".join(filter(None, [difference, self.certainty]))
        return f"{self.comparison.columns}: {rows} ({about})  {self.mark}"


@dataclass(frozen=True)
class Finding:
    """How a claim fares on one source of numbers.

    `due`: how many comparisons its rows can show, by column; `rowless`: how many more the paper makes. `apart`:
    comparisons that cannot be made, because the two numbers are of different protocols, each a sentence. `nothing`:
    what is said where none was made.
    """

    source: str
    outcomes: tuple[Outcome, ...] = ()
    due: Mapping[str, int] = field(default_factory=dict)
    rowless: int = 0
    apart: tuple[str, ...] = ()
    on_most: bool = False
    nothing: str = "not measured"

    @property
    def columns(self) -> dict[str, bool | None]:
        """Whether all comparisons in a column hold; None where some were not made, and those that were do."""
        return self._columns([(outcome.comparison.column, outcome.holds) for outcome in self.outcomes])

    def _columns(self, fared: Sequence[tuple[str, bool]]) -> dict[str, bool | None]:
        made = Counter(column for column, _ in fared)
        lost = {column for column, holds in fared if not holds}
        return {
            column: False if column in lost else (True if made[column] == of else None)
            for column, of in self.due.items()
        }

    @property
    def holds(self) -> bool | None:
        """Whether the claim does; None where the comparisons made leave that open, or there are none, or where those
        that are undecided would turn it."""
        if not self.outcomes:
            return None
        turned = {
            self._decided([(one.comparison.column, one.holds if not one.undecided else way) for one in self.outcomes])
            for way in (True, False)
        }
        return turned.pop() if len(turned) == 1 else None

    def _decided(self, fared: Sequence[tuple[str, bool]]) -> bool | None:
        columns = self._columns(fared)
        won, lost = (sum(held is wanted for held in columns.values()) for wanted in (True, False))
        if self.on_most:
            return True if won > len(columns) / 2 else (False if lost and lost >= len(columns) / 2 else None)
        return False if lost else (True if columns and won == len(columns) else None)

    @property
    def summary(self) -> str:
        """`holds 6/7`, `does not hold 20/42, 3/7 columns, 4 not measured, 1 ≈`, `open 1/1, …`, or `not measured`."""
        if not self.outcomes:
            return self.nothing
        made, of, columns = len(self.outcomes), sum(self.due.values()), self.columns
        parts = [f"{sum(outcome.holds for outcome in self.outcomes)}/{made}"]
        if self.on_most and len(columns) < of:
            parts.append(f"{sum(held is True for held in columns.values())}/{len(columns)} columns")
        counts = {"not measured": of - made, "without a row": self.rowless}
        counts["≈"] = sum(outcome.undecided for outcome in self.outcomes)
        counts["of one run"] = sum(outcome.one_run for outcome in self.outcomes)
        parts += [f"{count} {what}" for what, count in counts.items() if count]
        return {True: "holds ", False: "does not hold ", None: "open "}[self.holds] + ", ".join(parts)

    def __str__(self) -> str:
        return "\n    ".join([f"{self.source}: {self.summary}", *map(str, self.outcomes), *self.apart])
