"""What rows need and is not here: how large it is, and getting it ahead of a run, for nodes without a network."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from repro import hub, revisions
from repro.checksums import reading_only
from repro.encoders.recipe import BaseRecipe
from repro.errors import NotAvailable, ReproError
from repro.evaluation.column import Column
from repro.evaluation.config import Options, Say
from repro.evaluation.session import Need, Session
from repro.evaluation.suite import Suite
from repro.evaluation.system import System
from repro.tables import TABLES


@dataclass(frozen=True)
class Missing:
    """One thing that is not here. `megabytes`: of its download, None where nobody could say."""

    need: Need
    megabytes: float | None

    def __str__(self) -> str:
        size = "of unknown size" if self.megabytes is None else f"{self.megabytes:.1f} MB"
        return f"{self.need.what}: " + (size if self.need.get else f"cannot be had, {self.need.why}")


def systems(names: Sequence[str]) -> list[tuple[System, Column]]:
    """What is to be measured in the tables and rows of these names, of all tables when there is none.

    ReproError for a name that is neither.
    """
    slugs = {row.slug for table in TABLES.values() for row in table.rows}
    for name in names:
        if name not in slugs and name not in TABLES:
            raise ReproError(f"{name!r} is neither a table nor a row of one; see `repro list tables`, `repro doctor`")
    return [
        (row.system, column)
        for table in TABLES.values()
        for row in table.rows
        if not names or table.id in names or row.slug in names
        for column in table.scored()
        if not row.system.absent(column.slug)
    ]


def missing(wanted: Sequence[tuple[System, Column]], suite: Suite) -> list[Missing]:
    """Each thing that they need and is not here, once; the hub is asked how large its own are."""
    with reading_only():
        session = Session(Options(suite=suite), at_rest=True)
        needs = {need.what: need for system, column in wanted for need in _needs(system, column, session)}
    return [Missing(need, need.size() if need.get else None) for need in needs.values()]


def _needs(system: System, column: Column, session: Session) -> list[Need]:
    with suppress(ReproError):  # a device that is not here, files that are wrong: the run says so
        return system.needs(column, session)
    return []


def get(wanted: Sequence[tuple[System, Column]], suite: Suite, say: Say) -> list[str]:
    """Fetch what has an address as a run would, each thing once; why what failed did."""
    session = Session(Options(suite=suite), say=say)
    failed: dict[str, None] = {}
    for system, column in wanted:
        for need in filter(lambda need: need.get, _needs(system, column, session)):
            try:
                session.get([need])
            except NotAvailable as error:
                failed[str(error)] = None
    return list(failed)


def offline(wanted: Sequence[tuple[System, Column]], suite: Suite) -> list[str]:
    """What of it is not here and has an address, which a run that may not connect does not ask."""
    with reading_only():
        session = Session(Options(suite=replace(suite, offline=False)), at_rest=True)
        needs = {need.what: need for system, column in wanted for need in _needs(system, column, session)}
    return [what for what, need in needs.items() if need.get]


def moved(recipes: Sequence[BaseRecipe]) -> Iterator[str]:
    """A line for each model whose main on the hub is no longer the commit that is used here."""
    for weights, revision in dict.fromkeys((r.weights, r.revision) for r in recipes if not r.in_data_folder):
        with suppress(NotAvailable):  # not there any more, or no hub
            commit = revisions.commit_of(weights, revision)
            branch = None if revisions.is_commit(revision) else revision
            if revisions.is_commit(commit) and (now := hub.head(weights, branch)) != commit:
                yield f"{weights}: {branch or 'main'} is at {now} now; the suite stays at {commit}"
