"""What every kind of system answers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence

from repro.encoders.recipe import BaseRecipe
from repro.errors import NotAvailable, ReproError
from repro.evaluation.column import Column
from repro.evaluation.config import Options
from repro.evaluation.session import Need, Session
from repro.evaluation.units import Unit
from repro.results.result import Result

FREE = "model"  # in stated fields: whatever the model's own files say


class System(ABC):
    """What stands in a row of a table: how its numbers come about."""

    legend = "plain"  # under which kind figures show it
    trained = False  # whether it is trained for its row
    seeded = False  # whether its numbers depend on seeds, and are judged against their spread
    seeds = 1  # trainings, or fits
    only: tuple[str, ...] = ()  # slugs of the columns that make sense for it; empty: all
    kept = ""  # how many dimensions its map keeps, `full` for all; '' where it has no such map
    nothing = ""  # why no number of it can be measured anywhere
    unstored = ""  # why its results are not kept for another run

    @abstractmethod
    def absent(self, column: str) -> str:
        """Why nothing can be measured in the column of that slug; '' where something can."""

    @property
    def unpinned(self) -> str:
        """Its model of the hub whose revision nothing names, else ''."""
        return ""

    def bases(self) -> list[BaseRecipe]:
        """The encoders whose files it needs."""
        return []

    def training_sets(self) -> list[str]:
        """The data sets that it is trained on."""
        return []

    def sets(self) -> list[str]:
        """The data sets that it is trained, selected or fitted on, beside those of the tasks."""
        return self.training_sets()

    def stated(self, column: str, options: Options) -> dict[str, str] | None:
        """Fields of the signature as its description has them; None where it has none.

        '' is for a field that must not be there, FREE for one that the model's files decide.
        """
        return None

    def needs(self, column: Column, session: Session) -> list[Need]:
        """What a column needs and is not here. ReproError where what was asked for cannot be."""
        return []

    def stored(self, column: Column, session: Session) -> Result | None:
        """The stored result of a column."""
        return None

    def units(self, row: str, column: Column, tasks: Sequence[str], session: Session) -> list[Unit]:
        """What computes a column that is not stored. `tasks`: all of the table's on the column's data set."""
        return []

    def weights(self, session: Session) -> str:
        """For provenance: name, revision and checksum of its weights; '' where they are not here."""
        return ""

    def runs(self, count: int | None) -> range:
        """The seeds of a run: as many as `count` says, or as the system does."""
        return range((count or self.seeds) if self.seeded else 1)


def by_key(key_of: Callable[[], Mapping[str, object]], session: Session) -> Result | None:
    """The stored result of a key; None where what decides it is not here: the sentences of a fit, a GPU."""
    try:
        return session.store.get(key_of())
    except NotAvailable:
        return None


def weights_of(recipe: BaseRecipe, session: Session) -> str:
    """For provenance; '' where they are not here."""
    try:
        return session.ready(recipe).weights
    except ReproError:
        return ""
