"""Which test a difference gets, and what it says."""

import math
import warnings
from dataclasses import replace
from itertools import combinations
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from scipy.stats import spearmanr, ttest_ind

from repro import tables
from repro.data.pairs import Pairs
from repro.errors import ReproError
from repro.evaluation.significance import (
    Comparison,
    all_pairs,
    compare,
    every_pair,
    interval_over_seeds,
    keep_tests,
    kept_or_made,
    significance,
)
from repro.results.result import Result, pack
from repro.results.signature import Signature

COLUMN, ISOSCORE = (
    next(column for column in tables.get("flow-2").scored() if column.slug == slug) for slug in ("stsb", "isoscore")
)


def cell(value: float, by_seed: tuple[float, ...] = ()) -> Result:
    scores = {f"seed-{seed}": value for seed, value in enumerate(by_seed)} or {"m": value}
    about = (Signature.parse("stsb|agg:wmean"), "w", "d", "cpu", "float32", 0.1, "c")
    return Result("m", value, None, None, *about, seeds=len(by_seed) or 1, scores=scores)


def plan(table: str, column: str, **rows: Result) -> Any:
    return SimpleNamespace(table=tables.get(table), stored={(row, column): result for row, result in rows.items()})


# Student's t by hand: d̄ / (s / √n); p from tables of t (2 degrees of freedom: p = 1 − t / √(2 + t²)),
# the interval d̄ ± 4.30265 s / √n. Welch with equal variances and sizes has n₁ + n₂ − 2 degrees.
@pytest.mark.parametrize(
    ("first", "second", "difference", "interval", "p", "test"),
    [
        ((1.0, 2.0, 3.0), (), 2.0, (-0.48414, 4.48414), 0.07418, "t over seeds"),
        ((), (1.0, 2.0, 3.0), -2.0, (-4.48414, 0.48414), 0.07418, "t over seeds"),
        ((1.0, 2.0, 3.0), (4.0, 5.0, 6.0), -3.0, (-5.26696, -0.73304), 0.02131, "Welch's t"),
        # one run scatters as the three do: s √(1 + 1/3), twice the standard error of the three against what is exact
        ((1.0, 2.0, 3.0), (0.0,), 2.0, (-2.96828, 6.96828), 0.22540, "Student's t"),
        ((0.0,), (1.0, 2.0, 3.0), -2.0, (-6.96828, 2.96828), 0.22540, "Student's t"),
    ],
)
@pytest.mark.parametrize("items", [(), (pack(np.arange(3.0)),)])  # geometry keeps the spectrum of its first seed
@pytest.mark.parametrize("column", ["stsb", "isoscore"])
def test_rows_of_several_seeds_are_tested_over_them(
    column: str,
    items: tuple[str, ...],
    first: tuple[float, ...],
    second: tuple[float, ...],
    difference: float,
    interval: tuple[float, float],
    p: float,
    test: str,
) -> None:
    one, other = (replace(cell(sum(seeds) / (len(seeds) or 1), seeds), items=items) for seeds in (first, second))
    (found,) = compare(plan("flow-2", column, a=one, b=other), "a", "b")
    assert found.difference == pytest.approx(difference)
    assert found.interval == pytest.approx(interval, abs=1e-4)
    assert found.p == pytest.approx(p, abs=1e-5)
    assert found.test == test


def test_a_median_over_seeds_is_not_tested_by_means() -> None:
    """Its sign may be another: the medians of these differ by +1.5, the means by −0.2."""
    one, other = cell(81.0, (70.0, 80.0, 81.0, 82.0, 83.0)), cell(79.5, (78.0, 79.0, 79.5, 80.0, 80.5))
    with pytest.raises(ReproError, match="medians over seeds"):
        list(compare(plan("flow-8", "median", a=one, b=other), "a", "b"))


@pytest.mark.parametrize("seeds", [(2.0, 2.0), (2.0, math.nan)])
def test_seeds_without_a_spread_are_no_test(seeds: tuple[float, float]) -> None:
    one, other = cell(1.0, (1.0, 1.0)), cell(2.0, seeds)
    with pytest.raises(ReproError, match="share no column with a test"):
        list(compare(plan("flow-2", "isoscore", a=one, b=other), "a", "b"))


def test_resamples_without_a_score_are_left_out_and_said() -> None:
    """Of three pairs one resample in nine holds a single one, of which no correlation is defined."""
    gold, resamples, seed = np.array([0.0, 2.0, 5.0]), 500, 12
    data = {"stsb": [Pairs("test", ("a", "b", "c"), ("d", "e", "f"), gold)]}
    cells = [
        replace(cell(value), items=(pack(np.array(cosines)),))
        for value, cosines in ((100.0, [0.1, 0.2, 0.9]), (50.0, [0.2, 0.1, 0.9]))
    ]
    finished = plan("flow-2", "stsb", a=cells[0], b=cells[1])
    finished.session, finished.options = (
        SimpleNamespace(data=data.get, draws={}),
        SimpleNamespace(resamples=resamples, seed=seed),
    )
    (found,) = compare(finished, "a", "b")
    rng = np.random.default_rng(seed)
    drawn = [rng.integers(0, 3, 3) for _ in range(resamples)]
    assert found.left_out == sum(len(set(rows)) == 1 for rows in drawn) > 0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # scipy's own word on constant input
        rho = [[spearmanr(x[rows], gold[rows])[0] for rows in drawn] for x in map(np.array, ([1, 2, 3], [2, 1, 3]))]
    differences = 100 * (np.array(rho[0]) - np.array(rho[1]))
    differences = differences[np.isfinite(differences)]
    assert found.interval == pytest.approx(tuple(np.quantile(differences, [0.025, 0.975])))
    share = min((differences <= 0).mean(), (differences >= 0).mean())
    assert found.p == pytest.approx(min(1.0, 2 * share), abs=0.01)
    assert f"(paired bootstrap, {found.left_out} resamples without a score left out)" in found.p_text


