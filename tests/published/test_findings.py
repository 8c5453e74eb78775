"""The papers' findings hold on the papers' numbers, and the evaluation of measured ones says what it found."""

from __future__ import annotations

import math
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from repro import tables
from repro.cli.main import main
from repro.errors import ReproError
from repro.published import findings, ledger
from repro.published.claims import BASE, CLAIMS
from repro.published.comparisons import Claim, Comparison, Order
from repro.published.findings import evaluate, measured
from repro.published.outcomes import Finding

PRINTED = [claim for claim in CLAIMS if claim.comparisons]  # the others are this suite's own


def named(words: str) -> Claim:
    (claim,) = (claim for claim in CLAIMS if words in claim.text)
    return claim


def fared(claim: Claim, folder: Path, text: str) -> dict[str, Finding]:
    """By source, of a table whose CSV file is this text."""
    (folder / f"{claim.table}.csv").write_text(text)
    lines = measured(folder / f"{claim.table}.csv")
    return {each.source: each for each in evaluate(claim, tables.get(claim.table), lines)}


@pytest.mark.parametrize("claim", PRINTED, ids=lambda claim: f"{claim.table}: {claim.text[:40]}")
def test_every_claim_holds_on_the_published_numbers_or_says_why_it_does_not(claim: Claim) -> None:
    found = findings.published(claim, tables.get(claim.table))
    assert found.holds is (not claim.despite)
    assert len(found.outcomes) == len(claim.comparisons)


# of the papers' tables, counted by hand: the claims that need not hold everywhere
@pytest.mark.parametrize(
    ("words", "summary"),
    [
        ("a flow on NLI on most sets", "holds 6/7"),
        ("a flow on the target on most sets", "holds 5/7"),
        ("most of SentEval's tasks", "holds 38/42, 5/7 columns"),
        ("before STS-B", "does not hold 2/4"),
        ("fitted on the target is worse", "holds 4/4"),
        ("closer to the origin", "holds 3/3"),
        ("lie denser", "holds 9/9"),
        ("every discrete augmentation", "holds 10/10"),
        ("best rate", "holds 6/6"),
        ("three eighths", "holds 8/8"),
        ("alignment and uniformity", "not published"),
    ],
)
def test_how_many_comparisons_hold_on_the_published_numbers(words: str, summary: str) -> None:
    claim = named(words)
    assert findings.published(claim, tables.get(claim.table)).summary == summary


@pytest.mark.parametrize("claim", PRINTED, ids=lambda claim: f"{claim.table}: {claim.text[:40]}")
def test_no_claim_holds_when_its_numbers_are_turned_round(claim: Claim, monkeypatch: pytest.MonkeyPatch) -> None:
    real = ledger.published

    def mirrored(ref: ledger.Ref | None, column: str) -> ledger.Published | None:
        found = real(ref, column)
        return ledger.Published(-10 * found.value, "", None, "") if found else None

    monkeypatch.setattr(ledger, "published", mirrored)
    assert findings.published(claim, tables.get(claim.table)).holds is False


def test_measured_numbers_are_read_from_the_written_table(tmp_path: Path) -> None:
    text = 'row,column,value\nminilm-u,nli,1\n"minilm-u,v,diff",nli,70.5\n"minilm-u,v",nli,80.25\n'
    found = fared(named("matters most"), tmp_path, text)
    assert list(found) == list(findings.SOURCES)
    assert str(found["the papers' systems"]) == "the papers' systems: not measured"
    assert str(found["all-MiniLM-L6-v2"]) == (
        "all-MiniLM-L6-v2: does not hold 0/1, 3 not measured\n"
        "    nli: minilm-u,v,diff 70.50, minilm-u,v 80.25 (-9.75)  ✗"
    )


def test_the_base_is_compared_as_the_paper_is_where_it_has_the_rows(tmp_path: Path) -> None:
    """Of the eight rows that the paper sets against CLS three have a counterpart, of which two are measured."""
    text = "row,column,value\nscratch-cls,sts12,30\nscratch-avg,sts12,40\nscratch-sbert-nli,sts12,29.5\n"
    claim = named("CLS without fine-tuning")
    on_base = fared(claim, tmp_path, text)[BASE]
    assert on_base.summary == "does not hold 1/2, 19 not measured, 35 without a row"
    assert [(one.comparison.first, one.mark) for one in on_base.outcomes] == [
        ("scratch-avg", "✓"),
        ("scratch-sbert-nli", "✗"),
    ]


def test_one_of_the_papers_comparisons_is_on_the_base_what_it_is_on_the_papers_numbers(tmp_path: Path) -> None:
    """One to two points: the bounds go with it, and the base has one size."""
    text = "row,column,value\nscratch-nli-stsb,stsb,71.5\nscratch-stsb,stsb,70\n"
    assert fared(named("before STS-B"), tmp_path, text)[BASE].summary == "holds 1/1, 3 without a row"
    beyond = text.replace("71.5", "72.5")
    assert fared(named("before STS-B"), tmp_path, beyond)[BASE].summary == "does not hold 0/1, 3 without a row"


