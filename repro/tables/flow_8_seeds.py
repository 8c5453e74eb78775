"""BERT-flow Table 8: five runs with different seeds, Spearman's ρ × 100 on the STS benchmark's test set.

    make flow-8        (repro table flow-8)

The paper trains BERT-large on NLI five times and flows each. Here flows alone are drawn anew, over one model each: the
released checkpoint in the hub's case, and without a hub all-MiniLM-L6-v2 and scratch-bert.
"""

from repro.encoders.recipe import FlowedRecipe
from repro.encoders.zoo import transformer
from repro.evaluation.systems import Quoted, system_of
from repro.tables import demo, scratch
from repro.tables.columns import FLOWED
from repro.tables.spec import BEYOND, FLOW_SEEDS, Column, ColumnRef, Ref, Row, Table

PAPER = "BERT-large trained on NLI with five seeds, and flowed"
WHY = "the paper trained BERT-large five times and flowed each; the rows below draw flows alone anew"
IN_LEDGER = {name: ColumnRef("STS-B", f"Spearman rho x100, {name} of 5 runs") for name in ("mean", "median")}
BASES = {
    "sbert-nli-large-first-last-avg": "SBERT-NLI-large, released, last2avg",
    "bert-base-first-last-avg": "BERT-base, last2avg",
    **FLOWED,
}


def quoted(slug: str, system: str) -> Row:
    return Row(slug, system, PAPER, Quoted(WHY), Ref("flow", "Table 8", system, columns=IN_LEDGER))


def flowed(name: str, label: str) -> Row:
    """A base of the zoo under a flow on the target; only its first weights and the order of pairs change."""
    return Row(
        f"{name}-flow-target", f"{label}, flow (target)", BEYOND, system_of(FlowedRecipe(transformer(name)), FLOW_SEEDS)
    )


TABLE = Table(
    id="flow-8",
    title="BERT-flow, Table 8: five seeds, STS-B (Spearman's ρ × 100)",
    paper="Li, Zhou, He, Wang, Yang and Li, On the Sentence Embeddings from Pre-trained Language Models, 2020, Table 8",
    command="make flow-8",
    rows=(
        quoted("bert-nli-large", "BERT-NLI-large"),
        quoted("bert-nli-large-last2avg", "BERT-NLI-large-last2avg"),
        quoted("bert-nli-large-flow", "BERT-NLI-large-last2avg + flow-target"),
        *(flowed(name, label) for name, label in BASES.items()),
    ),
    columns=(
        Column("mean", "mean of the runs", "stsb"),
        Column("median", "median of the runs", "stsb-median", "spearman-median"),
    ),
    demo=demo.flowed("flow", levels=2),
    notes=(
        "± is the standard deviation over the runs (n − 1) around their mean, also where it stands beside a median; "
        "the paper prints it beside its means.",
        "Of a flow the seed draws its first weights and the order of the pairs of sentences; it is the seed of all "
        "flows in this suite, whose numbers are means over five. How far five trainings of the model below it lie "
        "apart, as in the paper's first two rows, shows in sbert-2.",
        scratch.NOTE,
    ),
)