def test_other_protocols_are_not_compared() -> None:
    texts = ("stsb|agg:wmean|corr:spearman", "stsb|agg:all|corr:spearman")
    one, other = (replace(cell(1.0, (0.0, 2.0)), signature=Signature.parse(text)) for text in texts)
    with pytest.raises(ReproError, match="not comparable: agg is wmean in one and all in the other"):
        list(compare(plan("flow-2", "stsb", a=one, b=other), "a", "b"))


@pytest.mark.parametrize(("table", "column"), [("sbert-7", "cpu"), ("flow-2", "uniformity")])
def test_without_a_test_there_is_one_sentence(table: str, column: str) -> None:
    with pytest.raises(ReproError, match="a and b share no column with a test"):
        list(compare(plan(table, column, a=cell(1.0), b=cell(2.0)), "a", "b"))


def test_times_have_no_test() -> None:
    """Their runs are of one machine in one hour."""
    with pytest.raises(ReproError, match="a and b share no column with a test"):
        list(compare(plan("whitening-r1", "stsb-ms", a=cell(1.5, (1.0, 2.0)), b=cell(7.5, (7.0, 8.0))), "a", "b"))


@pytest.mark.parametrize(
    ("p", "text"), [(0.0123, "p = 0.012 (t)"), (0.001, "p = 0.001 (t)"), (0.0009, "p < 0.001 (t)")]
)
def test_a_small_p_is_not_zero(p: float, text: str) -> None:
    assert Comparison(COLUMN, 1.0, (0.0, 2.0), p, "t").p_text == text


def test_many_pairs_are_tested_as_one_pair_is() -> None:
    """Rows of one model, of seeds, and of both; one that is not stored; one without items."""
    rng = np.random.default_rng(0)
    gold = np.round(rng.uniform(0, 5, 40), 1)
    data = {"stsb": [Pairs("test", ("a",) * 40, ("b",) * 40, gold)]}
    rows = {name: replace(cell(50.0), items=(pack(gold / 5 + rng.normal(size=40)),)) for name in "abc"}
    rows |= {"d": cell(2.0, (1.0, 2.0, 3.0)), "e": cell(5.0, (4.0, 6.0)), "f": cell(1.0), "g": cell(3.0, (3.0, 3.0))}
    rows["h"] = cell(4.0, (4.0,))
    finished = plan("flow-2", "stsb", **rows)
    finished.options = SimpleNamespace(resamples=200, seed=12)
    finished.session = SimpleNamespace(data=data.get, draws={})
    pairs = list(combinations("abcdefghi", 2))
    together = all_pairs(finished, COLUMN, pairs)
    assert len(finished.session.draws) == 3
    for pair in pairs:
        finished.session = SimpleNamespace(data=data.get, draws={})
        assert together.get(pair) == significance(finished, COLUMN, *pair)
    tests = {"".join(pair): compared.test for pair, compared in together.items()}
    assert {tests[pair] for pair in ("ab", "ac", "bc")} == {"paired bootstrap"}
    assert {tests[pair] for pair in ("de", "dg", "eg")} == {"Welch's t"}
    assert {tests[pair] for pair in ("ad", "ae", "df", "ef")} == {"t over seeds"}
    assert {tests[pair] for pair in ("dh", "eh")} == {"Student's t"}
    assert not {"ag", "fg", "af", "ai", "di", "ah", "fh", "gh"} & set(tests)


# Student's t takes one run to scatter as the other row's do, which only runs of the same kind do
@pytest.mark.parametrize(
    ("once", "several", "test"),
    [
        ("stsb|train:nli", "stsb|train:stsb", "Student's t"),
        ("stsb|fit:nli", "stsb|fit:target", "Student's t"),
        ("stsb|train:nli", "stsb|fit:target", None),
        ("stsb|fit:target", "stsb|train:nli", None),
        ("stsb|train:nli|fit:target", "stsb|train:nli", None),
    ],
)
def test_one_run_borrows_the_spread_of_its_own_kind_alone(once: str, several: str, test: str | None) -> None:
    texts = {"a": (once, (4.0,)), "b": (several, (1.0, 2.0, 3.0))}
    rows = {
        slug: replace(cell(float(np.mean(values)), values), signature=Signature.parse(text))
        for slug, (text, values) in texts.items()
    }
    found = significance(plan("flow-2", "stsb", **rows), COLUMN, "a", "b")
    assert (found.test if found else None) == test


