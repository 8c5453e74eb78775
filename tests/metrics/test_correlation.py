"""Correlations against SciPy, exact arithmetic where values are equal; cosines against their definition."""

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from repro.data import registry
from repro.data.pairs import Pairs
from repro.encoders import zoo
from repro.errors import ReproError
from repro.metrics.correlation import CORRELATIONS, TIE, Ranker, cosines, pearson, spearman, tied, unit
from repro.tasks import sts
from tests import conftest
from tests.probes.exact import Vector, averages, float32, squared_cosine


@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("n", [3, 4, 50, 5000])
def test_correlations_equal_scipy(n: int, ties: bool) -> None:
    rng = np.random.default_rng(n)
    x, y = rng.permutation(n) / n + rng.integers(2), rng.permutation(n) / n - 1  # no two of them nearly equal
    if ties and n > 3:
        x, y = np.round(x * 9), np.round(y * 9)
    assert spearman(x, y) == pytest.approx(stats.spearmanr(x, y).statistic, abs=1e-12)
    assert pearson(x, y) == pytest.approx(stats.pearsonr(x, y).statistic, abs=1e-12)


@pytest.mark.parametrize("name", CORRELATIONS)
def test_two_items_have_none(name: str) -> None:
    """They lie on a line whatever they are: ±1 says nothing of them. Three do not."""
    value = CORRELATIONS[name].value
    assert np.isnan(value(np.array([0.1, 0.4]), np.array([2.0, 5.0])))
    assert value(np.array([0.1, 0.4, 0.5]), np.array([2.0, 5.0, 6.0])) > 0.9


def test_a_constant_has_no_correlation() -> None:
    assert np.isnan(pearson(np.full(5, 0.1), np.arange(5)))
    assert np.isnan(spearman(np.arange(5), np.full(5, 0.1)))


def test_ranks_with_counts_are_the_ranks_of_the_repeated_values() -> None:
    values = np.array([3.0, 1.0, 3.0, 2.0, 5.0])
    counts = np.array([2, 0, 1, 3, 1])
    expected = dict(zip(np.repeat(values, counts), stats.rankdata(np.repeat(values, counts)), strict=True))
    ranks = Ranker(values)(counts)
    assert [ranks[i] for i in (0, 2, 3, 4)] == [expected[values[i]] for i in (0, 2, 3, 4)]
    np.testing.assert_array_equal(Ranker(values)(), stats.rankdata(values))


def test_cosine_is_the_dot_product_of_unit_vectors_and_zero_for_a_zero_vector() -> None:
    vectors = np.array([[1, 0], [1, 1], [-2, 0], [0, 0]], np.float32)
    found = cosines(vectors, np.array([0, 0, 0, 0]), np.array([0, 1, 2, 3]))
    np.testing.assert_allclose(found, [1, np.sqrt(0.5), -1, 0], atol=1e-7)


# (values, groups): a group takes what exceeds its smallest value by no more than TIE, however small the steps are
GROUPS = [
    ([], []),
    ([3.0], [0]),
    ([0.0, 0.9 * TIE, 1.1 * TIE], [0, 0, 1]),
    ([4 + 2.0 * TIE, 4, 4 + 0.8 * TIE, 4 + 1.6 * TIE], [1, 0, 0, 1]),
    (np.sin([0.3, 0.3 + 0.9 * TIE, 0.3 + 1.1 * TIE]), [0, 0, 1]),
    (np.cos([0.0, 0.9 * TIE, 2e-4, 2e-4 + 0.9 * TIE, 2e-4 + 2 * TIE]), [2, 2, 1, 1, 0]),  # the angle counts
    ([-5.0, 1.0, -5.0 + TIE / 2, 0.0, 1e300, -np.inf, np.inf], [1, 3, 1, 2, 4, 0, 5]),
]


@pytest.mark.parametrize(("values", "groups"), GROUPS)
def test_groups_have_a_bounded_width(values: list[float], groups: list[int]) -> None:
    assert tied(np.array(values)).tolist() == groups


def float32_cosines(first: list[Vector], second: list[Vector]) -> np.ndarray:
    n = len(first)
    return cosines(float32([*first, *second]), np.arange(n), np.arange(n, 2 * n))


def test_a_hundred_equal_cosines_have_one_rank() -> None:
    third, scales = Fraction(1, 3), [Fraction(i + 1, j + 1) for i in range(10) for j in range(10)]
    found = float32_cosines([(s, Fraction(0)) for s in scales], [(third / s, third / s) for s in scales])  # 45 degrees
    assert len(set(found)) > 1  # what float64 computes from float32 vectors differs in the last places
    assert set(Ranker(found)()) == {50.5}


def test_averages_of_words_are_ranked_as_in_exact_arithmetic() -> None:
    first, second = averages(600, seed=1), averages(600, seed=2)
    exact = [squared_cosine(u, v) for u, v in zip(first, second, strict=True)]
    place = {value: i for i, value in enumerate(sorted(set(exact)))}
    found = float32_cosines(first, second)
    assert len(place) < len(set(found))
    np.testing.assert_array_equal(Ranker(found)(), stats.rankdata([place[value] for value in exact]))


