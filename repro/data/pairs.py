"""What data files are read into: pairs of sentences with what is known of them, joined, and their digest."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import chain

import numpy as np


@dataclass(frozen=True)
class Pairs:
    """Sentence pairs of one file, subset or fold: entry i of each column that is not empty belongs to pair i.

    `second` is empty for single sentences, `third` has the negatives of triplets.
    """

    name: str
    first: tuple[str, ...]
    second: tuple[str, ...] = ()
    gold: np.ndarray = field(default_factory=lambda: np.empty(0))  # (n,) float64, graded similarity from 0 to 5
    labels: tuple[str, ...] = ()  # classes, SICK's entailment judgements, or the topic of an argument
    third: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.first)

    @property
    def sentences(self) -> tuple[str, ...]:
        """All first sentences, then all second and third ones."""
        return (*self.first, *self.second, *self.third)

    def take(self, rows: Sequence[int] | np.ndarray) -> Pairs:
        """The pairs in these rows, in their order."""
        first, second, labels, third = (
            tuple(column[row] for row in rows) if column else ()
            for column in (self.first, self.second, self.labels, self.third)
        )
        gold = self.gold[np.asarray(rows, np.int64)] if len(self.gold) else self.gold
        return Pairs(self.name, first, second, gold, labels, third)

    def cut(self, limit: int | None) -> Pairs:
        """The first `limit` pairs; all of them when it is None."""
        return self if limit is None else self.take(range(min(limit, len(self))))


def joined(name: str, parts: Sequence[Pairs]) -> Pairs:
    """All pairs of the parts as one."""
    columns = zip(*((part.first, part.second, part.labels, part.third) for part in parts), strict=True)
    first, second, labels, third = (tuple(chain.from_iterable(column)) for column in columns)
    return Pairs(name, first, second, np.concatenate([part.gold for part in parts]), labels, third)


def digest(parts: Iterable[Pairs]) -> str:
    """Hex sha256 of names, sentences and what is known of them, whatever the file layout was; triplets have no name."""
    state = hashlib.sha256()
    for part in parts:
        if part.third:
            rows = zip(part.first, part.second, part.third, strict=True)
        else:
            state.update(f"{part.name}\n".encode())
            if len(part.gold):
                rows = zip(part.first, part.second, (f"{gold:.6g}" for gold in part.gold), strict=True)
            else:
                none = ("",) * len(part)
                rows = zip(part.labels or none, part.first, part.second or none, strict=True)
        for row in rows:
            state.update(("\t".join(row) + "\n").encode())
    return state.hexdigest()
