"""Encoders that are objects of the user's own: anything with `encode(sentences) -> (n, d)`."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from importlib import import_module
from typing import ClassVar

from repro.encoders.gate import checked
from repro.encoders.recipe import Encoder
from repro.errors import ReproError
from repro.evaluation.column import Column
from repro.evaluation.config import DTYPES, Options
from repro.evaluation.measurement import Subject, key, result_of
from repro.evaluation.session import Need, Session
from repro.evaluation.system import System, by_key
from repro.evaluation.units import Outcome, Unit
from repro.results.csv_lines import Place
from repro.results.result import Result
from repro.tasks import TASKS


@dataclass(frozen=True)
class GivenUnit:
    """One encoder on one data set. Nobody knows what decides its vectors, so nothing is stored for another run."""

    row: str
    system: Given
    dataset: str
    tasks: tuple[str, ...]
    columns: tuple[Column, ...]
    turn: ClassVar[int] = 0
    alone: ClassVar[bool] = False

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

    def joined(self, others: Sequence[GivenUnit]) -> GivenUnit:
        """This one with the columns of others."""
        return replace(self, columns=tuple(column for unit in (self, *others) for column in unit.columns))

    def run(self, session: Session) -> Outcome:
        """Encode every distinct sentence once, score, and keep the results in this process."""
        outcome = Outcome()
        with outcome.blaming(self.row, self.columns):
            session.get([need for task in self.tasks for need in session.needs_data(task)])
            sentences = list(dict.fromkeys(s for task in self.tasks for s in TASKS[task].sentences(session.data(task))))
            start = time.perf_counter()
            try:
                encoded = self.system.encoder.encode(sentences)
            except Exception as error:
                raise ReproError(f"{self.system.name} fails on the sentences of {self.dataset}: {error}") from error
            vectors, zero = checked(encoded, sentences, self.system.name)
            seconds = time.perf_counter() - start
            subject = Subject(self.row, {"enc": self.system.name}, self.system.name, "own", "float32", seconds, zero)
            for column in self.columns:
                with outcome.blaming(self.row, [column]):
                    scores = TASKS[column.task].score(session.data(column.task), sentences, vectors, self.row)
                    result = result_of(session.options, column, subject, scores, session.digest(column.task))
                    session.store.remember(self.system.key(column, session), result)
        return outcome


@dataclass(frozen=True)
class Given(System):
    """An object of the user's own that has `encode`; `name` says which, in messages, signature and provenance."""

    encoder: Encoder = field(compare=False)
    name: str

    def absent(self, column: str) -> str:
        """'': it can be scored in every column."""
        return ""

    def stated(self, column: str, options: Options) -> dict[str, str] | None:
        """Its name, and float32."""
        return {"enc": self.name, "dtype": DTYPES["float32"], "seeds": ""}

    def needs(self, column: Column, session: Session) -> list[Need]:
        """What is missing of the task's data."""
        return list(session.needs_data(column.task))

    def key(self, column: Column, session: Session) -> Mapping[str, object]:
        """A key for this process: what the object computes may change without a trace."""
        system = {"kind": "Given", "name": self.name}
        return key(session.options, column, system, session.digest(column.task))

    def stored(self, column: Column, session: Session) -> Result | None:
        """The result that this process has measured, or None."""
        return by_key(lambda: self.key(column, session), session)

    def units(self, row: str, column: Column, tasks: Sequence[str], session: Session) -> list[Unit]:
        """The encoding of the column's data set."""
        return [GivenUnit(row, self, TASKS[column.task].dataset, tuple(tasks), (column,))]

    def weights(self, session: Session) -> str:
        """Its name: nothing else is known."""
        return self.name


def given(name: str) -> Given:
    """The encoder that `module:object` names, the module looked for in the working directory too.

    An object that has no `encode` is called without arguments for one. ReproError says what is missing.
    """
    module, _, attribute = name.partition(":")
    sys.path.insert(0, os.getcwd())
    try:
        named = getattr(import_module(module), attribute)
        encoder = named if hasattr(named, "encode") and not isinstance(named, type) else named()
    except Exception as error:  # whatever the user's own code raises
        raise ReproError(f"{name}: the encoder cannot be had: {type(error).__name__}: {error}") from error
    finally:
        sys.path.remove(os.getcwd())
    if not callable(getattr(encoder, "encode", None)):
        raise ReproError(f"{name} has no encode(sentences); an encoder gives a vector (d,) for each sentence")
    return Given(encoder, name)
