"""Is the difference between two rows more than chance? Tests over items, or seeds, that both rows were scored on."""

from __future__ import annotations

import hashlib
import json
import math
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import combinations, groupby
from operator import itemgetter

import numpy as np

from repro import memo
from repro.errors import ReproError
from repro.evaluation.column import Column
from repro.evaluation.plan import Plan
from repro.metrics import metric
from repro.metrics.bootstrap import intervals
from repro.results.result import Result, unpack
from repro.results.signature import Signature, check_comparable
from repro.tasks import TASKS
from repro.tasks.base import Scores

Pair = tuple[str, str]  # slugs of two rows


@dataclass(frozen=True)
class Comparison:
    """First row − second row in one column, its 95 % bootstrap interval, and the two-sided p of the named test.

    `left_out`: resamples in which the score of a row is not defined, such as one of equal gold scores.
    """

    column: Column
    difference: float
    interval: tuple[float, float]
    p: float
    test: str
    left_out: int = 0

    @property
    def p_text(self) -> str:
        """`p = 0.012 (paired bootstrap)`, and how many resamples were left out where some were."""
        note = f", {self.left_out} resamples without a score left out" if self.left_out else ""
        return (f"p = {self.p:.3f}" if self.p >= 0.001 else "p < 0.001") + f" ({self.test}{note})"


def compare(finished: Plan, first: str, second: str) -> Iterator[Comparison]:
    """Every column where both rows are stored and there is something to test with.

    Raises ReproError when there is no such column, or when the two were computed under different protocols.
    """
    shared = [
        c for c in finished.table.scored() if (first, c.slug) in finished.stored and (second, c.slug) in finished.stored
    ]
    if not shared:
        systems = [row.system for row in finished.table.rows if row.slug in (first, second)]
        how = next(filter(None, (system.unstored for system in systems)), "run the table first")
        raise ReproError(f"{finished.table.id}: {first} and {second} have no stored column in common; {how}")
    compared = [tested for column in shared if (tested := significance(finished, column, first, second))]
    if not compared:
        raise ReproError(
            f"{finished.table.id}: {first} and {second} share no column with a test: speed, medians over seeds, "
            "and geometry of one seed each have none"
        )
    yield from compared


def significance(finished: Plan, column: Column, first: str, second: str) -> Comparison | None:
    """The difference of two rows in one column; None when a cell is not stored or there is nothing to test with.

    Over the test items where both rows are one model each and the column has items; over seeds where there are several:
    Welch's t, Student's t (equal variances) against a row of one seed that scatters as much (`scatter_alike`), or a
    t-test against the one value of a row that knows no seeds. Raises ReproError when the two were computed under
    different protocols.
    """
    return all_pairs(finished, column, [(first, second)]).get((first, second))


def all_pairs(finished: Plan, column: Column, pairs: Sequence[Pair]) -> dict[Pair, Comparison]:
    """`significance` of many pairs of rows in one column, without those that it has none of; times have none.

    Each row is drawn once, and rows with as many seeds are tested together.
    """
    if metric(column.metric).of_machine:  # runs of one machine are no sample of what others take
        return {}
    slugs = dict.fromkeys(slug for pair in pairs for slug in pair)
    results = {slug: result for slug in slugs if (result := finished.stored.get((slug, column.slug)))}
    pairs = [pair for pair in pairs if results.keys() >= set(pair)]
    check_comparable([results[slug].signature for slug in dict.fromkeys(slug for pair in pairs for slug in pair)])
    by_seed = {slug: _seeds(result) or [result.value] for slug, result in results.items()}
    several = {slug for slug, values in by_seed.items() if len(values) > 1}
    means = metric(column.metric).over_seeds == "mean"  # a test of means says nothing of medians
    once = {slug for slug, result in results.items() if _seeds(result)} - several
    apart = [pair for pair in pairs if once & set(pair) and not scatter_alike(*(results[s].signature for s in pair))]
    over_seeds = [pair for pair in pairs if means and several & set(pair) and pair not in apart]
    over_items = [pair for pair in pairs if not several & set(pair) and all(results[slug].items for slug in pair)]
    exact = {slug for slug, result in results.items() if not _seeds(result)}
    return _over_items(finished, column, results, over_items) | _over_seeds(column, by_seed, exact, over_seeds)


