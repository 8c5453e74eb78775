"""SimCSE Table D.2: masked language modelling beside the supervised objective, on STS-B and SentEval's dev sets.

    make simcse-d2     (repro table simcse-d2 --probe exact leaves out the slower of the two classifiers)

Four supervised trainings of BERT-base, for GPUs. Without a model hub all-MiniLM-L6-v2 and scratch-bert are trained on
the NLI sample, the one once, the other with three seeds.
"""

from dataclasses import replace

from repro.tables import ablations, demo, scratch
from repro.tables.ablations import Ablation
from repro.tables.columns import accuracies
from repro.tables.sbert_5_senteval import PROBES
from repro.tables.simcse_5_sts import NLI_TRIPLETS, TEXT
from repro.tables.spec import ColumnRef, Ref, Table
from repro.training.setups import SUP_SIMCSE, SUP_SIMCSE_SAMPLE

AUXILIARY = "Auxiliary objective"
TRANSFER = {
    suffix: accuracies(suffix, "dev-accuracy", f"Transfer tasks, dev accuracy, {name}")
    for suffix, name in PROBES.items()
}
EXACT = (*ablations.COLUMNS, *TRANSFER[""])
COLUMNS = (*EXACT, *TRANSFER["-adam"])
QUICK = "SentEval's quick configuration; here SentEval's classifier in its full one"
IN_LEDGER = ablations.IN_LEDGER | {"avg-adam-dev": ColumnRef("Avg. of transfer tasks (dev)", differs=QUICK)}


def paper(system: str) -> Ref:
    return Ref("simcse", "Table D.2", system, columns=IN_LEDGER)


def row(slug: str, label: str, system: str, mlm: float) -> Ablation:
    full, sample = (replace(recipe, mlm=mlm) for recipe in (SUP_SIMCSE, SUP_SIMCSE_SAMPLE))
    return Ablation(slug, label, system, full, sample, once=("minilm",))


ROWS = (
    row("none", "w/o MLM", "w/o MLM", 0.0),
    *(
        row(f"mlm-{weight:g}", f"w/ MLM, λ = {weight:g}", f"w/ MLM lambda={weight:g}", weight)
        for weight in (0.01, 0.1, 1)
    ),
)
SETUPS = {ablation.slug: ablation.setup(COLUMNS) for ablation in ROWS}

TABLE = Table(
    id="simcse-d2",
    title="SimCSE, Table D.2: masked language modelling as an auxiliary (ρ × 100, accuracy × 100)",
    paper="Gao, Yao and Chen, SimCSE, EMNLP 2021, Table D.2",
    command="make simcse-d2",
    rows=(*ablations.rows(ROWS, AUXILIARY, paper, COLUMNS), *ablations.own_rows(ROWS, "NLI sample", EXACT)),
    columns=COLUMNS,
    setups=tuple(SETUPS.values()),
    demo=(*demo.plain("minilm-cls"), demo.trained(SETUPS["mlm-0.1"], ("dev", "test"))),
    decimals=1,
    notes=(
        TEXT,
        ablations.SELECTED,
        ablations.MINILM_ONCE,
        "λ times the loss of guessing hidden tokens is added: of all texts of a batch 15 % of the tokens are hidden, "
        "by BERT's rule (SimCSE models.py, cl_forward; data collator of train.py). The head over the vocabulary is "
        "that of BERT's checkpoint, and not tied to the input embeddings; all-MiniLM-L6-v2's has none, so there it is "
        "drawn, but for the product with the vocabulary, which begins as the embeddings.",
        "The printed average of the transfer tasks comes from SentEval's quick configuration (five folds, RMSprop, "
        "batches of 128, tenacity 3, epoch size 2; evaluation.py:70-72). It stands beside that of SentEval's "
        "classifier in its full configuration (sbert-5), which is not the same. Other bases have the exact probe.",
        NLI_TRIPLETS,
        ablations.NLI_SAMPLE,
        scratch.NOTE,
    ),
)
