"""SimCSE Table D.1: the temperature, and the dot product in place of the cosine, Spearman's ρ × 100 on STS-B's dev set.

    make simcse-d1     (repro table simcse-d1; --base MODEL trains another one, --sample N on fewer examples)

Six supervised trainings of BERT-base, for GPUs. Without a model hub all-MiniLM-L6-v2 and scratch-bert are trained on
the NLI sample, once each, but three times where scratch-bert's rows are within a point or so of one another. Expect of
all-MiniLM-L6-v2 on dev 81.0 at 0.001, 85.3 at 0.01, 85.0 at 0.05, 83.0 at 0.1, 82.0 at 1, and 83.1 by the dot product;
of scratch-bert 46.9, 48.9, 50.3, 49.8, 45.5 and 51.3.
"""

from dataclasses import replace

from repro.tables import ablations, demo, scratch
from repro.tables.ablations import Ablation
from repro.tables.simcse_5_sts import NLI_TRIPLETS, TEXT
from repro.tables.spec import Ref, Table
from repro.training.setups import SUP_SIMCSE, SUP_SIMCSE_SAMPLE

SIMILARITY = "Similarity in training"
NEAR = ("dot", "tau-0.05", "tau-0.1")  # of scratch-bert within a point or so of one another: three seeds


def paper(system: str) -> Ref:
    return Ref("simcse", "Table D.1", system, columns=ablations.IN_LEDGER)


def row(slug: str, label: str, system: str, temperature: float, similarity: str = "cos") -> Ablation:
    full, sample = (
        replace(recipe, temperature=temperature, similarity=similarity) for recipe in (SUP_SIMCSE, SUP_SIMCSE_SAMPLE)
    )
    return Ablation(slug, label, system, full, sample, once=("minilm",) if slug in NEAR else tuple(ablations.OWN))


ROWS = (
    row("dot", "Dot product", "dot product (tau N/A)", 1.0, "dot"),
    *(row(f"tau-{tau:g}", f"Cosine, τ = {tau:g}", f"tau={tau:g}", tau) for tau in (0.001, 0.01, 0.05, 0.1, 1.0)),
)
SETUPS = {ablation.slug: ablation.setup() for ablation in ROWS}

TABLE = Table(
    id="simcse-d1",
    title="SimCSE, Table D.1: temperature and similarity (Spearman's ρ × 100)",
    paper="Gao, Yao and Chen, SimCSE, EMNLP 2021, Table D.1",
    command="make simcse-d1",
    rows=(*ablations.rows(ROWS, SIMILARITY, paper), *ablations.own_rows(ROWS, "NLI sample")),
    columns=ablations.COLUMNS,
    setups=tuple(SETUPS.values()),
    demo=(*demo.plain("minilm-cls"), demo.trained(SETUPS["dot"])),
    decimals=1,
    notes=(
        TEXT,
        ablations.SELECTED,
        ablations.MINILM_ONCE,
        ablations.SCRATCH_ONCE,
        "Similarity in training: what is divided by the temperature τ and compared over the batch. The dot product is "
        "not divided. Evaluation, and so the choice of the best look, is by cosine in every row.",
        NLI_TRIPLETS,
        ablations.NLI_SAMPLE,
        scratch.NOTE,
    ),
)