def scatter_alike(first: Signature, second: Signature) -> bool:
    """Whether seeds change both in the same way, by training or by a fit, so that one run of the one may be taken to
    scatter as several of the other do."""
    drawn = [{name for name in ("train", "fit") if name in signature.system} for signature in (first, second)]
    return drawn[0] == drawn[1]


def every_pair(finished: Plan, column: Column) -> dict[Pair, Comparison]:
    """`all_pairs` of the rows that are stored in a column, in the table's order; as a run has kept them, if it has."""
    slugs = _stored_rows(finished, column)
    if len(slugs) < 2:
        return {}
    key = _key(finished, column, slugs)
    kept = _recalled(key, column)
    if kept is not None:
        return kept
    compared = all_pairs(finished, column, list(combinations(slugs, 2)))
    about = [[*pair, c.difference, c.interval, c.p, c.test, c.left_out] for pair, c in compared.items()]
    memo.remember(key, json.dumps(about))
    return compared


def kept_or_made(finished: Plan, column: Column, first: str, second: str) -> Comparison | None:
    """`significance` of two stored rows, as a run has kept it, if it has."""
    kept = _recalled(_key(finished, column, _stored_rows(finished, column)), column)
    if kept is None:
        return significance(finished, column, first, second)
    if (other := kept.get((second, first))) is not None:
        low, high = other.interval
        return replace(other, difference=-other.difference, interval=(-high, -low))
    return kept.get((first, second))


def _stored_rows(finished: Plan, column: Column) -> list[str]:
    return [row.slug for row in finished.table.rows if (row.slug, column.slug) in finished.stored]


def _key(finished: Plan, column: Column, slugs: Sequence[str]) -> memo.Key:
    """What decides every test of a column."""
    results = [finished.stored[slug, column.slug] for slug in slugs]
    what = [[slug, result.value, result.scores, result.items] for slug, result in zip(slugs, results, strict=True)]
    protocol = [column.task, column.metric, finished.options.resamples, finished.options.seed]
    return {
        "tests": [*protocol, finished.session.digest(column.task)],
        "rows": hashlib.sha256(json.dumps(what).encode()).hexdigest(),
        "code": memo.code(),
    }


def _recalled(key: memo.Key, column: Column) -> dict[Pair, Comparison] | None:
    text = memo.recall(key)
    if text is None:
        return None
    return {
        (first, second): Comparison(column, difference, (low, high), p, test, left_out)
        for first, second, difference, (low, high), p, test, left_out in json.loads(text)
    }


def keep_tests(finished: Plan) -> None:
    """Have the tests of all columns at hand for those who look at the table: pages of a report show any two rows."""
    for column in finished.table.scored():
        if not metric(column.metric).of_machine:
            with suppress(ReproError):  # it is said where somebody asks for the comparison
                every_pair(finished, column)
    memo.keep()


def _over_items(
    finished: Plan, column: Column, results: Mapping[str, Result], pairs: Sequence[Pair]
) -> dict[Pair, Comparison]:
    if not pairs or metric(column.metric).statistic.resampled is None:
        return {}
    task, data = TASKS[column.task], finished.session.data(column.task)
    slugs = list(dict.fromkeys(slug for pair in pairs for slug in pair))
    scores = {slug: task.restore(data, tuple(map(unpack, results[slug].items))) for slug in slugs}
    draws = _draws(finished, column, results, scores)
    compared = {}
    for first, of_first in groupby(pairs, key=itemgetter(0)):
        seconds = [second for _, second in of_first]
        differences = draws[first] - np.array([draws[second] for second in seconds])  # (seconds, resamples)
        defined = np.isfinite(differences)
        some = defined.any(axis=1)
        differences, defined = np.where(defined, differences, np.nan)[some], defined[some]
        bounds = intervals(differences)
        for number, second in enumerate(second for second, has in zip(seconds, some, strict=True) if has):
            kept = differences[number, defined[number]]
            p, test = scores[first].p_value(scores[second], column.metric, kept)
            value = results[first].value - results[second].value
            interval, left_out = (float(bounds[number, 0]), float(bounds[number, 1])), len(defined[number]) - len(kept)
            compared[first, second] = Comparison(column, value, interval, p, test, left_out)
    return compared


