"""What every task says of itself, and the promises of the base class."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from repro.data import registry
from repro.errors import NotAvailable, ReproError
from repro.metrics.bootstrap import interval
from repro.tasks import TASKS
from repro.tasks.base import Data, Task

MINI = registry.HERE / "mini"
HERE = [name for name, task in TASKS.items() if task.dataset in registry.datasets("mini")]


def loaded(name: str, limit: int | None = None) -> tuple[Task, Data]:
    return TASKS[name], TASKS[name].load(MINI, registry.dataset(TASKS[name].dataset, "mini"), limit)


def test_capabilities_of_each_kind() -> None:
    by_kind = {
        "scores_pairs": {"sts12", "sickr-all-senteval", "afs-10fold", "bws-topics"},
        "timed": {"speed-cpu", "speed-gpu"},
        "times_search": {"search-stsb"},
        "keeps_items": {"geometry"},
    }
    for attribute, names in by_kind.items():
        for name in (
            "sts12",
            "sickr-all-senteval",
            "afs-10fold",
            "bws-topics",
            *by_kind["timed"],
            "search-stsb",
            "geometry",
            "mr",
        ):
            assert getattr(TASKS[name], attribute) == (name in names), (attribute, name)
    assert [TASKS[name].device for name in ("speed-cpu", "speed-gpu", "stsb")] == ["cpu", "gpu", ""]
    assert [TASKS[name].target for name in ("speed-cpu", "geometry", "mr", "wikisec", "afs-topics")] == [
        *("stsb-all", "stsb-all"),
        *("", "", ""),
    ]
    assert {name: task.version for name, task in TASKS.items() if task.version > 1} == {"geometry": 2}


@pytest.mark.parametrize("name", HERE)
def test_every_task_reads_its_data_and_scores_them(name: str) -> None:
    task, data = loaded(name)
    sentences = task.sentences(data)
    assert len(set(sentences)) == len(sentences) > 0
    assert set(sentences) == {sentence for part in data for sentence in part.sentences}
    assert task.digest(data) == task.digest(loaded(name)[1]) != task.digest(loaded(name, 20)[1])
    folds = task.folds(data)
    assert (list(folds) == [""]) == (task.dataset not in ("AFS", "BWS"))
    for metric in task.metrics:
        assert all(isinstance(value, str) for value in task.protocol(metric).values())
    vectors = np.random.default_rng(0).normal(size=(len(sentences), 6)).astype(np.float32)
    if task.timed or task.of_words:
        return
    scores = task.score(data, sentences, vectors, "random")
    assert set(task.metrics) <= set(scores.values)
    for metric in task.metrics:
        draws = scores.draws(metric, 50, 3)
        if draws is None:
            continue
        low, high = interval(draws)
        assert low <= scores.values[metric] <= high
        np.testing.assert_array_equal(task.restore(data, scores.items(metric)).draws(metric, 50, 3), draws)
    broken = vectors.copy()
    broken[3, 1] = np.inf
    with pytest.raises(ReproError, match=r"random: the vector of .* is not finite"):
        task.score(data, sentences, broken, "random")


@pytest.mark.parametrize("name", ["sts12", "afs-10fold", "afs-topics"])
def test_a_model_that_reads_pairs_is_scored_where_the_task_says_so(name: str) -> None:
    task, data = loaded(name)

    def lengths(first: Sequence[str], second: Sequence[str]) -> np.ndarray:
        return np.array([-abs(len(a) - len(b)) for a, b in zip(first, second, strict=True)])

    scores = task.score_pairs(data, lengths)
    for part, similarity in zip(data, scores.items("pearson-mean"), strict=True):
        np.testing.assert_array_equal(similarity, lengths(part.first, part.second))


@pytest.mark.parametrize("scale", [1e-200, 1e-7, 1.0, 1e6])
@pytest.mark.parametrize("correlation", ["spearman", "pearson", "kendall"])
def test_scores_of_pairs_are_no_cosines_and_compared_as_they_are(correlation: str, scale: float) -> None:
    """The right answer is SciPy's, over all pairs of a year and over its subsets; half of the scores are below 1e-6."""
    task, data = loaded("sts12")
    rng = np.random.default_rng(0)
    drawn = {id(part.first): 1 / (1 + np.exp(rng.normal(15, 3, len(part)).round(1))) for part in data}
    scores = task.score_pairs(data, lambda first, second: scale * drawn[id(first)])
    theirs = {"spearman": stats.spearmanr, "pearson": stats.pearsonr, "kendall": stats.kendalltau}[correlation]
    parts = [drawn[id(part.first)] for part in data]
    whole = theirs(np.concatenate(parts), np.concatenate([part.gold for part in data])).statistic
    each = [theirs(found, part.gold).statistic for found, part in zip(parts, data, strict=True)]
    assert scores.values[f"{correlation}-all"] == pytest.approx(100 * whole, abs=1e-9)
    assert scores.values[f"{correlation}-mean"] == pytest.approx(100 * np.mean(each), abs=1e-9)


def test_what_a_task_cannot_do_is_one_sentence() -> None:
    task, data = loaded("sst")
    for call in (
        lambda: task.score_pairs(data, lambda first, second: np.zeros(len(first))),
        lambda: task.time(data, len),
        lambda: task.sample(data),
        lambda: task.held_out(data, "fold-1"),
    ):
        with pytest.raises(
            ReproError,
            match=r"^sst (is scored from|is not a task that times|has a test set of its own)",
        ):
            call()


@pytest.mark.real
def test_what_is_read_of_the_public_files_has_the_registry_s_digest(data: Path) -> None:
    public = registry.datasets()
    read: dict[object, str] = {}
    found = {}
    for name, task in TASKS.items():
        if public[task.dataset].public:
            if task.source not in read:
                read[task.source] = task.digest(task.load(data, public[task.dataset], None))
            found[name] = read[task.source]
    assert found == registry.public_digests()


def test_a_missing_file_says_where_it_comes_from() -> None:
    with pytest.raises(NotAvailable, match=r"rt-polarity.pos is not there; `repro fetch MR` gets it, or put rt-p"):
        TASKS["mr"].load(MINI / "nowhere", registry.dataset("MR"))
    with pytest.raises(NotAvailable, match=r"ArgPairs_GM.csv is not there; put ArgPairs_GM.csv in its place .Misra"):
        TASKS["afs-topics"].load(MINI / "nowhere", registry.dataset("AFS"))
