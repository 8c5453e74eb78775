"""BERT-flow Table 6: how far similarities follow the words, and how far people's judgement; Spearman's ρ × 100.

    make flow-6        (repro table flow-6)

The correlation of gold scores, of BERT's similarities and of a flow's with edit distance, and with the gold scores. A
similarity that is about meaning should be near the first row in the first column. Without a model hub expect the gold
scores, and all-MiniLM-L6-v2 and scratch-bert under mean and first-last, plain, whitened, and flowed with five seeds;
against edit distance on dev: gold -24.60 (the paper prints -24.61), scratch-bert's first-last -49.55, flowed -43.11.
"""

from repro.encoders.recipe import FlowedRecipe, WhitenedRecipe
from repro.encoders.zoo import transformer
from repro.evaluation.gold import Gold
from repro.evaluation.systems import system_of
from repro.tables import demo, scratch
from repro.tables.columns import FLOWED
from repro.tables.spec import BEYOND, FLOW_SEEDS, Column, ColumnRef, Ref, Row, Table, zoo_row

SIMILARITY = "Similarity"
DEV, TEST = "STS-B dev, the paper's columns", "STS-B test"
COLUMNS = (
    Column("edit-dev", "edit distance", "stsb-dev-edit-distance", section=DEV),
    Column("gold-dev", "gold similarity", "stsb-dev", section=DEV),
    Column("edit", "edit distance", "stsb-edit-distance", section=TEST),
    Column("gold", "gold similarity", "stsb", section=TEST),
)
IN_LEDGER = {
    f"{name}-dev": ColumnRef("STS-B validation", f"Spearman rho x100 with {label}")
    for name, label in (("edit", "edit distance"), ("gold", "gold similarity"))
}


def paper(system: str) -> Ref:
    return Ref("flow", "Table 6", f"{system} similarity", columns=IN_LEDGER)


def own_rows(name: str, label: str) -> tuple[Row, ...]:
    """A base of the zoo, flowed and whitened on the target."""
    base = transformer(name)
    return (
        zoo_row(name, label, BEYOND),
        Row(f"{name}-flow-target", f"{label}, flow (target)", BEYOND, system_of(FlowedRecipe(base), FLOW_SEEDS)),
        Row(f"{name}-whitening-target", f"{label}, whitening (target)", BEYOND, system_of(WhitenedRecipe(base))),
    )


GOLD = Row("gold", "Gold similarity", SIMILARITY, Gold(), paper("Gold"))
TABLE = Table(
    id="flow-6",
    title="BERT-flow, Table 6: similarity, edit distance and gold similarity, STS-B (Spearman's ρ × 100)",
    paper="Li, Zhou, He, Wang, Yang and Li, On the Sentence Embeddings from Pre-trained Language Models, 2020, Table 6",
    command="make flow-6",
    rows=(
        GOLD,
        zoo_row("bert-base-first-last-avg", "BERT-induced similarity", SIMILARITY, paper("BERT-induced")),
        zoo_row("bert-base-flow-target", "Flow-induced similarity", SIMILARITY, paper("Flow-induced"), FLOW_SEEDS),
        zoo_row("bert-base-avg", "BERT-base, mean of the last layer", BEYOND),
        zoo_row("bert-base-whitening-target", "BERT-base, whitening (target)", BEYOND),
        *(row for name, label in FLOWED.items() for row in own_rows(name, label)),
    ),
    columns=COLUMNS,
    demo=(GOLD, *demo.plain("minilm-token-embeddings", "minilm-avg"), *demo.flowed("flow", levels=2)),
    notes=(
        "Negative: the more edits, the less similar. The gold scores' own correlation says how much of it the data "
        "account for.",
        "Edit distance: the fewest insertions, deletions and substitutions of words, of Penn Treebank tokens in lower "
        "case. The paper speaks of strings and does not say of what. The gold scores' correlation, in which no model "
        "has a part, tells: of these words it is −24.60, printed as −24.61; of characters −20.2, of Moses' tokens "
        "−24.5.",
        "The paper does not say which layers and which flow. Here, as the rest of its tables: last2avg (layers 1 and "
        "12) and the flow fitted on the target.",
        scratch.NOTE,
    ),
)
