"""Readers of labelled sentences and pairs: SentEval's transfer tasks, NLI, triplets and argument pairs."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from repro.data.convert import NLI_HEADER, NLI_LABELS
from repro.data.readers import Pairs, cells_of, read_lines
from repro.errors import ReproError


@dataclass(frozen=True)
class Labelled:
    """Labelled sentences, or pairs where `second` is not empty: `labels[i]` belongs to `first[i]` (and `second[i]`)."""

    name: str
    first: tuple[str, ...]
    labels: tuple[str, ...]
    second: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.first)


BINARY_FILES = {  # the positive (subjective) file, labelled 1, then the other, labelled 0
    "MR": ("rt-polarity.pos", "rt-polarity.neg"),
    "CR": ("custrev.pos", "custrev.neg"),
    "SUBJ": ("subj.subjective", "subj.objective"),
    "MPQA": ("mpqa.pos", "mpqa.neg"),
}


def read_sentences(path: Path, label: str) -> Labelled:
    r"""One sentence a line of one label, Latin-1, split at b"\n" alone (NEL stands inside sentences)."""
    lines = read_lines(path, "latin-1")
    return Labelled(path.name, tuple(lines), (label,) * len(lines))


def read_sst(path: Path) -> Labelled:
    """SST-2: sentence, tab, 0 or 1."""
    rows = cells_of(path, read_lines(path), 2)
    return Labelled(path.name, tuple(row[0] for row in rows), tuple(row[1].strip() for row in rows))


def read_trec(path: Path) -> Labelled:
    """TREC: `CLASS:subclass question`, Latin-1; the label is the class."""
    classes, questions = [], []
    for number, line in enumerate(read_lines(path, "latin-1"), 1):
        label, _, question = line.partition(" ")
        if ":" not in label or not question:
            raise ReproError(f"{path}: line {number} is not `CLASS:subclass question`")
        classes.append(label.split(":")[0])
        questions.append(question)
    return Labelled(path.name, tuple(questions), tuple(classes))


def read_mrpc(path: Path) -> Labelled:
    """MRPC: a header, then quality, two ids, two sentences."""
    rows = cells_of(path, read_lines(path)[1:], 5, start=2)
    first, second = tuple(row[3] for row in rows), tuple(row[4] for row in rows)
    return Labelled(path.name, first, tuple(row[0] for row in rows), second)


def read_nli(path: Path, split: str | None = None) -> Labelled:
    """AllNLI's columns: split, dataset, filename, sentence1, sentence2, label; pairs in file order, of a split or all.

    Raises ReproError when the header is another, a label is unknown, or no pair is of that split.
    """
    first_line, *lines = read_lines(path)
    if first_line != NLI_HEADER:
        raise ReproError(f"{path}: the first line is not AllNLI's header ({', '.join(NLI_HEADER.split())})")
    rows = cells_of(path, lines, 6, start=2)
    for number, row in enumerate(rows, 2):
        if row[5] not in NLI_LABELS:
            raise ReproError(f"{path}: line {number} has the label {row[5]!r}, expected one of {', '.join(NLI_LABELS)}")
    chosen = [row for row in rows if split in (None, row[0])]
    if not chosen:
        raise ReproError(f"{path}: no pair of the split {split!r}")
    first, second, labels = zip(*((row[3], row[4], row[5]) for row in chosen), strict=True)
    return Labelled(path.name, first, labels, second)


def read_csv(path: Path, columns: tuple[str, ...], encoding: str = "utf-8") -> Iterator[list[str]]:
    """Rows of a comma-separated file as lists in the order of `columns`; ReproError names a missing column or cell."""
    text = "\n".join(read_lines(path, encoding))
    reader = csv.DictReader(io.StringIO(text, newline=""))
    missing = [name for name in columns if name not in (reader.fieldnames or ())]
    if missing:
        raise ReproError(f"{path} has no column {missing[0]!r}; it needs {', '.join(columns)}")
    for row in reader:
        cells = [row[name] for name in columns]
        if not all(cells):
            raise ReproError(
                f"{path}: line {reader.line_num} has an empty {columns[[bool(c) for c in cells].index(False)]}"
            )
        yield cells


SIMCSE_TRIPLETS = "nli_for_simcse.csv"


def read_triplets(path: Path) -> list[tuple[str, str, str]]:
    """Anchor, positive and negative: sentence, one of its section, one of another; premise, entailed, contradicted."""
    simcse = path.name == SIMCSE_TRIPLETS
    columns = ("sent0", "sent1", "hard_neg") if simcse else ("Sentence1", "Sentence2", "Sentence3")
    return [(row[0], row[1], row[2]) for row in read_csv(path, columns)]


def read_argument_pairs(path: Path) -> list[tuple[str, str, float]]:
    """Argument Facet Similarity: two arguments and their graded similarity, 0-5; cp1252."""
    found = []
    for label, first, second in read_csv(path, ("regression_label", "sentence_1", "sentence_2"), "cp1252"):
        try:
            score = float(label)
        except ValueError:
            score = -1.0
        if not 0 <= score <= 5:
            raise ReproError(f"{path}: the label {label!r} is not a score of 0 to 5")
        found.append((first, second, score))
    return found


def read_bws(path: Path) -> list[Pairs]:
    """BWS argument similarity: topic, two arguments, a score of 0 to 1, here times five; one Pairs a topic."""
    topics: dict[str, list[tuple[str, str, float]]] = {}
    for topic, first, second, label in read_csv(path, ("topic", "sentence_1", "sentence_2", "regression_label")):
        try:
            score = float(label)
        except ValueError:
            score = -1.0
        if not 0 <= score <= 1:
            raise ReproError(f"{path}: the label {label!r} is not a score of 0 to 1")
        topics.setdefault(topic, []).append((first, second, 5 * score))
    found = []
    for topic, rows in topics.items():
        firsts, seconds, gold = zip(*rows, strict=True)
        found.append(Pairs(topic, firsts, seconds, np.array(gold)))
    return found
