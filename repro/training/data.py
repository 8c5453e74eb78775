"""Training sets: text columns and labels, read from the data folder.

`afs` comes from the user's files in their published form; the others are fetched.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from repro.data import readers
from repro.data.convert import NLI_LABELS
from repro.data.readers import Pairs
from repro.data.wordnet import Synonyms
from repro.errors import NotAvailable


@dataclass(frozen=True)
class Examples:
    """Training examples: `columns[c][i]` is text c of example i (two for pairs, three for triplets).

    Labels: classes (n,) int64, gold scores of 0-5 (n,) float32, or none.
    """

    columns: tuple[tuple[str, ...], ...]
    labels: np.ndarray | None
    classes: int = 0
    synonyms: Synonyms = field(default_factory=dict)  # of words, where they are replaced by them

    def __len__(self) -> int:
        return len(self.columns[0])

    def take(self, rows: np.ndarray) -> Examples:
        """The examples of those indices (m,), in that order."""
        columns = tuple(tuple(column[row] for row in rows) for column in self.columns)
        return Examples(columns, None if self.labels is None else self.labels[rows], self.classes)

    def sample(self, count: int | None, seed: int) -> Examples:
        """So many of them, drawn without repetition, in their order; all when there are no more."""
        if count is None or count >= len(self):
            return self
        return self.take(np.sort(np.random.default_rng(seed).choice(len(self), count, replace=False)))

    def digest(self) -> str:
        """Hex sha256 of texts and labels."""
        state = hashlib.sha256()
        for column in self.columns:
            for text in column:
                state.update(f"{text}\n".encode())
        if self.labels is not None:
            state.update(np.ascontiguousarray(self.labels).tobytes())
        return state.hexdigest()


def graded(first: tuple[str, ...], second: tuple[str, ...], gold: np.ndarray) -> Examples:
    """Pairs with gold scores of 0-5."""
    return Examples((first, second), gold.astype(np.float32))


def _stsb(folder: Path) -> Examples:
    pairs = readers.read_stsb(folder / "sts-train.csv")
    return graded(pairs.first, pairs.second, pairs.gold)


def _nli(folder: Path) -> Examples:
    pairs = readers.read_nli(folder / "AllNLI.tsv", "train")
    codes = {label: code for code, label in enumerate(NLI_LABELS)}
    return Examples((pairs.first, pairs.second), np.array([codes[label] for label in pairs.labels]), len(codes))


def _triplets(folder: Path) -> Examples:
    path = folder / "train.csv"
    if not path.is_file():
        raise NotAvailable(f"{path} is not there; put the published train.csv in its place")
    return _of_triplets(readers.read_triplets(path))


def _lines(name: str) -> Callable[[Path], Examples]:
    """Each sentence of that file twice: unsupervised SimCSE's positive is the sentence itself under other dropout."""
    return lambda folder: _twice(readers.read_plain(folder / name).first)


def _nli_sentences(folder: Path) -> Examples:
    """The distinct sentences of the training pairs, each twice."""
    pairs = readers.read_nli(folder / "AllNLI.tsv", "train")
    return _twice(
        list(dict.fromkeys(sentence for pair in zip(pairs.first, pairs.second, strict=True) for sentence in pair))
    )


def _twice(sentences: Sequence[str]) -> Examples:
    kept = tuple(sentence for sentence in sentences if sentence.strip())
    return Examples((kept, kept), None)


def _nli_triplets(folder: Path) -> Examples:
    """Premise, entailed and contradicted hypothesis (SimCSE §4): a premise's in file order, each in one triplet."""
    pairs = readers.read_nli(folder / "AllNLI.tsv", "train")
    by_premise: dict[str, dict[str, list[str]]] = {}
    for premise, hypothesis, label in zip(pairs.first, pairs.second, pairs.labels, strict=True):
        by_premise.setdefault(premise, {}).setdefault(label, []).append(hypothesis)
    triplets = [
        (premise, entailed, contradicted)
        for premise, by in by_premise.items()
        for entailed, contradicted in zip(by.get("entailment", ()), by.get("contradiction", ()), strict=False)
    ]
    if not triplets:
        raise NotAvailable(f"{folder} has no premise with both an entailed and a contradicted hypothesis")
    return Examples(tuple(zip(*triplets, strict=True)), None)


def _simcse_triplets(folder: Path) -> Examples:
    return _of_triplets(readers.read_simcse_triplets(folder / "nli_for_simcse.csv"))


def _of_triplets(triplets: Pairs) -> Examples:
    return Examples((triplets.first, triplets.second, triplets.third), None)


# name: (data set, reader of its folder); the sets of a cross-validation are cut by its task (tasks/argument_similarity)
SETS: dict[str, tuple[str, Callable[[Path], Examples]]] = {
    "stsb": ("STSB", _stsb),
    "nli": ("NLI", _nli),
    "nli-sample": ("NLI-SAMPLE", _nli),
    "wikisec": ("WIKISEC", _triplets),
    "wiki": ("WIKI", _lines("wiki1m_for_simcse.txt")),
    "wiki-sample": ("WIKI-SAMPLE", _lines("wiki.txt")),
    "nli-sentences": ("NLI", _nli_sentences),
    "simcse-nli": ("NLI-TRIPLETS", _simcse_triplets),
    "nli-triplets": ("NLI", _nli_triplets),
    "nli-sample-triplets": ("NLI-SAMPLE", _nli_triplets),
}


def read(name: str, folder: Path) -> Examples:
    """The training set of that name from its data set's folder; NotAvailable when there is none."""
    if not folder.is_dir():
        raise NotAvailable(f"the training set {name} is not there: {folder} is missing")
    return SETS[name][1](folder)
