"""A table's CSV file and its lines, one a cell: each is a dictionary from the file's columns to text.

The lines are what a run writes, what verdicts are given on, and all that the other files of a table are made of.
`results/frame.py` has them as a pandas DataFrame.
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable, Mapping
from pathlib import Path

from repro.errors import ReproError
from repro.impostors import refuse_file
from repro.numerals import real

LONGEST = 1 << 30  # characters of a cell: a signature may hold a prompt or arguments of any length
Line = dict[str, str]
Place = tuple[str, str]  # slugs of row and column

PROVENANCE = (
    *("signature", "encoder", "weights", "data_sha256", "zero_vectors", "device", "dtype", "seconds", "commit"),
)
MEASURED = ("value", "ci_low", "ci_high", "std", "seeds", *PROVENANCE)
JUDGED = ("published", "published_std", "delta", "tolerance", "verdict", "reason")
FIELDS = (
    *("table", "group", "row", "label", "column", "metric", "value", "ci_low", "ci_high", "std", "seeds"),
    *JUDGED,
    *PROVENANCE,
)
NUMBERS = ("value", "ci_low", "ci_high", "std", "seconds")  # of what is measured
COUNTS = ("seeds", "zero_vectors")


def to_csv(lines: Iterable[Line], banner: str = "") -> str:
    """The file's text; a banner stands in front as a comment line."""
    text = io.StringIO()
    if banner:
        text.write(f"# {banner}\n")
    writer = csv.DictWriter(text, FIELDS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(lines)
    return text.getvalue()


def from_csv(path: Path, complete: bool = False) -> list[Line]:
    """Inverse of `to_csv`, of a file that a spreadsheet may have saved; ReproError when this suite wrote no such file.

    Numbers are brought back into the form in which the suite writes them. `complete`: also a file whose columns are
    not exactly those of this version is refused.
    """
    try:
        refuse_file(path)
        text = path.read_text(encoding="utf-8").lstrip("\ufeff")
        rows = [cells for cells in _rows(text) if any(cells)]
    except UnicodeDecodeError:
        raise ReproError(f"{path} is not UTF-8; save it as such (in a spreadsheet: CSV UTF-8)") from None
    except OSError as error:
        raise ReproError(f"{path} cannot be read ({error.strerror})") from None
    except csv.Error as error:
        raise ReproError(f"{path} is no comma-separated text ({error}); move it away") from None
    while rows and rows[0][0].startswith(("#", "sep=")):
        del rows[0]
    if len(rows) < 2:  # nothing under a header
        return []
    names = _without_end(rows[0], 0)
    for separator, called in {";": "semicolons", "\t": "tabs"}.items():
        if names[0].count(separator) > 2:
            raise ReproError(f"{path} is separated by {called}; save it with commas, and with points in its numbers")
    if twice := next((name for name in names if name and names.count(name) > 1), ""):
        raise ReproError(f"{path} has the column {twice} twice; take the file as it was written")
    if complete and names != list(FIELDS):
        raise ReproError(f"{path} has other columns than this version writes; write it again")
    lines = []
    for cells in (_without_end(row, len(names)) for row in rows[1:]):
        if len(cells) != len(names) or not {"row", "column", "value"} <= set(names):
            raise ReproError(f"{path} is no table that this suite wrote; move it away, or name another folder")
        line = normal(dict(zip(names, cells, strict=True)))
        if line["value"] and number(line["value"]) is None:
            raise ReproError(
                f"{path}: {line['row']} × {line['column']} has the value {line['value']!r}; correct it, or move it away"
            )
        lines.append(line)
    return lines


def unwritten(path: Path, table_id: str) -> ReproError:
    """What is said of a table whose CSV file is not there."""
    return ReproError(f"{path} is missing; write it with `repro table {table_id}`")


def _rows(text: str) -> list[list[str]]:
    usual = csv.field_size_limit(LONGEST)
    try:
        return list(csv.reader(io.StringIO(text)))
    finally:
        csv.field_size_limit(usual)


def _without_end(cells: list[str], length: int) -> list[str]:
    """The cells without the empty ones beyond that length, which a spreadsheet may have added."""
    end = max([length, *(place for place, cell in enumerate(cells, 1) if cell)])
    return cells[:end]


def normal(line: Mapping[str, str]) -> Line:
    """The line with its numbers as this suite writes them, whatever a spreadsheet made of them; other text stays."""
    return {name: _normal(name, text) for name, text in line.items()}


def _normal(name: str, text: str) -> str:
    if name not in (*NUMBERS, *COUNTS) or not text:
        return text
    value = number(text)
    if value is None:
        return text
    return str(int(value)) if name in COUNTS and value.is_integer() else as_text(value)


def number(text: str) -> float | None:
    """The finite number that a text is, or None."""
    try:
        value = real(text.strip())
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def signed(value: float, decimals: int) -> str:
    """A difference as it is shown: `+0.49`, `-0.49`, and `±0.00` where it rounds to nothing."""
    text = f"{value:+.{decimals}f}"
    return text if text.strip("+-0.") else "±" + text[1:]


def as_text(value: object) -> str:
    """A value as it stands in a line: '' for None, a float to 1e-10 (below that, the order of a sum decides)."""
    if isinstance(value, float):
        return repr(round(value, 10))
    return "" if value is None else str(value)
