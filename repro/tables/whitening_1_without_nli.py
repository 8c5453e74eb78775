"""BERT-whitening Table 1: Spearman's ρ × 100 without NLI supervision: plain, whitened and flowed BERT.

    make whitening-1        (repro table whitening-1)

STS12-16 are means over subsets weighted by size; the quoted SBERT rows are correlations over all pairs of a year and
stand in a section of their own. Without a model hub expect all-MiniLM-L6-v2 under four poolings, plain and whitened;
averages: mean 78.78, whitened 76.00 (NLI sample) and 76.10 (target); [CLS] 72.85, whitened 74.54 and 74.89. Half an
hour on one core, most of it for encoding the NLI sample once. scratch-bert: first-last 48.52, whitened 60.01 and 63.60,
flowed 51.84 and 61.40; ten minutes.
"""

from collections.abc import Callable

from repro.encoders.recipe import WhitenedRecipe
from repro.encoders.zoo import ZOO, transformer
from repro.evaluation.systems import system_of
from repro.tables import demo, scratch
from repro.tables.columns import geometry, packaged_rows, sts, subsets_in_ledger, years_over_all_pairs
from repro.tables.spec import BEYOND, FLOW_SEEDS, Ref, Row, Table, zoo_row

ORDER = ("stsb", "sts12", "sts13", "sts14", "sts15", "sts16", "sickr")
SBERT = "Published in (Reimers and Gurevych, 2019)"
WEIGHTED = "STS12-16: mean over subsets, weighted by size"
SCRATCH_MAPS = ("whitening-nli", "whitening-85-nli", "whitening-target", "whitening-85-target")
PACKAGED_MAPS = ("whitening-nli", "whitening-256-nli", "whitening-target", "whitening-256-target")
IN_LEDGER = subsets_in_ledger(quoted='Spearman rho x100 (as quoted, "all")')
NOTES = (
    "STS12-16: Spearman's ρ of each subset, averaged with the subsets' sizes as weights (eng/eval.py:110-116; "
    "eval_without_whitening.py:115). STS-B and SICK-R: test pairs, cosine.",
    "First-last-avg: the mean of layers 1 and 12, not of the embedding output (eng/utils.py:152-157), [CLS] and [SEP] "
    "included, 64 tokens; rows beyond the paper read as many as their model does.",
    "Whitening: mean and covariance (n − 1) of the fitting sentences, eigenvectors divided by the square roots of the "
    "eigenvalues, the first k, then unit length. 256 dimensions for base, 384 for large models, or all.",
    "Target: fitted on all sentences of the task, of all its splits, every pair counted (eng/eval.py:78-81), the test "
    "sentences among them, without labels. NLI: MultiNLI train and SNLI; here all of it that is fetched. "
    "NLI sample: 38,703 pairs of both that are on GitHub.",
    "An eigenvalue up to 1e-10 of the largest counts as rounding noise and is left out of “all dimensions”.",
    "Flow: two levels, depth 3, width 32 as in the paper's Table 7; its code's default is three levels (erratum 22; "
    "`levels=3`, `flow3` in the zoo). Couplings that add and dimensions reversed, as in that code; one epoch at 1e-3 "
    "on the target, 0.15 epochs at 2e-5 on NLI; mean and standard deviation over five seeds. A step reads 32 pairs of "
    "sentences, the gradient of the loss summed over both sides is clipped at norm 1, and the optimiser is BERT's: no "
    "bias correction, ε 1e-6, decay 0.01 on every weight (optimization_bert_flow.py @9f79ed1). The code reads a year "
    "of STS12-16 as train, dev and test at once, so that an epoch on these targets is three passes (siamese_utils.py, "
    "Sts_12_16_Processor); `passes` sets another number.",
    "Actnorms start from the first sides of the first batch, as Glow's do and as flow/glow_init_hook.py would have "
    "it; the published script imports that hook and never registers it, which leaves them at TensorFlow's random "
    "default (`actnorm=drawn`). The published code also fits the flow while dropout disturbs BERT; here it sees the "
    "vectors that it is applied to.",
)


