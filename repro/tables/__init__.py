"""The published tables, one module each."""

from __future__ import annotations

from repro.errors import ReproError
from repro.table import Table
from repro.tables import sbert_1_unsupervised_sts

TABLES: dict[str, Table] = {module.TABLE.id: module.TABLE for module in (sbert_1_unsupervised_sts,)}


def get(table_id: str) -> Table:
    """The table of that id; ReproError lists the ids there are."""
    try:
        return TABLES[table_id]
    except KeyError:
        raise ReproError(f"{table_id!r} is not a table; there are: {', '.join(TABLES)}") from None
