"""Committed tables hold against the ledger, and verify finds what is wrong with one that does not."""

import shutil
from pathlib import Path

import pytest

from repro import tables
from repro.cli.main import main
from repro.data import registry
from repro.errors import ReproError
from repro.evaluation import written
from repro.evaluation.config import Options
from repro.evaluation.measurement import protocol_of
from repro.evaluation.plan import Plan, plan
from repro.evaluation.suite import Suite
from repro.published import ledger
from repro.published.verify import verify
from repro.reports.formats import texts
from repro.reports.layout import lay_out
from repro.results import csv_lines
from repro.results.csv_lines import Line
from repro.results.result import Result
from repro.results.signature import Signature

TABLE = tables.get("sbert-1")
COMMITTED = Path(__file__).parents[2] / "tables"


@pytest.mark.parametrize("table_id", tables.TABLES)
def test_committed_tables_hold(table_id: str) -> None:
    assert verify(table_id, COMMITTED) == []


def test_minilm_matches_mteb_in_the_committed_table() -> None:
    lines = csv_lines.from_csv(COMMITTED / "sbert-1.csv")
    found = {line["column"]: line for line in lines if line["row"] == "all-minilm-l6-v2"}
    # an independent harness on the same files
    expected = {"sts12": 72.37, "sts13": 80.60, "sts14": 75.59, "sts15": 85.39, "sts16": 78.99, "stsb": 82.03}
    for column, value in {**expected, "sickr": 77.15, "sickr-all": 77.58}.items():
        assert float(found[column]["value"]) == pytest.approx(value, abs=0.0051), column
        assert found[column]["verdict"] == ("no-published" if column == "sickr" else "match")


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    for suffix in ("csv", "md", "tex"):
        shutil.copy(COMMITTED / f"sbert-1.{suffix}", tmp_path)
    return tmp_path


def edit(folder: Path, column: str, **values: str) -> None:
    path = folder / "sbert-1.csv"
    lines = csv_lines.from_csv(path)
    for line in lines:
        if (line["row"], line["column"]) == ("all-minilm-l6-v2", column):
            line.update(values)
    path.write_text(csv_lines.to_csv(lines), encoding="utf-8")


def test_a_deviation_without_a_reason_fails(copy: Path) -> None:
    edit(copy, "sts13", value="83.0", ci_high="84.0", delta="2.3968327778", verdict="deviates")
    assert any(
        "sts13: deviates by +2.3968" in sentence and "no reason" in sentence for sentence in verify("sbert-1", copy)
    )


def test_a_verdict_that_the_ledger_does_not_give_fails(copy: Path) -> None:
    edit(copy, "sts12", value="75.0", ci_high="76.0", delta="2.631000019")
    assert any("verdict is match, the ledger says deviates" in sentence for sentence in verify("sbert-1", copy))


def test_another_published_number_fails(copy: Path) -> None:
    edit(copy, "sts12", published="72.0")
    assert any("published is 72.0, the ledger says 72.36" in sentence for sentence in verify("sbert-1", copy))


@pytest.mark.parametrize("suffix", ["md", "tex"])
def test_a_text_that_says_something_else_fails(suffix: str, copy: Path) -> None:
    path = copy / f"sbert-1.{suffix}"
    path.write_text(path.read_text(encoding="utf-8").replace("80.60", "80.61"), encoding="utf-8")
    assert verify("sbert-1", copy) == [
        f"{path} does not say what sbert-1.csv says; `repro report sbert-1` writes it again"
    ]


def test_a_dropped_row_fails(copy: Path) -> None:
    path = copy / "sbert-1.csv"
    lines = [line for line in csv_lines.from_csv(path) if line["row"] != "use"]
    path.write_text(csv_lines.to_csv(lines), encoding="utf-8")
    assert any("use × sts12 is missing" in sentence for sentence in verify("sbert-1", copy))


# rows of one's own: an encoder as it is, under maps, timed, and trained from a base (`MODEL`: a two-layer BERT)
OWN = [
    ("sbert-1", "--encoder MODEL --row MODEL --task stsb"),
    (
        "simcse-5",
        "--encoder MODEL,post=whitening --encoder MODEL,post=flow,levels=1 --row MODEL,post=whitening --task stsb",
    ),
    ("sbert-7", "--encoder MODEL --row MODEL"),
    ("sbert-4", "--base MODEL --row MODEL:wikisec"),
]


