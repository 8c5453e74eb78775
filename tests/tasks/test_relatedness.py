"""STS-B and SICK-R by SentEval's regressor: what it is given, what is made of its predictions, and what keeps it apart
from the scores by cosine."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.stats import pearsonr, spearmanr
from sklearn.metrics import mean_squared_error

from repro.data.pairs import Pairs
from repro.errors import ReproError
from repro.evaluation.suite import Suite
from repro.metrics import metric
from repro.probes.relatedness import Graded
from repro.results.signature import Signature, check_comparable
from repro.tasks import TASKS, relatedness
from repro.tasks.relatedness import RELATEDNESS_TASKS, RelatednessScores, in_sentevals_order

NAMES = list(RELATEDNESS_TASKS)


def drawn(data: list[Pairs], d: int = 4) -> tuple[list[str], np.ndarray]:
    """The sentences, and vectors (n, d) float32 that mean nothing."""
    sentences = list(dict.fromkeys(sentence for part in data for sentence in part.sentences))
    return sentences, np.random.default_rng(0).normal(size=(len(sentences), d)).astype(np.float32)


@pytest.mark.parametrize(("name", "whole"), [("stsb-regressor", "stsb-all"), ("sickr-regressor", "sickr-all")])
def test_the_data_are_those_of_sentevals_files(name: str, whole: str) -> None:
    data = Suite("mini").load(name)
    assert [part.first for part in data] == [part.first for part in Suite("mini").load(f"{whole}-senteval")]
    assert TASKS[name].source == TASKS[f"{whole}-senteval"].source
    assert TASKS[name].target == f"{whole}-senteval"
    lowered = all(sentence == sentence.lower() for sentence in data[0].first)
    assert lowered == (name == "stsb-regressor")  # get_transfer_data.bash: STS-B is lower-cased, SICK is not


def test_training_pairs_go_in_by_their_lengths_and_scores_and_ties_keep_the_files_order() -> None:
    part = Pairs("train", ("b b", "a", "c", "d", "e"), ("x", "x x", "x", "x", "x"), np.array([1.0, 2, 5, 4, 4]))
    found = in_sentevals_order(part)
    assert found.first == ("d", "e", "c", "a", "b b")
    assert found.gold.tolist() == [4, 4, 5, 2, 1]


@pytest.mark.parametrize("name", NAMES)
def test_the_regressor_learns_from_train_is_watched_by_dev_and_predicts_test(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: dict[str, Any] = {}

    def noted(train: Graded, dev: Graded, test: np.ndarray) -> tuple[float, np.ndarray]:
        seen.update(train=train, dev=dev, test=test)
        return 0.5, np.arange(len(test), dtype=float)

    monkeypatch.setattr(relatedness, "fit_predict", noted)
    data = Suite("mini").load(name)
    sentences, vectors = drawn(data)
    found = TASKS[name].score(data, sentences, vectors, "drawn")
    row = dict(zip(sentences, vectors, strict=True))
    train, dev, test = data
    for part, features in ((in_sentevals_order(train), seen["train"].features), (test, seen["test"])):
        u, v = (np.stack([row[sentence] for sentence in side]) for side in (part.first, part.second))
        np.testing.assert_array_equal(features, np.hstack([abs(u - v), u * v]))
    np.testing.assert_array_equal(seen["train"].gold, in_sentevals_order(train).gold)
    np.testing.assert_array_equal(seen["dev"].gold, dev.gold)
    predicted = np.arange(len(test), dtype=float)
    assert found.values == pytest.approx(
        {
            "regressor-pearson": 100 * pearsonr(predicted, test.gold).statistic,
            "regressor-spearman": 100 * spearmanr(predicted, test.gold).statistic,
            "regressor-mse": mean_squared_error(test.gold, predicted),
            "regressor-dev-pearson": 50,
        }
    )


def test_stored_predictions_give_the_scores_again() -> None:
    data = [Pairs("test", ("a", "b", "c"), ("d", "e", "f"), np.array([1.0, 2.5, 4.0]))]
    found = RelatednessScores(np.array([1.5, 2.0, 4.5]), data[-1].gold, 0.7)
    again = TASKS["stsb-regressor"].restore(data, found.items("regressor-mse"))
    assert {**again.values, "regressor-dev-pearson": 70} == pytest.approx(found.values)
    assert again.values["regressor-mse"] == pytest.approx(0.25)
    assert found.items("regressor-dev-pearson") == ()
    assert found.draws("regressor-dev-pearson", 10, 3) is None
    assert not metric("regressor-mse").higher_is_better


def test_the_encoder_whose_vectors_are_all_alike_is_named() -> None:
    data = Suite("mini").load("sickr-regressor")
    sentences, vectors = drawn(data)
    with pytest.raises(ReproError, match="flat, sickr-regressor: the regressor gives all dev pairs one score"):
        TASKS["sickr-regressor"].score(data, sentences, np.ones_like(vectors), "flat")


@pytest.mark.parametrize(
    ("name", "cosine"), [("stsb-regressor", "stsb-senteval"), ("sickr-regressor", "sickr-senteval")]
)
def test_nobody_takes_it_for_the_score_by_cosine(name: str, cosine: str) -> None:
    """No name of a task or metric is one of the other protocol's, and their signatures cannot be compared."""
    task, other = TASKS[name], TASKS[cosine]
    assert not set(task.metrics) & set(other.metrics)
    assert all("regressor" in metric for metric in task.metrics)
    protocol = task.protocol("regressor-pearson")
    assert protocol == {"metric": "regressor-pearson", "regressor": "senteval", "seed": "1111", "text": "senteval"}
    assert other.protocol("pearson-all")["sim"] == "cos"
    signatures = [Signature(name, protocol, {}, ""), Signature(cosine, other.protocol("pearson-all"), {}, "")]
    with pytest.raises(ReproError, match="not comparable"):
        check_comparable(signatures)
    assert "regressor" in Signature.parse(str(signatures[0])).protocol
    assert not task.scores_pairs
