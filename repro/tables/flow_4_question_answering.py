"""BERT-flow Table 4: QNLI without supervision, area under the ROC curve × 100 of question-answer similarity.

    make flow-4        (repro table flow-4)

QNLI is the user's to bring: `dev.tsv` and `train.tsv` of GLUE's QNLI go into `.repro/data/qnli`. With them, and without
a model hub, expect all-MiniLM-L6-v2 and scratch-bert, plain and flowed with five seeds.
"""

from repro.encoders.recipe import FlowedRecipe
from repro.encoders.zoo import transformer
from repro.evaluation.systems import system_of
from repro.tables import demo, scratch
from repro.tables.columns import FLOWED, in_ledger
from repro.tables.spec import BEYOND, FLOW_SEEDS, Column, Ref, Row, Table, zoo_row

BASE, LARGE = "BERT-base trained on NLI", "BERT-large trained on NLI"
IN_LEDGER = in_ledger({"qnli": "QNLI validation"})


def block(name: str, slug: str, group: str) -> tuple[Row, ...]:
    """The paper's rows of one size; the released checkpoint stands in for its model."""

    def paper(kind: str) -> Ref:
        return Ref("flow", "Table 4", f"{name}-{kind}", columns=IN_LEDGER)

    return (
        zoo_row(f"{slug}-first-last-avg", f"{name}-last2avg", group, paper("last2avg")),
        zoo_row(f"{slug}-flow-nli", f"{name}-flow (NLI)", group, paper("flow (NLI*)"), FLOW_SEEDS),
        zoo_row(f"{slug}-flow-target", f"{name}-flow (target)", group, paper("flow (target)"), FLOW_SEEDS),
    )


def own(slug: str, label: str) -> tuple[Row, ...]:
    """A base that needs no hub, plain and flowed on the target."""
    flow = system_of(FlowedRecipe(transformer(slug)), FLOW_SEEDS)
    return zoo_row(slug, label, BEYOND), Row(f"{slug}-flow-target", f"{label}, flow (target)", BEYOND, flow)


TABLE = Table(
    id="flow-4",
    title="BERT-flow, Table 4: question-answer similarity on QNLI (AUC × 100)",
    paper="Li, Zhou, He, Wang, Yang and Li, On the Sentence Embeddings from Pre-trained Language Models, 2020, Table 4",
    command="make flow-4",
    rows=(
        *block("BERT-base-NLI", "sbert-nli-base", BASE),
        *block("BERT-large-NLI", "sbert-nli-large", LARGE),
        *(row for slug, label in FLOWED.items() for row in own(slug, label)),
    ),
    columns=(Column("qnli", "QNLI dev", "qnli", "auc"),),
    demo=(*demo.plain("minilm-avg"), *demo.flowed("flow", levels=2)),
    notes=(
        "The score of a pair is the cosine of question and sentence; no label is used but to score. The 5,463 pairs of "
        "the validation set, which the paper calls its 5K+ for testing.",
        "Target: fitted on the 110,206 pairs of train and dev, without labels. The paper says 110K; its code would "
        "read the test part too, where it is (run_siamese.py, use_full_for_training).",
        "The paper's BERT-NLI is its own training; the released SBERT checkpoints stand in for it, layers 1 and last.",
        "Files: GLUE's QNLI as it is distributed, `dev.tsv` and `train.tsv` (index, question, sentence, label), below "
        "`.repro/data/qnli`, or `qnli/` of your own folder.",
        scratch.NOTE,
    ),
)
