"""The gold scores of graded pairs as a row: what a similarity would have that is as people judge."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from repro.errors import ReproError
from repro.evaluation.column import Column
from repro.evaluation.config import DTYPES, Options
from repro.evaluation.measurement import Subject, key, result_of
from repro.evaluation.session import Need, Session
from repro.evaluation.system import System, by_key
from repro.evaluation.units import OnDataset, Outcome, Unit
from repro.results.result import Result
from repro.tasks import TASKS

NAME = "gold scores"


@dataclass(frozen=True)
class Gold(System):
    """Each pair's gold score in place of a similarity. It stands in columns on graded pairs alone."""

    def absent(self, column: str) -> str:
        """'': `needs` refuses the columns that have no gold score."""
        return ""

    def stated(self, column: str, options: Options) -> dict[str, str] | None:
        """What it is, and float32, in which data are read whatever precision encoders compute in."""
        return {"encoder": "gold", "dtype": DTYPES["float32"], "seeds": ""}

    def needs(self, column: Column, session: Session) -> list[Need]:
        """What is missing of the task's data; ReproError where pairs have no gold score."""
        if not TASKS[column.task].scores_pairs or TASKS[column.task].timed:
            raise ReproError(f"{column.task} has no pairs with a gold score, and its table has a row of them")
        return list(session.needs_data(column.task))

    def key(self, column: Column, session: Session) -> Mapping[str, object]:
        """What decides its number: the data alone."""
        return key(session.options, column, {"kind": "Gold"}, session.digest(column.task))

    def stored(self, column: Column, session: Session) -> Result | None:
        """The result stored under its key, or None."""
        return by_key(lambda: self.key(column, session), session)

    def units(self, row: str, column: Column, tasks: Sequence[str], session: Session) -> list[Unit]:
        """The scores of the column's data set."""
        return [GoldUnit(row, TASKS[column.task].dataset, (column,), self)]

    def weights(self, session: Session) -> str:
        """What stands where others have weights."""
        return NAME


@dataclass(frozen=True)
class GoldUnit(OnDataset):
    """The gold scores of one data set, in all of its columns."""

    system: Gold

    def run(self, session: Session) -> Outcome:
        """Score the gold scores as if they were similarities."""
        outcome = Outcome()
        for column in self.columns:
            with outcome.blaming(self.row, [column]):
                session.get(self.system.needs(column, session))
                start = time.perf_counter()
                data = session.data(column.task)
                scores = TASKS[column.task].restore(data, tuple(part.gold for part in data))
                about = {"encoder": "gold"}
                subject = Subject(self.row, about, NAME, "cpu", "float32", time.perf_counter() - start)
                result = result_of(session.options, column, subject, scores, session.digest(column.task))
                session.store.put(self.system.key(column, session), result)
        return outcome
