"""Questions and sentences: does similarity tell the sentence that answers a question from another (BERT-flow, Table 4)?

QNLI (Wang et al. 2019, from Rajpurkar et al. 2016) without its training labels: the score is the area under the ROC
curve of the cosines.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from repro.data.registry import Dataset, Source
from repro.metrics.base import Samples
from repro.metrics.correlation import apart, cosines
from repro.tasks.base import Data, Scores, Similarity, Task

METRICS = ("auc",)
ANSWERED = "entailment"  # the label of a sentence that answers


@dataclass(frozen=True)
class QuestionTask(Task):
    """Pairs of a question and a sentence, of some splits."""

    splits: tuple[str, ...]

    scores_pairs = True

    @property
    def metrics(self) -> tuple[str, ...]:
        """The area under the ROC curve, which is all there is."""
        return METRICS

    @property
    def source(self) -> tuple[str, ...]:
        """The data set and its splits."""
        return (self.dataset, *self.splits)

    @property
    def target(self) -> str:
        """The task that has every pair of all splits."""
        return "qnli-all"

    def files(self, item: Dataset) -> tuple[Source, ...]:
        """The files of the splits."""
        return tuple(source for source in item.contents if source.split in self.splits)

    def _protocol(self, name: str) -> dict[str, str]:
        return {"metric": name, "sim": "cos"}

    def _score(self, data: Data, row_of: Mapping[str, int], vectors: np.ndarray, encoder: str) -> Scores:
        sides = [
            (np.array([row_of[s] for s in part.first]), np.array([row_of[s] for s in part.second])) for part in data
        ]
        return self.restore(data, tuple(cosines(vectors, first, second) for first, second in sides))

    def score_pairs(self, data: Data, similarity: Similarity) -> Scores:
        """The same from a model that reads both at once, such as a cross-encoder."""
        return self.restore(data, apart([similarity(part.first, part.second) for part in data]))

    def restore(self, data: Data, items: tuple[np.ndarray, ...]) -> Scores:
        """Scores from the similarities of each split."""
        answered = [label == ANSWERED for part in data for label in part.labels]
        return QuestionScores(np.concatenate(items), np.array(answered))


@dataclass(frozen=True, eq=False)
class QuestionScores(Scores):
    """The similarity (n,) of each question with its sentence, float64, and whether that answers it, (n,) bool."""

    similarities: np.ndarray
    answered: np.ndarray

    @property
    def metrics(self) -> tuple[str, ...]:
        """The area under the ROC curve."""
        return METRICS

    def samples(self, name: str) -> Samples:
        """Similarities, and which are of answers."""
        return Samples([(self.similarities, self.answered)])

    def items(self, name: str) -> tuple[np.ndarray, ...]:
        """The similarities."""
        return (self.similarities,)


QUESTION_TASKS = {
    "qnli": QuestionTask("qnli", "QNLI", ("dev",)),
    "qnli-all": QuestionTask("qnli-all", "QNLI", ("train", "dev")),
}