def block(paper: Callable[[str, str], Ref], name: str, slug: str, size: str, k: int) -> tuple[Row, ...]:
    """The rows of one size: those quoted from Li et al., then the paper's own; `slug` as in the zoo."""
    li, own = f"Published in (Li et al., 2020) [{size}]", f"Our implementation [{size}]"
    first_last = f"{slug}-first-last-avg"

    def row(system: str, kind: str, group: str, seeds: int = 1) -> Row:
        return zoo_row(f"{slug}-{kind}", system, group, paper(system, group), seeds)

    quoted = paper(f"{name}-first-last-avg", li)
    return (
        Row(f"{first_last}-li", f"{name}-first-last-avg", li, system_of(ZOO[first_last]), quoted),
        row(f"{name}-flow (NLI)", "flow-nli", li, FLOW_SEEDS),
        row(f"{name}-flow (target)", "flow-target", li, FLOW_SEEDS),
        row(f"{name}-first-last-avg", "first-last-avg", own),
        row(f"{name}-whitening (NLI)", "whitening-nli", own),
        row(f"{name}-whitening-{k} (NLI)", f"whitening-{k}-nli", own),
        row(f"{name}-whitening (target)", "whitening-target", own),
        row(f"{name}-whitening-{k} (target)", f"whitening-{k}-target", own),
    )


THIRD = Row(  # of 384 dimensions, as 256 are of BERT-base's (`repro claims`)
    "minilm-first-last-avg-whitening-128-target",
    "all-MiniLM-L6-v2, first-last, whitening-128 (target)",
    BEYOND,
    system_of(WhitenedRecipe(transformer("minilm-first-last-avg"), k=128)),
)


def paper(system: str, group: str = SBERT) -> Ref:
    return Ref("whitening", "Table 1", system, group, IN_LEDGER)


TABLE = Table(
    id="whitening-1",
    title="BERT-whitening, Table 1: STS without NLI supervision (Spearman's ρ × 100)",
    paper="Su, Cao, Liu and Ou, Whitening Sentence Representations, 2021, Table 1",
    command="make whitening-1",
    rows=(
        zoo_row("glove-avg", "Avg. GloVe embeddings", SBERT, paper("Avg. GloVe embeddings")),
        zoo_row("bert-base-avg-service", "Avg. BERT embeddings", SBERT, paper("Avg. BERT embeddings")),
        zoo_row("bert-base-cls-service", "BERT CLS-vector", SBERT, paper("BERT CLS-vector")),
        *block(paper, "BERT-base", "bert-base", "base", 256),
        *block(paper, "BERT-large", "bert-large", "large", 384),
        *packaged_rows(*PACKAGED_MAPS),
        THIRD,
        *scratch.mapped(*SCRATCH_MAPS, poolings=("avg", "cls")),
        *scratch.mapped(*SCRATCH_MAPS, "flow-nli", "flow-target", poolings=("first-last-avg",)),  # as the paper's block
        *scratch.plain("max", "token-embeddings"),
    ),
    demo=(*demo.plain("minilm-avg"), *demo.whitened()),
    columns=(*sts("wmean", WEIGHTED, order=ORDER), *years_over_all_pairs(), *geometry()),
    notes=(
        *NOTES,
        "all-MiniLM-L6-v2 and all-mpnet-base-v2 were trained by contrast with cosines of their means: whitening takes "
        "from these and from the other means. [CLS], on which nothing was trained, it helps in all-MiniLM-L6-v2 alone "
        "(`repro claims whitening-1`).",
        "Of all-mpnet-base-v2's 768 dimensions 256 are better than all by one and a half to three points on average, "
        "under every pooling; of all-MiniLM-L6-v2's 384 by 0.7 at most. What is left out are the axes that whitening "
        "scales up the most.",
        scratch.NOTE,
    ),
)