@pytest.mark.parametrize(("table", "own"), OWN)
def test_a_table_with_rows_of_ones_own_holds(table: str, own: str, tiny_bert: Path, tmp_path: Path) -> None:
    arguments = f"table {table} --suite mini --device cpu --offline --out {tmp_path} {own}"
    assert main(arguments.replace("MODEL", str(tiny_bert)).split()) == 0
    lines = csv_lines.from_csv(tmp_path / f"mini/{table}.csv")
    assert {line["row"] for line in lines if line["value"] and line["row"].startswith(str(tiny_bert))}
    assert verify(table, tmp_path / "mini", "mini") == []


# What follows changes the lines and writes Markdown and LaTeX from them, so that all three say the same wrong thing.

FLOWS = tables.get("simcse-5")
FILE = "0123456789abcdef" * 4
PLAIN, FLOWED = "minilm-cls", "bert-base-flow3-nli"
MADE_UP = {"alignment": 0.2, "uniformity": -2.0, "cosine": 0.5, "isoscore": 0.1}


@pytest.fixture
def made(tmp_path: Path) -> Plan:
    """A plan with made-up results: a row without seeds, and one of five that has published numbers."""
    found = plan(FLOWS, Options(suite=Suite(own=tmp_path)))
    for row, seeds in ((PLAIN, 1), (FLOWED, 5)):
        for number, column in enumerate(FLOWS.scored()):
            there = ledger.published(next(r for r in FLOWS.rows if r.slug == row).published, column.slug)
            value = there.value + 0.3 if there else MADE_UP.get(column.metric, 60 + number + 1 / 3)
            system = next(r.system for r in FLOWS.rows if r.slug == row).stated(column.slug, found.options)
            data = registry.public_digests()[column.task]
            protocol = {**protocol_of(found.options, column), "data": data[:12]}
            signature = Signature(column.task, protocol, system or {}, "0.3.0")
            (base,) = next(r.system for r in FLOWS.rows if r.slug == row).bases()
            weights = f"{base.weights}@{base.revision} sha256:{FILE[:12]}"
            about = (column.metric, value, None, None, signature, weights, data, "cpu", "float32", 1.0, "c")
            found.stored[row, column.slug] = Result(*about, seeds=seeds, std=0.2 if seeds == 5 else None)
    return found


def put(folder: Path, lines: list[Line]) -> None:
    for path, text in texts(lay_out(FLOWS, lines), folder / f"{FLOWS.id}.csv").items():
        path.write_text(text, encoding="utf-8")


def test_made_up_lines_hold(made: Plan, tmp_path: Path) -> None:
    put(tmp_path, written.lines_of(made))
    assert verify(FLOWS.id, tmp_path) == []
    lines = csv_lines.from_csv(tmp_path / f"{FLOWS.id}.csv")
    verdicts = {(line["row"], line["column"]): line["verdict"] for line in lines if line["value"]}
    assert verdicts[FLOWED, "stsb"] == verdicts[FLOWED, "avg"] == "within-noise"
    assert verdicts[PLAIN, "avg"] == "no-published"


