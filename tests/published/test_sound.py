"""What speaks against a line of a table's file: it is none that a run of this suite could have written."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from repro import tables
from repro.evaluation.config import Options
from repro.evaluation.suite import Suite
from repro.evaluation.systems import Unknown
from repro.published.sound import faults
from repro.results import csv_lines
from repro.results.csv_lines import Line
from repro.tables.spec import Row

COMMITTED = Path(__file__).parents[2] / "tables"
OPTIONS = Options(suite=Suite())
MINILM = "all-minilm-l6-v2"


def line_of(table: str, row: str, column: str) -> Line:
    lines = csv_lines.from_csv(COMMITTED / f"{table}.csv")
    return next(line for line in lines if (line["row"], line["column"]) == (row, column))


def faults_of(table: str, line: Line, options: Options = OPTIONS, row: Row | None = None) -> list[str]:
    whole = tables.get(table)
    row = row or next(other for other in whole.rows if other.slug == line["row"])
    column = next(other for other in whole.scored() if other.slug == line["column"])
    return list(faults(row, column, line, options, line["data_sha256"], any_version=True))


# a row encoded, fitted with seeds, trained, timed, and one of word vectors
SOUND = [
    ("sbert-1", MINILM, "sts12"),
    ("simcse-5", "minilm-avg-flow3-nli", "stsb"),
    ("sbert-2", "minilm-stsb", "stsb"),
    ("sbert-7", MINILM, "cpu"),
    ("sbert-1", "glove-840b-sick-sbert", "sickr"),
]


@pytest.mark.parametrize(("table", "row", "column"), SOUND)
def test_committed_lines_are_sound(table: str, row: str, column: str) -> None:
    assert faults_of(table, line_of(table, row, column)) == []


# a line of SOUND, what is changed in it (a part of the signature: old and new), what is said
WRONG: list[tuple[int, dict[str, str | tuple[str, str]], str]] = [
    (0, {"value": "172.4", "ci_high": "173"}, "value is 172.4, and spearman-all is from -100 to 100"),
    (0, {"value": "0.7237"}, "value is 0.7237, its interval 70.25"),
    (0, {"ci_low": ""}, "its interval ? to 74.2"),
    (0, {"ci_low": "1e999"}, "ci_low is '1e999', which is no finite number"),
    (0, {"weights": ""}, "weights is empty"),
    (
        0,
        {"weights": ("all-MiniLM-L6-v2@", "all-mpnet-base-v2@")},
        "and those of its row are sentence-transformers/all-M",
    ),
    (1, {"weights": ("@8b32", "@8b33")}, "all-MiniLM-L6-v2@8b3219a92973c328a8e22fadcfa821b5dc75636a"),
    (
        2,
        {"weights": "scratch-bert@local sha256:0123456789ab"},
        "weights is scratch-bert@local sha256:0123456789ab, and",
    ),
    (4, {"weights": ("glove.840B.300d.sick", "glove.6B.300d")}, "those of its row are glove.840B.300d.sick.txt@"),
    (0, {"signature": ("|pool:mean", "|pool:cls|pool:mean")}, "pool:cls|pool:mean"),
    (0, {"signature": ("|dtype", "|junk|dtype")}, "which is read as"),
    (0, {"signature": ("|data:", "|limit:|data:")}, "which is read as"),
    (0, {"device": ""}, "device is empty"),
    (0, {"zero_vectors": "-1"}, "zero_vectors -1, expected counts"),
    (0, {"zero_vectors": "0.5"}, "zero_vectors 0.5, expected counts"),
    (0, {"seconds": "-3"}, "seconds -3, expected no negative number"),
    (0, {"std": "0.2"}, "std is 0.2, and seeds is 1"),
    (0, {"encoder": "minilm-cls"}, "encoder is minilm-cls, its row is all-minilm-l6-v2"),
    (0, {"dtype": "bfloat16"}, "dtype is bf16, its signature says fp32"),
    (0, {"data_sha256": "67b54973c78b"}, "data_sha256 is 67b54973c78b, which is no SHA-256"),
    (0, {"signature": ("layers:-1|", "")}, "layers is unset, and that of its row is model"),
    (1, {"signature": ("pool:mean", "pool:cls")}, "pool is cls, and that of its row is mean"),
    (2, {"signature": ("maxlen:128", "maxlen:512")}, "maxlen is 512, and that of its row is 128"),
    (0, {"signature": ("norm:yes", "norm:yes|whiten:full")}, "whiten is full, and that of its row is unset"),
    (0, {"signature": ("sim:cos", "sim:dot")}, "sim is dot, and that of its column is cos"),
    (0, {"signature": ("sts12|", "sts13|")}, "task is sts13"),
    (0, {"signature": ("|v:0.3.0", "")}, "v is unset"),
    (0, {"weights": (" sha256:53aa51172d14", "")}, "without the checksum of its files"),
    (0, {"signature": ("maxlen:256", "maxlen:0")}, "maxlen is 0, which no model has"),
    (0, {"signature": ("norm:yes", "norm:maybe")}, "norm is maybe, which no model has"),
    (0, {"signature": ("data:", "limit:5|data:")}, "limit is 5, and that of its column is unset"),
    (1, {"seeds": "3"}, "seeds is 3, its signature says 5"),
    (1, {"std": ""}, "std is empty, and seeds is 5"),
    (1, {"ci_low": "0", "ci_high": "100"}, "the interval of one model, and seeds is 5"),
    (1, {"signature": ("fit:nli-sample", "fit:target")}, "fit is target, and that of its row is nli-sample"),
    (2, {"signature": ("batch:16", "batch:32")}, "batch is 32, and that of its row is 16"),
    (3, {"value": "-1"}, "value is -1, and sentences-per-second is from 0"),
    (3, {"seeds": "1", "std": ""}, "seeds is 1, its signature says 5"),
    (4, {"dtype": "bfloat16", "signature": ("fp32", "bf16")}, "dtype is bf16, and that of its row is fp32"),
]


@pytest.mark.parametrize(("which", "changes", "message"), WRONG, ids=lambda value: str(value)[:50])
def test_what_no_run_writes(which: int, changes: dict[str, str | tuple[str, str]], message: str) -> None:
    table, row, column = SOUND[which]
    line = line_of(table, row, column)
    for name, change in changes.items():
        if isinstance(change, tuple):
            assert change[0] in line[name]
        line[name] = change if isinstance(change, str) else line[name].replace(*change)
    found = faults_of(table, line)
    assert any(message in sentence for sentence in found), found


@pytest.mark.parametrize(
    ("version", "sound"), [("0.2.0", True), ("0.3.0", True), ("0.3.1", False), ("9.9.9", False), ("new", False)]
)
def test_a_number_is_of_this_version_or_of_one_before(version: str, sound: bool) -> None:
    line = line_of(*SOUND[0])
    line["signature"] = line["signature"].replace("v:0.3.0", f"v:{version}")
    assert (faults_of("sbert-1", line) == []) == sound


def test_a_run_of_other_options_does_not_take_it_over() -> None:
    line = line_of(*SOUND[0])
    assert faults_of("sbert-1", line, replace(OPTIONS, limit=5)) == ["limit is unset, and that of its column is 5"]
    other = replace(OPTIONS, dtype="bfloat16")
    assert faults_of("sbert-1", line, other) == ["dtype is fp32, and that of its row is bf16"]
    seeds = replace(OPTIONS, seeds=2)
    assert faults_of("simcse-5", line_of(*SOUND[1]), seeds) == ["seeds is 5, and that of its row is 2"]


def test_a_row_whose_recipe_nobody_knows_can_have_any() -> None:
    line = line_of(*SOUND[0]) | {"row": "mine", "encoder": "mine"}
    assert faults_of("sbert-1", line, row=Row("mine", "mine", "Beyond the paper", Unknown())) == []
