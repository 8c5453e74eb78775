"""Readers of SentEval's layout, for fetched data, the embedded set and a user's own folder alike."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from repro.data.convert import text_lines
from repro.errors import ReproError


@dataclass(frozen=True)
class Pairs:
    """Graded sentence pairs of one file: `gold[i]` (0-5) belongs to `first[i]` and `second[i]`."""

    name: str
    first: tuple[str, ...]
    second: tuple[str, ...]
    gold: np.ndarray  # (n,) float64
    labels: tuple[str, ...] = ()  # entailment judgements where the file has them (SICK)

    def __len__(self) -> int:
        return len(self.first)


def digest(parts: list[Pairs]) -> str:
    """Hex sha256 of the pairs' content: sentences, scores and file names, whatever the file layout was."""
    state = hashlib.sha256()
    for part in parts:
        state.update(f"{part.name}\n".encode())
        for first, second, gold in zip(part.first, part.second, part.gold, strict=True):
            state.update(f"{first}\t{second}\t{gold:.6g}\n".encode())
    return state.hexdigest()


def read_lines(path: Path, encoding: str = "utf-8") -> list[str]:
    """The file's lines, split at newline alone; one clear sentence when it is missing, empty or of another encoding."""
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise ReproError(f"{path} is missing; run `repro fetch` or name a SentEval folder with --data") from None
    if not data:
        raise ReproError(f"{path} is empty; fetch it again")
    return text_lines(data, str(path), encoding)


def own_lines(path: Path) -> list[str]:
    """The lines of a file that the user names: a sentence, or a pair of them, on each."""
    if not path.is_file():
        raise ReproError(f"{path} is not a file; name a text file with one sentence a line")
    if path.stat().st_size == 0:
        raise ReproError(f"{path} is empty; give it at least one sentence, one a line")
    return read_lines(path)


def cells_of(path: Path, lines: list[str], columns: int, start: int = 1) -> list[list[str]]:
    """Tab-separated cells; ReproError names the first line with too few columns."""
    rows = [line.split("\t") for line in lines]
    for number, row in enumerate(rows, start):
        if len(row) < columns:
            raise ReproError(f"{path}: line {number} has {len(row)} columns, expected {columns} separated by tabs")
    return rows


def scores(path: Path, values: list[str]) -> np.ndarray:
    """Gold scores as float64 (n,); an empty line is an unscored pair and becomes NaN."""
    try:
        gold = np.array([float(value) if value.strip() else np.nan for value in values])
    except ValueError as error:
        raise ReproError(f"{path}: {error}; expected a gold score of 0 to 5 on each line") from None
    return gold


def _pairs(path: Path, name: str, first: list[str], second: list[str], gold: np.ndarray) -> Pairs:
    keep = ~np.isnan(gold)  # STS15 and STS16 ship unscored pairs; SentEval drops them (sts.py:36-42)
    bad = np.flatnonzero(keep & ~((gold >= 0) & (gold <= 5)))
    if bad.size:
        raise ReproError(f"{path}: pair {bad[0] + 1} has the gold score {gold[bad[0]]:g}, expected 0 to 5")
    if not keep.any():
        raise ReproError(f"{path}: no pair has a gold score")
    chosen = np.flatnonzero(keep)
    return Pairs(name, tuple(first[i] for i in chosen), tuple(second[i] for i in chosen), gold[chosen])


def read_sts_subset(folder: Path, name: str) -> Pairs:
    """One subset of an STS year: STS.input.<name>.txt and STS.gs.<name>.txt."""
    inputs, golds = folder / f"STS.input.{name}.txt", folder / f"STS.gs.{name}.txt"
    rows, values = cells_of(inputs, read_lines(inputs), 2), read_lines(golds)
    if len(rows) != len(values):
        raise ReproError(f"{inputs} has {len(rows)} pairs but {golds.name} has {len(values)} scores")
    return _pairs(inputs, name, [row[0] for row in rows], [row[1] for row in rows], scores(golds, values))


def read_stsb(folder: Path, split: str) -> Pairs:
    """sts-{train,dev,test}.csv: gold in column 5, sentences in 6 and 7."""
    path = folder / f"sts-{split}.csv"
    rows = cells_of(path, read_lines(path), 7)
    gold = scores(path, [row[4] for row in rows])
    return _pairs(path, split, [row[5] for row in rows], [row[6] for row in rows], gold)


SICK_FILES = {"train": "SICK_train.txt", "trial": "SICK_trial.txt", "test": "SICK_test_annotated.txt"}


def read_sick(folder: Path, split: str) -> Pairs:
    """SICK: relatedness 1-5 in column 4, the entailment judgement in column 5."""
    path = folder / SICK_FILES[split]
    rows = cells_of(path, read_lines(path)[1:], 5, start=2)
    gold = scores(path, [row[3] for row in rows])
    if np.isnan(gold).any():
        raise ReproError(f"{path}: line {int(np.isnan(gold).argmax()) + 2} has no relatedness score")
    pairs = _pairs(path, split, [row[1] for row in rows], [row[2] for row in rows], gold)
    return Pairs(pairs.name, pairs.first, pairs.second, pairs.gold, tuple(row[4] for row in rows))
