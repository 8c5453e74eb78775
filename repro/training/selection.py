"""What a look at a dev set says of a model: the score by which the best one is kept."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Protocol, runtime_checkable

import numpy as np

from repro.data.pairs import Pairs, digest, joined
from repro.metrics.correlation import spearman

Dev = Sequence[Pairs]  # graded pairs, or triplets
TRIPLETS = 1000  # of the validation split that are looked at (training_wikipedia_sections.py, v0.2.3)


@runtime_checkable
class Scorer(Protocol):
    """A model in evaluation mode that says how alike two sentences are."""

    def similarities(self, first: Sequence[str], second: Sequence[str]) -> list[np.ndarray]:
        """(n,) of each pair under every similarity that the model has, cosine first."""
        ...


def score(model: Scorer, dev: Dev, cosine_only: bool) -> float:
    """Score × 100, higher is better: Spearman's ρ over all pairs, or the share of triplets that come out right.

    NaN where a similarity is: of a training that diverged nothing is right.

    Sentence-BERT's evaluators take the largest over cosine, Manhattan and Euclidean (EmbeddingSimilarityEvaluator.py,
    TripletEvaluator.py, v0.2.3); SimCSE's trainer looks at cosine alone.
    """
    pairs = joined("dev", dev)
    near = model.similarities(pairs.first, pairs.second)
    if pairs.third:
        far = model.similarities(pairs.first, pairs.third)
        if np.isnan([*near, *far]).any():
            return math.nan
        scores = [float((n > f).mean()) for n, f in zip(near, far, strict=True)]
    else:
        scores = [spearman(similarity, pairs.gold) for similarity in near]
    return 100 * (scores[0] if cosine_only else max(scores))


def checksum(dev: Dev) -> str:
    """Hex sha256 of the pairs or triplets."""
    return digest(dev)
