"""The papers' findings as data: they name what there is, and the papers' rows become the base's by one table."""

from __future__ import annotations

import re

import pytest

from repro import tables
from repro.published import ledger
from repro.published.claims import BASE_PREFIX, CLAIMS, MODELS, ON_BASE, of_model, on_base
from repro.published.comparisons import Claim, Comparison


@pytest.mark.parametrize(
    ("comparison", "first", "second", "holds"),
    [
        (Comparison("c", "a", "b"), 2.0, 1.0, True),
        (Comparison("c", "a", "b"), 1.0, 1.0, False),
        (Comparison("c", "a", "b", 5), 6.0, 1.0, False),
        (Comparison("c", "a", "b", 5), 6.1, 1.0, True),
        (Comparison("c", "a", "b", 2, near=True), 1.0, 3.0, True),
        (Comparison("c", "a", "b", 2, near=True), 1.0, 3.1, False),
        (Comparison("c", "a", "b", -1.5), 70.0, 71.5, True),  # does not fall by more than that
        (Comparison("c", "a", "b", -0.1), 70.3, 70.4, True),  # -0.1000000000000085 in binary
        (Comparison("c", "a", "b", -1.5), 70.0, 71.51, False),
        (Comparison("c", "a", "b", 0.1), 70.4, 70.3, False),  # 0.1000000000000085: not more
        (Comparison("c", "a", "b", 1, ceiling=2), 70.3, 68.3, True),
        (Comparison("c", "a", "b", 1, ceiling=2), 2.0, 1.0, False),
        (Comparison("c", "a", "b", 1, ceiling=2), 3.0, 1.0, True),
        (Comparison("c", "a", "b", 1, ceiling=2), 3.1, 1.0, False),
        (Comparison("c", "a", "b", 3, factor=True), 0.9735, 0.2698, True),  # 3.6 times
        (Comparison("c", "a", "b", 4, factor=True), 0.9735, 0.2698, False),
    ],
)
def test_what_a_comparison_means(comparison: Comparison, first: float, second: float, holds: bool) -> None:
    assert comparison.holds(comparison.difference(first, second)) is holds


@pytest.mark.parametrize(
    ("comparison", "low", "high", "turns"),
    [
        (Comparison("c", "a", "b"), 0.1, 2.0, False),
        (Comparison("c", "a", "b"), -2.0, -0.1, False),
        (Comparison("c", "a", "b"), -0.1, 2.0, True),
        (Comparison("c", "a", "b", -1.5), -1.6, 2.0, True),
        (Comparison("c", "a", "b", -1.5), -1.4, 2.0, False),
        (Comparison("c", "a", "b", 2, near=True), -1.0, 1.9, False),
        (Comparison("c", "a", "b", 2, near=True), -2.1, 0.0, True),
        (Comparison("c", "a", "b", 1, ceiling=2), 1.1, 1.9, False),
        (Comparison("c", "a", "b", 1, ceiling=2), 1.5, 2.5, True),
    ],
)
def test_an_interval_leaves_a_comparison_open_where_it_stops_to_hold_within(
    comparison: Comparison, low: float, high: float, turns: bool
) -> None:
    assert comparison.turns_within(low, high) is turns


# a paper's row and that of scratch-bert, as the tables name it
@pytest.mark.parametrize(
    ("paper", "base"),
    [
        ("glove-avg", "scratch-token-embeddings"),
        ("glove-840b-bow", "scratch-token-embeddings"),
        ("bert-base-avg-service", "scratch-avg"),
        ("bert-base-cls-service", "scratch-cls"),
        ("bert-base-first-last-avg", "scratch-first-last-avg"),
        ("bert-base-embedding-last-avg", "scratch-first-last-avg"),
        ("bert-base-whitening-nli", "scratch-first-last-avg-whitening-nli"),
        ("bert-base-whitening-256-target", "scratch-first-last-avg-whitening-85-target"),
        ("bert-base-flow-target", "scratch-first-last-avg-flow-target"),
        ("bert-base-flow3-nli", "scratch-first-last-avg-flow3-nli"),
        ("sbert-nli-base", "scratch-sbert-nli"),
        ("sbert-stsb-base", "scratch-stsb"),
        ("sbert-nli-stsb-base", "scratch-nli-stsb"),
        ("unsup-simcse-bert-base", "scratch-unsup-simcse"),
        ("sup-simcse-bert-base", "scratch-sup-simcse"),
        ("u,v,diff", "scratch-u,v,diff"),  # of sbert-6, whose own names are those of settings
        ("mlp", "scratch-mlp"),
        ("avg-whitening-256-nli", "scratch-avg-whitening-85-nli"),  # of this suite's own claims
        ("first-last-avg-whitening-{third}-nli", "scratch-first-last-avg-whitening-85-nli"),
        ("cls", "scratch-cls"),
    ],
)
def test_the_row_of_the_base_that_stands_for_a_papers(paper: str, base: str) -> None:
    assert on_base(paper) == base


