"""The papers' findings hold on the papers' numbers, and the evaluation of our own says what it found."""

from __future__ import annotations

from pathlib import Path

import pytest

from repro import tables
from repro.cli.main import main
from repro.errors import ReproError
from repro.evaluation.config import Options
from repro.evaluation.plan import Plan, plan
from repro.evaluation.suite import Suite
from repro.published import claims, ledger
from repro.published.claims import CLAIMS, Claim, Comparison

PRINTED = [claim for claim in CLAIMS if claim.comparisons]  # the others are this suite's own


@pytest.mark.parametrize("claim", PRINTED, ids=lambda claim: f"{claim.table}: {claim.text[:40]}")
def test_every_claim_holds_on_the_published_numbers(claim: Claim) -> None:
    found = claims.published(claim, tables.get(claim.table))
    assert found.holds is True
    assert len(found.details) == len(claim.comparisons)


@pytest.mark.parametrize("claim", PRINTED, ids=lambda claim: f"{claim.table}: {claim.text[:40]}")
def test_no_claim_holds_when_its_numbers_are_turned_round(claim: Claim, monkeypatch: pytest.MonkeyPatch) -> None:
    real = ledger.published

    def mirrored(ref: ledger.Ref | None, column: str) -> ledger.Published | None:
        found = real(ref, column)
        return ledger.Published(-10 * found.value, "", None, "", "", "") if found else None

    monkeypatch.setattr(ledger, "published", mirrored)
    assert claims.published(claim, tables.get(claim.table)).holds is False


@pytest.mark.parametrize(
    ("comparison", "first", "second", "holds"),
    [
        (Comparison("c", "a", "b"), 2.0, 1.0, True),
        (Comparison("c", "a", "b"), 1.0, 1.0, False),
        (Comparison("c", "a", "b", 5), 6.0, 1.0, False),
        (Comparison("c", "a", "b", 5), 6.1, 1.0, True),
        (Comparison("c", "a", "b", 2, near=True), 1.0, 3.0, True),
        (Comparison("c", "a", "b", 2, near=True), 1.0, 3.1, False),
    ],
)
def test_what_a_comparison_means(comparison: Comparison, first: float, second: float, holds: bool) -> None:
    assert comparison.holds(first, second) is holds


def without_data(claim: Claim, folder: Path) -> Plan:
    """Nothing that could be tested: the written numbers alone."""
    return plan(tables.get(claim.table), Options(suite=Suite(own=folder)))


def test_our_own_numbers_are_read_from_the_written_table(tmp_path: Path) -> None:
    claim = next(claim for claim in CLAIMS if "matters most" in claim.text)
    (tmp_path / "sbert-6.csv").write_text(
        'row,column,value\nminilm-u,nli,1\n"minilm-u,v,diff",nli,70.5\n"minilm-u,v",nli,80.25\n'
    )
    own, stand_in = list(claims.evaluate(claim, tmp_path, without_data(claim, tmp_path)))[1:]
    assert (own.holds, stand_in.holds) == (None, False)
    assert str(own) == "measured: not measured"
    assert "does not hold (0 of 1 comparisons; 4 not measured)" in str(stand_in)
    assert "minilm-u,v,diff 70.50, minilm-u,v 80.25 (-9.75)  ✗" in str(stand_in)


def test_numbers_of_two_protocols_are_not_compared(tmp_path: Path) -> None:
    claim = next(claim for claim in CLAIMS if "trained by contrast" in claim.text)
    written = (
        "row,column,value,signature\nminilm-avg,sts12,71,sts12|agg:{}\n"
        "minilm-avg-whitening-nli,sts12,68.5,sts12|agg:all\n"
    )
    (tmp_path / "whitening-1.csv").write_text(written.format("wmean"))
    found, _ = claims.evaluate(claim, tmp_path, without_data(claim, tmp_path))
    assert found.holds is None
    assert "sts12: minilm-avg and minilm-avg-whitening-nli: these scores are not comparable" in str(found)
    (tmp_path / "whitening-1.csv").write_text(written.format("all") + "minilm-avg,sts12,72,sts12|agg:all\n")
    with pytest.raises(ReproError, match=r"whitening-1\.csv has two values of minilm-avg × sts12; see `repro verify`"):
        list(claims.evaluate(claim, tmp_path, without_data(claim, tmp_path)))


def test_the_command_prints_every_claim(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["claims", "sbert-6", "--out", str(tmp_path)]) == 0
    out = capsys.readouterr().out
    assert out.count("published: holds") == 3
    assert "sbert-1" not in out


def test_an_empty_home_stays_empty(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Claims read the ledger and the written tables: no data set is fetched, no hub is asked, nothing is written."""

    def asked(*_: object, **__: object) -> None:
        raise AssertionError("claims went for something that is not here")

    for name in ("pooch.retrieve", "huggingface_hub.snapshot_download", "huggingface_hub.hf_hub_download"):
        monkeypatch.setattr(name, asked)
    monkeypatch.setattr("repro.hub.hub_answers", asked)
    assert main(["claims", "--out", str(tmp_path / "tables")]) == 0
    assert capsys.readouterr().out.count("published: holds") == len(PRINTED)
    assert not (tmp_path / "home").exists()


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: f"{claim.table}: {claim.text[:40]}")
def test_every_claim_names_rows_and_columns_that_exist(claim: Claim) -> None:
    table = tables.get(claim.table)
    rows, columns = {row.slug for row in table.rows}, {column.slug for column in table.columns}
    assert claim.comparisons or claim.own
    assert {comparison.column for comparison in (*claim.comparisons, *claim.own)} <= columns
    assert {row for comparison in claim.comparisons for row in (comparison.first, comparison.second)} <= rows
    for prefix in claims.MODELS:
        own = {prefix + row for comparison in claim.own for row in (comparison.first, comparison.second)}
        assert own <= rows or (prefix == "mpnet-" and "SimCSE" in claim.text)  # what nobody trained on from it


def test_a_claim_between_our_own_rows_is_held_against_these(tmp_path: Path) -> None:
    claim = next(claim for claim in CLAIMS if "trained by contrast" in claim.text)
    (tmp_path / "whitening-1.csv").write_text(
        "row,column,value\nminilm-avg,sts12,71\nminilm-avg-whitening-nli,sts12,68.5\n"
        "mpnet-avg,sts12,72\nmpnet-avg-whitening-nli,sts12,73\nmpnet-avg-whitening-256-nli,sts12,71\n"
    )
    found, other = claims.evaluate(claim, tmp_path, without_data(claim, tmp_path))
    assert str(found).startswith("measured, all-MiniLM-L6-v2: holds (1 of 1 comparisons; 13 not measured)")
    assert str(other).startswith("measured, all-mpnet-base-v2: does not hold (1 of 2 comparisons; 12 not measured)")


def test_numbers_in_a_claims_words_are_the_papers() -> None:
    """On its own u·v beats |u−v|: the claim must not say that |u−v| matters most of all."""
    claim = next(claim for claim in CLAIMS if "matters most" in claim.text)
    rows = {row.slug: row.published for row in tables.get("sbert-6").rows}
    alone = {slug: ledger.published(rows[slug], "nli") for slug in ("prod", "diff")}
    assert [found.printed for found in alone.values() if found] == ["70.54", "69.78"]
    assert "about what |u−v| adds beside (u, v); on its own u·v (70.54) beats |u−v| (69.78)" in claim.text
    assert ("diff", "prod") not in {(one.first, one.second) for one in claim.comparisons}
