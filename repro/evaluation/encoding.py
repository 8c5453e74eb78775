"""Units of rows that are encoded: one backbone on one data set, all poolings and maps of one forward pass together."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import ClassVar, Protocol

import numpy as np

from repro.encoders.cache import Embedded
from repro.encoders.ready import Ready
from repro.encoders.recipe import BaseRecipe
from repro.errors import ReproError
from repro.evaluation.column import Column
from repro.evaluation.measurement import Subject, over_seeds, result_of
from repro.evaluation.session import Need, Session
from repro.evaluation.units import Outcome
from repro.results.csv_lines import Place
from repro.results.result import Result
from repro.tasks import TASKS
from repro.tasks.base import Scores

SLOW = 10  # seconds from which on the time of a task is said


class EncodedSystem(Protocol):
    """What a unit asks of a system whose numbers come from sentence vectors."""

    @property
    def base(self) -> BaseRecipe:
        """The encoder that runs the sentences."""
        ...

    @property
    def seeded(self) -> bool:
        """Whether its numbers depend on seeds."""
        ...

    def needs(self, column: Column, session: Session) -> list[Need]:
        """What has to be fetched for a column."""
        ...

    def key(self, column: Column, session: Session) -> Mapping[str, object]:
        """What decides its number in a column."""
        ...

    def versions(self, task: str, embedded: Embedded, embed: Embed, session: Session) -> list[Embedded]:
        """Its vectors from those of its base, once for each seed."""
        ...

    def described(self, base: BaseRecipe) -> dict[str, str]:
        """Fields of its signature, `base` being the recipe with everything filled in."""
        ...

    def weights(self, session: Session) -> str:
        """For provenance."""
        ...


class Embed(Protocol):
    """Sentences → vectors (n, d) of the base."""

    def __call__(self, sentences: Sequence[str]) -> np.ndarray: ...


@dataclass(frozen=True)
class Member:
    """A row of a unit: what stands in it, and the columns that are wanted."""

    row: str
    system: EncodedSystem
    columns: tuple[Column, ...]


@dataclass(frozen=True)
class EncodingUnit:
    """Members whose weights are the same, on one data set.

    `tasks`: all of the table's on the data set, also those that nothing is wanted of: their sentences are encoded with
    the others, so that the batches, and with them the last bits, do not depend on what is stored.
    """

    dataset: str
    tasks: tuple[str, ...]
    members: tuple[Member, ...]
    turn: ClassVar[int] = 0  # before what takes longer

    @property
    def alone(self) -> bool:
        """Whether a search among its vectors is timed."""
        return any(TASKS[column.task].times_search for member in self.members for column in member.columns)

    @property
    def together(self) -> object:
        """Equal where one download and perhaps one forward pass serve several units."""
        base = self.members[0].system.base
        return base.weights, base.revision, self.dataset

    def joined(self, others: Sequence[EncodingUnit]) -> EncodingUnit:
        """This one with the members of others, each row once."""
        columns: dict[str, tuple[Member, tuple[Column, ...]]] = {}
        for member in (member for unit in (self, *others) for member in unit.members):
            before = columns[member.row][1] if member.row in columns else ()
            columns[member.row] = member, before + member.columns
        return replace(self, members=tuple(replace(member, columns=each) for member, each in columns.values()))

    @property
    def title(self) -> str:
        """Rows and data set."""
        return f"{', '.join(member.row for member in self.members)}: {self.dataset}"

    @property
    def cells(self) -> list[Place]:
        """Of all members."""
        return [(member.row, column.slug) for member in self.members for column in member.columns]

    def run(self, session: Session) -> Outcome:
        """Encode the sentences once for each backbone among the members, score, and store the results."""
        outcome = Outcome()
        by_backbone: dict[object, list[tuple[Member, Ready]]] = {}
        for member in self.members:
            columns = [column for column in member.columns if _fetched(member, column, session, outcome)]
            if not columns:
                continue
            with outcome.blaming(member.row, columns):
                ready = session.ready(member.system.base)
                wanted = replace(member, columns=tuple(columns))
                by_backbone.setdefault(ready.backbone, []).append((wanted, ready))
        if by_backbone:
            there = [task for task in self.tasks if not list(session.needs_data(task))]
            sentences = list(dict.fromkeys(s for task in there for s in TASKS[task].sentences(session.data(task))))
        for group in by_backbone.values():
            self._encode(group, sentences, session, outcome)
        return outcome

    def _encode(
        self, group: list[tuple[Member, Ready]], sentences: list[str], session: Session, outcome: Outcome
    ) -> None:
        bases = list({ready.recipe: ready for _, ready in group}.values())
        embedder = session.embedder(bases)
        try:
            embedded = embedder.embed(sentences)
        except ReproError as error:
            if len(group) > 1:  # what keeps one of them from it need not keep the others
                for pair in group:
                    self._encode([pair], sentences, session, outcome)
                return
            member, _ = group[0]
            outcome.blame(member.row, member.columns, error)
            return
        for member, ready in group:
            place = [base.recipe for base in bases].index(ready.recipe)
            embed = partial(embedder.embed_one, place)
            for task in dict.fromkeys(column.task for column in member.columns):
                columns = [column for column in member.columns if column.task == task]
                with outcome.blaming(member.row, columns):
                    versions = member.system.versions(task, embedded[place], embed, session)
                    measured = _scored(member, ready.recipe, task, sentences, versions, session)
                    for column in columns:
                        with outcome.blaming(member.row, [column]):  # one that is not defined costs no other
                            result = _over_versions(member, column, measured, session)
                            session.store.put(member.system.key(column, session), result)
                            if TASKS[task].times_search:
                                outcome.elsewhere[member.row, column.slug] = result


def _scored(
    member: Member,
    base: BaseRecipe,
    task: str,
    sentences: list[str],
    versions: Sequence[Embedded],
    session: Session,
) -> list[tuple[Subject, Scores]]:
    dtype = base.computed_in(session.options.dtype)
    about, weights = member.system.described(base), member.system.weights(session)
    measured: list[tuple[Subject, Scores]] = []
    for version in versions:
        start = time.perf_counter()
        scores = TASKS[task].score(session.data(task), sentences, version.vectors, member.row)
        seconds = version.seconds + time.perf_counter() - start
        if seconds > SLOW:
            session.say(f"{member.row}: {task} took {seconds:.0f} s")
        measured.append(
            (Subject(member.row, about, weights, version.device, dtype, seconds, version.zero_vectors), scores)
        )
    return measured


def _fetched(member: Member, column: Column, session: Session, outcome: Outcome) -> bool:
    place = (member.row, column.slug)
    with outcome.blaming(member.row, [column]):
        session.get(member.system.needs(column, session))
    return place not in outcome.failed


def _over_versions(
    member: Member, column: Column, measured: Sequence[tuple[Subject, Scores]], session: Session
) -> Result:
    digest, alone = session.digest(column.task), len(measured) == 1
    results = [result_of(session.options, column, subject, scores, digest, alone) for subject, scores in measured]
    if not member.system.seeded:
        return results[0]
    result = over_seeds([[one] for one in results], digest)
    # the spectrum of the first fit, for the plot
    return replace(result, items=results[0].items) if TASKS[column.task].keeps_items else result
