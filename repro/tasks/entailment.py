"""Entailment between two sentences: SICK-E and SNLI as SentEval has them, a linear classifier of three classes.

Both have a training, a dev and a test set: the dev set chooses the penalty and says when to stop.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

import numpy as np

from repro.data.pairs import Pairs
from repro.data.registry import Dataset, Source
from repro.errors import ReproError
from repro.probes.adam import ADAM, SNLI_ADAM
from repro.probes.exact import EXACT
from repro.tasks.base import Data
from repro.tasks.sts import as_senteval
from repro.tasks.transfer import TransferTask, pair_features

# in the order of SentEval's numbers, which decides the classifier's first weights
SICK_CLASSES = ("CONTRADICTION", "NEUTRAL", "ENTAILMENT")  # sick.py
SNLI_CLASSES = ("entailment", "neutral", "contradiction")  # snli.py


class SickEntailmentTask(TransferTask):
    """SICK-E: features |u−v| and u·v, SICK's text in Moses tokens and not lower-cased (sick.py@5d6dc11)."""

    @property
    def source(self) -> tuple[str, ...]:
        """The data set, read with its judgements in place of its scores."""
        return (self.dataset, "entailment")

    def _protocol(self, name: str) -> dict[str, str]:
        return super()._protocol(name) | {"text": "senteval"}

    def _as_senteval(self, part: Pairs) -> Pairs:
        split = "dev" if part.name == "trial" else part.name
        return replace(_numbered(as_senteval(self.dataset, part), SICK_CLASSES), name=split)


class SnliEntailmentTask(TransferTask):
    """SNLI: features u, v, u·v and |u−v|, no penalty to speak of, sixteen epochs at most (snli.py@5d6dc11).

    Under `senteval-adam` alone: without a penalty the `exact` probe has an optimum only where no weights tell the
    classes apart without an error, and it would hold the 550,000 pairs in float64.
    """

    second_first: ClassVar[bool] = True

    def files(self, item: Dataset) -> tuple[Source, ...]:
        """The files of premises; their reader reads hypotheses and labels beside them."""
        return tuple(source for source in item.contents if source.reader == "snli")

    def _protocol(self, name: str) -> dict[str, str]:
        return super()._protocol(name) | {"features": "u,v,prod,diff", "penalty": "1e-9"}

    def load(self, root: Path, item: Dataset, limit: int | None = None) -> Data:
        """One part a split, sorted by the names of the labels, and then with their numbers."""
        return [_numbered(part, SNLI_CLASSES) for part in super().load(root, item, limit)]

    def _features(self, part: Pairs, row_of: Mapping[str, int], vectors: np.ndarray) -> np.ndarray:
        first, second = (vectors[[row_of[sentence] for sentence in side]] for side in (part.first, part.second))
        difference, product = np.hsplit(pair_features(part, row_of, vectors), 2)
        return np.hstack([first, second, product, difference])  # (n, 4d)


def _numbered(part: Pairs, classes: tuple[str, ...]) -> Pairs:
    """With the number of its class in place of each label; ReproError names a label that is none of the classes."""
    numbers = {name: str(number) for number, name in enumerate(classes)}
    if unknown := sorted(set(part.labels) - set(classes)):
        raise ReproError(f"the {part.name} pairs have the label {unknown[0]!r}, expected one of {', '.join(classes)}")
    return replace(part, labels=tuple(numbers[label] for label in part.labels))


ENTAILMENT_TASKS: dict[str, TransferTask] = {
    task.name: task
    for task in (
        SickEntailmentTask("sicke", "SICK", "split", EXACT),
        SickEntailmentTask("sicke-adam", "SICK", "split", ADAM),
        SnliEntailmentTask("snli-adam", "SNLI", "split", SNLI_ADAM),
    )
}
