"""A table's CSV file as a pandas DataFrame: read, written and pivoted. `repro.results("sbert-1")` finds the file.

from repro.results import frame
frame.pivot(frame.read("tables/sbert-1.csv"))    # rows × columns of scores
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from repro.errors import ReproError
from repro.paths import write_atomic
from repro.results.csv_lines import COUNTS, FIELDS, NUMBERS, Line, as_text, from_csv, number, to_csv

if TYPE_CHECKING:
    from pandas import DataFrame

FLOATS = (*NUMBERS, "published", "published_std", "delta", "tolerance")


def read(path: Path | str) -> DataFrame:
    """The file's lines in order, one a cell of the table; the banner is left out.

    ReproError where the file has other columns, or text in place of a number.
    """
    return of_lines(from_csv(Path(path), complete=True), str(path))


def of_lines(lines: Sequence[Line], source: str) -> DataFrame:
    """Lines as a frame. Scores and other numbers are float64 (NaN where a cell has none), `seeds` and `zero_vectors`
    Int64 (NA), all other columns text ('' where a cell has none).

    ReproError, naming the source, where text stands in place of a number.
    """
    import pandas as pd  # takes longer to import than a table takes to read

    columns = {name: [line[name] for line in lines] for name in FIELDS}
    numbers = {name: _numbers(source, name, columns[name]) for name in (*FLOATS, *COUNTS)}
    types = dict.fromkeys(FIELDS, "str") | dict.fromkeys(FLOATS, "float64") | dict.fromkeys(COUNTS, "Int64")
    return pd.DataFrame(columns | numbers).astype(types)


def _numbers(source: str, name: str, texts: list[str]) -> list[float | None]:
    numbers = [number(text) for text in texts]
    for text, value in zip(texts, numbers, strict=True):
        if text and (value is None or (name in COUNTS and not value.is_integer())):
            raise ReproError(
                f"{source}: {name} is {text!r}, which is no {'count' if name in COUNTS else 'finite number'}"
            )
    return numbers


def write(frame: DataFrame, path: Path | str, banner: str = "") -> None:
    """Inverse of `read`, to the byte, with the table's banner; ReproError where a column is missing."""
    if missing := [name for name in FIELDS if name not in frame]:
        raise ReproError(f"the frame has no column {missing[0]}; it needs {', '.join(FIELDS)}")
    texts = frame[list(FIELDS)].astype(object).where(frame.notna(), None).map(as_text)
    write_atomic(Path(path), to_csv(texts.to_dict("records"), banner))


def pivot(frame: DataFrame, values: str = "value") -> DataFrame:
    """One column of the file as a table: rows by slug, columns by slug, both in the file's order.

    ReproError where the file has a cell twice.
    """
    if frame.duplicated(["row", "column"]).any():
        raise ReproError("a cell is there twice; see `repro verify`")
    table = frame.pivot(index="row", columns="column", values=values)
    return table.reindex(index=frame["row"].unique(), columns=frame["column"].unique())
