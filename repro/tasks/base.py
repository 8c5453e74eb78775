"""What every task and its scores offer: one base class of tasks, one of scores."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from repro.data.registry import Dataset
from repro.errors import ReproError

Similarity = Callable[[Sequence[str], Sequence[str]], np.ndarray]  # n first and n second sentences → (n,)
Encode = Callable[[Sequence[str]], Any]


class Scores(ABC):
    """Every number that a task's protocol gives for one encoder."""

    @property
    @abstractmethod
    def values(self) -> dict[str, float]:
        """{metric: score × 100}."""

    @property
    def repeats(self) -> int:
        """How often it was measured; each value is then the median."""
        return 1

    @property
    def std(self) -> float | None:
        """Standard deviation over the repeats (n − 1); None of a single one."""
        return None

    @abstractmethod
    def items(self, metric: str) -> tuple[np.ndarray, ...]:
        """What `Task.restore` needs to draw and compare this metric again; empty where it cannot be."""

    @abstractmethod
    def draws(self, metric: str, resamples: int, seed: int) -> np.ndarray | None:
        """Bootstrap draws (resamples,) over the test items, × 100; None for a metric that has no test items."""

    @abstractmethod
    def p_value(self, other: Any, metric: str, difference: np.ndarray) -> tuple[float, str]:
        """(two-sided p of "no difference" to `other`, name of the test), given paired draws' `difference`."""


@dataclass(frozen=True)
class Task(ABC):
    """A data set, what of it counts, and a protocol. `Any` stands for the data that this task's own `load` returns.

    `version` is the protocol's: raise it by one in the class whose numbers change, so that no result of the old
    protocol is taken for one of the new.
    """

    name: str
    dataset: str

    version: ClassVar[int] = 1
    scores_pairs: ClassVar[bool] = False  # whether a model that reads both sentences at once can be scored
    keeps_items: ClassVar[bool] = False  # whether a result over several seeds keeps the items of the first, for a plot

    @property
    def device(self) -> str:
        """The kind of device that encoding is timed on, `cpu` or `gpu`; '' where vectors are scored."""
        return ""

    @property
    def timed(self) -> bool:
        """Whether encoding is timed, by `time`, in place of `score`."""
        return bool(self.device)

    @property
    def target(self) -> str:
        """The task whose pairs a map of the `target` is fitted on; '' where none can be."""
        return ""

    @property
    @abstractmethod
    def source(self) -> tuple[str, ...]:
        """Equal for tasks that read the same data."""

    @property
    @abstractmethod
    def metrics(self) -> tuple[str, ...]:
        """The keys of its scores' `values`."""

    @abstractmethod
    def load(self, root: Path, item: Dataset, limit: int | None = None) -> Any:
        """Read the task's data below a data folder; `limit` keeps the first items of each file."""

    @abstractmethod
    def check_counts(self, data: Any, item: Dataset) -> None:
        """Hold the counts against the registry; ReproError names the file."""

    @abstractmethod
    def digest(self, data: Any) -> str:
        """Hex sha256 of the content, whatever the file layout was."""

    @abstractmethod
    def sentences(self, data: Any) -> list[str]:
        """Distinct sentences, in order of first occurrence."""

    @abstractmethod
    def protocol(self, metric: str) -> dict[str, str]:
        """The fields of a signature that this task accounts for."""

    @abstractmethod
    def score(self, data: Any, sentences: list[str], vectors: np.ndarray, encoder: str) -> Scores:
        """Score vectors: `vectors[i]` (d,) belongs to `sentences[i]`; `encoder` is named in errors."""

    @abstractmethod
    def restore(self, data: Any, items: tuple[np.ndarray, ...]) -> Scores:
        """Scores again from what `Scores.items` gave."""

    def score_pairs(self, data: Any, similarity: Similarity) -> Scores:
        """Score a model that reads both sentences at once; ReproError where `scores_pairs` is False."""
        raise ReproError(f"{self.name} is scored from sentence vectors; a model that reads pairs gives none")

    def sample(self, data: Any) -> list[str]:
        """The sentences whose encoding `time` times."""
        raise ReproError(f"{self.name} is not timed; the tasks that are: speed-cpu, speed-gpu")

    def time(self, data: Any, encode: Encode) -> Scores:
        """Time `encode` on the `sample`; ReproError where `timed` is False."""
        raise ReproError(f"{self.name} is not timed; the tasks that are: speed-cpu, speed-gpu")

    def folds(self, data: Any) -> Sequence[str]:
        """Names of the folds that a trained model is cross-validated on; ("",) where the task has its own test set."""
        return ("",)

    def held_out(self, data: Any, fold: str) -> tuple[Any, Any]:
        """(pairs to train on, the task's data cut to the fold); ReproError where there are no folds."""
        raise ReproError(f"{self.name} has a test set of its own; nothing of it is held out")
