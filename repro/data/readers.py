"""Readers of data files in SentEval's layout, for fetched data, the embedded set and a user's own folder alike.

The registry names the reader of each file. A new format is one function from a path to `Pairs` and its line in
`READERS`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

from repro.data.convert import NLI_HEADER, NLI_LABELS
from repro.data.lines import EMPTY, cells_of, read_csv, read_lines
from repro.data.pairs import Pairs
from repro.data.registry import Source
from repro.errors import ReproError
from repro.numerals import real


def score(text: str, path: Path, line: int, low: float = 0, high: float = 5) -> float:
    """A gold score as a number; ReproError names file and line where it is none, or none from `low` to `high`."""
    try:
        value = real(text.strip())
    except ValueError:
        value = math.nan
    if not low <= value <= high:
        raise ReproError(f"{path}: line {line} has the gold score {text!r}, expected a number from {low:g} to {high:g}")
    return value


def label_of(text: str, known: Collection[str], path: Path, line: int) -> str:
    """The label; ReproError names file and line of one that is not known."""
    if text not in known:
        raise ReproError(f"{path}: line {line} has the label {text!r}, expected one of {', '.join(known)}")
    return text


def read_sts(path: Path) -> Pairs:
    """One subset of an STS year: STS.input.<name>.txt with its STS.gs.<name>.txt beside it.

    STS15 and STS16 ship unscored pairs, an empty line for each; SentEval drops them (sts.py:36-42).
    """
    golds = path.with_name(path.name.replace("STS.input.", "STS.gs.", 1))
    rows, values = cells_of(path, read_lines(path), 2), read_lines(golds)
    if not any(value.strip() for value in values[len(rows) :]):  # blank lines beyond the last pair
        values = values[: len(rows)]
    if len(rows) != len(values):
        raise ReproError(f"{path} has {len(rows)} pairs but {golds.name} has {len(values)} scores")
    graded = [
        (row, score(value, golds, line))
        for line, (row, value) in enumerate(zip(rows, values, strict=True), 1)
        if value.strip()
    ]
    if not graded:
        raise ReproError(f"{golds}: no pair has a gold score")
    first, second = (tuple(row[column] for row, _ in graded) for column in (0, 1))
    return Pairs(path.name, first, second, np.array([gold for _, gold in graded]))


def read_stsb(path: Path) -> Pairs:
    """The STS benchmark: gold in column 5, sentences in 6 and 7."""
    rows = cells_of(path, read_lines(path), 7)
    gold = np.array([score(row[4], path, line) for line, row in enumerate(rows, 1)])
    return Pairs(path.name, tuple(row[5] for row in rows), tuple(row[6] for row in rows), gold)


def read_sick(path: Path) -> Pairs:
    """SICK under its header: relatedness 1-5 in column 4, the entailment judgement in column 5."""
    rows = cells_of(path, read_lines(path)[1:], 5, start=2)
    if not rows:
        raise ReproError(f"{path} has a header and no pairs; get the file again")
    gold = np.array([score(row[3], path, line, low=1) for line, row in enumerate(rows, 2)])
    first, second, labels = (tuple(row[column] for row in rows) for column in (1, 2, 4))
    return Pairs(path.name, first, second, gold, labels)


BINARY = ("0", "1")
TREC_CLASSES = ("ABBR", "DESC", "ENTY", "HUM", "LOC", "NUM")  # Li and Roth 2002


def read_sentences(path: Path, label: str) -> Pairs:
    """One sentence a line of one label, Latin-1 (NEL stands inside sentences)."""
    lines = read_lines(path, "latin-1")
    return Pairs(path.name, tuple(lines), labels=(label,) * len(lines))


def read_sst(path: Path) -> Pairs:
    """SST-2: sentence, tab, 0 or 1."""
    rows = cells_of(path, read_lines(path), 2)
    labels = tuple(label_of(row[1].strip(), BINARY, path, line) for line, row in enumerate(rows, 1))
    return Pairs(path.name, tuple(row[0] for row in rows), labels=labels)


def read_trec(path: Path) -> Pairs:
    """TREC: `CLASS:subclass question`, Latin-1; the label is the class."""
    classes, questions = [], []
    for number, line in enumerate(read_lines(path, "latin-1"), 1):
        label, _, question = line.partition(" ")
        if ":" not in label or not question:
            raise ReproError(f"{path}: line {number} is not `CLASS:subclass question`")
        classes.append(label_of(label.split(":")[0], TREC_CLASSES, path, number))
        questions.append(question)
    return Pairs(path.name, tuple(questions), labels=tuple(classes))


def read_mrpc(path: Path) -> Pairs:
    """MRPC: a header, then quality (0 or 1), two ids, two sentences."""
    rows = cells_of(path, read_lines(path)[1:], 5, start=2)
    labels = tuple(label_of(row[0], BINARY, path, line) for line, row in enumerate(rows, 2))
    return Pairs(path.name, tuple(row[3] for row in rows), tuple(row[4] for row in rows), labels=labels)


def read_nli(path: Path, split: str | None = None) -> Pairs:
    """AllNLI's columns: split, dataset, filename, sentence1, sentence2, label; pairs in file order, of a split or all.

    Raises ReproError when the header is another, a label is unknown, or no pair is of that split.
    """
    first_line, *lines = read_lines(path)
    if first_line != NLI_HEADER:
        raise ReproError(f"{path}: the first line is not AllNLI's header ({', '.join(NLI_HEADER.split())})")
    rows = cells_of(path, lines, 6, start=2)
    for number, row in enumerate(rows, 2):
        label_of(row[5], NLI_LABELS, path, number)
    chosen = [row for row in rows if split in (None, row[0])]
    if not chosen:
        raise ReproError(f"{path}: no pair of the split {split!r}")
    first, second, labels = zip(*((row[3], row[4], row[5]) for row in chosen), strict=True)
    return Pairs(path.name, first, second, labels=labels)


def read_snli(path: Path) -> Pairs:
    """SNLI as SentEval's script leaves it: s1.<split>, tokens of the premises, beside s2.<split> and labels.<split>.

    Read as Latin-1, as SentEval does (snli.py), byte-order mark or not: a character of several bytes becomes several.
    """
    premises, hypotheses, labels = (
        read_lines(path.with_name(path.name.replace("s1.", f"{side}.", 1)), "latin-1", marked="latin-1")
        for side in ("s1", "s2", "labels")
    )
    if not len(premises) == len(hypotheses) == len(labels):
        raise ReproError(
            f"{path} has {len(premises)} premises, but beside it are {len(hypotheses)} hypotheses and {len(labels)} "
            "labels; take the three files of one run of SentEval's script"
        )
    for number, label in enumerate(labels, 1):
        label_of(label, NLI_LABELS, path.with_name(path.name.replace("s1.", "labels.", 1)), number)
    return Pairs(path.name, tuple(premises), tuple(hypotheses), labels=tuple(labels))


QNLI_LABELS = ("entailment", "not_entailment")


def read_qnli(path: Path) -> Pairs:
    """QNLI under GLUE's header: index, question, sentence, label."""
    rows = cells_of(path, read_lines(path)[1:], 4, start=2)
    if not rows:
        raise ReproError(f"{path} has a header and no pairs; put GLUE's own file in its place")
    labels = tuple(label_of(row[3], QNLI_LABELS, path, line) for line, row in enumerate(rows, 2))
    return Pairs(path.name, tuple(row[1] for row in rows), tuple(row[2] for row in rows), labels=labels)


