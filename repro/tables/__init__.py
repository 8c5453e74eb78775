"""The published tables, one module each."""

from __future__ import annotations

from repro.errors import ReproError
from repro.table import Table
from repro.tables import (
    demo,
    sbert_1_unsupervised_sts,
    sbert_2_supervised_stsb,
    sbert_3_argument_facets,
    sbert_4_wikipedia_sections,
    sbert_5_senteval,
    sbert_6_ablation,
)

MODULES = (
    sbert_1_unsupervised_sts,
    sbert_2_supervised_stsb,
    sbert_3_argument_facets,
    sbert_4_wikipedia_sections,
    sbert_5_senteval,
    sbert_6_ablation,
)
TABLES: dict[str, Table] = {module.TABLE.id: module.TABLE for module in MODULES}


def get(table_id: str, suite: str = "paper") -> Table:
    """The table of that id, with the embedded set's rows in the suite `mini`; ReproError lists the ids there are."""
    if table_id not in TABLES:
        raise ReproError(f"{table_id!r} is not a table; there are: {', '.join(TABLES)}")
    return TABLES[table_id] if suite == "paper" else demo.embedded(TABLES[table_id])
