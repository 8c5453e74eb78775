"""What an encoder is, and a model that scores pairs: any object with that method is one."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import numpy as np

DEVICE = re.compile(r"auto|cpu|mps|cuda(:\d{1,3})?", re.ASCII)  # what one may be asked to compute on


class Encoder(Protocol):
    """Sentences → vectors."""

    def encode(self, sentences: Sequence[str], /) -> np.ndarray:
        """float32 (n, d); row i belongs to sentence i."""
        ...


class PairScorer(Protocol):
    """A model that reads both sentences of a pair at once, such as a cross-encoder, and gives no vectors."""

    def score(self, first: Sequence[str], second: Sequence[str], /) -> np.ndarray:
        """(n,) similarities; entry i belongs to `first[i]` and `second[i]`."""
        ...


@dataclass(frozen=True, eq=False)
class SentEval:
    """An encoder in SentEval's form; the arguments are those of `senteval.engine.SE`.

    `batcher(params, batch)` gives a vector for each of a batch's sentences, which are lists of tokens; before it,
    `prepare(params, samples)` sees all sentences of a data set. To both, `params` is a dictionary whose keys are
    attributes too: what stands in `params` here, with SentEval's defaults and `current_task` beside it.
    """

    params: Mapping[str, object] = field(repr=False)
    batcher: Callable[[Any, list[list[str]]], object]
    prepare: Callable[[Any, list[list[str]]], object] | None = None
