"""Text files as lines and cells, of the suite's data and of a user's own: what they accept, and what they say."""

from __future__ import annotations

import csv
import os
import stat
import sys
from collections.abc import Collection, Iterator
from itertools import zip_longest
from pathlib import Path

from repro.data.convert import text_lines
from repro.errors import ReproError

EMPTY = " "  # in place of a cell without a sentence
SEPARATORS = {",": "comma", "\t": "tab"}


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
        raise ReproError(f"{path} is missing; put the published file in its place")
    lines = text_lines(_read(path), str(path), encoding, marked)
    if not lines:
        raise ReproError(f"{path} is empty; get the file again")
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


def cells_of(path: Path, lines: list[str], columns: int, start: int = 1, exactly: bool = False) -> list[list[str]]:
    """Tab-separated cells, empty lines at the end left out; ReproError names the first line with too few columns, or
    with too many where there must be `exactly` so many."""
    count = max((number for number, line in enumerate(lines, 1) if line), default=0)
    rows = [line.split("\t") for line in lines[:count]]
    for number, row in enumerate(rows, start):
        if len(row) < columns or (exactly and len(row) > columns):
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
    rows = _csv_rows(path, read_lines(path, encoding), delimiter)
    _, header = next(rows, (0, []))
    missing = [name for name in columns if name not in header]
    if missing:
        raise ReproError(f"{path} has no column {missing[0]!r}; it needs {', '.join(columns)}")
    for number, row in rows:
        if len(row) > len(header):
            raise ReproError(
                f"{path}: line {number} has more cells than the header; quote its {SEPARATORS[delimiter]}s"
            )
        by_name = dict(zip_longest(header, row, fillvalue=""))
        cells = [EMPTY if by_name[name] in empty else by_name[name] for name in columns]
        if not all(cells):
            raise ReproError(f"{path}: line {number} has an empty {columns[cells.index('')]}")
        yield number, cells


def _csv_rows(path: Path, lines: list[str], delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """(number of its last line, cells) of each row that is not blank.

    The csv module takes what follows a quote that nobody closes for text of its cell, up to the next quote or the end
    of the file, without a word. That cell has a line end in it: rows that have one are read again, strictly.
    """
    reader = csv.reader((f"{line}\n" for line in lines), delimiter=delimiter)
    began = 1
    try:
        for cells in reader:
            if "\n" in "".join(cells):
                again = [f"{line}\n" for line in lines[began - 1 : reader.line_num]]
                list(csv.reader(again, delimiter=delimiter, strict=True))
            if cells:
                yield reader.line_num, cells
            began = reader.line_num + 1
    except csv.Error as error:
        what = f"is not {SEPARATORS[delimiter]}-separated text ({error})"
        if reader.line_num > began or "end of data" in str(error):
            what = "begins a quoted cell that has no end; close its quote, or get the file again"
        raise ReproError(f"{path}: line {began} {what}") from None