def test_the_suites_own_claims_are_measured_on_the_base_under_its_own_names(tmp_path: Path) -> None:
    rows = ("scratch-avg", "scratch-avg-whitening-nli", "scratch-avg-whitening-85-nli")
    text = "row,column,value\n" + "".join(f"{row},sts12,{70 + place}\n" for place, row in enumerate(rows))
    found = fared(named("trained by contrast"), tmp_path, text)
    assert found["published"].summary == "not published"
    assert found[BASE].summary == "does not hold 0/2, 12 not measured"


def test_one_row_may_be_compared_in_two_columns(tmp_path: Path) -> None:
    row = "scratch-token-embeddings"
    text = (
        "row,column,value,signature\n"
        f"{row},word-norm-100,1.5,words-wiki-sample-100|v:1\n{row},word-norm-500,1.25,words-wiki-sample-500|v:1\n"
    )
    found = fared(named("closer to the origin"), tmp_path, text)[BASE]
    assert found.summary == "does not hold 0/1, 2 not measured"
    assert str(found.outcomes[0]) == f"word-norm-500 − word-norm-100: {row} 1.25, {row} 1.50 (-0.25)  ✗"


def test_times_are_compared_by_how_many_times_one_is_the_other_on_one_machine(tmp_path: Path) -> None:
    rows = ("scratch-first-last-avg-whitening-nli", "scratch-first-last-avg-whitening-85-nli")
    on = "search-stsb|on:a"
    times = [f"{rows[0]},stsb-ms,0.098,{on}", f"{rows[1]},stsb-ms,0.0325,{on}"]
    claim, head = named("exact search"), "row,column,value,signature\n"
    found = fared(claim, tmp_path, head + "\n".join(times))[BASE]
    assert str(found.outcomes[0]) == f"stsb-ms: {rows[0]} 0.0980, {rows[1]} 0.0325 (×3.02)  ✓"
    elsewhere = fared(claim, tmp_path, head + "\n".join([times[0], times[1].replace("on:a", "on:b")]))[BASE]
    assert elsewhere.outcomes == ()
    assert elsewhere.apart == (f"stsb-ms: {rows[0]} and {rows[1]}: one was timed on a, the other on b",)


def test_numbers_of_two_protocols_are_not_compared(tmp_path: Path) -> None:
    claim = named("trained by contrast")
    written = (
        "row,column,value,signature\nminilm-avg,sts12,71,sts12|agg:{}\n"
        "minilm-avg-whitening-nli,sts12,68.5,sts12|agg:all\n"
    )
    found = fared(claim, tmp_path, written.format("wmean"))["all-MiniLM-L6-v2"]
    assert found.holds is None
    assert "sts12: minilm-avg and minilm-avg-whitening-nli: these scores are not comparable" in str(found)
    with pytest.raises(ReproError, match=r"whitening-1\.csv has two values of minilm-avg × sts12; see `repro verify`"):
        fared(claim, tmp_path, written.format("all") + "minilm-avg,sts12,72,sts12|agg:all\n")


def test_a_claim_between_our_own_rows_is_held_against_these(tmp_path: Path) -> None:
    found = fared(
        named("trained by contrast"),
        tmp_path,
        "row,column,value\nminilm-avg,sts12,71\nminilm-avg-whitening-nli,sts12,68.5\n"
        "mpnet-avg,sts12,72\nmpnet-avg-whitening-nli,sts12,73\nmpnet-avg-whitening-256-nli,sts12,71\n",
    )
    assert found["all-MiniLM-L6-v2"].summary == "open 1/1, 13 not measured"
    assert found["all-mpnet-base-v2"].summary == "does not hold 1/2, 12 not measured"


def test_an_interval_stands_with_a_difference_where_there_are_seeds(tmp_path: Path) -> None:
    """Closed: five seeds against one number, std √5: a standard error of 1, four degrees of freedom, t 2.776; of √6
    where that number is one run."""
    text = (
        "row,column,value,std,seeds,signature\n"
        "minilm-first-last-avg-flow-target,sts12,72,2.2360679775,5,sts12|seeds:5\n"
        "minilm-first-last-avg,sts12,71,,1,sts12\n"
        "minilm-first-last-avg-flow-target,sts13,75,,1,sts13|seeds:1\nminilm-first-last-avg,sts13,71,,1,sts13\n"
    )
    found = fared(named("raises last2avg"), tmp_path, text)["all-MiniLM-L6-v2"]
    first, second = found.outcomes
    half = 2.776445  # of any table of Student's t
    assert first.interval == pytest.approx((1 - half, 1 + half), abs=1e-6)
    one_run = text.replace("71,,1,sts12\n", "71,,1,sts12|seeds:1\n")
    against_a_run = fared(named("raises last2avg"), tmp_path, one_run)["all-MiniLM-L6-v2"].outcomes[0].interval
    assert against_a_run == pytest.approx((1 - half * math.sqrt(6), 1 + half * math.sqrt(6)), abs=1e-5)
    assert (first.mark, second.mark, second.interval) == ("✓ ≈", "✓", None)
    assert "(+1.00, 95 % -1.78 to +3.78 over seeds)  ✓ ≈" in str(found)
    assert found.summary == "open 2/2, 4 not measured, 1 ≈, 1 of one run"