def test_a_spectrum_has_nothing_to_draw_again() -> None:
    rows = {name: replace(cell(0.5), items=(pack(np.arange(3.0)),)) for name in "ab"}
    assert significance(plan("flow-2", "isoscore", **rows), ISOSCORE, "a", "b") is None


def test_tests_are_made_once_for_the_same_results(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = {"avg-bert": cell(2.0, (1.0, 2.0, 3.0)), "bert-cls": cell(5.0, (4.0, 5.0, 6.0)), "avg-glove": cell(1.0)}
    finished = plan("sbert-1", "stsb", **rows)
    slugs = [row.slug for row in finished.table.rows][:3]
    finished.stored = {(slug, "stsb"): result for slug, result in zip(slugs, rows.values(), strict=True)}
    finished.options = SimpleNamespace(resamples=200, seed=12)
    finished.session = SimpleNamespace(digest=lambda task: "the data", draws={})
    column = next(column for column in finished.table.scored() if column.slug == "stsb")
    keep_tests(finished)
    expected = all_pairs(finished, column, list(combinations(slugs, 2)))
    assert len(expected) == 3
    made: list[str] = []

    def counted(*arguments: Any) -> dict[tuple[str, str], Comparison]:
        made.append("again")
        return all_pairs(*arguments)

    monkeypatch.setattr("repro.evaluation.significance.all_pairs", counted)
    monkeypatch.setattr("repro.memo._derived", {})  # as in another process
    assert every_pair(finished, column) == expected
    for first, second in combinations(slugs, 2):
        for pair in ((first, second), (second, first)):
            alone, kept = significance(finished, column, *pair), kept_or_made(finished, column, *pair)
            assert alone is not None
            assert kept is not None
            assert (kept.p, kept.test, kept.p_text) == (alone.p, alone.test, alone.p_text)
            assert (kept.difference, *kept.interval) == pytest.approx((alone.difference, *alone.interval))
    made.clear()
    place = slugs[0], "stsb"
    finished.stored[place] = replace(finished.stored[place], scores={"seed-0": 1.0, "seed-1": 2.0, "seed-2": 9.0})
    assert every_pair(finished, column) != expected
    finished.session = SimpleNamespace(digest=lambda task: "other data", draws={})
    every_pair(finished, column)
    assert made == ["again", "again"]


@pytest.mark.parametrize(("first", "second"), [(3, 3), (3, 10), (5, 2), (30, 4)])
def test_an_interval_from_what_a_table_says_is_that_of_welchs_test(first: int, second: int) -> None:
    rng = np.random.default_rng([first, second])
    one, other = rng.normal(70, 0.5, first), rng.normal(69, 2, second)
    expected = ttest_ind(one, other, equal_var=False).confidence_interval(0.95)
    stds = [float(np.std(scores, ddof=1)) for scores in (one, other)]
    assert interval_over_seeds(one.mean() - other.mean(), stds, [first, second]) == pytest.approx(tuple(expected))


def test_an_interval_against_one_run_covers_what_it_says() -> None:
    """95 of 100 intervals of three runs against one hold the true difference, where both scatter alike."""
    rng = np.random.default_rng(0)
    held = 0
    for _ in range(4000):
        three, one = rng.normal(70, 1, 3), rng.normal(69, 1)
        interval = interval_over_seeds(three.mean() - one, [float(three.std(ddof=1)), 0.0], [3, 1])
        assert interval is not None
        held += interval[0] < 1 < interval[1]
    assert held / 4000 == pytest.approx(0.95, abs=0.015)


# Student's t for 0.975, as any table of it has it: 12.706 (1 degree of freedom), 2.776 (4), 2.306 (8)
@pytest.mark.parametrize(
    ("stds", "seeds", "half"),
    [
        ([math.sqrt(5), 0.0], [5, None], 2.776),  # a standard error of 1, of one side alone
        ([0.0, math.sqrt(2)], [None, 2], 12.706),
        ([math.sqrt(5), 0.0], [5, 1], 2.77645 * math.sqrt(6)),  # one run scatters as the five do
        ([0.0, math.sqrt(2)], [1, 2], 12.7062 * math.sqrt(3)),
        ([math.sqrt(2.5), math.sqrt(2.5)], [5, 5], 2.306),  # equal variances: n − 1 of both sides
    ],
)
def test_an_interval_over_seeds_in_closed_cases(stds: list[float], seeds: list[int | None], half: float) -> None:
    assert interval_over_seeds(10, stds, seeds) == pytest.approx((10 - half, 10 + half), abs=1e-3)


@pytest.mark.parametrize(
    ("stds", "seeds"), [([0.0, 0.0], [1, 1]), ([0.0, 0.0], [5, 5]), ([0.3, 0.0], [1, 1]), ([0.0, 0.0], [None, 1])]
)
def test_without_a_spread_there_is_no_interval(stds: list[float], seeds: list[int | None]) -> None:
    assert interval_over_seeds(1.0, stds, seeds) is None
