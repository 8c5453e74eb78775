"""Graded pairs by SentEval's trained regressor: STS-B and SICK-R as stock SentEval reports them.

Supervised: a regressor on |u−v| and u·v learns the gold scores of the training pairs (probes/relatedness.py), which for
averaged GloVe adds 23 points of Pearson's r on STS-B to what cosines give (facebookresearch/SentEval#62). Scores by
cosine, which the papers of this suite print for STS-B and SICK-R, are the tasks of sts.py: no number of one protocol
says anything of the other, so the tasks, metrics and signatures here all say `regressor`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from repro.data.pairs import Pairs
from repro.errors import ReproError
from repro.metrics.base import Samples
from repro.probes.relatedness import SEED, Graded, fit_predict
from repro.tasks.base import Data, Scores
from repro.tasks.sts import StsData
from repro.tasks.transfer import pair_features

DEV = "regressor-dev-pearson"  # of the pairs that said when to stop
ON_TEST = ("regressor-pearson", "regressor-spearman", "regressor-mse")
METRICS = (*ON_TEST, DEV)


@dataclass(frozen=True)
class RelatednessTask(StsData):
    """A data set whose three splits, in this order, train the regressor, tell it when to stop, and are predicted."""

    @property
    def metrics(self) -> tuple[str, ...]:
        """Correlations × 100 and the mean squared error on the test pairs; the correlation on the dev pairs."""
        return METRICS

    def _protocol(self, name: str) -> dict[str, str]:
        return {"metric": name, "regressor": "senteval", "seed": str(SEED), "text": self.text}

    def _score(self, data: Data, row_of: Mapping[str, int], vectors: np.ndarray, encoder: str) -> Scores:
        train, dev, test = data
        parts = in_sentevals_order(train), dev, test
        learned, watched, scored = (Graded(pair_features(part, row_of, vectors), part.gold) for part in parts)
        try:
            pearson, predicted = fit_predict(learned, watched, scored.features)
        except ReproError as error:
            raise ReproError(f"{encoder}, {self.name}: {error}") from error
        return RelatednessScores(predicted, test.gold, pearson)

    def restore(self, data: Data, items: tuple[np.ndarray, ...]) -> Scores:
        """Scores from stored predictions; the dev correlation is not among them."""
        return RelatednessScores(items[0], data[-1].gold)


@dataclass(frozen=True, eq=False)
class RelatednessScores(Scores):
    """Predicted and gold scores (n,) float64 of the test pairs, on the scale of the gold ones."""

    predicted: np.ndarray
    gold: np.ndarray
    dev: float | None = None  # Pearson's r

    @property
    def metrics(self) -> tuple[str, ...]:
        """Those on the test pairs, and the dev correlation where it is known."""
        return METRICS if self.dev is not None else ON_TEST

    def samples(self, name: str) -> Samples:
        """(predicted, gold) of the test pairs; the dev correlation is a number without any."""
        return Samples([(np.array([self.dev]),) if name == DEV else (self.predicted, self.gold)])

    def items(self, name: str) -> tuple[np.ndarray, ...]:
        """The predictions, for metrics on the test pairs."""
        return () if name == DEV else (self.predicted,)


def in_sentevals_order(part: Pairs) -> Pairs:
    """Sorted by (tokens of the first sentence, of the second; gold score), which decides the batches (sick.py)."""
    lengths = [[len(sentence.split()) for sentence in side] for side in (part.first, part.second)]
    return part.take(sorted(range(len(part)), key=lambda row: (lengths[0][row], lengths[1][row], part.gold[row])))


RELATEDNESS_TASKS = {
    "stsb-regressor": RelatednessTask("stsb-regressor", "STSB", ("train", "dev", "test"), "senteval"),
    "sickr-regressor": RelatednessTask("sickr-regressor", "SICK", ("train", "trial", "test"), "senteval"),
}
