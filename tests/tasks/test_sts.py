"""STS scores: every aggregation against SciPy, MTEB's published scores on real weights, and the errors."""

import csv
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from repro import ledger
from repro.data import registry
from repro.data.readers import Pairs
from repro.encoders import zoo
from repro.errors import ReproError
from repro.metrics.bootstrap import interval
from repro.metrics.correlation import cosines
from repro.tasks import sts


def pairs(name: str, n: int, seed: int) -> Pairs:
    rng = np.random.default_rng(seed)
    first, second = (tuple(f"{name} {side} {i}" for i in range(n)) for side in "ab")
    return Pairs(name, first, second, np.round(rng.uniform(0, 5, n), 1))


def test_six_scores_equal_scipy_on_each_aggregation() -> None:
    parts = [pairs("x", 40, 1), pairs("y", 25, 2)]
    sentences = sts.sentences_of(parts)
    vectors = np.random.default_rng(3).normal(size=(len(sentences), 8)).astype(np.float32)
    found = sts.score(parts, sentences, vectors, "random")
    row = {sentence: i for i, sentence in enumerate(sentences)}
    cosine = [
        cosines(vectors, np.array([row[s] for s in part.first]), np.array([row[s] for s in part.second]))
        for part in parts
    ]
    gold = [part.gold for part in parts]
    for name, oracle in (("spearman", stats.spearmanr), ("pearson", stats.pearsonr)):
        each = [100 * oracle(x, y).statistic for x, y in zip(cosine, gold, strict=True)]
        joined = 100 * oracle(np.concatenate(cosine), np.concatenate(gold)).statistic
        expected = {"all": joined, "mean": np.mean(each), "wmean": (40 * each[0] + 25 * each[1]) / 65}
        for aggregation, value in expected.items():
            assert found.values[f"{name}-{aggregation}"] == pytest.approx(value, abs=1e-9)


def test_interval_holds_the_score() -> None:
    parts = [pairs("x", 200, 1)]
    sentences = sts.sentences_of(parts)
    found = sts.score(parts, sentences, np.random.default_rng(3).normal(size=(400, 4)), "random")
    low, high = interval(found.draws("spearman-all", 200, 0))
    assert low < found.values["spearman-all"] < high


def test_a_vector_that_is_not_finite_names_encoder_and_sentence() -> None:
    parts = [pairs("x", 3, 1)]
    sentences = sts.sentences_of(parts)
    vectors = np.ones((6, 2), np.float32)
    vectors[4, 0] = np.nan
    with pytest.raises(ReproError, match=f"broken: the vector of '{sentences[4]}' is not finite"):
        sts.score(parts, sentences, vectors, "broken")


def test_a_constant_encoder_is_an_error_and_not_a_nan() -> None:
    parts = [pairs("x", 3, 1)]
    with pytest.raises(ReproError, match="flat: all 3 cosines of x are the same"):
        sts.score(parts, sts.sentences_of(parts), np.ones((6, 2), np.float32), "flat")


# SemEval task papers, Cer et al. 2017, Marelli et al. 2014: pairs of each test set, subset by subset
COUNTS = {
    "sts12": [750, 750, 459, 750, 399],
    "sts13": [189, 750, 561],
    "sts14": [450, 300, 750, 750, 750, 750],
    "sts15": [375, 750, 375, 750, 750],
    "sts16": [254, 249, 230, 244, 209],
    "stsb-dev": [1500],
    "stsb": [1379],
    "sickr": [4927],
    "sickr-all": [4500, 500, 4927],
}


@pytest.mark.real
@pytest.mark.parametrize("task", COUNTS)
def test_pair_counts(task: str, data: Path) -> None:
    item = registry.dataset(sts.STS_TASKS[task].dataset)
    parts = sts.STS_TASKS[task].load(data, item)
    assert [len(part) for part in parts] == COUNTS[task]
    sts.STS_TASKS[task].check_counts(parts, item)


def test_a_cut_folder_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "downstream/STS/STSBenchmark"
    folder.mkdir(parents=True)
    (folder / "sts-test.csv").write_text("g\tf\ty\t1\t2.5\ta\tb\n" * 3)
    task, item = sts.STS_TASKS["stsb"], registry.dataset("STSB")
    with pytest.raises(ReproError, match=r"STSB sts-test.csv: expected 1379 scored pairs, found 3"):
        task.check_counts(task.load(tmp_path, item), item)


@pytest.mark.real
def test_minilm_reads_mtebs_published_scores(data: Path, minilm: zoo.Group) -> None:
    # STS16 alone, for time; the committed table holds the other six to the same ledger
    with (ledger.FOLDER / "mteb_sts.csv").open(encoding="utf-8", newline="") as file:
        lines = [line for line in csv.DictReader(file) if line["system_group"] == "revision 8b3219a9"]
    published = {line["metric"]: 100 * float(line["value"]) for line in lines if line["task"] == "STS16"}
    parts = sts.STS_TASKS["sts16"].load(data, registry.dataset("STS16"))
    sentences = sts.sentences_of(parts)
    found = sts.score(parts, sentences, minilm.encode(sentences)[0].vectors, "all-minilm-l6-v2")
    assert found.values["spearman-all"] == pytest.approx(published["cosine_spearman"], abs=0.01)
    assert found.values["pearson-all"] == pytest.approx(published["cosine_pearson"], abs=0.01)
