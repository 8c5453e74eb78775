"""Training sets: text columns and labels, read from the data folder.

What is the user's to bring says so in the registry (QQP, ParaNMT …); the others are fetched.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from repro.data import readers
from repro.data.convert import NLI_LABELS
from repro.data.pairs import Pairs
from repro.data.wordnet import Synonyms
from repro.errors import NotAvailable, ReproError


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


def _stsb(path: Path) -> Examples:
    pairs = readers.read_stsb(path)
    return graded(pairs.first, pairs.second, pairs.gold)


def _nli(path: Path) -> Examples:
    pairs = readers.read_nli(path, "train")
    codes = {label: code for code, label in enumerate(NLI_LABELS)}
    return Examples((pairs.first, pairs.second), np.array([codes[label] for label in pairs.labels]), len(codes))


def _triplets(path: Path) -> Examples:
    return _of_triplets(readers.read_triplets(path))


def _lines(path: Path) -> Examples:
    """Each sentence twice: unsupervised SimCSE's positive is the sentence itself under other dropout."""
    return _twice(readers.read_plain(path).first)


def _nli_sentences(path: Path) -> Examples:
    """The distinct sentences of the training pairs, each twice."""
    pairs = readers.read_nli(path, "train")
    return _twice(
        list(dict.fromkeys(sentence for pair in zip(pairs.first, pairs.second, strict=True) for sentence in pair))
    )


def _twice(sentences: Sequence[str]) -> Examples:
    kept = tuple(sentence for sentence in sentences if sentence.strip())
    return Examples((kept, kept), None)


def _following(reach: int) -> Callable[[Path], Examples]:
    """Each sentence with one of the next `reach`, drawn once and for all (SimCSE Table 2).

    SimCSE's sentences of Wikipedia are in the order of its pages. Where a page ends is not marked, so its last ones are
    paired with the next page's first.
    """

    def read(path: Path) -> Examples:
        sentences = [sentence for sentence in readers.read_plain(path).first if sentence.strip()]
        last = max(len(sentences) - 1, 0)
        ahead = np.random.default_rng(0).integers(1, reach + 1, last)  # (n − 1,)
        second = np.minimum(np.arange(last) + ahead, last)
        return Examples((tuple(sentences[:last]), tuple(sentences[row] for row in second)), None)

    return read


def _by_premise(*labels: str) -> Callable[[Path], Examples]:
    """Premise and a hypothesis of each of these labels: a premise's in file order, each in one example.

    Entailed and contradicted ones are SimCSE's triplets (§4).
    """

    def read(path: Path) -> Examples:
        pairs = readers.read_nli(path, "train")
        by_premise: dict[str, dict[str, list[str]]] = {}
        for premise, hypothesis, label in zip(pairs.first, pairs.second, pairs.labels, strict=True):
            by_premise.setdefault(premise, {}).setdefault(label, []).append(hypothesis)
        examples = [
            (premise, *hypotheses)
            for premise, by in by_premise.items()
            for hypotheses in zip(*(by.get(label, ()) for label in labels), strict=False)
        ]
        if not examples:
            raise NotAvailable(f"{path} has no premise with {' and '.join(labels)}")
        return Examples(tuple(zip(*examples, strict=True)), None)

    return read


def _nli_pairs(path: Path) -> Examples:
    """Premise and hypothesis of every pair, whatever its label."""
    pairs = readers.read_nli(path, "train")
    return Examples((pairs.first, pairs.second), None)


def _simcse_triplets(path: Path) -> Examples:
    return _of_triplets(readers.read_simcse_triplets(path))


def _of_triplets(triplets: Pairs) -> Examples:
    return Examples((triplets.first, triplets.second, triplets.third), None)


def _own_pairs(path: Path) -> Examples:
    """Positives that the user has brought."""
    pairs = readers.read_text_pairs(path)
    return Examples((pairs.first, pairs.second), None)


# name: (data set, its file, reader of that); the sets of a cross-validation are cut by its task (argument_similarity)
SETS: dict[str, tuple[str, str, Callable[[Path], Examples]]] = {
    "stsb": ("STSB", "sts-train.csv", _stsb),
    "nli": ("NLI", "AllNLI.tsv", _nli),
    "nli-sample": ("NLI-SAMPLE", "AllNLI.tsv", _nli),
    "wikisec": ("WIKISEC", "train.csv", _triplets),
    "wiki": ("WIKI", "wiki1m_for_simcse.txt", _lines),
    "wiki-sample": ("WIKI-SAMPLE", "wiki.txt", _lines),
    "nli-sentences": ("NLI", "AllNLI.tsv", _nli_sentences),
    "simcse-nli": ("NLI-TRIPLETS", "nli_for_simcse.csv", _simcse_triplets),
    "nli-anli": ("NLI-ANLI", "nli_anli_for_simcse.csv", _simcse_triplets),
    "qqp": ("QQP", "pairs.tsv", _own_pairs),
    "flickr30k": ("FLICKR30K", "pairs.tsv", _own_pairs),
    "paranmt": ("PARANMT", "pairs.tsv", _own_pairs),
    "wiki-next": ("WIKI", "wiki1m_for_simcse.txt", _following(1)),
    "wiki-next3": ("WIKI", "wiki1m_for_simcse.txt", _following(3)),
    "wiki-sample-next": ("WIKI-SAMPLE", "wiki.txt", _following(1)),
    "wiki-sample-next3": ("WIKI-SAMPLE", "wiki.txt", _following(3)),
}
UNLABELLED = (
    *("wiki", "wiki-next", "wiki-next3", "wiki-sample", "wiki-sample-next", "wiki-sample-next3"),
    "nli-sentences",
)
# of both sets of NLI pairs; what is contradicted, or neutral beside it, is a hard negative
FROM_NLI: dict[str, Callable[[Path], Examples]] = {
    "triplets": _by_premise("entailment", "contradiction"),
    "quadruples": _by_premise("entailment", "contradiction", "neutral"),
    "entailment": _by_premise("entailment"),
    "neutral": _by_premise("neutral"),
    "contradiction": _by_premise("contradiction"),
    "pairs": _nli_pairs,
}
SETS |= {f"nli-{name}": ("NLI", "AllNLI.tsv", of_pairs) for name, of_pairs in FROM_NLI.items()}
SETS |= {f"nli-sample-{name}": ("NLI-SAMPLE", "AllNLI.tsv", of_pairs) for name, of_pairs in FROM_NLI.items()}


def read(name: str, folder: Path) -> Examples:
    """The training set of that name from its data set's folder; ReproError when there is not enough of it to train on.

    A pair without a label needs another one: that has its negative.
    """
    _, file, read_file = SETS[name]
    examples = read_file(folder / file)
    least = 2 if examples.labels is None and len(examples.columns) == 2 else 1
    if len(examples) < least:
        raise ReproError(
            f"{folder / file} has too few examples to train {name} on ({len(examples)}, at least {least}); "
            "put the whole file in its place"
        )
    return examples
