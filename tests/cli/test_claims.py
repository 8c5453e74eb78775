"""What `repro claims` prints and writes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import pytest

from repro.cli.main import main
from repro.published.claims import BASE, CLAIMS, MODELS
from repro.results import csv_lines
from repro.results.csv_lines import MEASURED, Place

COMMITTED = Path(__file__).parents[2] / "tables"


def write(folder: Path, table: str, values: Mapping[Place, Mapping[str, str]]) -> None:
    """A table with these values in place of the committed ones, and nothing else measured."""
    lines = csv_lines.from_csv(COMMITTED / f"{table}.csv")
    for line in lines:
        nothing = {**dict.fromkeys((*MEASURED, "value", "delta", "tolerance"), ""), "verdict": "not-run"}
        line.update(values.get((line["row"], line["column"]), nothing))
    folder.mkdir(exist_ok=True)
    (folder / f"{table}.csv").write_text(csv_lines.to_csv(lines), encoding="utf-8")


@pytest.fixture
def written(tmp_path: Path) -> Path:
    """A folder with one written table, in which no claim is measured."""
    write(tmp_path / "tables", "flow-1", {})
    return tmp_path / "tables"


def words(text: str) -> str:
    """The text without the lines of a grid and without line breaks inside cells."""
    return re.sub(r"[\s│┃]+", " ", text)


def test_one_table_has_every_claim_and_both_columns(written: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["claims", "--out", str(written)]) == 0
    out = capsys.readouterr().out
    header = next(line for line in out.splitlines() if "claim" in line)
    assert [name.strip() for name in header.strip("┃").split("┃")] == [
        *("table", "claim", "published", BASE),
        *MODELS.values(),
    ]
    firsts = [line for line in out.splitlines() if re.match(r"│ \w+-\w+ ", line)]
    assert [line.split()[1] for line in firsts] == [claim.table for claim in CLAIMS]
    assert all("…" not in line for line in out.splitlines())
    assert words(out).count("holds ") >= len([claim for claim in CLAIMS if claim.comparisons and not claim.despite])
    assert "sts12" not in out  # no single comparison


def test_a_table_that_is_named_shows_each_comparison(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["claims", "whitening-1", "--out", str(COMMITTED)]) == 0
    out = capsys.readouterr().out
    assert "sbert-1" not in out
    assert "61.46 − 59.54 = +1.92 ✓" in out  # the paper's STS12: whitening-256 and flow, on NLI
    assert "64.90 − 65.44 = -0.54 ✗" in out  # and SICK-R
    assert "    sts12: minilm-first-last-avg-whitening-nli 68.30, minilm-first-last-avg 71.57 (-3.27)  ✗" in out
    assert out.count("the papers' systems: not measured") == len([c for c in CLAIMS if c.table == "whitening-1"])


def test_what_is_measured_on_the_base_stands_beside_the_papers_numbers(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    values = {"scratch-nli-stsb": {"value": "72.5", "std": "0.3"}, "scratch-stsb": {"value": "69.25", "std": "0.0"}}
    write(tmp_path, "sbert-2", {(row, "stsb"): changed for row, changed in values.items()})
    assert main(["claims", "sbert-2", "--out", str(tmp_path)]) == 0
    out = capsys.readouterr().out
    line = next(line for line in out.splitlines() if "85.35 − 84.67 = +0.68 ✗" in line)
    assert "scratch-nli-stsb − scratch-stsb" in line
    assert "72.50 − 69.25 = +3.25 ✗" in line
    assert "95 % +2.50 to +4.00 over seeds" in out  # 4.302653 (t of two degrees of freedom) · 0.3 / √3


def test_an_empty_home_stays_empty(
    tmp_path: Path, written: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Claims read the ledger and the written tables: no data set is fetched, no hub is asked, nothing is written."""

    def asked(*_: object, **__: object) -> None:
        raise AssertionError("claims went for something that is not here")

    for name in ("pooch.retrieve", "huggingface_hub.snapshot_download", "huggingface_hub.hf_hub_download"):
        monkeypatch.setattr(name, asked)
    monkeypatch.setattr("repro.hub.hub_answers", asked)
    every_id = list(dict.fromkeys(claim.table for claim in CLAIMS))
    assert main(["claims", *every_id, "--out", str(written)]) == 0
    out = capsys.readouterr().out
    assert out.count("  published: holds") == len([c for c in CLAIMS if c.comparisons and not c.despite])
    assert not (tmp_path / "home").exists()


def test_the_page_is_of_all_claims(tmp_path: Path, written: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["claims", "--out", str(written), "--page", str(tmp_path / "page")]
    assert main([*command[:1], "sbert-1", *command[1:]]) == 2
    assert "the page is of all claims; leave out sbert-1" in capsys.readouterr().err
    assert main(command) == 0
    assert f"wrote {tmp_path}/page/claims.md" in capsys.readouterr().out
    assert [path.name for path in (tmp_path / "page").iterdir()] == ["claims.md"]  # no figure of nothing


@pytest.mark.parametrize("content", [None, "", "row,column,value\n"])
def test_without_a_written_table_nothing_is_said_and_a_page_stays_as_it_is(
    content: str | None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    if content is not None:
        (tmp_path / "sbert-2.csv").write_text(content)
    (tmp_path / "claims.md").write_text("a good page")
    out = tmp_path if content is not None else tmp_path / "mistyped"
    for named in (["sbert-2"], ["--page", str(tmp_path)]):
        assert main(["claims", *named, "--out", str(out)]) == 2
        said = capsys.readouterr()
        assert said.out == ""
        expected = (
            "holds no written table" if content is None else "sbert-2.csv is not as this suite wrote it: it has no"
        )
        assert expected in said.err
    assert (tmp_path / "claims.md").read_text() == "a good page"


@pytest.mark.parametrize("kept", [1.0, 0.5])
def test_half_a_file_is_not_taken_for_a_table_of_which_half_was_measured(
    kept: float, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = (COMMITTED / "whitening-1.csv").read_text(encoding="utf-8").splitlines(keepends=True)
    (tmp_path / "whitening-1.csv").write_text("".join(lines[: int(kept * len(lines))]), encoding="utf-8")
    assert main(["claims", "--out", str(tmp_path)]) == (0 if kept == 1 else 2)
    said = capsys.readouterr()
    assert (not said.out, "whitening-1.csv is not as this suite wrote it: the cell" in said.err) == (kept < 1, kept < 1)


def test_where_nothing_was_written_yet_the_published_numbers_are_held(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["claims", "whitening-1"]) == 0
    assert "holds 7/7" in words(capsys.readouterr().out)
    assert main(["claims", "--page", "docs"]) == 2  # of which there would be nothing measured
