"""What correlations are held against: implementations of somebody else's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from scipy import stats

CORRELATIONS: dict[str, Callable[..., Any]] = {  # x (n,), y (n,) → what has the correlation as its `statistic`
    "spearman": stats.spearmanr,
    "pearson": stats.pearsonr,
    "kendall": stats.kendalltau,
}
