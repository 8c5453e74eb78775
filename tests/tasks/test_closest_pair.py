"""The closest pair: what is timed, on which sentences and pairs, and what follows from the seconds."""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np
import pytest

from repro.data.pairs import Pairs
from repro.errors import ReproError
from repro.metrics import metric
from repro.tasks import TASKS
from repro.tasks.closest_pair import PAIRS, BiEncoderTimes, CrossEncoderTimes

DATA = [Pairs("test", tuple(f"a{i}" for i in range(600)), tuple(f"b{i}" for i in range(600)))]


def test_all_pairs_of_ten_thousand_sentences_are_the_papers_number() -> None:
    assert PAIRS == 49_995_000  # Sentence-BERT §1


def test_a_bi_encoder_is_timed_on_growing_parts_after_a_few_sentences_that_warm_it_up() -> None:
    asked: list[int] = []

    def encode(sentences: Sequence[str]) -> np.ndarray:
        asked.append(len(sentences))
        time.sleep(0.01 * (len(sentences) > 1000))
        return np.random.default_rng(1).standard_normal((len(sentences), 4), dtype=np.float32)

    task = TASKS["closest-pair-cpu"]
    scores = task.time(DATA, encode)
    assert asked == [64, 1000, 1200]  # all 1,200 distinct sentences in place of the 10,000 that are not there
    assert scores.values["encode-seconds"] >= 0.01
    assert scores.values["closest-pair-seconds"] == pytest.approx(
        scores.values["encode-seconds"] + scores.values["search-seconds"]
    )
    items = scores.items("closest-pair-seconds")
    assert items[0].tolist() == [1000, 1200]
    assert task.restore(DATA, items).values == scores.values
    assert scores.draws("closest-pair-seconds", 10, 1) is None  # one run has no interval


def test_a_cross_encoder_is_timed_on_drawn_pairs_of_different_sentences_the_same_each_time() -> None:
    task = TASKS["all-pairs-cpu"]
    runs: list[list[tuple[str, str]]] = []
    for _ in range(2):
        calls: list[tuple[str, str]] = []

        def similarity(first: Sequence[str], second: Sequence[str], calls: list[tuple[str, str]] = calls) -> np.ndarray:
            calls.extend(zip(first, second, strict=True))
            return np.zeros(len(first))

        task.time_pairs(DATA, similarity)
        runs.append(calls)
    assert runs[0] == runs[1]
    assert len(runs[0]) == 64 + 16 * 64  # the first 64 twice: they warm it up
    assert all(first != second for first, second in runs[0])
    with pytest.raises(ReproError, match="1 sentences make no pair"):
        task.time_pairs([Pairs("test", ("a",))], lambda first, second: np.zeros(0))


def test_hours_follow_from_the_seconds_a_pair() -> None:
    scores = CrossEncoderTimes(np.array([0.01, 0.03]))  # 0.02 s on average
    assert scores.values["pairs-per-second"] == pytest.approx(50)
    assert scores.values["hours-for-all-pairs"] == pytest.approx(49_995_000 * 0.02 / 3600)
    draws = scores.draws("hours-for-all-pairs", 200, 1)
    assert draws is not None
    assert set(np.round(draws / PAIRS * 3600, 4)) == {0.01, 0.02, 0.03}  # both runs, or one of them twice


@pytest.mark.parametrize("name", [*BiEncoderTimes.metrics, *CrossEncoderTimes.metrics])
def test_times_are_of_a_machine_and_less_is_better_but_for_rates(name: str) -> None:
    assert metric(name).of_machine
    assert metric(name).higher_is_better == name.endswith("per-second")


def test_what_is_timed_is_not_scored() -> None:
    task = TASKS["closest-pair-cpu"]
    with pytest.raises(ReproError, match="its rows are those of sbert-65h"):
        task.score(DATA, ["a"], np.zeros((1, 2), np.float32), "x")
    with pytest.raises(ReproError, match="reads pairs"):
        task.time_pairs(DATA, lambda first, second: np.zeros(0))
    with pytest.raises(ReproError, match="times the encoding"):
        TASKS["all-pairs-cpu"].time(DATA, lambda sentences: None)