def read_quora(path: Path) -> Pairs:
    """Quora's question pairs, columns between tabs: two questions, and 1 where they are duplicates.

    Three of its questions are empty: they become one blank.
    """
    rows = list(read_csv(path, ("question1", "question2", "is_duplicate"), empty=("",), delimiter="\t"))
    labels = tuple(label_of(label, BINARY, path, line) for line, (_, _, label) in rows)
    return Pairs(path.name, tuple(row[0] for _, row in rows), tuple(row[1] for _, row in rows), labels=labels)


# The cells that SimCSE's reader, pandas in Hugging Face's data sets, takes for no sentence (pandas.read_csv, na_values)
NO_SENTENCE = (
    *("", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN", "<NA>", "N/A", "NA"),
    *("NULL", "NaN", "None", "n/a", "nan", "null"),
)


def read_triplets(path: Path) -> Pairs:
    """Wikipedia sections: a sentence, one of its section, one of another."""
    return _triplets(path, read_csv(path, ("Sentence1", "Sentence2", "Sentence3")))


def read_simcse_triplets(path: Path) -> Pairs:
    """SimCSE's triplets: premise, entailed, contradicted.

    There may be cells without a sentence: they become one blank, as in its training, and `without_sentence` counts
    them.
    """
    return _triplets(path, read_csv(path, ("sent0", "sent1", "hard_neg"), empty=NO_SENTENCE))


def _triplets(path: Path, rows: Iterable[tuple[int, list[str]]]) -> Pairs:
    first, second, third = list(zip(*(row for _, row in rows), strict=True)) or ((), (), ())
    return Pairs(path.name, first, second, third=third)


def without_sentence(columns: Iterable[Sequence[str]]) -> int:
    """How many cells of SimCSE's triplets have no sentence."""
    return sum(cell == EMPTY for column in columns for cell in column)


def read_facets(path: Path) -> Pairs:
    """Argument Facet Similarity: two arguments and their graded similarity, 0-5; cp1252."""
    rows = read_csv(path, ("sentence_1", "sentence_2", "regression_label"), "cp1252")
    return _graded(path, [(first, second, score(label, path, line)) for line, (first, second, label) in rows])


def read_bws(path: Path) -> Pairs:
    """BWS argument similarity: topic (the label), two arguments, a score of 0 to 1, here times five."""
    rows = list(read_csv(path, ("sentence_1", "sentence_2", "regression_label", "topic")))
    graded = [(first, second, 5 * score(label, path, line, high=1)) for line, (first, second, label, _) in rows]
    return replace(_graded(path, graded), labels=tuple(topic for _, (*_, topic) in rows))


def _graded(path: Path, rows: Sequence[tuple[str, str, float]]) -> Pairs:
    first, second = (tuple(str(row[column]) for row in rows) for column in (0, 1))
    return Pairs(path.name, first, second, np.array([gold for _, _, gold in rows]))


def read_plain(path: Path) -> Pairs:
    """One sentence a line, of which nothing else is known."""
    return Pairs(path.name, tuple(read_lines(path)))


def read_text_pairs(path: Path) -> Pairs:
    """Two texts a line with a tab between them and nothing else: in a file of other columns, texts may be any two."""
    rows = cells_of(path, read_lines(path), 2, exactly=True)
    for line, row in enumerate(rows, 1):
        if not all(text.strip() for text in row):
            raise ReproError(f"{path}: line {line} has an empty text; leave out the pair")
    return Pairs(path.name, tuple(row[0] for row in rows), tuple(row[1] for row in rows))


SYNSET = re.compile(r"\d{8} \d\d [nvasr] [0-9a-f]{2} ")


def read_synsets(path: Path) -> Pairs:
    """A file of WordNet's `dict` folder: the words of each synset, joined with blanks (wndb(5WN)).

    A line is `offset file type count word id word id … | gloss`, `count` in hexadecimal, `_` for the blanks of a
    phrase; an adjective may end in where it stands, `(p)`. Lines that begin with a blank are the licence.
    """
    synsets = []
    for number, line in enumerate(read_lines(path), 1):
        if line.startswith(" "):
            continue
        fields = line.split(" ")
        count = int(fields[3], 16) if SYNSET.match(line) else 0
        words = [word.partition("(")[0] for word in fields[4 : 4 + 2 * count : 2]]
        if not words or len(words) < count:
            raise ReproError(f"{path}: line {number} is no synset; take the file of WordNet's dict folder")
        synsets.append(" ".join(words))
    return Pairs(path.name, tuple(synsets))


READERS: dict[str, Callable[[Path], Pairs]] = {
    "sts": read_sts,
    "stsb": read_stsb,
    "sick": read_sick,
    "sentences-of-1": partial(read_sentences, label="1"),
    "sentences-of-0": partial(read_sentences, label="0"),
    "sst": read_sst,
    "trec": read_trec,
    "mrpc": read_mrpc,
    "nli": read_nli,
    "snli": read_snli,
    "qnli": read_qnli,
    "quora": read_quora,
    "triplets": read_triplets,
    "simcse-triplets": read_simcse_triplets,
    "argument-facets": read_facets,
    "bws": read_bws,
    "plain": read_plain,
    "text-pairs": read_text_pairs,
    "wordnet": read_synsets,
}


def read(path: Path, source: Source) -> Pairs:
    """A file by the reader that the registry names, as the split that it is there."""
    return replace(READERS[source.reader](path), name=source.split)
