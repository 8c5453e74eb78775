"""What a look at a dev set says of a model: the score by which the best one is kept."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Protocol

import numpy as np

from repro.data.readers import Pairs, digest
from repro.metrics.correlation import spearman

Triplet = tuple[str, str, str]  # anchor, positive, negative
Dev = Sequence[Pairs] | Sequence[Triplet]
TRIPLETS = 1000  # of the validation split that are looked at (training_wikipedia_sections.py, v0.2.3)


class Scorer(Protocol):
    """A model in evaluation mode that says how alike two sentences are."""

    def similarities(self, first: Sequence[str], second: Sequence[str]) -> list[np.ndarray]:
        """(n,) of each pair under every similarity that the model has, cosine first."""
        ...


def score(model: Scorer, dev: Dev, cosine_only: bool) -> float:
    """Score × 100, higher is better: Spearman's ρ over all pairs, or the share of triplets that come out right.

    Sentence-BERT's evaluators take the largest over cosine, Manhattan and Euclidean (EmbeddingSimilarityEvaluator.py,
    TripletEvaluator.py, v0.2.3); SimCSE's trainer looks at cosine alone.
    """
    if isinstance(dev[0], Pairs):
        pairs = [part for part in dev if isinstance(part, Pairs)]
        first = [sentence for part in pairs for sentence in part.first]
        second = [sentence for part in pairs for sentence in part.second]
        gold = np.concatenate([part.gold for part in pairs])
        scores = [spearman(similarity, gold) for similarity in model.similarities(first, second)]
    else:
        anchors, positives, negatives = zip(*dev, strict=True)
        near, far = model.similarities(anchors, positives), model.similarities(anchors, negatives)
        scores = [float((n > f).mean()) for n, f in zip(near, far, strict=True)]
    return 100 * (scores[0] if cosine_only else max(scores))


def checksum(dev: Dev) -> str:
    """Hex sha256 of the pairs or triplets."""
    pairs = [part for part in dev if isinstance(part, Pairs)]
    if pairs:
        return digest(pairs)
    lines = ["\t".join(triplet) + "\n" for triplet in dev if not isinstance(triplet, Pairs)]
    return hashlib.sha256("".join(lines).encode()).hexdigest()
