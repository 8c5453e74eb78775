"""Text files as lines and cells, of the suite's data and of a user's own: what they accept, and what they say."""

from __future__ import annotations

import csv
import os
import stat
import sys
from collections.abc import Collection, Iterator
from pathlib import Path

from repro.data.convert import text_lines
from repro.errors import ReproError

EMPTY = " "  # in place of a cell without a sentence


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


def read_lines(path: Path, encoding: str = "utf-8", marked: str = "utf-8") -> list[str]:
    """The file's lines (`text_lines`); one clear sentence when it is missing, empty, no file or of another encoding."""
    if not is_file(path):
        raise ReproError(f"{path} is missing; run `repro fetch` or name a SentEval folder with --data")
    lines = text_lines(_read(path), str(path), encoding, marked)
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


def read_csv(
    path: Path,
    columns: tuple[str, ...],
    encoding: str = "utf-8",
    empty: Collection[str] = (),
    delimiter: str = ",",
) -> Iterator[tuple[int, list[str]]]:
    """(number of its last line, cells in the order of `columns`) of each row of a comma-separated file, or of one with
    another delimiter.

    Cells that are one of `empty`, or not there, become `EMPTY`; where there is no such list, ReproError names them, as
    it does a missing column and a row that has more cells than the header.
    """
    lines, separator = read_lines(path, encoding), "tab" if delimiter == "\t" else "comma"
    reader = csv.DictReader((f"{line}\n" for line in lines), delimiter=delimiter)
    try:
        missing = [name for name in columns if name not in (reader.fieldnames or ())]
        if missing:
            raise ReproError(f"{path} has no column {missing[0]!r}; it needs {', '.join(columns)}")
        for row in reader:
            if None in row:
                raise ReproError(
                    f"{path}: line {reader.line_num} has more cells than the header; quote its {separator}s"
                )
            cells = [EMPTY if empty and (row[name] or "") in empty else row[name] for name in columns]
            if not all(cells):
                column = columns[[bool(cell) for cell in cells].index(False)]
                raise ReproError(f"{path}: line {reader.line_num} has an empty {column}")
            yield reader.line_num, cells
    except csv.Error as error:
        raise ReproError(f"{path}: line {reader.line_num + 1} is not {separator}-separated text ({error})") from None
