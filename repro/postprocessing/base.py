"""What a whitening and a flow have in common: `fit(…).transform(vectors)`, as scikit-learn's transformers."""

from __future__ import annotations

from typing import Protocol, Self

import numpy as np

THESE = "these sentences"  # the source that an error names where the caller gives none


class Transform(Protocol):
    """A map of vectors that is learned from vectors, without labels."""

    def fit(
        self,
        vectors: np.ndarray,
        rows: np.ndarray | None = None,
        pairs: np.ndarray | None = None,
        source: str = THESE,
    ) -> Self:
        """Learn the map from a corpus; the fitted map itself.

        `vectors` (n, d) float32 holds each distinct sentence once. `rows` (m,): the corpus, sentence for sentence, as
        positions in it, repeats counted; None: the vectors as they are. `pairs` (p, 2): which positions are pairs;
        None: the first and the second, the third and the fourth, and so on. Each map reads what its paper reads.
        `source` says in errors whose sentences they are. Raises ReproError where the map is not defined by them.
        """
        ...

    def transform(self, vectors: np.ndarray) -> np.ndarray:
        """(n, d) float32 → (n, k) float32."""
        ...
