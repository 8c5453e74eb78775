"""McNemar's exact test."""

import numpy as np
import pytest

from repro.metrics.mcnemar import mcnemar


# (only the first right, only the second right) → 2·P(X ≤ min) with X ~ Binomial(n, ½), capped at 1
@pytest.mark.parametrize(
    ("first", "second", "p"), [(0, 0, 1.0), (5, 0, 2 / 32), (1, 5, 2 * 7 / 64), (3, 3, 1.0), (10, 2, 2 * 79 / 4096)]
)
def test_mcnemar(first: int, second: int, p: float) -> None:
    one = np.array([True] * first + [False] * second + [True] * 4)
    other = np.array([False] * first + [True] * second + [True] * 4)
    assert mcnemar(one, other) == pytest.approx(p)
