"""The ladder's numbers: averages of scratch-bert's rows, and BERT-base's from the papers' tables."""

from __future__ import annotations

import numpy as np
import pytest

from repro import tables
from repro.published.claims import on_base
from repro.published.findings import Measured
from repro.reports.claims.ladder import STEPS, TABLE, ladder, points

SETS = ("sts12", "sts13", "sts14", "sts15", "sts16", "stsb", "sickr")


def lines(row: str, by_seed: np.ndarray) -> Measured:
    """A row's scores by seed, (seeds, 7), as a table has them."""
    count = len(by_seed)
    stds = by_seed.std(axis=0, ddof=1) if count > 1 else [""] * len(SETS)
    means = by_seed.mean(axis=0)
    return {
        (row, name): {"value": str(mean), "std": str(std), "seeds": str(count)}
        for name, mean, std in zip(SETS, means, stds, strict=True)
    }


# Avg. of Sentence-BERT's Table 1 (the first two) and SimCSE's Table 5, as printed; GloVe is not of BERT
PRINTED = {
    "CLS": 29.19,
    "static: input embeddings": None,
    "mean": 54.81,
    "first and last layer": 56.70,
    "flow (NLI)": 66.55,
    "whitening (NLI)": 66.28,
    "SBERT (NLI)": 74.89,
    "unsupervised SimCSE": 76.25,
    "supervised SimCSE": 81.57,
}


def test_published_numbers_are_those_of_bert_base() -> None:
    steps = ladder(tables.get(TABLE), {})
    assert {step.name: step.published for step in steps} == PRINTED
    assert [step.name for step in steps if step.quoted] == ["CLS", "mean"]
    assert {step.average for step in steps} == {None}


def test_a_step_is_the_average_of_its_row_and_the_spread_bounds_that_of_the_average() -> None:
    by_seed = np.random.default_rng(0).normal(60, 1, size=(3, 7))
    one = np.full((1, 7), 50.0)
    steps = {
        step.name: step
        for step in ladder(tables.get(TABLE), {**lines("scratch-sup-simcse", by_seed), **lines("scratch-cls", one)})
    }
    trained, plain = steps["supervised SimCSE"], steps["CLS"]
    assert trained.average == pytest.approx(by_seed.mean())
    assert trained.seeds == 3
    assert trained.spread == pytest.approx(by_seed.std(axis=0, ddof=1).mean())
    assert trained.spread >= by_seed.mean(axis=1).std(ddof=1)
    assert (plain.average, plain.spread, plain.seeds) == (50, None, 1)


def test_a_row_without_all_of_its_sets_is_not_measured() -> None:
    measured = dict(lines("scratch-cls", np.full((1, 7), 50.0)))
    del measured["scratch-cls", "sickr"]
    assert ladder(tables.get(TABLE), measured)[0].average is None


def test_the_points_are_the_bases_rows_that_are_measured() -> None:
    numbers = {"alignment": 0.1, "uniformity": -2.0, "avg": 40.0}
    measured = {("scratch-cls", name): {"value": str(value)} for name, value in numbers.items()}
    measured |= {("scratch-avg", "avg"): {"value": "1"}, ("minilm-cls", "avg"): {"value": "1"}}
    (point,) = points(tables.get(TABLE), measured)
    assert (point.alignment, point.uniformity, point.score) == (0.1, -2.0, 40.0)
    assert point.label == "CLS"  # in a figure of scratch-bert alone


def test_every_step_is_a_row_of_the_table() -> None:
    slugs = {row.slug for row in tables.get(TABLE).rows}
    assert {on_base(row) for _, row, _ in STEPS} <= slugs
