"""Readers of SentEval's layout, for fetched data, the embedded set and a user's own folder alike."""

from __future__ import annotations

import hashlib
import math
import os
import stat
import sys
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


def is_file(path: Path) -> bool:
    """Whether there is a file of that name to read; ReproError where a folder, pipe or device has it, or none can."""
    try:
        mode = path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        return False
    except (OSError, ValueError) as error:  # ValueError: NUL, or characters that no file name can have
        raise ReproError(f"{str(path)!r} cannot be read ({_reason(error)}); name another file") from None
    if stat.S_ISDIR(mode):
        raise ReproError(f"{path} is a folder and not a file; name a file")
    if not stat.S_ISREG(mode):
        raise ReproError(f"{path} is a pipe or a device and not a regular file; name a regular file")
    if not os.access(path, os.R_OK):
        raise ReproError(f"{path} may not be read by this user; change its mode, or name another file")
    return True


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ReproError(f"{path} cannot be read ({_reason(error)}); copy it anew") from None


def read_lines(path: Path, encoding: str = "utf-8") -> list[str]:
    """The file's lines (`text_lines`); one clear sentence when it is missing, empty, no file or of another encoding."""
    if not is_file(path):
        raise ReproError(f"{path} is missing; run `repro fetch` or name a SentEval folder with --data")
    lines = text_lines(_read(path), str(path), encoding)
    if not lines:
        raise ReproError(f"{path} is empty; fetch it again")
    return lines


def own_lines(path: Path) -> list[str]:
    """The lines of a file that the user names, `-` for standard input: a sentence, or a pair of them, on each.

    Row i is line i: blank lines are empty sentences, and blanks stay as they are.
    """
    if str(path) == "-":
        name, data = "standard input", _standard_input()
    elif is_file(path):
        name, data = str(path), _read(path)
    else:
        raise ReproError(f"{path} is not a file; name a text file with one sentence a line, or - for standard input")
    lines = text_lines(data, name)
    if not lines:
        raise ReproError(f"{name} is empty; give it at least one sentence, one a line")
    return lines


def _standard_input() -> bytes:
    try:
        return sys.stdin.buffer.read()
    except (AttributeError, OSError, ValueError):  # closed: None, a bad descriptor, or a closed file
        raise ReproError("standard input cannot be read; name a file instead of -") from None


def cells_of(path: Path, lines: list[str], columns: int, start: int = 1) -> list[list[str]]:
    """Tab-separated cells, empty lines at the end left out; ReproError names the first line with too few columns."""
    count = max((number for number, line in enumerate(lines, 1) if line), default=0)
    rows = [line.split("\t") for line in lines[:count]]
    for number, row in enumerate(rows, start):
        if len(row) < columns:
            raise ReproError(f"{path}: line {number} has {len(row)} columns, expected {columns} separated by tabs")
    return rows


def score(text: str, path: Path, line: int, low: float = 0, high: float = 5) -> float:
    """A gold score as a number; ReproError names file and line where it is none, or none from `low` to `high`."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not low <= value <= high or "_" in text:  # Python reads 1_0 as ten
        raise ReproError(f"{path}: line {line} has the gold score {text!r}, expected a number from {low:g} to {high:g}")
    return value


def read_sts_subset(folder: Path, name: str) -> Pairs:
    """One subset of an STS year: STS.input.<name>.txt and STS.gs.<name>.txt.

    STS15 and STS16 ship unscored pairs, an empty line for each; SentEval drops them (sts.py:36-42).
    """
    inputs, golds = folder / f"STS.input.{name}.txt", folder / f"STS.gs.{name}.txt"
    rows, values = cells_of(inputs, read_lines(inputs), 2), read_lines(golds)
    if not any(value.strip() for value in values[len(rows) :]):  # blank lines beyond the last pair
        values = values[: len(rows)]
    if len(rows) != len(values):
        raise ReproError(f"{inputs} has {len(rows)} pairs but {golds.name} has {len(values)} scores")
    graded = [
        (row, score(value, golds, line))
        for line, (row, value) in enumerate(zip(rows, values, strict=True), 1)
        if value.strip()
    ]
    if not graded:
        raise ReproError(f"{golds}: no pair has a gold score")
    return Pairs(
        name,
        tuple(row[0] for row, _ in graded),
        tuple(row[1] for row, _ in graded),
        np.array([gold for _, gold in graded]),
    )


def read_stsb(folder: Path, split: str) -> Pairs:
    """sts-{train,dev,test}.csv: gold in column 5, sentences in 6 and 7."""
    path = folder / f"sts-{split}.csv"
    rows = cells_of(path, read_lines(path), 7)
    gold = np.array([score(row[4], path, line) for line, row in enumerate(rows, 1)])
    return Pairs(split, tuple(row[5] for row in rows), tuple(row[6] for row in rows), gold)


SICK_FILES = {"train": "SICK_train.txt", "trial": "SICK_trial.txt", "test": "SICK_test_annotated.txt"}


def read_sick(folder: Path, split: str) -> Pairs:
    """SICK under its header: relatedness 1-5 in column 4, the entailment judgement in column 5."""
    path = folder / SICK_FILES[split]
    rows = cells_of(path, read_lines(path)[1:], 5, start=2)
    if not rows:
        raise ReproError(f"{path} has a header and no pairs; fetch it again")
    gold = np.array([score(row[3], path, line, low=1) for line, row in enumerate(rows, 2)])
    first, second, labels = (tuple(row[column] for row in rows) for column in (1, 2, 4))
    return Pairs(split, first, second, gold, labels)
