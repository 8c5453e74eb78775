"""Rows of scratch-bert that several tables share: plain, under maps, and trained as the papers train BERT-base.

scratch-bert saw masked words and nothing else (`make base-from-scratch`), as BERT did and the models of PyPI packages
did not, so its rows show what the papers' methods do to such a model. `repro claims` reads them beside the papers'.
"""

from __future__ import annotations

from collections.abc import Iterable

from repro.encoders.zoo import SCRATCH_BERT
from repro.tables.columns import mapped_rows
from repro.tables.spec import BEYOND, AnyColumn, Column, Row, Setup, zoo_row
from repro.training.recipe import TrainedRecipe
from repro.training.setups import NLI_SAMPLE, NLI_SAMPLE_STSB, STSB, SUP_SIMCSE_SAMPLE, UNSUP_SIMCSE_SAMPLE

SEEDS = 3  # of a trained row
POOLINGS = {
    "token-embeddings": "token embeddings, averaged (static)",
    "cls": "CLS",
    "avg": "mean",
    "first-last-avg": "first-last",
    "max": "maximum",
}
MAPPED = ("avg", "cls", "first-last-avg")  # poolings that the zoo has maps over
TRAININGS: dict[str, tuple[str, TrainedRecipe]] = {
    "sbert-nli": ("SBERT (NLI sample)", NLI_SAMPLE),
    "stsb": ("SBERT (STS-B)", STSB),
    "nli-stsb": ("SBERT (NLI sample, then STS-B)", NLI_SAMPLE_STSB),
    "unsup-simcse": ("unsupervised SimCSE (Wikipedia sample), CLS", UNSUP_SIMCSE_SAMPLE),
    "sup-simcse": ("supervised SimCSE (NLI sample), CLS", SUP_SIMCSE_SAMPLE),
}
NOTE = (
    "scratch-bert: a BERT of 4 layers × 256 with BERT's vocabulary, trained on 82,879 sentences by masked language "
    "modelling and nothing else (`make base-from-scratch`). What is trained from it has the paper's settings and three "
    "seeds, or one where the table says so. It has a tenth of BERT-base's parameters, read less than a thousandth of "
    "its text, and has no paper's numbers; what a method adds to it can be compared (`repro claims`)."
)


def plain(*poolings: str) -> tuple[Row, ...]:
    """scratch-bert as it is, under each of these of POOLINGS."""
    return tuple(zoo_row(f"scratch-{name}", f"scratch-bert, {POOLINGS[name]}", BEYOND) for name in poolings)


def mapped(*maps: str, poolings: tuple[str, ...] = MAPPED) -> tuple[Row, ...]:
    """Under each of these poolings, as it is and under the named maps, such as `whitening-85-nli`."""
    rows: list[Row] = []
    for pooling in poolings:
        rows += [*plain(pooling), *mapped_rows(f"scratch-{pooling}", f"scratch-bert, {POOLINGS[pooling]}", maps)]
    return tuple(rows)


def trained(columns: Iterable[AnyColumn], *names: str) -> tuple[Row, ...]:
    """Trained as each of these of TRAININGS says, once for all of the table's columns, with each seed."""
    slugs = [column.slug for column in columns if isinstance(column, Column)]
    rows = []
    for name in names:
        label, recipe = TRAININGS[name]
        setup = Setup(name, label, tuple((slug, recipe) for slug in slugs))
        rows.append(setup.row(SCRATCH_BERT, f"scratch-{name}", f"scratch-bert, {label}", BEYOND, seeds=SEEDS))
    return tuple(rows)
