"""A table's CSV file in pandas."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from repro import tables
from repro.errors import ReproError
from repro.results import frame
from repro.results.csv_lines import from_csv
from repro.tables.spec import Average
from tests.processes import modules_after

COMMITTED = Path(__file__).parents[2] / "tables"


@pytest.mark.parametrize("suite", ["paper", "mini"])
@pytest.mark.parametrize("name", tables.TABLES)
def test_committed_files_are_read_and_written_to_the_byte(name: str, suite: str, tmp_path: Path) -> None:
    path = (COMMITTED if suite == "paper" else COMMITTED / suite) / f"{name}.csv"
    read = frame.read(path)
    assert len(read) == len(from_csv(path))
    frame.write(read, tmp_path / "t.csv", tables.get(name, suite).banner)
    assert (tmp_path / "t.csv").read_bytes() == path.read_bytes()


def test_columns_have_types() -> None:
    read = frame.read(str(COMMITTED / "sbert-1.csv")).set_index(["row", "column"])
    line = read.loc["all-minilm-l6-v2", "sts12"]
    assert line["value"] == pytest.approx(72.369, abs=1e-3)
    assert (line["seeds"], line["label"]) == (1, "all-MiniLM-L6-v2")
    missing = read.loc["use", "sts12"]
    assert missing["value"] != missing["value"]  # NaN
    assert missing["seeds"] is pd.NA
    assert missing["signature"] == ""
    assert read["value"].dtype == read["tolerance"].dtype == "float64"


@pytest.mark.parametrize("name", tables.TABLES)
def test_averages_of_committed_tables_are_those_of_pandas(name: str) -> None:
    table = tables.get(name)
    scores = frame.pivot(frame.read(COMMITTED / f"{name}.csv"))
    assert list(scores.columns) == [column.slug for column in table.columns]
    assert list(scores.index)[: len(table.rows)] == [row.slug for row in table.rows]
    for average in (column for column in table.columns if isinstance(column, Average)):
        mean = scores[list(average.of)].mean(axis=1, skipna=False)
        pd.testing.assert_series_equal(scores[average.slug], mean, check_names=False, rtol=0, atol=1e-9)


def test_other_columns_pivot_too() -> None:
    verdicts = frame.pivot(frame.read(COMMITTED / "sbert-1.csv"), "verdict")
    assert verdicts.loc["all-minilm-l6-v2", "sts12"] == "match"


@pytest.mark.parametrize(("name", "text"), [("delta", "much"), ("ci_low", "nan"), ("seeds", "1.5"), ("std", "1_0")])
def test_text_in_place_of_a_number_is_refused(name: str, text: str, tmp_path: Path) -> None:
    read = frame.read(COMMITTED / "sbert-1.csv").astype({name: object})
    read.loc[0, name] = text
    frame.write(read, tmp_path / "t.csv")
    with pytest.raises(ReproError, match=f"{name} is '{text}', which is no"):
        frame.read(tmp_path / "t.csv")


def test_a_frame_without_a_column_and_a_cell_twice_are_refused(tmp_path: Path) -> None:
    read = frame.read(COMMITTED / "sbert-1.csv")
    with pytest.raises(ReproError, match="no column verdict"):
        frame.write(read.drop(columns="verdict"), tmp_path / "t.csv")
    with pytest.raises(ReproError, match="there twice"):
        frame.pivot(pd.concat([read, read.head(1)]))


def test_pandas_is_imported_by_reading_alone() -> None:
    assert "pandas" not in modules_after("import repro.results.frame")
