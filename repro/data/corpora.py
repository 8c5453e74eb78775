"""Sentences to fit a whitening or a flow on, and which of them are pairs."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from repro.data import readers


@dataclass(frozen=True)
class Corpus:
    """`sentences`, repeats counted, and `pairs` (m, 2), positions in it: a whitening counts the first, a flow reads
    the second."""

    sentences: list[str]
    pairs: np.ndarray

    @classmethod
    def of_pairs(cls, parts: Iterable[tuple[Sequence[str], Sequence[str]]]) -> Corpus:
        """From the first and the second sentences of each part."""
        sentences: list[str] = []
        pairs = [np.empty((0, 2), np.int64)]
        for first, second in parts:
            start, m = len(sentences), len(first)
            pairs.append(start + np.stack([np.arange(m), m + np.arange(m)], axis=1))
            sentences += [*first, *second]
        return cls(sentences, np.concatenate(pairs))

    @classmethod
    def of_lines(cls, sentences: Sequence[str]) -> Corpus:
        """From single sentences: neighbours are pairs, so that a flow reads each once an epoch; an odd last one is
        in none."""
        return cls(list(sentences), neighbours(len(sentences)))

    def digest(self) -> str:
        """Hex sha256 of the sentences and which of them are pairs."""
        state = hashlib.sha256("\n".join(map(json.dumps, self.sentences)).encode())
        state.update(self.pairs.astype("<i8").tobytes())
        return state.hexdigest()


def neighbours(n: int) -> np.ndarray:
    """Of n rows the first and the second, the third and the fourth, …: (n // 2, 2)."""
    return np.arange(n // 2 * 2).reshape(-1, 2)


def _nli(path: Path) -> Corpus:
    """Premises and hypotheses of all splits, repeats counted, as in the published code (eng/eval.py:89-93)."""
    pairs = readers.read_nli(path)
    return Corpus.of_pairs([(pairs.first, pairs.second)])


def _wiki(path: Path) -> Corpus:
    return Corpus.of_lines(readers.read_plain(path).first)


# name: (data set, its file, reader of that)
CORPORA: dict[str, tuple[str, str, Callable[[Path], Corpus]]] = {
    "nli": ("NLI", "AllNLI.tsv", _nli),
    "nli-sample": ("NLI-SAMPLE", "AllNLI.tsv", _nli),
    "wiki-sample": ("WIKI-SAMPLE", "wiki.txt", _wiki),
}
