"""SimCSE Table 7: hard negatives of supervised training and their weight, Spearman's ρ × 100 on STS-B's dev set.

    make simcse-7      (repro table simcse-7; --base MODEL trains another one, --sample N on fewer examples)

Five trainings of BERT-base on NLI, for GPUs. Without a model hub scratch-bert and all-MiniLM-L6-v2 are trained on
the NLI sample, six minutes and a quarter of an hour to fifty minutes a training on one core. Expect of the latter on
dev 84.2 without hard negatives, 84.8, 85.0 and 85.2 the more they weigh, and 85.0 with neutral ones too; of the former
50.6 ± 0.8, three times 50.3 ± 0.5 (three seeds each), and 48.6.
"""

from dataclasses import replace

from repro.tables import ablations, demo, scratch
from repro.tables.ablations import Ablation
from repro.tables.simcse_5_sts import NLI_TRIPLETS, TEXT
from repro.tables.spec import Ref, Table
from repro.training.setups import SUP_SIMCSE, SUP_SIMCSE_SAMPLE

HARD = "Hard negatives"
ONCE = ("minilm",)  # rows of scratch-bert within a point of one another have three seeds


def paper(system: str) -> Ref:
    return Ref("simcse", "Table 7", system, columns=ablations.IN_LEDGER)


def weighted(alpha: float) -> Ablation:
    full, sample = (replace(recipe, hard_weight=alpha) for recipe in (SUP_SIMCSE, SUP_SIMCSE_SAMPLE))
    return Ablation(
        f"alpha-{alpha:g}", f"Contradiction, α = {alpha:g}", f"contradiction, alpha={alpha}", full, sample, once=ONCE
    )


def on_nli(slug: str, label: str, system: str, data: str, count: int | None = None) -> Ablation:
    """On other examples; `count`: of the sample only so many."""
    sample = replace(SUP_SIMCSE_SAMPLE, data=f"nli-sample-{data}", sample=count)
    return Ablation(slug, label, system, replace(SUP_SIMCSE, data=f"nli-{data}"), sample, once=ONCE)


ROWS = (
    on_nli("no-hard", "No hard negative", "no hard negative", "entailment", ablations.TRIPLETS),
    *(weighted(alpha) for alpha in (0.5, 1.0, 2.0)),
    replace(
        on_nli("neutral-too", "Contradiction + neutral, α = 1", "contradiction + neutral, alpha=1.0", "quadruples"),
        once=tuple(ablations.OWN),
    ),
)
SETUPS = {ablation.slug: ablation.setup() for ablation in ROWS}

TABLE = Table(
    id="simcse-7",
    title="SimCSE, Table 7: hard negatives (Spearman's ρ × 100)",
    paper="Gao, Yao and Chen, SimCSE, EMNLP 2021, Table 7",
    command="make simcse-7",
    rows=(*ablations.rows(ROWS, HARD, paper), *ablations.own_rows(ROWS, "NLI sample")),
    columns=ablations.COLUMNS,
    setups=tuple(SETUPS.values()),
    demo=(*demo.plain("minilm-cls"), *(demo.trained(SETUPS[name]) for name in ("no-hard", "alpha-2"))),
    decimals=1,
    notes=(
        TEXT,
        ablations.SELECTED,
        ablations.MINILM_ONCE,
        ablations.SCRATCH_ONCE,
        "α weighs the contradicted hypothesis of a premise among its negatives (eq. 8); those of the batch's other "
        "premises weigh 1.",
        "No hard negative: the entailment pairs (314,315), each other's negatives alone; the number is that of "
        "simcse-4's row on them. Of the NLI sample as many as it has triplets. Contradiction + neutral: two columns of "
        "hard negatives, on the premises that have a hypothesis of each label, 2,762 times in the NLI sample.",
        NLI_TRIPLETS,
        ablations.NLI_SAMPLE,
        scratch.NOTE,
    ),
)
