"""Units: pieces of work that need no other's result. Only these fetch, and each only what it needs itself."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import ClassVar, Protocol, Self

from repro.errors import ReproError
from repro.evaluation.column import Column
from repro.evaluation.session import Session
from repro.results.csv_lines import Place
from repro.results.result import Result
from repro.tasks import TASKS


@dataclass
class Outcome:
    """What a unit made, by the digest of its key, and the cells that it could not make, with the reasons."""

    results: dict[str, Result] = field(default_factory=dict)
    failed: dict[Place, ReproError] = field(default_factory=dict)
    # results whose key nobody else can know beforehand: a time's has the machine that a cluster chose for it
    elsewhere: dict[Place, Result] = field(default_factory=dict)

    def blame(self, row: str, columns: Iterable[Column], error: ReproError) -> None:
        """These cells of a row could not be made; a reason that is known already stays."""
        for column in columns:
            self.failed.setdefault((row, column.slug), error)

    @contextmanager
    def blaming(self, row: str, columns: Iterable[Column]) -> Iterator[None]:
        """What goes wrong inside costs these cells alone."""
        try:
            yield
        except ReproError as error:
            self.blame(row, columns, error)


class Unit(Protocol):
    """One backbone on one data set, one training with a seed and fold, or one timing."""

    turn: ClassVar[int]  # those of a lower one go first

    @property
    def alone(self) -> bool:
        """Whether nothing may run beside it: a time is what it measures."""
        ...

    @property
    def together(self) -> object:
        """Equal for units of one kind that are done at once."""
        ...

    def joined(self, others: Sequence[Self]) -> Self:
        """One unit for all of those."""
        ...

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


@dataclass(frozen=True)
class OnDataset:
    """What units have in common that measure one row on one data set, in all of its columns there."""

    row: str
    dataset: str
    columns: tuple[Column, ...]
    turn: ClassVar[int] = 0

    @property
    def alone(self) -> bool:
        """Whether a search among its vectors is timed."""
        return any(TASKS[column.task].times_search for column in self.columns)

    @property
    def title(self) -> str:
        """Row and data set."""
        return f"{self.row}: {self.dataset}"

    @property
    def cells(self) -> list[Place]:
        """Of its columns."""
        return [(self.row, column.slug) for column in self.columns]

    @property
    def together(self) -> object:
        """Equal for the columns of one row on one data set."""
        return self.row, self.dataset

    def joined(self, others: Sequence[Self]) -> Self:
        """This one with the columns of others."""
        return replace(self, columns=tuple(column for unit in (self, *others) for column in unit.columns))


def join(units: Iterable[Unit]) -> list[Unit]:
    """Units that are done at once made one, in order of turn and first occurrence."""
    groups: dict[object, list[Unit]] = {}
    for unit in units:
        groups.setdefault((type(unit), unit.together), []).append(unit)
    return sorted((first.joined(others) for first, *others in groups.values()), key=lambda unit: unit.turn)


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
