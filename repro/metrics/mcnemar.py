"""McNemar's test: do two classifiers differ in what they get right?"""

from __future__ import annotations

import numpy as np


def mcnemar(first: np.ndarray, second: np.ndarray) -> float:
    """Exact two-sided p that two (n,) bool arrays of right answers differ by chance (McNemar 1947, binomial form)."""
    from scipy.stats import binomtest

    only_first, only_second = int((first & ~second).sum()), int((second & ~first).sum())
    if only_first + only_second == 0:
        return 1.0
    return float(binomtest(only_first, only_first + only_second).pvalue)
