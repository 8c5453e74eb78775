"""What the benches have in common: sentences, a clock and a ratio."""

from __future__ import annotations

import time
from collections.abc import Callable
from statistics import median
from typing import Any

import numpy as np

from repro.evaluation.suite import Suite

TABLE_1 = ("sts12", "sts13", "sts14", "sts15", "sts16", "stsb", "sickr-all")
SEED = 12


def table_1_sentences(suite: Suite, count: int | None) -> list[str]:
    """Both sentences of every pair of Table 1, repeats included; `count` of them drawn without replacement."""
    sentences = [
        sentence
        for task in TABLE_1
        for part in suite.load(task)
        for pair in zip(part.first, part.second, strict=True)
        for sentence in pair
    ]
    if count is None or count >= len(sentences):
        return sentences
    chosen = np.random.default_rng(SEED).choice(len(sentences), count, replace=False)
    return [sentences[i] for i in sorted(chosen)]


def ratios(slow: list[float], fast: list[float]) -> str:
    """Median of the pairwise ratios and the ratio of the best times, which a busy machine disturbs least."""
    pairs = median(a / b for a, b in zip(slow, fast, strict=True))
    return f"{pairs:.2f}× (median of {len(slow)}), {min(slow) / min(fast):.2f}× (best against best)"


def timed(run: Callable[[], Any]) -> tuple[float, Any]:
    """(seconds on the clock, result) of one call."""
    start = time.perf_counter()
    result = run()
    return time.perf_counter() - start, result