def _draws(
    finished: Plan, column: Column, results: Mapping[str, Result], scores: Mapping[str, Scores]
) -> dict[str, np.ndarray]:
    """Bootstrap draws (resamples,) of each row. The session keeps what they are made of: tables share rows."""
    of, kept, options = metric(column.metric), finished.session.draws, finished.options
    samples = {slug: score.samples(column.metric) for slug, score in scores.items()}
    keys = {slug: (column.task, of.drawn_as(samples[slug]), results[slug].items) for slug in scores}
    if missing := [slug for slug, key in keys.items() if key not in kept]:
        drawn = of.drawn([samples[slug] for slug in missing], options.resamples, options.seed)  # (parts, rows, …)
        kept.update((keys[slug], drawn[:, row]) for row, slug in enumerate(missing))
    return {slug: of.combined(kept[keys[slug]], samples[slug]) for slug in scores}


def _seeds(result: Result) -> list[float]:
    """The score of each seed; empty where no seed changes anything."""
    return [value for name, value in result.scores.items() if name.startswith("seed-")]


def _over_seeds(
    column: Column, by_seed: Mapping[str, list[float]], exact: set[str], pairs: Sequence[Pair]
) -> dict[Pair, Comparison]:
    """Without those that have no spread to hold the difference against: no seed changes anything, or a score is not
    finite. `exact`: the rows that know no seeds."""
    compared: dict[Pair, Comparison] = {}
    alike: dict[tuple[int, int, bool], list[Pair]] = {}  # by the numbers of seeds, and whether one row knows none
    for pair in pairs:
        one, other = (by_seed[slug] for slug in pair)
        if np.isfinite([*one, *other]).all() and max(np.ptp(one), np.ptp(other)) > 0:
            alike.setdefault((len(one), len(other), bool(exact & set(pair))), []).append(pair)
    for (*_, against_exact), of in alike.items():
        first, second = (np.array([by_seed[slug] for slug in side]) for side in zip(*of, strict=True))  # (pairs, seeds)
        p, low, high, test = _t(first, second, against_exact)
        means = first.mean(axis=1) - second.mean(axis=1)
        for number, pair in enumerate(of):
            bounds = float(low[number]), float(high[number])
            compared[pair] = Comparison(column, float(means[number]), bounds, float(p[number]), test)
    return compared


def _t(first: np.ndarray, second: np.ndarray, against_exact: bool) -> tuple[np.ndarray, np.ndarray, np.ndarray, str]:
    """(p, lower and upper bound, name of the test), (pairs,) each, of scores by seed, (pairs, seeds) each."""
    from scipy.stats import ttest_1samp, ttest_ind

    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Precision loss", RuntimeWarning)  # where all seeds gave the same score
        if against_exact:
            tested, test = ttest_1samp(first - second, 0.0, axis=1), "t over seeds"
        elif min(first.shape[1], second.shape[1]) == 1:  # one run has no variance of its own: the other's is its too
            tested, test = ttest_ind(first, second, axis=1, equal_var=True), "Student's t"
        else:
            tested, test = ttest_ind(first, second, axis=1, equal_var=False), "Welch's t"
    low, high = tested.confidence_interval(0.95)
    return tested.pvalue, low, high, test


def interval_over_seeds(
    difference: float, stds: Sequence[float], seeds: Sequence[int | None]
) -> tuple[float, float] | None:
    """The 95 % interval of a difference of two means over seeds, from what a table says of them: standard deviations
    (n − 1) and counts, None for a score that no seed changes. None where neither score has a deviation.

    Welch's interval (Biometrika 34, 1947): the squared standard error is the sum of std² / n, its degrees of freedom
    are Satterthwaite's (Biometrics Bulletin 2, 1946). A score of one seed has no deviation to be seen; it is taken to
    be the other's, as Student's t for equal variances does: std² · (1 + 1 / n), n − 1 degrees.
    """
    from scipy.special import stdtrit

    squared = [std**2 if count and count > 1 else 0.0 for std, count in zip(stds, seeds, strict=True)]
    if not any(squared):
        return None
    errors = [square / (count or 1) for square, count in zip(squared, seeds, strict=True)]
    parts = [error**2 / (count - 1) for error, count in zip(errors, seeds, strict=True) if error and count]
    freedom = sum(errors) ** 2 / sum(parts)
    error = sum(errors) + (max(squared) if 1 in seeds else 0.0)
    half = float(stdtrit(freedom, 0.975)) * math.sqrt(error)
    return difference - half, difference + half