def test_a_run_of_a_training_does_not_scatter_as_fits_do(tmp_path: Path) -> None:
    """Nothing says how far another seed would move it, whatever the other row's seeds do."""
    flow, trained = "scratch-first-last-avg-flow3-nli", "scratch-unsup-simcse"
    text = (
        "row,column,value,std,seeds,signature\n"
        f"{trained},sts12,72,,1,sts12|train:wiki-sample|seeds:1\n"
        f"{flow},sts12,71.5,2,5,sts12|fit:target|seeds:5\n"
    )
    claim = Claim("simcse-5", "x", own=(Comparison("sts12", trained[8:], flow[8:]),))
    (one,) = fared(claim, tmp_path, text)[BASE].outcomes
    assert (one.interval, one.one_run, one.mark, one.certainty) == (None, True, "✓", "one run")
    (other,) = fared(claim, tmp_path, text.replace("fit:target", "train:nli-sample"))[BASE].outcomes
    assert (other.one_run, other.mark) == (False, "✓ ≈")


def test_rows_of_other_weights_of_one_name_are_not_compared(tmp_path: Path) -> None:
    """Another machine trains another base of that name: a difference between the two is not the method's."""
    text = (
        'row,column,value,weights\n"scratch-u,v,diff",nli,58,scratch-bert@local sha256:aa\n'
        '"scratch-u,v",nli,56,scratch-bert@local sha256:{}\n'
    )
    assert fared(named("matters most"), tmp_path, text.format("aa"))[BASE].summary == "open 1/1, 3 not measured"
    found = fared(named("matters most"), tmp_path, text.format("bb"))[BASE]
    assert found.outcomes == ()
    assert found.apart == (
        "nli: scratch-u,v,diff and scratch-u,v: one is of scratch-bert@local sha256:aa, the other of "
        "scratch-bert@local sha256:bb",
    )


# alignment, uniformity and average of rows; which pairs are compared, and whether these hold
@pytest.mark.parametrize(
    ("rows", "pairs"),
    [
        ({"cls": (0.1, -3, 70), "avg": (0.2, -2, 60)}, {("cls", "avg"): True}),
        ({"cls": (0.1, -3, 60), "avg": (0.2, -2, 70)}, {("cls", "avg"): False}),
        ({"cls": (0.1, -2, 70), "avg": (0.2, -3, 60)}, {}),  # one is better in one of them, one in the other
        ({"cls": (0.1, -3, 70), "avg": (0.1, -2, 60)}, {}),  # equal in one
        (
            {"cls": (0.1, -3, 70), "avg": (0.2, -2, 71), "max": (0.3, -1, 50)},
            {("cls", "avg"): False, ("cls", "max"): True, ("avg", "max"): True},
        ),
    ],
)
def test_alignment_and_uniformity_say_which_rows_are_compared(
    rows: dict[str, tuple[float, float, float]], pairs: dict[tuple[str, str], bool], tmp_path: Path
) -> None:
    lines = [
        "row,column,value",
        "scratch-first-last-avg,alignment,0.01",
        "scratch-first-last-avg,avg,99",
    ]  # one number short
    for row, numbers in rows.items():
        columns = zip(("alignment", "uniformity", "avg"), numbers, strict=True)
        lines += [f"scratch-{row},{column},{number}" for column, number in columns]
    claim = Claim("simcse-5", "x", order=Order("avg", ("alignment", "uniformity")))
    found = fared(claim, tmp_path, "\n".join(lines) + "\n")
    made = {(one.comparison.first, one.comparison.second): one.holds for one in found[BASE].outcomes}
    assert made == {(f"scratch-{first}", f"scratch-{second}"): holds for (first, second), holds in pairs.items()}
    assert found["all-MiniLM-L6-v2"].summary == "no such pair measured"


def test_a_models_rows_are_ordered_with_the_one_as_it_was_released() -> None:
    path = Path(__file__).parents[2] / "tables/simcse-5.csv"
    claim = named("alignment and uniformity")
    found = {each.source: each for each in evaluate(claim, tables.get("simcse-5"), measured(path))}
    rows = {row for one in found["all-mpnet-base-v2"].outcomes for row in (one.comparison.first, one.comparison.second)}
    assert "all-mpnet-base-v2" in rows
    assert not any(row.startswith("minilm") for row in rows)


def test_a_claim_that_does_not_hold_and_does_not_say_why_fails_the_check(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copy(Path(__file__).parents[2] / "tables/sbert-2.csv", tmp_path)
    assert main(["claims", "sbert-2", "--out", str(tmp_path)]) == 0
    assert "does not hold 2/4" in capsys.readouterr().out
    silent = tuple(replace(claim, despite="") for claim in CLAIMS)
    monkeypatch.setattr("repro.published.claims.CLAIMS", silent)
    monkeypatch.setattr("repro.published.findings.CLAIMS", silent)
    assert main(["claims", "sbert-2", "--out", str(tmp_path)]) == 1
    assert main(["claims", "sbert-6", "--out", str(tmp_path)]) == 0
