"""SimCSE Table 4: what supervised training reads, Spearman's ρ × 100 on the STS benchmark's dev set.

    make simcse-4      (repro table simcse-4; --base MODEL trains another one)

Trainings of BERT-base on up to five million pairs, for GPUs; QQP, Flickr30k, ParaNMT and ANLI are yours to bring
(`repro list data`). Without a model hub all-MiniLM-L6-v2 and scratch-bert are trained on the NLI sample's pairs of each
label, once each; unsupervised SimCSE, for comparison, has three seeds, and so have scratch-bert's entailed pairs with
and without hard negatives.
"""

from dataclasses import replace

from repro.encoders.zoo import BERT_BASE
from repro.tables import ablations, demo, scratch
from repro.tables.columns import SIMCSE_TEXT
from repro.tables.simcse_5_sts import NLI_TRIPLETS, TEXT
from repro.tables.spec import BEYOND, Column, ColumnRef, Ref, Row, Setup, Table, zoo_row
from repro.training.contrastive import ContrastiveRecipe
from repro.training.setups import SUP_SIMCSE, SUP_SIMCSE_SAMPLE, UNSUP_SIMCSE, UNSUP_SIMCSE_SAMPLE

UNSUP, POSITIVES, HARD = "Unsupervised", "Positive pairs", "Positive pairs with hard negatives"
DEV = "STS-B dev, the paper's columns"
TEST = "STS-B test"
METRIC = "Spearman rho x100, STS-B dev, BERT-base"
IN_LEDGER = {
    "sample": ColumnRef("STS-B dev", f"{METRIC}; sample (134k pairs)"),
    "full": ColumnRef("STS-B dev", f"{METRIC}; full"),
}
SAMPLE = 134_000
FROM_NLI = {
    "entailment": "SNLI+MNLI entailment (314k)",
    "neutral": "SNLI+MNLI neutral (314k)",
    "contradiction": "SNLI+MNLI contradiction (314k)",
    "pairs": "SNLI+MNLI all (942k)",
}
BROUGHT = {"qqp": "QQP (134k)", "flickr30k": "Flickr30k (318k)", "paranmt": "ParaNMT (5m)"}


def setup(slug: str, label: str, recipe: ContrastiveRecipe, sample: int | None = None) -> Setup:
    """Trained on the whole set, and on so many of its pairs."""
    by_column = {"full": recipe} | ({"sample": replace(recipe, sample=sample)} if sample else {})
    return Setup(
        slug, label, tuple((name + end, trained) for name, trained in by_column.items() for end in ("", "-test"))
    )


def row(setup: Setup, group: str) -> Row:
    reference = Ref("simcse", "Table 4", setup.label, columns=IN_LEDGER)
    return setup.row(BERT_BASE, setup.slug, setup.label, group, reference)


UNSUPERVISED = setup("unsup", "Unsup. SimCSE (1m)", UNSUP_SIMCSE)
ON_PAIRS = {
    **{slug: setup(slug, label, replace(SUP_SIMCSE, data=slug), SAMPLE) for slug, label in BROUGHT.items()},
    **{slug: setup(slug, label, replace(SUP_SIMCSE, data=f"nli-{slug}"), SAMPLE) for slug, label in FROM_NLI.items()},
}
ON_TRIPLETS = {
    "hard": setup("hard", "SNLI+MNLI entailment + hard neg.", SUP_SIMCSE),
    "anli": setup("anli", "+ ANLI (52k)", replace(SUP_SIMCSE, data="nli-anli")),
}
DUAL = setup("dual", "Dual encoder", replace(SUP_SIMCSE, encoders=2))
OWN = {
    "unsup": ("unsupervised, Wikipedia sample", UNSUP_SIMCSE_SAMPLE, None),
    **{
        slug: (
            f"NLI sample, {'all' if slug == 'pairs' else slug}",
            replace(SUP_SIMCSE_SAMPLE, data=f"nli-sample-{slug}"),
            ablations.TRIPLETS,
        )
        for slug in FROM_NLI
    },
    "hard": ("NLI sample, entailment + hard neg.", SUP_SIMCSE_SAMPLE, None),
    "dual": ("NLI sample, dual encoder", replace(SUP_SIMCSE_SAMPLE, encoders=2), None),
}


def own_rows(base: str) -> tuple[Row, ...]:
    """A base on the samples, below what it is before."""
    name, recipe = ablations.OWN[base]
    rows = [zoo_row(f"{base}-cls", f"{name} before, [CLS]", BEYOND)]
    for slug, (label, training, sample) in OWN.items():
        trained = setup(slug, label, training, sample)
        near = base == "scratch" and slug in ("entailment", "hard")  # within a point of each other on so many pairs
        seeds = scratch.SEEDS if slug == "unsup" or near else 1
        rows.append(trained.row(recipe, f"{base}-{slug}", f"{name}, {label}", BEYOND, seeds=seeds))
    return tuple(rows)


TABLE = Table(
    id="simcse-4",
    title="SimCSE, Table 4: supervised data sets (Spearman's ρ × 100)",
    paper="Gao, Yao and Chen, SimCSE, EMNLP 2021, Table 4",
    command="make simcse-4",
    rows=(
        row(UNSUPERVISED, UNSUP),
        *(row(setup, POSITIVES) for setup in ON_PAIRS.values()),
        *(row(setup, HARD) for setup in ON_TRIPLETS.values()),
        DUAL.row(
            BERT_BASE,
            DUAL.slug,
            DUAL.label,
            HARD,
            Ref(
                "simcse", "section 4 text", "dual encoder, supervised SimCSE", columns={"full": ColumnRef("STS-B dev")}
            ),
        ),
        *(row for base in ablations.OWN for row in own_rows(base)),
    ),
    columns=(
        Column("sample", "sample", f"stsb-dev{SIMCSE_TEXT}", section=DEV),
        Column("full", "full", f"stsb-dev{SIMCSE_TEXT}", section=DEV),
        Column("sample-test", "sample", f"stsb{SIMCSE_TEXT}", section=TEST),
        Column("full-test", "full", f"stsb{SIMCSE_TEXT}", section=TEST),
    ),
    setups=(UNSUPERVISED, *ON_PAIRS.values(), *ON_TRIPLETS.values(), DUAL),
    demo=(*demo.plain("minilm-cls"), demo.trained(ON_PAIRS["entailment"], "full")),
    decimals=1,
    notes=(
        TEXT,
        ablations.SELECTED,
        ablations.ONCE,
        ablations.SCRATCH_ONCE,
        "full: all pairs of a set. sample: 134,000 of them, drawn without repetition, as many for each set; of the NLI "
        "sample 3,768, as many as it has triplets, on which its row with hard negatives is trained. Every row but the "
        "unsupervised one has the settings of supervised SimCSE; positives without hard negatives are each other's "
        "negatives alone.",
        "SNLI+MNLI: the training pairs of a label, or of any, as positives: 942,069 in all.",
        "+ ANLI: the triplets of the row above and below them ANLI's. Dual encoder: as the row of hard negatives, the "
        "premise through one encoder, the hypotheses through another (simcse-2); its number stands in the text of §4.",
        NLI_TRIPLETS,
        ablations.WIKI_SAMPLE,
        ablations.NLI_SAMPLE,
        scratch.NOTE,
    ),
)
