"""Metrics by name: what each knows of itself, aggregation and draws against SciPy, and names that are unknown."""

from __future__ import annotations

import math

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, f1_score

from repro.errors import ReproError
from repro.metrics import METRICS, metric
from repro.metrics.base import Metric, Samples, Statistic, of_resamples
from repro.metrics.correlation import CORRELATIONS
from repro.tasks import TASKS
from tests.metrics import oracles


def subsets(*sizes: int) -> Samples:
    rng = np.random.default_rng(sum(sizes))
    return Samples([(rng.normal(size=n), np.round(rng.normal(size=n))) for n in sizes])


@pytest.mark.parametrize("name", oracles.CORRELATIONS)
def test_values_and_draws_are_scipys_under_every_aggregation(name: str) -> None:
    samples, oracle, resamples = subsets(30, 90), oracles.CORRELATIONS[name], 15
    whole = Samples([samples.joined()])
    for seed in (7, 8):
        drawn = []
        for number, (x, y) in enumerate((*samples.subsets, *whole.subsets)):
            rng = np.random.default_rng(seed + number if number < 2 else seed)  # each subset has a seed of its own
            rows = [rng.integers(0, len(x), len(x)) for _ in range(resamples)]
            drawn.append([100 * oracle(x[row], y[row]).statistic for row in rows])
        expected = {
            "all": drawn[2],
            "mean": np.mean(drawn[:2], axis=0),
            "wmean": np.average(drawn[:2], axis=0, weights=[30, 90]),
        }
        for aggregation, draws in expected.items():
            found = metric(f"{name}-{aggregation}").draws(samples, resamples, seed)
            np.testing.assert_allclose(found, draws, atol=1e-10)
    each = [100 * oracle(x, y).statistic for x, y in samples.subsets]
    values = {
        "all": 100 * oracle(*samples.joined()).statistic,
        "mean": np.mean(each),
        "wmean": (30 * each[0] + 90 * each[1]) / 120,
    }
    for aggregation, value in values.items():
        assert metric(f"{name}-{aggregation}").value(samples) == pytest.approx(value, abs=1e-10)


def test_aggregates_of_one_subset_are_that_subset() -> None:
    samples = subsets(80)
    draws = [metric(f"spearman-{aggregation}").draws(samples, 30, 4) for aggregation in ("all", "mean", "wmean")]
    np.testing.assert_array_equal(draws[0], draws[1])
    np.testing.assert_allclose(draws[0], draws[2], rtol=1e-12)  # type: ignore[arg-type]


def test_accuracy_and_f1_of_resamples_are_scikit_learns() -> None:
    rng = np.random.default_rng(0)
    gold = rng.integers(0, 2, 70)
    predicted = np.where(rng.random(70) < 0.8, gold, 1 - gold)
    right, weights = predicted == gold, rng.uniform(1, 2, 70)
    found = {
        "accuracy": (metric("accuracy"), Samples([(right,)])),
        "weighted": (metric("accuracy"), Samples([(right, weights)])),
        "f1": (metric("f1"), Samples([(predicted, gold)])),
    }
    draws = {name: one.draws(samples, 25, 3) for name, (one, samples) in found.items()}
    rng = np.random.default_rng(3)
    for number in range(25):
        rows = rng.integers(0, 70, 70)
        assert draws["accuracy"][number] == pytest.approx(100 * accuracy_score(gold[rows], predicted[rows]))  # type: ignore[index]
        weighted = accuracy_score(gold[rows], predicted[rows], sample_weight=weights[rows])
        assert draws["weighted"][number] == pytest.approx(100 * weighted)  # type: ignore[index]
        assert draws["f1"][number] == pytest.approx(100 * f1_score(gold[rows], predicted[rows]))  # type: ignore[index]
    assert found["f1"][0].value(found["f1"][1]) == pytest.approx(100 * f1_score(gold, predicted))
    assert found["weighted"][0].value(found["weighted"][1]) == pytest.approx(100 * np.average(right, weights=weights))


def test_every_metric_of_every_task_is_known_and_no_other() -> None:
    assert {name for task in TASKS.values() for name in task.metrics} == set(METRICS)
    assert {name: one.name for name, one in METRICS.items()} == dict(zip(METRICS, METRICS, strict=True))


# (metric, higher is better, smallest, largest): Wang and Isola 2020, Ethayarajh 2019, Rudman et al. 2022 for geometry
@pytest.mark.parametrize(
    ("name", "higher", "low", "high"),
    [
        *((f"{name}-wmean", True, -100, 100) for name in oracles.CORRELATIONS),
        *((name, True, 0, 100) for name in ("accuracy", "dev-accuracy", "f1")),
        ("sentences-per-second", True, 0, math.inf),
        ("alignment", False, 0, 4),
        ("uniformity", False, -8, 0),
        ("cosine", False, -1, 1),
        ("isoscore", True, 0, 1),
    ],
)
def test_direction_and_bounds(name: str, higher: bool, low: float, high: float) -> None:
    found = metric(name)
    assert (found.higher_is_better, found.low, found.high) == (higher, low, high)


def test_what_is_not_resampled_has_no_draws() -> None:
    assert metric("sentences-per-second").draws(Samples([(np.array([3.0, 1.0, 2.0]),)])) is None
    assert metric("sentences-per-second").value(Samples([(np.array([3.0, 1.0, 2.0]),)])) == 2


def test_a_metric_of_ones_own_has_its_interval() -> None:
    median = Metric("median", of_resamples(lambda values: lambda rows: float(np.median(values[rows]))))
    values = np.arange(9.0)
    draws = median.draws(Samples([(values,)]), 5, 1)
    rng = np.random.default_rng(1)
    np.testing.assert_array_equal(draws, [np.median(values[rng.integers(0, 9, 9)]) for _ in range(5)])
    assert median.value(Samples([(values,)])) == 4
    assert Metric("sum", Statistic(np.sum)).draws(Samples([(values,)])) is None


@pytest.mark.parametrize("name", ["spearman", "kendall-median", "Spearman-all", ""])
def test_an_unknown_name_is_an_error_that_lists_the_known(name: str) -> None:
    with pytest.raises(ReproError, match=rf"the metric '{name}' is unknown; there are: spearman-all, .*kendall-wmean"):
        metric(name)
    with pytest.raises(ReproError, match=rf"the task stsb has no metric '{name}'; it has: spearman-all"):
        TASKS["stsb"].protocol(name)
    with pytest.raises(ReproError, match=r"the task mr has no metric 'f1'; it has: accuracy, dev-accuracy"):
        TASKS["mr"].protocol("f1")


def test_a_correlation_stands_in_one_place() -> None:
    assert set(CORRELATIONS) == set(oracles.CORRELATIONS)
    assert [name for name in METRICS if name.endswith("-all")] == [f"{name}-all" for name in CORRELATIONS]
