"""Text to pretrain an encoder on: the sentences of training parts that no evaluated set has.

`pretraining.csv` has one line per part, in their order:

    dataset, part   a data set of the registry, and which of its splits is text (`all`: the whole)
    sentences       that the part has, each counted once
    kept            of them those that are in no evaluated set, nor in a part above
    sha256          of the kept ones, a line each

Evaluated is everything below downstream/ that is no part of the text, what is the user's to bring (SNLI) left out. MR,
CR, SUBJ and MPQA are scored by cross-validation over the whole, STS-B and SICK whole in one protocol (`stsb-all`,
`sickr-all`). SST is left out since its sentences are MR's, and its phrases pieces of them. `mini/pretraining.csv`: the
same of the embedded data.
"""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from repro.data import readers
from repro.data.registry import HERE, Dataset, datasets
from repro.errors import ReproError

NAME = "pretraining"  # of the training set


@dataclass(frozen=True)
class Part:
    """A split of a data set as text, and what must hold of it."""

    dataset: str
    part: str
    sentences: int
    kept: int
    sha256: str


@cache
def parts(suite: str = "paper") -> tuple[Part, ...]:
    """The list of a suite, `paper` or `mini`."""
    path = (HERE if suite == "paper" else HERE / suite) / "pretraining.csv"
    with path.open(encoding="utf-8", newline="") as file:
        return tuple(
            Part(line["dataset"], line["part"], int(line["sentences"]), int(line["kept"]), line["sha256"])
            for line in csv.DictReader(file)
        )


def needed(suite: str = "paper") -> list[Dataset]:
    """The data sets that text and evaluated sentences are read from."""
    names = {part.dataset for part in parts(suite)}
    return [item for item in datasets(suite).values() if item.name in names or _is_evaluated(item)]


def _is_evaluated(item: Dataset) -> bool:
    """Whether it is below downstream/ and anybody can have it: the text must be the same for all."""
    return item.folder.parts[0] == "downstream" and not item.is_brought


def text(root: Path, suite: str = "paper") -> list[str]:
    """The sentences below a data folder, without repeats; ReproError where one of the list's numbers is another."""
    seen = {key(sentence) for sentence in evaluated(root, suite)} | {""}
    sentences: list[str] = []
    for part in parts(suite):
        measured, kept = measure(part, root, seen, suite)
        if measured != part:
            raise ReproError(
                f"{part.dataset}, {part.part}: {measured.kept} of {measured.sentences} sentences are text for "
                f"pretraining, expected {part.kept} of {part.sentences}, or they are others; read the fetched files, "
                "not a folder of your own"
            )
        sentences += kept
    return sentences


def measure(part: Part, root: Path, seen: set[str], suite: str = "paper") -> tuple[Part, list[str]]:
    """(the part with the numbers that it has, its sentences whose keys are not `seen`); their keys are from now on."""
    distinct = {key(sentence): sentence for sentence in reversed(list(_of_part(part, root, suite)))}
    kept = [sentence for name, sentence in reversed(distinct.items()) if name not in seen]
    seen.update(distinct)
    state = hashlib.sha256("".join(f"{sentence}\n" for sentence in kept).encode())
    return Part(part.dataset, part.part, len(distinct), len(kept), state.hexdigest()), kept


def key(sentence: str) -> str:
    """Its letters and digits without case: equal where sentences differ in tokenisation, punctuation or case alone."""
    return "".join(character for character in sentence.casefold() if character.isalnum())


def evaluated(root: Path, suite: str = "paper") -> Iterator[str]:
    """Every sentence of the evaluated sets that is no part of the text, repeats included."""
    chosen = {(part.dataset, part.part) for part in parts(suite)}
    for item in datasets(suite).values():
        if _is_evaluated(item):
            for source in item.contents:
                if (item.name, source.split) not in chosen:
                    yield from readers.read(root / source.path, source).sentences


def _of_part(part: Part, root: Path, suite: str) -> Iterable[str]:
    for source in datasets(suite)[part.dataset].contents:
        if source.reader == "nli":  # whose one file has all splits
            yield from readers.read_nli(root / source.path, part.part).sentences
        elif source.split == part.part:
            yield from readers.read(root / source.path, source).sentences
