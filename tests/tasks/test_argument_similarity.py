"""Argument similarity: correlations within folds, averaged."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import kendalltau, pearsonr, spearmanr

from repro.data import registry
from repro.data.readers import read_bws
from repro.errors import NotAvailable, ReproError
from repro.tasks import TASKS
from repro.tasks.argument_similarity import ArgumentTask

ITEM = registry.dataset("AFS", "mini")
MINI = registry.HERE / "mini"


def task(name: str) -> ArgumentTask:
    found = TASKS[name]
    assert isinstance(found, ArgumentTask)
    return found


@pytest.mark.parametrize("name", ["afs-10fold", "afs-topics"])
def test_correlations_are_scipys_averaged_over_folds(name: str) -> None:
    data = task(name).load(MINI, ITEM)
    sentences = task(name).sentences(data)
    vectors = np.random.default_rng(0).normal(size=(len(sentences), 5)).astype(np.float32)
    found = task(name).score(data, sentences, vectors, "random").values
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    row = {sentence: unit[i] for i, sentence in enumerate(sentences)}
    cosines = [[row[a] @ row[b] for a, b in zip(part.first, part.second, strict=True)] for part in data]
    for metric, function in (("pearson-mean", pearsonr), ("spearman-mean", spearmanr), ("kendall-mean", kendalltau)):
        expected = np.mean([function(x, part.gold)[0] for x, part in zip(cosines, data, strict=True)])
        assert found[metric] == pytest.approx(100 * expected, abs=1e-4)


def test_ten_folds_hold_every_pair_once_and_a_tenth_each() -> None:
    data, topics = (task(name).load(MINI, ITEM) for name in ("afs-10fold", "afs-topics"))
    assert task("afs-10fold").folds(data) == [f"fold-{n}" for n in range(1, 11)]
    assert sorted(map(len, data)) == [20] * 9 + [21]
    pairs = [list(zip(p.first, p.second, p.gold, strict=True)) for p in (*data,)]
    every = [pair for part in topics for pair in zip(part.first, part.second, part.gold, strict=True)]
    assert sorted(pair for part in pairs for pair in part) == sorted(every)
    assert task("afs-10fold").digest(task("afs-10fold").load(MINI, ITEM)) == task("afs-10fold").digest(data)


@pytest.mark.parametrize("name", ["afs-10fold", "afs-topics"])
def test_what_is_held_out_is_not_trained_on(name: str) -> None:
    data = task(name).load(MINI, ITEM)
    for fold in task(name).folds(data):
        train, (test,) = task(name).held_out(data, fold)
        assert test.name == fold
        assert len(train) + len(test) == 201
        assert not set(zip(train.first, train.second, strict=True)) & set(zip(test.first, test.second, strict=True))


def test_topics_are_the_files() -> None:
    assert task("afs-topics").folds(task("afs-topics").load(MINI, ITEM)) == [
        "city-cars",
        "robots-at-work",
        "school-uniforms",
    ]


@pytest.mark.real
def test_bws_has_its_published_size(data: Path) -> None:
    item = registry.dataset("BWS")
    found = task("bws-topics").load(data, item)
    # Thakur et al. 2021: 3,400 pairs, 8 topics
    assert [len(part) for part in found] == [425] * 8
    assert 0 <= min(part.gold.min() for part in found) <= max(part.gold.max() for part in found) <= 5


def test_a_score_out_of_range_and_a_missing_file_are_named(tmp_path: Path) -> None:
    path = tmp_path / "BWS_corpus.csv"
    path.write_text("topic,sentence_1,sentence_2,regression_label\nx,a,b,1.5\n")
    with pytest.raises(
        ReproError, match=r"BWS_corpus\.csv: line 2 has the gold score '1\.5', expected a number from 0 to 1"
    ):
        read_bws(path)
    with pytest.raises(NotAvailable, match=r"ArgPairs_city-cars\.csv is not there"):
        task("afs-topics").load(tmp_path, ITEM)
    shutil.copytree(MINI / ITEM.folder, tmp_path / ITEM.folder)
    topic = tmp_path / ITEM.folder / "ArgPairs_robots-at-work.csv"
    topic.write_text("".join(topic.read_text(encoding="cp1252").splitlines(keepends=True)[:-1]), encoding="cp1252")
    with pytest.raises(ReproError, match=r"AFS ArgPairs_robots-at-work\.csv: expected 67 items, found 66"):
        task("afs-topics").load(tmp_path, ITEM)
