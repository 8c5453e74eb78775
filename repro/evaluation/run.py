"""Runs what a plan says, unit by unit, in this process or through an executor."""

from __future__ import annotations

from dataclasses import replace

from repro import memo, progress
from repro.encoders.cache import EmbeddingCache
from repro.errors import ReproError
from repro.evaluation import units
from repro.evaluation.config import Say
from repro.evaluation.executors import Cluster, submit
from repro.evaluation.plan import NOT_ASKED, Plan, plan
from repro.evaluation.session import Session
from repro.evaluation.units import Outcome
from repro.paths import sweep_once
from repro.results.csv_lines import Place
from repro.results.result import Result


def run(planned: Plan, say: Say = lambda line: None, cluster: Cluster | None = None) -> Plan:
    """Compute what is pending, and what can be after a download; the plan that holds the results.

    Each result is stored when it is there: a kill loses the task under way. What is missing or fails costs its own
    cells alone, with the reason. `cluster`: where the units run, this process when it is None.
    Raises ReproError with the first reason when something that was asked for is wrong, and not just absent, and
    nothing else could be computed or was stored.
    """
    table, options = planned.table, planned.options
    session = Session(options, say=say)
    session.store = planned.session.store
    for folder in (session.store.folder, EmbeddingCache().folder):
        sweep_once(folder)
    memo.keep()  # of what the planning derived
    work = planned.units()
    failed: dict[Place, ReproError] = {}
    elsewhere: dict[Place, Result] = {}
    for outcome in submit(cluster, work, options, say) if cluster else _here(work, session):
        session.store.fresh |= outcome.results
        elsewhere |= outcome.elsewhere
        for place, error in outcome.failed.items():
            failed.setdefault(place, error)
    if work:
        planned.session.look_again()
        finished = plan(table, replace(options, force=False), planned.session)
        finished.options = options
        finished.refused = [*planned.refused, *(why for why in finished.refused if why not in planned.refused)]
        finished.stored |= {place: result for place, result in elsewhere.items() if place not in finished.stored}
        _settle(finished, failed)
    else:
        finished = planned
    if finished.refused and not table.asked(options.rows, options.tasks) & finished.stored.keys():
        raise ReproError(finished.refused[0])
    return finished


def _here(work: list[units.Unit], session: Session) -> list[Outcome]:
    outcomes = []
    for number, unit in enumerate(work, 1):
        progress.at(f"{number} of {len(work)}: {unit.title}")
        outcomes.append(units.run(unit, session))
        for why in dict.fromkeys(map(str, outcomes[-1].failed.values())):
            session.say(f"{unit.title}: not run: {why}")
    return outcomes


def _settle(finished: Plan, failed: dict[Place, ReproError]) -> None:
    """What is not stored after the run: the reasons that the run found, else what the plan says."""
    places = [*((row.slug, column.slug) for row, column in finished.pending), *finished.lacking]
    for place in (place for place in places if place not in finished.stored):
        error = failed.get(place)
        if error is not None:
            finished.fail(place, error)
        else:
            needs = finished.lacking.get(place)
            finished.why_not[place] = needs[0].why if needs else "its unit left no result; run it again"
    for place, error in failed.items():
        if finished.options.force:  # what was stored before is not what was asked for
            finished.stored.pop(place, None)
        if place not in finished.stored and finished.why_not.get(place, NOT_ASKED) == NOT_ASKED:
            finished.fail(place, error)
    finished.pending, finished.lacking = [], {}
