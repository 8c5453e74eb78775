"""SimCSE Table 3: the probability of dropout, and one mask for both texts, Spearman's ρ × 100 on STS-B's dev set.

    make simcse-3      (repro table simcse-3; --base MODEL trains another one, --sample N on fewer sentences)

Eight trainings of BERT-base on a million sentences, for GPUs. Without a model hub all-MiniLM-L6-v2 and scratch-bert
are trained on the Wikipedia sample, scratch-bert with three seeds. Expect on it 28.9 for p = 0.1, which is the lowest:
31.8 without dropout, 32.9 with one mask, and 45.9 for p = 0.5, the only one above the base (33.5); four minutes a
training on one core. On all-MiniLM-L6-v2 (79.7 before) 84.9 for p = 0.1, 85.4 for 0.2, the best, 83.3 without
dropout and for 0.5, 83.0 with one mask; twelve minutes.
"""

from dataclasses import replace

from repro.tables import ablations, demo, scratch
from repro.tables.ablations import Ablation
from repro.tables.simcse_5_sts import TEXT
from repro.tables.spec import Ref, Table
from repro.training.contrastive import FIXED
from repro.training.setups import UNSUP_SIMCSE, UNSUP_SIMCSE_SAMPLE

DROPOUT = "Dropout"


def paper(system: str) -> Ref:
    return Ref("simcse", "Table 3", system, columns=ablations.IN_LEDGER)


def row(slug: str, label: str, system: str, dropout: float | str | None) -> Ablation:
    full, sample = (replace(recipe, dropout=dropout) for recipe in (UNSUP_SIMCSE, UNSUP_SIMCSE_SAMPLE))
    return Ablation(slug, label, system, full, sample, once=() if dropout is None else ("minilm",))


def probability(p: float) -> Ablation:
    # 0.1 is what these bases have of their own, so that it is the training of every other table
    return row(f"p-{p:g}", f"p = {p:g}", f"dropout p={p}", None if p == 0.1 else p)


ROWS = (
    *(probability(p) for p in (0.0, 0.01, 0.05, 0.1, 0.15, 0.2, 0.5)),
    row("fixed", "Fixed 0.1", "Fixed 0.1 (same mask for both views)", FIXED),
)
SETUPS = {ablation.slug: ablation.setup() for ablation in ROWS}

TABLE = Table(
    id="simcse-3",
    title="SimCSE, Table 3: dropout (Spearman's ρ × 100)",
    paper="Gao, Yao and Chen, SimCSE, EMNLP 2021, Table 3",
    command="make simcse-3",
    rows=(*ablations.rows(ROWS, DROPOUT, paper), *ablations.own_rows(ROWS, "Wikipedia sample")),
    columns=ablations.COLUMNS,
    setups=tuple(SETUPS.values()),
    demo=(*demo.plain("minilm-cls"), *(demo.trained(SETUPS[name]) for name in ("p-0.1", "fixed"))),
    decimals=1,
    notes=(
        TEXT,
        ablations.SELECTED,
        "p is that of every dropout in the encoder: after its embeddings, in its attention and after each of its "
        "layers' halves. p = 0.1 is what BERT-base, all-MiniLM-L6-v2 and scratch-bert have of their own. A base of "
        "another one (--base) keeps it in that row.",
        "Fixed 0.1: one mask for both texts of a pair, so that they have one vector, as the authors advise "
        "(SimCSE#36); likewise at p = 0. Both then only push sentences apart.",
        ablations.WIKI_SAMPLE,
        ablations.ONCE,
        scratch.NOTE,
    ),
)
