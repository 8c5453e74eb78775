"""BERT-flow Table 2: Spearman's ρ × 100 without NLI supervision.

    make flow-2        (repro table flow-2)

STS12-16 are means over subsets weighted by size, although the paper names Sentence-BERT's setting, whose rows it
quotes: those stand in a section of their own. Without a model hub expect all-MiniLM-L6-v2 under four poolings, plain
and flowed, five seeds; averages: mean 78.78, flowed 78.38 (NLI sample) and 75.40 (target); [CLS] 72.85, flowed 74.40
and 73.68. Ten minutes on one core once the embeddings are there. all-mpnet-base-v2: mean 80.60, flowed 80.19 and 77.56;
[CLS] 78.73, flowed 78.20 and 76.14; half an hour more. scratch-bert: first-last 48.52, flowed 51.84 and 61.40; [CLS]
28.13, flowed 34.39 and 39.11; five minutes.
"""

from collections.abc import Callable

from repro.encoders.zoo import ZOO
from repro.evaluation.systems import system_of
from repro.tables import demo, scratch
from repro.tables.columns import geometry, packaged_rows, sts, subsets_in_ledger, years_over_all_pairs
from repro.tables.spec import FLOW_SEEDS, Ref, Row, Table, zoo_row
from repro.tables.whitening_1_without_nli import NOTES as WHITENING_NOTES
from repro.tables.whitening_1_without_nli import WEIGHTED

ORDER = ("stsb", "sickr", "sts12", "sts13", "sts14", "sts15", "sts16")
SBERT = "Published in Reimers and Gurevych (2019)"
OWN = "Our Implementation"
IN_LEDGER = subsets_in_ledger(quoted='Spearman rho x100 (as quoted from SBERT paper, "all")')
PACKAGED_MAPS = ("flow-nli", "flow-target")
NOTES = (
    "STS12-16: Spearman's ρ of each subset, averaged with the subsets' sizes as weights: the paper names "
    "Sentence-BERT's setting, but its numbers are these (SimCSE Tables B.1 and B.2; princeton-nlp/SimCSE#4).",
    "last2avg: a loop over all_encoder_layers[-i] for i = 0, 1 (run_siamese.py:168-175), which takes layers 1 and 12.",
    "Target: fitted on the pairs of train, dev and test, without labels (run_siamese.py:619-622).",
    *WHITENING_NOTES[-2:],
)


def block(paper: Callable[[str, str], Ref], name: str, slug: str, plain: str) -> tuple[Row, ...]:
    """The rows of one size; `slug` as in the zoo, `plain` the zoo's name of the mean of the last layer."""
    return (
        Row(plain, name, OWN, system_of(ZOO[plain]), paper(name, OWN)),
        zoo_row(f"{slug}-first-last-avg", f"{name}-last2avg", OWN, paper(f"{name}-last2avg", OWN)),
        zoo_row(f"{slug}-flow-nli", f"{name}-flow (NLI)", OWN, paper(f"{name}-flow (NLI*)", OWN), FLOW_SEEDS),
        zoo_row(f"{slug}-flow-target", f"{name}-flow (target)", OWN, paper(f"{name}-flow (target)", OWN), FLOW_SEEDS),
    )


def paper(system: str, group: str = SBERT) -> Ref:
    return Ref("flow", "Table 2", system, group, IN_LEDGER)


TABLE = Table(
    id="flow-2",
    title="BERT-flow, Table 2: STS without NLI supervision (Spearman's ρ × 100)",
    paper="Li, Zhou, He, Wang, Yang and Li, On the Sentence Embeddings from Pre-trained Language Models, 2020, Table 2",
    command="make flow-2",
    rows=(
        zoo_row("glove-avg", "Avg. GloVe embeddings", SBERT, paper("Avg. GloVe embeddings")),
        zoo_row("bert-base-avg-service", "Avg. BERT embeddings", SBERT, paper("Avg. BERT embeddings")),
        zoo_row("bert-base-cls-service", "BERT CLS-vector", SBERT, paper("BERT CLS-vector")),
        *block(paper, "BERT-base", "bert-base", "bert-base-avg"),
        *block(paper, "BERT-large", "bert-large", "bert-large-avg"),
        *packaged_rows(*PACKAGED_MAPS),
        *scratch.mapped(*PACKAGED_MAPS),
    ),
    demo=(*demo.plain("minilm-avg"), *demo.flowed("flow", levels=2)),
    columns=(*sts("wmean", WEIGHTED, order=ORDER), *years_over_all_pairs(), *geometry()),
    notes=(*NOTES, scratch.NOTE),
)
