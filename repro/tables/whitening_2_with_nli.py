"""BERT-whitening Table 2: Spearman's ρ × 100 with NLI supervision: plain, whitened and flowed SBERT.

    make whitening        (repro table whitening-2)

The paper trained its own SBERT (Keras, one epoch on NLI); the released checkpoints of sentence-transformers stand in
for it, as in the paper's PyTorch code. Without a model hub only all-MiniLM-L6-v2 runs, under its own pooling
(whitening-1 has all four).
"""

from repro.table import Ref, Row, Table, outside_row, zoo_row
from repro.tables.columns import geometry, minilm_rows, sts, years_over_all_pairs
from repro.tables.whitening_1_without_nli import MINILM_MAPS, NOTES, ORDER, SBERT, WEIGHTED, block


def paper(system: str) -> Ref:
    return Ref("whitening", "Table 2", system, SBERT)


def released(slug: str, system: str) -> Row:
    return zoo_row(slug, system, SBERT, paper(system))


TABLE = Table(
    id="whitening-2",
    title="BERT-whitening, Table 2: STS with NLI supervision (Spearman's ρ × 100)",
    paper="Su, Cao, Liu and Ou, Whitening Sentence Representations, 2021, Table 2",
    command="make whitening",
    rows=(
        outside_row("infersent", "InferSent - GloVe", SBERT, paper("InferSent - Glove")),
        outside_row("use", "Universal Sentence Encoder", SBERT, paper("USE")),
        released("sbert-nli-base", "SBERT-base-NLI"),
        released("sbert-nli-large", "SBERT-large-NLI"),
        released("sroberta-nli-base", "SRoBERTa-base-NLI"),
        released("sroberta-nli-large", "SRoBERTa-large-NLI"),
        *block(("whitening", "Table 2"), "SBERT-base-NLI", "sbert-nli-base", "base", 256),
        *block(("whitening", "Table 2"), "SBERT-large-NLI", "sbert-nli-large", "large", 384),
        *minilm_rows(*MINILM_MAPS, poolings=("minilm-avg",)),
    ),
    columns=(*sts("wmean", WEIGHTED, order=ORDER), *years_over_all_pairs(), *geometry()),
    notes=(
        *NOTES,
        "The paper's SBERT rows are its own Keras trainings (eng/nli_train.py), Li et al.'s are theirs; both are held "
        "against the released checkpoints, on which the paper's PyTorch README differs from its tables by up to 0.96.",
    ),
)
