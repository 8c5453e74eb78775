"""Triplets: accuracy by Euclidean distance."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import pairwise_distances

from repro.data import registry
from repro.data.pairs import Pairs
from repro.errors import NotAvailable, ReproError
from repro.tasks import TASKS
from repro.tasks.triplets import TripletScores
from tests.probes.exact import float32

TASK = TASKS["wikisec"]
ITEM = registry.dataset("WIKISEC", "mini")
MINI = registry.HERE / "mini"
APN = Pairs("test", ("a",), ("p",), third=("n",))


def test_accuracy_is_scikit_learns_distances_compared() -> None:
    data = TASK.load(MINI, ITEM)
    sentences = TASK.sentences(data)
    vectors = np.random.default_rng(0).normal(size=(len(sentences), 7)).astype(np.float32)
    distances = pairwise_distances(vectors.astype(np.float64))
    (part,) = data
    triplets = zip(part.first, part.second, part.third, strict=True)
    index = [[sentences.index(sentence) for sentence in triplet] for triplet in triplets]
    expected = np.mean([distances[a, p] < distances[a, n] for a, p, n in index])
    found = TASK.score(data, sentences, vectors, "random")
    assert found.values == {"accuracy": pytest.approx(100 * expected)}
    low, high = np.quantile(found.draws("accuracy", 2000, 0), [0.025, 0.975])  # type: ignore[arg-type]
    width = 1.96 * 100 * (expected * (1 - expected) / len(part)) ** 0.5  # binomial
    assert (high - low) / 2 == pytest.approx(width, rel=0.15)


@pytest.mark.parametrize(
    ("anchor", "positive", "negative", "right"),
    [((0, 0), (1, 0), (0, 2), True), ((0, 0), (3, 0), (0, 2), False), ((0, 0), (1, 0), (0, 1), False)],
)
def test_nearer_is_right_and_equal_is_not(
    anchor: tuple[int, int], positive: tuple[int, int], negative: tuple[int, int], right: bool
) -> None:
    vectors = np.array([anchor, positive, negative], np.float32)
    assert TASK.score([APN], ["a", "p", "n"], vectors, "x").values["accuracy"] == 100 * right


@pytest.mark.parametrize("shift", [0, 1000])
def test_distances_that_are_equal_in_exact_arithmetic_are_wrong(shift: int) -> None:
    # 3² + 4² = 5², with thirds and sevenths; far from the origin rounding counts more, as it goes by a vector's length
    anchors = [(shift + Fraction(i, 3), shift + Fraction(j, 7)) for i in range(10) for j in range(10)]
    steps = [(Fraction(3, 11), Fraction(4, 11)), (Fraction(5, 11), Fraction(0)), (Fraction(6, 11), Fraction(0))]
    exact = [(x + dx, y + dy) for x, y in anchors for dx, dy in [(Fraction(0), Fraction(0)), *steps]]
    rows = range(0, 400, 4)
    equal = [(i, i + 1, i + 2) for i in rows] + [(i, i + 2, i + 1) for i in rows]
    nearer, further = [(i, i + 1, i + 3) for i in rows], [(i, i + 3, i + 2) for i in rows]
    anchor, positive, negative = (tuple(map(str, side)) for side in zip(*equal, *nearer, *further, strict=True))
    found = TASK.score(
        [Pairs("test", anchor, positive, third=negative)], [str(i) for i in range(400)], float32(exact), "words"
    )
    np.testing.assert_array_equal(found.right, [False] * 200 + [True] * 100 + [False] * 100)


def test_scores_come_back_from_what_is_stored_and_compare_by_mcnemar() -> None:
    one, other = (TripletScores(np.random.default_rng(seed).random(50) < 0.7) for seed in (0, 1))
    (items,) = one.items("accuracy")
    assert TASK.restore([], (items,)).values == one.values
    p, test = one.p_value(other, "accuracy", np.zeros(1))
    assert test == "McNemar"
    assert 0 < p <= 1


def test_a_vector_that_is_not_finite_is_named() -> None:
    vectors = np.array([[0, 0], [np.nan, 0], [1, 1]], np.float32)
    with pytest.raises(ReproError, match="x: the vector of 'p' is not finite"):
        TASK.score([APN], ["a", "p", "n"], vectors, "x")


def test_missing_and_short_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(NotAvailable, match=r"test\.csv is not there; put test\.csv in its place"):
        TASK.load(tmp_path, ITEM)
    short = tmp_path / "short"
    (short / ITEM.folder).mkdir(parents=True)
    lines = (MINI / ITEM.folder / "test.csv").read_text(encoding="utf-8").splitlines(keepends=True)
    (short / ITEM.folder / "test.csv").write_text("".join(lines[:-1]), encoding="utf-8")
    with pytest.raises(ReproError, match=r"WIKISEC test\.csv: expected 40 items, found 39"):
        TASK.load(short, ITEM)
    assert registry.dataset("WIKISEC").contents[-1].rows == 222957
