"""Units: pieces of work that need no other's result. Only these fetch, and each only what it needs itself."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Protocol

from repro.errors import ReproError
from repro.evaluation.session import Session
from repro.results.result import Result
from repro.tables.column import Column

Place = tuple[str, str]  # slugs of row and column


@dataclass
class Outcome:
    """What a unit made, by the digest of its key, and the cells that it could not make, with the reasons."""

    results: dict[str, Result] = field(default_factory=dict)
    failed: dict[Place, ReproError] = field(default_factory=dict)

    @contextmanager
    def blaming(self, row: str, columns: Sequence[Column]) -> Iterator[None]:
        """What goes wrong inside costs these cells of a row alone; a reason that is known already stays."""
        try:
            yield
        except ReproError as error:
            for column in columns:
                self.failed.setdefault((row, column.slug), error)


class Unit(Protocol):
    """One backbone on one data set, one training with a seed and fold, or one timing."""

    @property
    def title(self) -> str:
        """For a progress line."""
        ...

    @property
    def cells(self) -> Sequence[Place]:
        """The cells that it serves."""
        ...

    def run(self, session: Session) -> Outcome:
        """Do the work and store each result as soon as it is there."""
        ...


def name_of(unit: Unit) -> str:
    """A name of the unit's work for a lock: equal in all processes that are at it."""
    return hashlib.sha256(repr(unit).encode()).hexdigest()[:32]


def run(unit: Unit, session: Session) -> Outcome:
    """Run a unit while nobody else is at it; the results of all that it stored."""
    before = set(session.store.fresh)
    with session.alone(name_of(unit)):
        outcome = unit.run(session)
    outcome.results |= {key: result for key, result in session.store.fresh.items() if key not in before}
    return outcome
