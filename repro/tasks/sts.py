"""Semantic textual similarity: the STS years, the STS benchmark and SICK, in the forms of text in use."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import numpy as np

from repro.data.pairs import Pairs
from repro.data.registry import Dataset, Source
from repro.data.text import are_tokenised, joined, moses
from repro.tasks.base import Data, Scores, Task
from repro.tasks.similarity import SimilarityScores, SimilarityTask

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class StsData(Task):
    """A data set, the splits of it that count as one test set (none named: all subsets of an STS year), and its text.

    `text` is a form of repro.data.text: what SentEval evaluates is `senteval`, what reads the published files is `raw`.
    """

    splits: tuple[str, ...] = ()
    text: str = "raw"

    @property
    def source(self) -> tuple[str, ...]:
        """The data set, its splits and its text."""
        return (self.dataset, *self.splits, self.text)

    @property
    def target(self) -> str:
        """The task that has every sentence of the same data set in the same form of text."""
        same = [other for other in STS_TASKS.values() if (other.dataset, other.text) == (self.dataset, self.text)]
        return max(same, key=lambda other: len(other.splits)).name

    def files(self, item: Dataset) -> tuple[Source, ...]:
        """The files of the splits; all subsets of an STS year."""
        return tuple(source for source in item.contents if not self.splits or source.split in self.splits)

    def load(self, root: Path, item: Dataset, limit: int | None = None) -> Data:
        """The pairs of each split or subset, in the task's form of the text."""
        return [self._formed(part, root / item.folder).cut(limit) for part in super().load(root, item)]

    def _formed(self, part: Pairs, folder: Path) -> Pairs:
        if self.text == "senteval":
            return as_senteval(self.dataset, part)
        if self.text == "joined":
            return _in_form(joined, part)
        if are_tokenised(part.sentences):
            _warn_of_tokens(folder, part.name)
        return part


@dataclass(frozen=True)
class StsTask(SimilarityTask, StsData):
    """Correlation of cosines with gold scores."""

    def _protocol(self, name: str) -> dict[str, str]:
        return super()._protocol(name) | {"text": self.text}


@dataclass(frozen=True)
class MedianTask(StsTask):
    """Spearman's ρ over all pairs, of which the median over seeds is reported and not the mean (BERT-flow, Table 8)."""

    @property
    def metrics(self) -> tuple[str, ...]:
        """The one correlation."""
        return MedianScores.metrics

    def _protocol(self, name: str) -> dict[str, str]:
        return super()._protocol("spearman-all") | {"over": "median"}

    def restore(self, data: Data, items: tuple[np.ndarray, ...]) -> Scores:
        """Scores from the similarities of each part."""
        return MedianScores(items, tuple(part.gold for part in data))


class MedianScores(SimilarityScores):
    """The one correlation of one model."""

    metrics = ("spearman-median",)


def as_senteval(dataset: str, part: Pairs) -> Pairs:
    """Pairs of a data set of `_SENTEVAL` with the text of SentEval's files, which those of a user's folder may be."""
    return _in_form(joined if are_tokenised(part.sentences) else _SENTEVAL[dataset], part)


def _in_form(form: Callable[[str], str], part: Pairs) -> Pairs:
    return replace(part, first=tuple(map(form, part.first)), second=tuple(map(form, part.second)))


@cache
def _warn_of_tokens(folder: Path, split: str) -> None:
    """Say it once: numbers on such a file are no numbers on the published text."""
    _log.warning("%s: the text of %s is tokenised already; where raw text is due, it is taken as it is", folder, split)


# SentEval's files of an STS year are fetched as they are: the tokens are there
_YEARS = ("sts12", "sts13", "sts14", "sts15", "sts16")
_SENTEVAL: dict[str, Callable[[str], str]] = {
    **{name.upper(): joined for name in _YEARS},
    "STSB": lambda sentence: moses(sentence).lower(),
    "SICK": moses,
}
_STSB, _SICK = ("train", "dev", "test"), ("train", "trial", "test")
STS_TASKS: dict[str, StsTask] = {
    task.name: task
    for task in (
        *(StsTask(name, name.upper(), text="senteval") for name in _YEARS),
        StsTask("stsb-dev", "STSB", ("dev",)),
        StsTask("stsb", "STSB", ("test",)),
        StsTask("sickr", "SICK", ("test",), "joined"),  # SICK's own text as the papers' code splits and joins it
        StsTask("sickr-all", "SICK", _SICK),
        StsTask("stsb-all", "STSB", _STSB),
        StsTask("sickr-all-joined", "SICK", _SICK, "joined"),
        # what SimCSE evaluates (evaluation.py:90, get_transfer_data.bash)
        StsTask("stsb-senteval", "STSB", ("test",), "senteval"),
        StsTask("stsb-dev-senteval", "STSB", ("dev",), "senteval"),
        StsTask("stsb-all-senteval", "STSB", _STSB, "senteval"),
        StsTask("sickr-senteval", "SICK", ("test",), "senteval"),
        StsTask("sickr-all-senteval", "SICK", _SICK, "senteval"),
    )
}
MEDIAN_TASKS = {"stsb-median": MedianTask("stsb-median", "STSB", ("test",))}
