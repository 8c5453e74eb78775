"""Encoders that are objects of the user's own, in a row of a table: named on the command line, or handed in."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from repro.encoders import own
from repro.encoders.gate import zero_rows
from repro.encoders.own import Own, OwnEncoder, OwnPairScorer
from repro.errors import ReproError
from repro.evaluation.column import Column
from repro.evaluation.config import DTYPES, Options
from repro.evaluation.measurement import Subject, key, result_of
from repro.evaluation.session import Need, Session
from repro.evaluation.system import System, by_key
from repro.evaluation.units import OnDataset, Outcome, Unit
from repro.results.result import Result
from repro.tasks import TASKS
from repro.tasks.base import Scores


@dataclass(frozen=True)
class GivenUnit(OnDataset):
    """One encoder on one data set. Its results are stored where its version says what they are of."""

    system: Given
    tasks: tuple[str, ...]

    def run(self, session: Session) -> Outcome:
        """Have every distinct sentence encoded once, or each task's pairs scored, and keep the results."""
        outcome = Outcome()
        for column in self.columns:
            with outcome.blaming(self.row, [column]):
                session.get(self.system.needs(column, session))
        wanted = [column for column in self.columns if (self.row, column.slug) not in outcome.failed]
        if not wanted:
            return outcome
        with outcome.blaming(self.row, wanted):
            start = time.perf_counter()
            scores_of, zero = self._scorer(session)
            encoded = time.perf_counter() - start
            for task in dict.fromkeys(column.task for column in wanted):
                columns = [column for column in wanted if column.task == task]
                with outcome.blaming(self.row, columns):
                    start = time.perf_counter()
                    scores = scores_of(task)
                    seconds = encoded + time.perf_counter() - start
                    for column in columns:
                        with outcome.blaming(self.row, [column]):  # one that is not defined costs no other
                            result = self._keep(column, scores, seconds, zero, session)
                            if TASKS[task].times_search:
                                outcome.elsewhere[self.row, column.slug] = result
        return outcome

    def _scorer(self, session: Session) -> tuple[Callable[[str], Scores], int]:
        """(the scores of a task by its name, how many vectors are zero)."""
        encoder = self.system.encoder
        if isinstance(encoder, OwnPairScorer):
            return lambda task: TASKS[task].score_pairs(session.data(task), encoder.score), 0
        assert isinstance(encoder, OwnEncoder)
        there = [task for task in self.tasks if not list(session.needs_data(task))]
        sentences = list(dict.fromkeys(s for task in there for s in TASKS[task].sentences(session.data(task))))
        vectors = encoder.encode(sentences, self.dataset, str(session.suite.root))
        score = lambda task: TASKS[task].score(session.data(task), sentences, vectors, encoder.title)  # noqa: E731
        return score, zero_rows(vectors)

    def _keep(self, column: Column, scores: Scores, seconds: float, zero: int, session: Session) -> Result:
        encoder = self.system.encoder
        subject = Subject(self.row, encoder.signature(), encoder.title, "own", "float32", seconds, zero)
        result = result_of(session.options, column, subject, scores, session.digest(column.task))
        keep = session.store.put if encoder.version else session.store.remember
        keep(self.system.key(column, session), result)
        return result


@dataclass(frozen=True)
class Given(System):
    """An object of the user's own, `repro.encoders.own`."""

    encoder: Own

    @property
    def unstored(self) -> str:  # type: ignore[override]
        """Why nothing of it is kept: what it computes may change without a trace."""
        name = self.encoder.name
        return "" if self.encoder.version else f"those of {name} are not stored without a version, as in {name}@1"

    def absent(self, column: str) -> str:
        """'': `needs` refuses the columns in which it cannot be scored."""
        return ""

    def stated(self, column: str, options: Options) -> dict[str, str] | None:
        """Its name with the version, and float32."""
        return {**self.encoder.signature(), "dtype": DTYPES["float32"], "seeds": ""}

    def needs(self, column: Column, session: Session) -> list[Need]:
        """What is missing of the task's data; ReproError where such an object cannot be scored."""
        task, name = TASKS[column.task], self.encoder.title
        if task.timed:
            raise ReproError(f"{name}: {column.task} times an encoder by its name, and no object")
        if not (self.encoder.gives_vectors or task.scores_pairs):
            raise ReproError(f"{name} scores pairs of sentences and gives no vectors, which {column.task} needs")
        return list(session.needs_data(column.task))

    def key(self, column: Column, session: Session) -> Mapping[str, object]:
        """What decides its number, as far as its name and version say it."""
        return key(session.options, column, {"kind": "Given"} | self.encoder.identity(), session.digest(column.task))

    def stored(self, column: Column, session: Session) -> Result | None:
        """The result that is stored of its version, or that this run has measured, or None."""
        return by_key(lambda: self.key(column, session), session)

    def units(self, row: str, column: Column, tasks: Sequence[str], session: Session) -> list[Unit]:
        """The encoding of the column's data set."""
        return [GivenUnit(row, TASKS[column.task].dataset, (column,), self, tuple(tasks))]

    def weights(self, session: Session) -> str:
        """Its name with the version: nothing else is known."""
        return self.encoder.title


def given(name: str) -> Given:
    """The encoder that `module:object` or `module:object@version` names; ReproError says what is missing."""
    return Given(own.named(name))
