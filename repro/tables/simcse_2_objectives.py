"""SimCSE Table 2: unsupervised objectives under one encoder and under two, Spearman's ρ × 100 on STS-B's dev set.

    make simcse-2      (repro table simcse-2; --base MODEL trains another one, --sample N on fewer sentences)

Two trainings a row, of BERT-base on a million sentences, for GPUs. Without a model hub scratch-bert and all-
MiniLM-L6-v2 are trained on the Wikipedia sample, the former with three seeds, the latter once each, but three times
where nothing is changed. Expect of scratch-bert on dev 28.9 and 39.6 where nothing is changed, 46.9 and 48.9 for the
next sentence.
"""

from dataclasses import replace

from repro.encoders.zoo import BERT_BASE
from repro.tables import ablations, demo, scratch
from repro.tables.columns import SIMCSE_TEXT
from repro.tables.simcse_5_sts import TEXT
from repro.tables.spec import BEYOND, Column, ColumnRef, Ref, Row, Setup, Table, zoo_row
from repro.training.contrastive import ContrastiveRecipe
from repro.training.setups import UNSUP_SIMCSE, UNSUP_SIMCSE_SAMPLE

OBJECTIVES = "Unsupervised objective"
DEV = "STS-B dev, the paper's columns"
TEST = "STS-B test"
ENCODERS = {"one": ("f_θ", 1), "two": ("(f_θ1, f_θ2)", 2)}
IN_LEDGER = {
    "one": ColumnRef("STS-B dev", protocol="one encoder f_theta"),
    "two": ColumnRef("STS-B dev", protocol="two independent encoders (f_theta1,f_theta2)"),
}
LABELS = {
    "next": "Next sentence",
    "next3": "Next 3 sentences",
    "delete-one": "Delete one word",
    "none": "Unsupervised SimCSE",
}


def paper(objective: str) -> Ref:
    return Ref("simcse", "Table 2", f"{objective} / {{}}", columns=IN_LEDGER)


def under(recipe: ContrastiveRecipe, name: str) -> ContrastiveRecipe:
    """The training under an objective of the table."""
    if name.startswith("next"):
        return replace(recipe, data=f"{recipe.data}-{name}")
    return replace(recipe, augment=name)


def setup(name: str, recipe: ContrastiveRecipe) -> Setup:
    """Trained with one encoder and with two."""
    trainings = [
        (column + end, replace(under(recipe, name), encoders=count))
        for column, (_, count) in ENCODERS.items()
        for end in ("", "-test")
    ]
    return Setup(name, LABELS[name], tuple(trainings))


def own_rows(base: str) -> tuple[Row, ...]:
    """A base on the Wikipedia sample, below what it is before."""
    label, recipe = ablations.OWN[base]
    rows = [zoo_row(f"{base}-cls", f"{label} before, [CLS]", BEYOND)]
    for name in LABELS:
        about = f"{label}, Wikipedia sample, {LABELS[name]}"
        seeds = scratch.SEEDS if name == "none" or base == "scratch" else 1
        row = setup(name, UNSUP_SIMCSE_SAMPLE).row(recipe, f"{base}-{name}", about, BEYOND, seeds=seeds)
        rows.append(row)
    return tuple(rows)


SETUPS = {name: setup(name, UNSUP_SIMCSE) for name in LABELS}

TABLE = Table(
    id="simcse-2",
    title="SimCSE, Table 2: unsupervised objectives (Spearman's ρ × 100)",
    paper="Gao, Yao and Chen, SimCSE, EMNLP 2021, Table 2",
    command="make simcse-2",
    rows=(
        *(s.row(BERT_BASE, s.slug, s.label, OBJECTIVES, paper(s.label)) for s in SETUPS.values()),
        *(row for base in ablations.OWN for row in own_rows(base)),
    ),
    columns=tuple(
        Column(name + end, label, f"{task}{SIMCSE_TEXT}", section=section)
        for end, task, section in (("", "stsb-dev", DEV), ("-test", "stsb", TEST))
        for name, (label, _) in ENCODERS.items()
    ),
    setups=tuple(SETUPS.values()),
    demo=(*demo.plain("minilm-cls"), demo.trained(SETUPS["none"])),
    decimals=1,
    notes=(
        TEXT,
        ablations.SELECTED,
        ablations.ONCE,
        ablations.SCRATCH_ONCE,
        "Next sentence: a sentence and the one after it. Next 3 sentences: one of the three after it, drawn once. "
        "SimCSE's million sentences, and so the sample, stand in the order of Wikipedia's pages; where a page ends is "
        "not marked, so its last sentences are paired with the next page's first. What text the paper took the "
        "neighbours from it does not say.",
        "Delete one word: see simcse-1.",
        "(f_θ1, f_θ2): two encoders that begin alike and are trained on their own, the first text of a pair through "
        "one, the second through the other, each with a dense layer of its own. The first is evaluated; the paper does "
        "not say which, nor whether both.",
        ablations.WIKI_SAMPLE,
        scratch.NOTE,
    ),
)