def hardly_moves(cosine: np.ndarray, gold: np.ndarray) -> None:
    """Spearman × 100 is SciPy's on the cosines as they are, to 0.002."""
    assert 100 * spearman(cosine, gold) == pytest.approx(100 * stats.spearmanr(cosine, gold).statistic, abs=0.002)


def stsb(data: Path) -> tuple[list[Pairs], list[str]]:
    parts = sts.STS_TASKS["stsb"].load(data, registry.dataset("STSB"))
    return parts, sts.STS_TASKS["stsb"].sentences(parts)


@pytest.mark.real
def test_a_transformers_spearman_hardly_moves(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    parts, sentences = stsb(data)
    words = sorted({word for sentence in sentences for word in sentence.lower().split() if word.isalpha()})
    monkeypatch.setattr(conftest, "VOCABULARY", [*conftest.SPECIAL, *words])
    encoder = zoo.build(str(conftest.save_tiny_bert(tmp_path / "tiny")), device="cpu")
    found = sts.STS_TASKS["stsb"].score(parts, sentences, encoder.encode(sentences)[0].vectors, "tiny")
    hardly_moves(*found.samples("spearman-all").joined())


@pytest.mark.real
@pytest.mark.long
def test_minilms_spearman_hardly_moves(data: Path, minilm: zoo.Group) -> None:
    parts, sentences = stsb(data)
    found = sts.STS_TASKS["stsb"].score(parts, sentences, minilm.encode(sentences)[0].vectors, "minilm")
    hardly_moves(*found.samples("spearman-all").joined())


@pytest.mark.real
@pytest.mark.slow
@pytest.mark.parametrize("task", ["sts12", "sts13", "sts14", "sts15", "sts16", "stsb", "sickr"])
def test_only_pairs_of_one_sentence_move_minilm_on_table_1(task: str, data: Path, minilm: zoo.Group) -> None:
    """79 pairs of STS12 are a sentence and itself: cosine 1, a tie that rounding would break (0.011 of the wmean)."""
    found = sts.STS_TASKS[task]
    parts = found.load(data, registry.dataset(found.dataset))
    sentences = sts.STS_TASKS["stsb"].sentences(parts)
    scores = sts.STS_TASKS["stsb"].score(parts, sentences, minilm.encode(sentences)[0].vectors, "minilm")
    expected = []
    similarities = scores.items("spearman-all")
    for part, cosine in zip(parts, similarities, strict=True):
        one = np.array([first == second for first, second in zip(part.first, part.second, strict=True)])
        expected.append(np.where(one, 1.0, cosine))
    for plain, part, cosine in zip(expected, parts, similarities, strict=True):
        hardly_moves(plain, part.gold)
        assert spearman(cosine, part.gold) == pytest.approx(spearman(plain, part.gold), abs=2e-5)


@pytest.mark.parametrize("apart", [1e-3, 3e-3, 6e-3, 1e-2])
def test_a_narrow_cones_spearman_hardly_moves(apart: float) -> None:
    rng = np.random.default_rng(0)
    n, d = 1500, 64
    gold = rng.uniform(0, 5, n)
    noise = apart * (1 - gold[:, None] / 10) * rng.normal(size=(2, n, d))
    vectors = (rng.normal(size=d) + noise).reshape(2 * n, d).astype(np.float32)
    found = cosines(vectors, np.arange(n), np.arange(n, 2 * n))
    assert np.ptp(found) < 2e-4
    hardly_moves(found, gold)


def test_rounding_is_no_correlation() -> None:
    gold = np.arange(5.0)
    equal = 0.5 + TIE / 5 * gold
    assert np.isnan(spearman(equal, gold))
    assert np.isnan(pearson(equal, gold))


@pytest.mark.parametrize("correlation", [spearman, pearson])
def test_a_value_that_is_no_number_or_stands_alone_has_no_correlation(correlation: object) -> None:
    for x, y in (([1.0, np.nan, 2.0], [1, 2, 3]), ([1, 2, 3], [1.0, np.nan, 2.0]), ([1.0], [2.0]), ([], [])):
        assert np.isnan(correlation(np.array(x), np.array(y)))  # type: ignore[operator]


@pytest.mark.parametrize("scale", [1e-30, 1.0, 1e30])
def test_unit_vectors_of_any_length(scale: float) -> None:
    vectors = (scale * np.array([[3, 4], [0, 0]])).astype(np.float32)
    for dtype in (np.float32, np.float64):
        np.testing.assert_allclose(unit(vectors, dtype), [[0.6, 0.8], [0, 0]], atol=1e-7)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_vector_that_is_not_finite_has_no_direction(value: float) -> None:
    with pytest.raises(ReproError, match="vector 2 of 3 is not finite"):
        unit(np.array([[1, 0], [0, value], [1, 1]]))
