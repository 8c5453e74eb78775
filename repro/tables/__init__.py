"""The published tables, one module each."""

from __future__ import annotations

from repro.errors import ReproError
from repro.tables import (
    demo,
    flow_2_without_nli,
    flow_3_with_nli,
    sbert_1_unsupervised_sts,
    sbert_2_supervised_stsb,
    sbert_3_argument_facets,
    sbert_4_wikipedia_sections,
    sbert_5_senteval,
    sbert_6_ablation,
    sbert_7_speed,
    simcse_5_sts,
    simcse_6_poolers,
    simcse_b2_protocols,
    simcse_e1_transfer,
    whitening_1_without_nli,
    whitening_2_with_nli,
)
from repro.tables.spec import Table

MODULES = (
    sbert_1_unsupervised_sts,
    sbert_2_supervised_stsb,
    sbert_3_argument_facets,
    sbert_4_wikipedia_sections,
    sbert_5_senteval,
    sbert_6_ablation,
    sbert_7_speed,
    whitening_1_without_nli,
    whitening_2_with_nli,
    flow_2_without_nli,
    flow_3_with_nli,
    simcse_5_sts,
    simcse_6_poolers,
    simcse_b2_protocols,
    simcse_e1_transfer,
)
TABLES: dict[str, Table] = {module.TABLE.id: module.TABLE for module in MODULES}


def get(table_id: str, suite: str = "paper") -> Table:
    """The table of that id, with the embedded set's rows in the suite `mini`; ReproError lists the ids there are."""
    if table_id not in TABLES:
        raise ReproError(f"{table_id!r} is not a table; there are: {', '.join(TABLES)}")
    return TABLES[table_id] if suite == "paper" else demo.embedded(TABLES[table_id])
