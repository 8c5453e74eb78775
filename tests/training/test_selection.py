"""What a look at a dev set gives: the largest over similarities, as Sentence-BERT's evaluators take it."""

from collections.abc import Sequence

import numpy as np
import pytest
from scipy import stats

from repro.data.pairs import Pairs
from repro.training import selection

GOLD = np.array([0.0, 1.0, 2.0, 3.0, 4.0])
PAIRS = [Pairs("dev", tuple("abcde"), tuple("fghij"), GOLD)]
TRIPLETS = [Pairs("dev", tuple("aaaa"), tuple("bdfh"), third=tuple("cegi"))]


class Fixed:
    """Similarities that are given: by cosine, and by two distances with a minus."""

    def __init__(self, *each: Sequence[float]) -> None:
        self.each = [np.array(values) for values in each]

    def similarities(self, first: Sequence[str], second: Sequence[str]) -> list[np.ndarray]:
        return self.each


@pytest.mark.parametrize("cosine_only", [False, True])
def test_the_best_of_the_similarities_counts(cosine_only: bool) -> None:
    model = Fixed([1, 3, 2, 5, 4], [1, 2, 3, 5, 4], [5, 4, 3, 2, 1])
    expected = [100 * stats.spearmanr(values, GOLD).statistic for values in model.each]
    found = selection.score(model, PAIRS, cosine_only)
    assert found == pytest.approx(expected[0] if cosine_only else max(expected), abs=1e-12)


def test_triplets_that_come_out_right() -> None:
    class Model:
        def similarities(self, first: Sequence[str], second: Sequence[str]) -> list[np.ndarray]:
            near = second == TRIPLETS[0].second
            return [np.array([1.0, 0.5, 0.2, 0.1]) if near else np.array([0.5, 0.5, 0.3, 0.0]), np.zeros(4)]

    assert selection.score(Model(), TRIPLETS, cosine_only=False) == 50.0  # an equal similarity is wrong


@pytest.mark.parametrize("dev", [PAIRS, TRIPLETS])
def test_a_similarity_that_is_no_number_gives_none(dev: list[Pairs]) -> None:
    broken = Fixed(*[[np.nan, 1, 2, 3, 4][: len(dev[0].first)]] * 3)
    assert np.isnan(selection.score(broken, dev, cosine_only=False))


def test_the_checksum_is_of_the_content() -> None:
    other = [Pairs("dev", tuple("abcde"), tuple("fghij"), GOLD + 1)]
    checksums = {selection.checksum(dev) for dev in (PAIRS, other, TRIPLETS, [TRIPLETS[0].cut(3)])}
    assert len(checksums) == 4
    assert selection.checksum(list(PAIRS)) == selection.checksum(PAIRS)
