"""Token ids of many sentences in flat arrays: eighty bytes a sentence where lists of Python numbers take thousands.

Letters: n sentences, B sentences in a batch, T tokens of the longest of them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from repro.errors import ReproError

CHUNK = 4096  # sentences that are lists of Python numbers at a time


@dataclass(frozen=True)
class Tokens:
    """`ids[starts[i] : starts[i + 1]]` belongs to sentence i, and so do its segment ids where any is not 0."""

    ids: np.ndarray  # (tokens,) int32
    starts: np.ndarray  # (n + 1,) int64
    types: np.ndarray | None = None  # (tokens,) int8

    def __len__(self) -> int:
        return len(self.starts) - 1

    @property
    def lengths(self) -> np.ndarray:
        """(n,) int64."""
        return np.diff(self.starts)

    def select(self, rows: np.ndarray) -> Tokens:
        """The sentences of those indices (m,), in that order."""
        lengths = self.lengths[rows]
        starts = np.concatenate([[0], np.cumsum(lengths)])
        places = np.arange(starts[-1]) + np.repeat(self.starts[rows] - starts[:-1], lengths)
        return Tokens(self.ids[places], starts, None if self.types is None else self.types[places])

    def pad(self, padding: int) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
        """(ids (B, T) int64, mask (B, T) bool, segment ids (B, T) int64 or None), padded at the right."""
        lengths = self.lengths
        mask = np.arange(lengths.max(initial=0)) < lengths[:, None]  # (B, T)
        ids = np.full(mask.shape, padding, np.int64)
        ids[mask] = self.ids
        if self.types is None:
            return ids, mask, None
        types = np.zeros(mask.shape, np.int64)
        types[mask] = self.types
        return ids, mask, types


def join(parts: Sequence[Tokens]) -> Tokens:
    """All sentences of the parts, one part after the other."""
    lengths = np.concatenate([part.lengths for part in parts])
    typed = any(part.types is not None for part in parts)
    types = [np.zeros(len(part.ids), np.int8) if part.types is None else part.types for part in parts]
    return Tokens(
        np.concatenate([part.ids for part in parts]),
        np.concatenate([[0], np.cumsum(lengths)]),
        np.concatenate(types) if typed else None,
    )


def tokenize(tokenizer: Any, sentences: Sequence[str], max_length: int | None) -> Tokens:
    """Tokens of each sentence, special ones included, cut at `max_length` (None: not cut).

    ReproError names a sentence that is no text, for it holds half of a surrogate pair.
    """
    empty = Tokens(np.empty(0, np.int32), np.zeros(1, np.int64))
    cut = {"truncation": True, "max_length": max_length} if max_length else {}
    parts = []
    for start in range(0, len(sentences), CHUNK):
        chunk = list(sentences[start : start + CHUNK])
        try:
            encoded = tokenizer(chunk, **cut, return_attention_mask=False)
        except (TypeError, UnicodeEncodeError):
            for sentence in chunk:
                if re.search("[\ud800-\udfff]", sentence):
                    raise ReproError(f"{sentence[:60]!r} holds half of a character (a lone surrogate)") from None
            raise
        parts.append(_flat(encoded["input_ids"], encoded.get("token_type_ids")))
    return join(parts) if parts else empty


def _flat(ids: list[list[int]], types: list[list[int]] | None) -> Tokens:
    lengths = np.fromiter(map(len, ids), np.int64, len(ids))
    starts = np.concatenate([[0], np.cumsum(lengths)])
    flat = np.fromiter((i for row in ids for i in row), np.int32, int(starts[-1]))
    if types is None or not any(map(any, types)):
        return Tokens(flat, starts)
    return Tokens(flat, starts, np.fromiter((i for row in types for i in row), np.int8, int(starts[-1])))
