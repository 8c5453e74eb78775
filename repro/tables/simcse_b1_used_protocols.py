"""SimCSE Table B.1: which protocol each paper scored STS12-16 under, beside that of this suite's tables.

    make simcse-b1     (repro table simcse-b1)

Nothing is measured: the suite's are read from the columns of STS12 in its tables of the same papers. simcse-b2 shows
what the difference is worth.
"""

from repro.tables import flow_2_without_nli, sbert_1_unsupervised_sts, simcse_5_sts, whitening_1_without_nli
from repro.tables.facts import Facts
from repro.tasks import TASKS

# as the ledger names the papers: the suite's table of each
TABLES = {
    "Reimers and Gurevych (2019)": sbert_1_unsupervised_sts.TABLE,
    "Li et al. (2020)": flow_2_without_nli.TABLE,
    "Su et al. (2021)": whitening_1_without_nli.TABLE,
    "Ours": simcse_5_sts.TABLE,
}


def own() -> dict[tuple[str, str], str]:
    """From the protocol of the first column of STS12 in each table."""
    used = {}
    for paper, table in TABLES.items():
        column = next(column for column in table.scored() if column.task == "sts12")
        protocol = TASKS[column.task].protocol(column.metric)
        used[paper, "additional regressor"] = "no" if protocol["sim"] == "cos" else "yes"
        used[paper, "correlation metric"] = protocol["corr"].capitalize()
        used[paper, "aggregation"] = protocol["agg"]
    return used


FACTS = Facts(
    id="simcse-b1",
    title="SimCSE, Table B.1: protocols of STS12-16 in use",
    paper="Gao, Yao and Chen, SimCSE, EMNLP 2021, Table B.1",
    command="make simcse-b1",
    source=("simcse", "Table B.1"),
    own=own,
    notes=(
        "all: one correlation over all pairs of a year; mean and wmean: over its subsets, plainly and weighted by "
        "size. Both: Pearson and Spearman.",
        "A regressor is trained on |u−v| and u·v of a pair; without one the cosine is the score.",
        "The other papers have no table here.",
    ),
)