def test_what_has_no_counterpart_on_the_base_becomes_no_row_of_any_table() -> None:
    slugs = {row.slug for table in tables.TABLES.values() for row in table.rows}
    papers = {row for claim in CLAIMS for pair in claim.comparisons for row in (pair.first, pair.second)}
    for row in papers:
        if re.search("large|roberta|infersent|^use$|fasttext", row):
            assert on_base(row) not in slugs
    assert len(papers & ON_BASE.keys()) == len(ON_BASE)  # none of them is left over


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: f"{claim.table}: {claim.text[:40]}")
def test_every_claim_names_rows_and_columns_that_exist(claim: Claim) -> None:
    table = tables.get(claim.table)
    rows, columns = {row.slug for row in table.rows}, {column.slug for column in table.columns}
    assert claim.comparisons or claim.own or claim.order
    assert {comparison.column for comparison in (*claim.comparisons, *claim.own)} <= columns
    assert {row for comparison in claim.comparisons for row in (comparison.first, comparison.second)} <= rows
    for prefix in MODELS:
        own = {of_model(prefix, row) for comparison in claim.own for row in (comparison.first, comparison.second)}
        # all-mpnet-base-v2 stands in no table of BERT-flow's ablations, and nobody trained on from it
        assert own <= rows or (prefix == "mpnet-" and ("SimCSE" in claim.text or own.isdisjoint(rows)))
    if claim.order:
        assert {claim.order.column, *claim.order.lower} <= columns


# of the papers' comparisons those that scratch-bert's rows can show, and all there are
BOTH = {
    "SBERT beats averaged GloVe": (7, 7),
    "CLS without fine-tuning": (21, 56),  # SBERT, mean and static
    "before STS-B": (1, 4),
    "most of SentEval's": (21, 42),
    "concatenating": (4, 4),
    "pooling hardly matters": (2, 2),
    "MAX is clearly worse": (2, 2),
    "simcse-c1": (2, 4),  # no map over its SBERT
    "three eighths": (4, 8),
}


@pytest.mark.parametrize("claim", [c for c in CLAIMS if not c.order], ids=lambda c: f"{c.table}: {c.text[:40]}")
def test_how_much_of_a_claim_the_rows_of_the_base_can_show(claim: Claim) -> None:
    slugs = {row.slug for row in tables.get(claim.table).rows}
    comparisons = claim.comparisons or claim.own
    made = sum({on_base(pair.first), on_base(pair.second)} <= slugs for pair in comparisons)
    due = next((due for words, due in BOTH.items() if words in f"{claim.table}: {claim.text}"), None)
    assert (made, len(comparisons)) == (due or (len(comparisons), len(comparisons)))


def test_no_comparison_is_made_twice_or_of_a_cell_with_itself() -> None:
    for claim in CLAIMS:
        for comparisons in (claim.comparisons, claim.own):
            on_the_base = [(pair.column, on_base(pair.first), on_base(pair.second)) for pair in comparisons]
            assert len(set(on_the_base)) == len(on_the_base)
            assert all(first.startswith(BASE_PREFIX) for _, first, _ in on_the_base)
            assert all(first != second for first, second in (pair.places for pair in comparisons))


def test_numbers_in_a_claims_words_are_the_papers() -> None:
    """On its own u·v beats |u−v|: the claim must not say that |u−v| matters most of all."""
    claim = next(claim for claim in CLAIMS if "matters most" in claim.text)
    rows = {row.slug: row.published for row in tables.get("sbert-6").rows}
    alone = {slug: ledger.published(rows[slug], "nli") for slug in ("prod", "diff")}
    assert [found.printed for found in alone.values() if found] == ["70.54", "69.78"]
    assert (
        "it adds to (u, v), to u·v and to both, and more than u·v adds to (u, v); on its own u·v (70.54)" in claim.text
    )
    assert claim.text.endswith("beats |u−v| (69.78)")
    assert ("diff", "prod") not in {(one.first, one.second) for one in claim.comparisons}


def test_why_a_claim_does_not_hold_on_the_papers_numbers_is_said_with_these() -> None:
    (claim,) = (claim for claim in CLAIMS if claim.despite)
    rows = {row.slug: row.published for row in tables.get("sbert-2").rows}
    gains = {}
    for pair in claim.comparisons:
        numbers = [ledger.published(rows[row], pair.column) for row in (pair.first, pair.second)]
        first, second = (number.value for number in numbers if number)
        gains[pair.second] = f"{first - second:.2f}"
    assert list(gains.values()) == ["0.68", "-0.13", "1.65", "1.13"]
    assert f"the large models gain {gains['sbert-stsb-large']} (SBERT)" in claim.despite
    assert f"and {gains['sroberta-stsb-large']} (SRoBERTa)" in claim.despite
    assert f"SBERT-base gains {gains['sbert-stsb-base']}" in claim.despite
    assert f"SRoBERTa-base loses {gains['sroberta-stsb-base'].removeprefix('-')}" in claim.despite
