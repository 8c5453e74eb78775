"""How lexical a similarity is: its correlation with the edit distance of the two sentences (BERT-flow, Table 6).

The paper does not say of what; gold scores of STS-B's dev set, whose correlation it prints as −24.61, come to −24.60
with Penn Treebank tokens in lower case, to −24.5 with Moses', and to −20.2 with characters.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any

import numpy as np

from repro.metrics.edit_distance import edit_distance
from repro.tasks.base import Data, Scores
from repro.tasks.similarity import SimilarityScores
from repro.tasks.sts import StsTask


@dataclass(frozen=True)
class EditDistanceTask(StsTask):
    """The pairs of an STS task, similarities held against edit distances in place of gold scores.

    Negative where similar sentences share their words; the nearer to 0, the less a similarity says of them.
    """

    def _protocol(self, name: str) -> dict[str, str]:
        return super()._protocol(name) | {"with": "edit-distance", "words": "treebank-lower"}

    def restore(self, data: Data, items: tuple[np.ndarray, ...]) -> Scores:
        """Scores from the similarities of each part."""
        return SimilarityScores(items, tuple(_distances(part.first, part.second) for part in data))


@lru_cache(maxsize=8)  # one data set after the other, for every row of a table
def _distances(first: Sequence[str], second: Sequence[str]) -> np.ndarray:
    """(n,) edit distances of the words of pairs, float64."""
    return np.array([edit_distance(words(a), words(b)) for a, b in zip(first, second, strict=True)], np.float64)


def words(sentence: str) -> list[str]:
    """Its Penn Treebank tokens in lower case."""
    return list(_treebank().tokenize(sentence.lower()))


@cache
def _treebank() -> Any:
    from nltk.tokenize.treebank import TreebankWordTokenizer

    return TreebankWordTokenizer()


LEXICAL_TASKS = {
    task.name: task
    for task in (
        EditDistanceTask("stsb-dev-edit-distance", "STSB", ("dev",)),
        EditDistanceTask("stsb-edit-distance", "STSB", ("test",)),
    )
}