# (row, column, what is changed, what is said)
EDITS: list[tuple[str, str, dict[str, str], str]] = [
    (PLAIN, "avg", {"value": "99.9"}, "avg: is 99.9; its parts make 63.33333333"),
    (PLAIN, "avg", {"value": ""}, "avg: is empty; its parts make 63.33333333"),
    (FLOWED, "avg", {"value": "70.0"}, "avg: is 70.0; its parts make"),
    (PLAIN, "sts12", {"value": "99.9"}, "avg: is 63.3333333333; its parts make 68.9"),
    (PLAIN, "alignment", {"value": "nan"}, "alignment has the value 'nan'"),
    (PLAIN, "alignment", {"ci_high": "1e999"}, "ci_high is '1e999', which is no finite number"),
    (PLAIN, "alignment", {"std": "small"}, "std is 'small', which is no finite number"),
    (PLAIN, "alignment", {"zero_vectors": "many"}, "zero_vectors is 'many', which is no finite number"),
    (FLOWED, "stsb", {"tolerance": "9.0"}, "tolerance is 9.0, the ledger says 0.5"),
    (FLOWED, "stsb", {"std": "0.4"}, "tolerance is 0.5, the ledger says 0.8"),
    (FLOWED, "stsb", {"seeds": "50"}, "seeds is 50, its signature says 5"),
    (PLAIN, "stsb", {"seeds": "5"}, "seeds is 5, its signature says 1"),
    (FLOWED, "stsb", {"group": "Supervised models"}, "group is Supervised models, the ledger says Unsupervised models"),
    (FLOWED, "stsb", {"label": "BERT-large-flow"}, "label is BERT-large-flow, the ledger says BERT-base-flow"),
    (FLOWED, "stsb", {"metric": "pearson-all"}, "metric is pearson-all, the ledger says spearman-all"),
    (FLOWED, "stsb", {"table": "flow-2"}, "table is flow-2, the ledger says simcse-5"),
    (FLOWED, "stsb", {"data_sha256": "f" * 64}, "data_sha256 is ffffffffffff, its signature says 50fea73f489f"),
    (FLOWED, "stsb", {"data_sha256": ""}, "data_sha256 is empty, its signature says 50fea73f489f"),
    (FLOWED, "stsb", {"verdict": "match"}, "verdict is match, the ledger says within-noise"),
    (FLOWED, "stsb", {"delta": "0.0"}, "delta is 0.0, the ledger says 0.3"),
    (FLOWED, "stsb", {"published": "68.96"}, "published is 68.96, the ledger says 68.66"),
    (FLOWED, "stsb", {"published_std": "0.1"}, "published_std is 0.1, the ledger says nothing"),
    (FLOWED, "stsb", {"reason": "because"}, "the reason is 'because', the ledger says 'nothing'"),
    (FLOWED, "stsb", {"dtype": "bfloat16"}, "dtype is bf16, its signature says fp32"),
    (FLOWED, "stsb", {"signature": "sts12|agg:all|v:0.3.0"}, "corr is unset, and that of its column is spearman"),
    ("use", "stsb", {"device": "cpu"}, "has no value and says device"),
    ("use", "stsb", {"verdict": "match"}, "verdict is match, the ledger says not-run"),
    ("use", "stsb", {"row": "nobody"}, "the cell use × stsb is missing"),
    ("use", "stsb", {"column": "sts12"}, "the cell use × sts12 is there twice"),
]


@pytest.mark.parametrize(("row", "column", "changes", "message"), EDITS, ids=lambda value: str(value)[:40])
def test_what_all_three_files_say_alike_is_still_held_against_ledger_and_signature(
    row: str, column: str, changes: dict[str, str], message: str, made: Plan, tmp_path: Path
) -> None:
    lines = written.lines_of(made)
    (line,) = (line for line in lines if (line["row"], line["column"]) == (row, column))
    line.update(changes)
    try:
        put(tmp_path, lines)
    except ReproError:  # what cannot be shown at all
        (tmp_path / f"{FLOWS.id}.csv").write_text(csv_lines.to_csv(lines), encoding="utf-8")
    assert any(message in sentence for sentence in verify(FLOWS.id, tmp_path)), verify(FLOWS.id, tmp_path)
    assert main(["verify", FLOWS.id, "--out", str(tmp_path)]) == 1


# a part of a signature, in every line of a column alike, and what is said
SIGNED = [
    ("corr:spearman", "corr:pearson", "corr is pearson, and that of its column is spearman"),
    ("agg:all", "agg:wmean", "agg is wmean, and that of its column is all"),
    ("text:senteval", "text:raw", "text is raw, and that of its column is senteval"),
    ("data:", "limit:20|data:", "limit is 20, and that of its column is unset"),
]


@pytest.mark.parametrize(("part", "other", "message"), SIGNED)
def test_another_protocol_in_a_whole_column_is_not_that_of_the_table(
    part: str, other: str, message: str, made: Plan, tmp_path: Path
) -> None:
    lines = written.lines_of(made)
    for line in lines:
        if line["column"] == "stsb":
            line["signature"] = line["signature"].replace(part, other)
    put(tmp_path, lines)
    assert any(message in sentence for sentence in verify(FLOWS.id, tmp_path)), verify(FLOWS.id, tmp_path)
