"""Readers of labelled sentences and pairs: SentEval's transfer tasks, NLI, triplets and argument pairs."""

from __future__ import annotations

import csv
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from repro.data.convert import NLI_HEADER, NLI_LABELS
from repro.data.readers import Pairs, cells_of, read_lines, score
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


BINARY_FILES = {  # the file labelled 1, then the file labelled 0 (SentEval binary.py, subj.py)
    "MR": ("rt-polarity.pos", "rt-polarity.neg"),
    "CR": ("custrev.pos", "custrev.neg"),
    "SUBJ": ("subj.objective", "subj.subjective"),
    "MPQA": ("mpqa.pos", "mpqa.neg"),
}
BINARY = ("0", "1")
TREC_CLASSES = ("ABBR", "DESC", "ENTY", "HUM", "LOC", "NUM")  # Li and Roth 2002


def _label(text: str, known: Collection[str], path: Path, line: int) -> str:
    if text not in known:
        raise ReproError(f"{path}: line {line} has the label {text!r}, expected one of {', '.join(known)}")
    return text


def read_sentences(path: Path, label: str) -> Labelled:
    """One sentence a line of one label, Latin-1 (NEL stands inside sentences)."""
    lines = read_lines(path, "latin-1")
    return Labelled(path.name, tuple(lines), (label,) * len(lines))


def read_sst(path: Path) -> Labelled:
    """SST-2: sentence, tab, 0 or 1."""
    rows = cells_of(path, read_lines(path), 2)
    labels = tuple(_label(row[1].strip(), BINARY, path, line) for line, row in enumerate(rows, 1))
    return Labelled(path.name, tuple(row[0] for row in rows), labels)


def read_trec(path: Path) -> Labelled:
    """TREC: `CLASS:subclass question`, Latin-1; the label is the class."""
    classes, questions = [], []
    for number, line in enumerate(read_lines(path, "latin-1"), 1):
        label, _, question = line.partition(" ")
        if ":" not in label or not question:
            raise ReproError(f"{path}: line {number} is not `CLASS:subclass question`")
        classes.append(_label(label.split(":")[0], TREC_CLASSES, path, number))
        questions.append(question)
    return Labelled(path.name, tuple(questions), tuple(classes))


def read_mrpc(path: Path) -> Labelled:
    """MRPC: a header, then quality (0 or 1), two ids, two sentences."""
    rows = cells_of(path, read_lines(path)[1:], 5, start=2)
    first, second = tuple(row[3] for row in rows), tuple(row[4] for row in rows)
    return Labelled(
        path.name, first, tuple(_label(row[0], BINARY, path, line) for line, row in enumerate(rows, 2)), second
    )


def read_nli(path: Path, split: str | None = None) -> Labelled:
    """AllNLI's columns: split, dataset, filename, sentence1, sentence2, label; pairs in file order, of a split or all.

    Raises ReproError when the header is another, a label is unknown, or no pair is of that split.
    """
    first_line, *lines = read_lines(path)
    if first_line != NLI_HEADER:
        raise ReproError(f"{path}: the first line is not AllNLI's header ({', '.join(NLI_HEADER.split())})")
    rows = cells_of(path, lines, 6, start=2)
    for number, row in enumerate(rows, 2):
        _label(row[5], NLI_LABELS, path, number)
    chosen = [row for row in rows if split in (None, row[0])]
    if not chosen:
        raise ReproError(f"{path}: no pair of the split {split!r}")
    first, second, labels = zip(*((row[3], row[4], row[5]) for row in chosen), strict=True)
    return Labelled(path.name, first, labels, second)


def read_csv(
    path: Path, columns: tuple[str, ...], encoding: str = "utf-8", empty: Collection[str] = ()
) -> Iterator[tuple[int, list[str]]]:
    """(number of its last line, cells in the order of `columns`) of each row of a comma-separated file.

    Cells that are one of `empty`, or not there, become `EMPTY`; where there is no such list, ReproError names them, as
    it does a missing column and a row that has more cells than the header.
    """
    lines = read_lines(path, encoding)
    reader = csv.DictReader(f"{line}\n" for line in lines)
    try:
        missing = [name for name in columns if name not in (reader.fieldnames or ())]
        if missing:
            raise ReproError(f"{path} has no column {missing[0]!r}; it needs {', '.join(columns)}")
        for row in reader:
            if None in row:
                raise ReproError(f"{path}: line {reader.line_num} has more cells than the header; quote its commas")
            cells = [EMPTY if empty and (row[name] or "") in empty else row[name] for name in columns]
            if not all(cells):
                column = columns[[bool(cell) for cell in cells].index(False)]
                raise ReproError(f"{path}: line {reader.line_num} has an empty {column}")
            yield reader.line_num, cells
    except csv.Error as error:
        raise ReproError(f"{path}: line {reader.line_num + 1} is not comma-separated text ({error})") from None


SIMCSE_TRIPLETS = "nli_for_simcse.csv"
EMPTY = " "  # what SimCSE's train.py makes of a cell without a sentence
# The cells that its reader, pandas in Hugging Face's data sets, takes for such (pandas.read_csv, na_values)
NO_SENTENCE = (
    *("", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN", "<NA>", "N/A", "NA"),
    *("NULL", "NaN", "None", "n/a", "nan", "null"),
)


def read_triplets(path: Path) -> list[tuple[str, str, str]]:
    """Anchor, positive and negative: sentence, one of its section, one of another; premise, entailed, contradicted.

    SimCSE's file may have cells without a sentence: they are one blank, as in its training, and `without_sentence`
    counts them. In other files they are errors.
    """
    if path.name == SIMCSE_TRIPLETS:
        rows = read_csv(path, ("sent0", "sent1", "hard_neg"), empty=NO_SENTENCE)
    else:
        rows = read_csv(path, ("Sentence1", "Sentence2", "Sentence3"))
    return [(row[0], row[1], row[2]) for _, row in rows]


def without_sentence(rows: Iterable[Sequence[str]]) -> int:
    """How many cells of SimCSE's triplets have no sentence."""
    return sum(cell == EMPTY for row in rows for cell in row)


def read_argument_pairs(path: Path) -> list[tuple[str, str, float]]:
    """Argument Facet Similarity: two arguments and their graded similarity, 0-5; cp1252."""
    rows = read_csv(path, ("regression_label", "sentence_1", "sentence_2"), "cp1252")
    return [(first, second, score(label, path, line)) for line, (label, first, second) in rows]


def read_bws(path: Path) -> list[Pairs]:
    """BWS argument similarity: topic, two arguments, a score of 0 to 1, here times five; one Pairs a topic."""
    topics: dict[str, list[tuple[str, str, float]]] = {}
    rows = read_csv(path, ("topic", "sentence_1", "sentence_2", "regression_label"))
    for line, (topic, first, second, label) in rows:
        topics.setdefault(topic, []).append((first, second, 5 * score(label, path, line, high=1)))
    parts = []
    for topic, pairs in topics.items():
        firsts, seconds, gold = zip(*pairs, strict=True)
        parts.append(Pairs(topic, firsts, seconds, np.array(gold)))
    return parts
