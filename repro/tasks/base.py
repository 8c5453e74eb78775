"""What every task and its scores offer the runner."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np

from repro.data.registry import Dataset


class Scores(Protocol):
    """Every number that a task's protocol gives for one encoder."""

    @property
    def values(self) -> dict[str, float]:
        """{metric: score × 100}."""
        ...

    def items(self, metric: str) -> tuple[np.ndarray, ...]:
        """What `Task.restore` needs to draw and compare this metric again; empty where it cannot be."""
        ...

    def draws(self, metric: str, resamples: int, seed: int) -> np.ndarray | None:
        """Bootstrap draws (resamples,) over the test items, × 100; None for a metric that has no test items."""
        ...

    def p_value(self, other: Any, metric: str, difference: np.ndarray) -> tuple[float, str]:
        """(two-sided p of "no difference" to `other`, name of the test), given paired draws' `difference`."""
        ...


class Task(Protocol):
    """A data set, what of it counts, and a protocol. `Any` stands for the data that this task's own `load` returns."""

    @property
    def name(self) -> str: ...

    @property
    def dataset(self) -> str: ...

    @property
    def source(self) -> tuple[str, ...]:
        """Equal for tasks that read the same data."""
        ...

    @property
    def metrics(self) -> tuple[str, ...]:
        """The keys of its scores' `values`."""
        ...

    def load(self, root: Path, item: Dataset, limit: int | None = None) -> Any:
        """Read the task's data below a data folder; `limit` keeps the first items of each file."""
        ...

    def check_counts(self, data: Any, item: Dataset) -> None:
        """Hold the counts against the registry; ReproError names the file."""
        ...

    def digest(self, data: Any) -> str:
        """Hex sha256 of the content, whatever the file layout was."""
        ...

    def sentences(self, data: Any) -> list[str]:
        """Distinct sentences, in order of first occurrence."""
        ...

    def protocol(self, metric: str) -> dict[str, str]:
        """The fields of a signature that this task accounts for."""
        ...

    def score(self, data: Any, sentences: list[str], vectors: np.ndarray, encoder: str) -> Scores:
        """Score vectors: `vectors[i]` (d,) belongs to `sentences[i]`; `encoder` is named in errors."""
        ...

    def restore(self, data: Any, items: tuple[np.ndarray, ...]) -> Scores:
        """Scores again from what `Scores.items` gave."""
        ...


@runtime_checkable
class CrossValidated(Protocol):
    """A task without a test set of its own: a trained model is scored on the fold that it did not see."""

    def folds(self, data: Any) -> list[str]:
        """Names of the folds."""
        ...

    def held_out(self, data: Any, fold: str) -> tuple[Any, Any]:
        """(pairs to train on, the task's data cut to the fold)."""
        ...
