"""SimCSE Table 1: dropout against discrete augmentations, Spearman's ρ × 100 on the STS benchmark's dev set.

    make simcse-1      (repro table simcse-1; --base MODEL trains another one, --sample N on fewer sentences)

Eleven trainings of BERT-base on a million sentences, for GPUs. Without a model hub all-MiniLM-L6-v2 and scratch-bert
are trained on the Wikipedia sample, with dropout alone for three seeds, with an augmentation once. Expect the contrary
of the paper. On scratch-bert: dropout alone 28.9 (33.5 before), MLM 37.8, one word deleted 45.4, crops 47.6 to 51.2;
five minutes a training on one core. On all-MiniLM-L6-v2: dropout alone 84.9 (79.7 before), augmentations 85.2 to 85.7;
twelve minutes.
"""

from dataclasses import replace

from repro.tables import ablations, demo, scratch
from repro.tables.ablations import Ablation
from repro.tables.simcse_5_sts import TEXT
from repro.tables.spec import Ref, Table
from repro.training.setups import UNSUP_SIMCSE, UNSUP_SIMCSE_SAMPLE

AUGMENTATIONS = "Data augmentation"


def paper(system: str) -> Ref:
    return Ref("simcse", "Table 1", system, columns=ablations.IN_LEDGER)


def row(slug: str, label: str, augment: str, rate: float = 0.0, dropout: float | None = None) -> Ablation:
    full, sample = (
        replace(recipe, augment=augment, rate=rate, dropout=dropout) for recipe in (UNSUP_SIMCSE, UNSUP_SIMCSE_SAMPLE)
    )
    # all-MiniLM-L6-v2 has no head over the vocabulary, and so replaces no word
    bases = ("scratch",) if augment == "mlm" else tuple(ablations.OWN)
    return Ablation(slug, label, label, full, sample, bases, once=() if augment == "none" else bases)


ROWS = (
    row("none", "None (unsup. SimCSE)", "none"),
    *(row(f"crop-{k}", f"Crop {k}%", "crop", k / 100) for k in (10, 20, 30)),
    *(row(f"delete-{k}", f"Word deletion {k}%", "delete", k / 100) for k in (10, 20, 30)),
    row("delete-one", "Delete one word", "delete-one"),
    row("delete-one-no-dropout", "Delete one word w/o dropout", "delete-one", dropout=0.0),
    row("synonym", "Synonym replacement", "synonym"),
    row("mlm-15", "MLM 15%", "mlm", 0.15),
)
SETUPS = {ablation.slug: ablation.setup() for ablation in ROWS}

TABLE = Table(
    id="simcse-1",
    title="SimCSE, Table 1: data augmentations (Spearman's ρ × 100)",
    paper="Gao, Yao and Chen, SimCSE, EMNLP 2021, Table 1",
    command="make simcse-1",
    rows=(*ablations.rows(ROWS, AUGMENTATIONS, paper), *ablations.own_rows(ROWS, "Wikipedia sample")),
    columns=ablations.COLUMNS,
    setups=tuple(SETUPS.values()),
    demo=(
        *demo.plain("minilm-cls"),
        *(demo.trained(SETUPS[name]) for name in ("none", "crop-10")),
    ),
    decimals=1,
    notes=(
        TEXT,
        ablations.SELECTED,
        "The second text of each pair is augmented and the first stays as it is, drawn anew in every step. The paper "
        "does not say which is; its code for this is not public, the authors advise to prepare the pairs beforehand "
        "(SimCSE#219). A word is what stands between blanks (SimCSE#231). Every row but the one without it has "
        "dropout 0.1 too.",
        "Crop k %: a contiguous piece is kept, shorter by the nearest integer to k % of the words. Word deletion k %: "
        "as many words are left out, wherever they stand. At least one word stays.",
        "Synonym replacement: one word by another of one of its synsets in WordNet 3.0 (`repro list data`: WORDNET, "
        "whose four files are yours to bring), function words left out; the paper used nlpaug, which chooses synsets "
        "by part of speech.",
        "MLM 15 %: as many words are masked at once and replaced by the most likely other whole word of the base's own "
        "masked language model, BERT-base's as in the paper. all-MiniLM-L6-v2 has no such head.",
        ablations.WIKI_SAMPLE,
        ablations.ONCE,
        scratch.NOTE,
    ),
)
