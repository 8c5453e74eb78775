"""What every task and its scores offer: one base class of tasks, one of scores.

A new task is a class that names its metrics and its protocol and scores vectors; what its data are is in the registry.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from repro.data import pairs, readers
from repro.data.pairs import Pairs
from repro.data.registry import Dataset, Source
from repro.errors import NotAvailable, ReproError
from repro.metrics import metric
from repro.metrics.base import Samples
from repro.metrics.bootstrap import paired_p_value

Data = list[Pairs]  # the parts of a task's data: subsets, splits or folds by name
Similarity = Callable[[Sequence[str], Sequence[str]], np.ndarray]  # n first and n second sentences → (n,)
Encode = Callable[[Sequence[str]], Any]  # n sentences → (n, d)


class Scores(ABC):
    """Every number that a task's protocol gives for one encoder."""

    @property
    @abstractmethod
    def metrics(self) -> tuple[str, ...]:
        """Names of the numbers there are."""

    @abstractmethod
    def samples(self, name: str) -> Samples:
        """What the metric of that name is computed from."""

    @cached_property
    def values(self) -> dict[str, float]:
        """{metric: number as it is reported}, NaN for one that is not defined here."""
        return {name: metric(name).value(self.samples(name)) for name in self.metrics}

    def draws(self, name: str, resamples: int, seed: int) -> np.ndarray | None:
        """Bootstrap draws (resamples,) over the test items; None for a metric that resamples none.

        The same seed draws the same items for every encoder.
        """
        return metric(name).draws(self.samples(name), resamples, seed)

    def items(self, name: str) -> tuple[np.ndarray, ...]:
        """What `Task.restore` needs to draw and compare this metric again; empty where it cannot be."""
        return ()

    def p_value(self, other: Any, name: str, difference: np.ndarray) -> tuple[float, str]:
        """(two-sided p of "no difference" to `other`, name of the test), given paired draws' `difference`."""
        return paired_p_value(difference), "paired bootstrap"

    @property
    def repeats(self) -> int:
        """How often it was measured; each value is then the median."""
        return 1

    @property
    def std(self) -> float | None:
        """Standard deviation over the repeats (n − 1); None of a single one."""
        return None


@dataclass(frozen=True)
class Task(ABC):
    """A data set, what of it counts, and a protocol.

    `version` is the protocol's: raise it by one in the class whose numbers change, when its procedure, its reading of
    the data or a metric's definition does, so that no stored result of the old protocol is taken for one of the new.
    """

    name: str
    dataset: str

    version: ClassVar[int] = 1
    scores_pairs: ClassVar[bool] = False  # whether a model that reads both sentences at once can be scored
    of_words: ClassVar[bool] = False  # whether it measures a model's word vectors, and no sentence vector
    cross_validated: ClassVar[bool] = False  # whether a model is trained for each of its `folds`
    times_search: ClassVar[bool] = False  # whether `score` times a search, on one thread of this machine's CPU
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
    def source(self) -> tuple[str, ...]:
        """Equal for tasks that read the same data."""
        return (self.dataset,)

    @property
    @abstractmethod
    def metrics(self) -> tuple[str, ...]:
        """Names of the metrics that the protocol defines."""

    def protocol(self, name: str) -> dict[str, str]:
        """The fields of a signature that this task accounts for; ReproError lists the metrics there are."""
        if name not in self.metrics:
            raise ReproError(f"the task {self.name} has no metric {name!r}; it has: {', '.join(self.metrics)}")
        return self._protocol(name)

    @abstractmethod
    def _protocol(self, name: str) -> dict[str, str]:
        """The fields for one of `metrics`."""

    def files(self, item: Dataset) -> tuple[Source, ...]:
        """The files of the data set that the task reads: all of them."""
        return item.contents

    def load(self, root: Path, item: Dataset, limit: int | None = None) -> Data:
        """The task's data below a data folder; `limit` keeps the first items of each file.

        NotAvailable for a file that is missing; ReproError for one that cannot be read, or has not the number of items
        that the registry says: a user's own folder must hold the published data too.
        """
        parts = []
        for source in self.files(item):
            path = root / source.path
            if not path.is_file():
                raise NotAvailable(f"{path} is not there; {item.cure(path)}")
            part = readers.read(path, source)
            self._check_count(source, len(part))
            parts.append(part.cut(limit))
        return parts

    def _check_count(self, source: Source, count: int) -> None:
        source.check_count(self.dataset, count)

    def digest(self, data: Data) -> str:
        """Hex sha256 of the content, whatever the file layout was."""
        return pairs.digest(data)

    def sentences(self, data: Data) -> list[str]:
        """Distinct sentences, in order of first occurrence."""
        return list(dict.fromkeys(sentence for part in data for sentence in part.sentences))

    def score(self, data: Data, sentences: Sequence[str], vectors: np.ndarray, encoder: str) -> Scores:
        """Score vectors: `vectors[i]` (d,) belongs to `sentences[i]`, and every sentence of `data` is among them.

        Raises ReproError, naming the encoder, when a vector is not finite or the task cannot be scored with them.
        """
        finite = np.isfinite(vectors).all(axis=1)
        if not finite.all():
            raise ReproError(f"{encoder}: the vector of {sentences[int(finite.argmin())]!r} is not finite")
        return self._score(data, {sentence: row for row, sentence in enumerate(sentences)}, vectors, encoder)

    @abstractmethod
    def _score(self, data: Data, row_of: Mapping[str, int], vectors: np.ndarray, encoder: str) -> Scores:
        """Scores of finite vectors, row `row_of[sentence]` for each sentence."""

    @abstractmethod
    def restore(self, data: Data, items: tuple[np.ndarray, ...]) -> Scores:
        """Scores again from what `Scores.items` gave."""

    def score_pairs(self, data: Data, similarity: Similarity) -> Scores:
        """Score a model that reads both sentences at once; ReproError where `scores_pairs` is False."""
        raise ReproError(f"{self.name} is scored from sentence vectors; a model that reads pairs gives none")

    def sample(self, data: Data) -> list[str]:
        """The sentences whose encoding `time` times."""
        raise ReproError(f"{self.name} is scored from sentence vectors and not timed")

    def time(self, data: Data, encode: Encode) -> Scores:
        """Time `encode` on the `sample`; ReproError where `timed` is False, or pairs are what is timed."""
        raise ReproError(f"{self.name} is not a task that times the encoding of sentences")

    def time_pairs(self, data: Data, similarity: Similarity) -> Scores:
        """Time `similarity` on pairs of the `sample`; ReproError unless `timed` and `scores_pairs` are True."""
        raise ReproError(f"{self.name} is not a task that times a model which reads pairs")

    def folds(self, data: Data) -> Sequence[str]:
        """Names of the folds that a trained model is cross-validated on; ("",) where the task has its own test set."""
        return ("",)

    def held_out(self, data: Data, fold: str) -> tuple[Pairs, Data]:
        """(pairs to train on, the task's data cut to the fold); ReproError where there are no folds."""
        raise ReproError(f"{self.name} has a test set of its own; nothing of it is held out")
