"""What a metric is: a statistic of test items, how subsets of them are aggregated, and what is known of its values."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from repro.metrics import bootstrap
from repro.metrics.bootstrap import Measure

AVERAGES = ("mean", "wmean")
AGGREGATIONS = ("all", *AVERAGES)
TOGETHER = 100_000  # items: of more, how often each is in every resample takes more memory than it saves time

Columns = tuple[np.ndarray, ...]  # (n, …) each: what a statistic takes, row i of each belonging to item i
Together = Callable[[Sequence[Columns], int, int], np.ndarray]  # m rows of a table, resamples, seed → (m, resamples)


@dataclass(frozen=True)
class Statistic:
    """A number of items: `value` of their columns, and `resampled`, which takes them once for many resamples.

    `resampled` is None where nothing is resampled: then there is no interval. `together` gives the draws of many rows
    at once, faster than one after the other and faster than `resampled` even of one.
    """

    value: Callable[..., float]
    resampled: Callable[..., Measure] | None = None
    together: Together | None = None


def of_resamples(resampled: Callable[..., Measure], together: Together | None = None) -> Statistic:
    """The statistic whose value is that of the resample that draws every item once."""
    return Statistic(lambda *columns: resampled(*columns)(np.arange(len(columns[0]))), resampled, together)


@dataclass(frozen=True, eq=False)
class Samples:
    """What a metric is computed from: for each subset of the test items, or the one there is, its columns."""

    subsets: Sequence[Columns]

    @property
    def sizes(self) -> list[int]:
        """Items of each subset."""
        return [len(columns[0]) for columns in self.subsets]

    def joined(self) -> Columns:
        """All subsets as one."""
        if len(self.subsets) == 1:
            return self.subsets[0]
        return tuple(np.concatenate(column) for column in zip(*self.subsets, strict=True))


@dataclass(frozen=True)
class Metric:
    """A statistic under an aggregation of subsets, the direction in which it is better, and the range of its values.

    `all` joins the subsets before one statistic, `mean` and `wmean` average the subsets' statistics, plain or weighted
    by their sizes. `scale` is the factor to the reported number.
    """

    name: str
    statistic: Statistic
    higher_is_better: bool = True
    low: float = 0
    high: float = 100
    aggregation: str = "all"
    scale: float = 1
    over_seeds: str = "mean"  # or `median`: what one number is made of those of several trainings or fits
    of_machine: bool = False  # a time or a speed: what another machine gave is no target

    def share(self, value: float) -> float:
        """By what a tolerance on the ×100 scale is multiplied for this metric: its largest number / 100.

        1 for a percentage or a correlation × 100, 0.01 for MRR; where there is no largest number, |value| / 100.
        """
        largest = max(abs(self.low), abs(self.high))
        return (largest if math.isfinite(largest) else abs(value)) / 100

    def value(self, samples: Samples) -> float:
        """The number that is reported; NaN where it is not defined."""
        if self.aggregation == "all":
            return float(self.scale * self.statistic.value(*samples.joined()))
        each = np.array([self.statistic.value(*columns) for columns in samples.subsets])
        return self.scale * float(self._averaged(each, samples))

    def draws(
        self, samples: Samples, resamples: int = bootstrap.RESAMPLES, seed: int = bootstrap.SEED
    ) -> np.ndarray | None:
        """Bootstrap draws (resamples,) of `value`; None for a metric without resamples.

        `all` resamples the items of all subsets together, `mean` and `wmean` each subset by itself.
        """
        if self.statistic.resampled is None:
            return None
        return self.combined(self.drawn([samples], resamples, seed)[:, 0], samples)

    def drawn(
        self, many: Sequence[Samples], resamples: int = bootstrap.RESAMPLES, seed: int = bootstrap.SEED
    ) -> np.ndarray:
        """Draws of several rows of a table on the same items, (parts, rows, resamples), of which `combined` makes those
        of `draws`: the same for every aggregation that draws alike. For a metric with resamples.
        """
        return _drawn(*self.drawn_as(many[0]), tuple(many), resamples, seed)

    def drawn_as(self, samples: Samples) -> tuple[Statistic, bool]:
        """Equal for metrics whose `drawn` is the same."""
        return self.statistic, self.aggregation == "all" or len(samples.subsets) == 1

    def combined(self, parts: np.ndarray, samples: Samples) -> np.ndarray:
        """(parts, resamples) of one row → (resamples,) of the metric's value."""
        return np.asarray(self.scale * (parts[0] if len(parts) == 1 else self._averaged(parts, samples)))

    def _averaged(self, each: np.ndarray, samples: Samples) -> np.ndarray:
        """Mean over the first axis, (subsets, …) → (…)."""
        return np.asarray(np.average(each, axis=0, weights=samples.sizes if self.aggregation == "wmean" else None))


@lru_cache(maxsize=1)  # the mean and the weighted mean of a task come one after the other
def _drawn(statistic: Statistic, joined: bool, many: tuple[Samples, ...], resamples: int, seed: int) -> np.ndarray:
    """Draws of the rows' items, joined or each subset by itself with a seed of its own: (parts, rows, resamples)."""
    subsets = [[samples.joined()] if joined else samples.subsets for samples in many]
    parts = zip(*subsets, strict=True)  # of each, the rows' columns
    return np.stack([_part(statistic, part, resamples, seed + number) for number, part in enumerate(parts)])


def _part(statistic: Statistic, part: Sequence[Columns], resamples: int, seed: int) -> np.ndarray:
    """(rows, resamples) of one subset."""
    n = len(part[0][0])
    if statistic.together is not None and n <= TOGETHER:
        return statistic.together(part, resamples, seed)
    assert statistic.resampled is not None
    measures = [statistic.resampled(*columns) for columns in part]
    return np.array([bootstrap.draws(measure, n, resamples, seed) for measure in measures])
