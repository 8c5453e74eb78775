"""SimCSE Table C.1: flow and whitening fitted on NLI and on the target, correlations over all pairs of a year.

    make simcse-c1     (repro table simcse-c1; --encoder NAME adds a row)

Why SimCSE's main table has the maps on NLI. Without a model hub expect all-MiniLM-L6-v2 and scratch-bert; after
`make base` all-mpnet-base-v2 too. Averages of scratch-bert's first-last: 45.03, flowed 51.02 (NLI sample) and 59.64
(target), whitened 59.38 and 60.92; of all-MiniLM-L6-v2's mean: 78.87, 78.23 and 72.63, 75.46 and 73.54.
"""

from repro.tables import demo, scratch
from repro.tables.columns import SIMCSE_TEXT, STS_IN_LEDGER, in_ledger, packaged_rows, sts
from repro.tables.simcse_5_sts import TEXT
from repro.tables.spec import FLOW_SEEDS, Ref, Row, Table, zoo_row

RERUN = "re-run by SimCSE authors"
IN_LEDGER = STS_IN_LEDGER | in_ledger({"avg": "Avg."})
MAPS = {
    "flow3-nli": "flow (NLI)",
    "flow3-target": "flow (target)",
    "whitening-nli": "whitening (NLI)",
    "whitening-target": "whitening (target)",
}


def block(slug: str, name: str) -> tuple[Row, ...]:
    """A base under each map."""
    rows = []
    for kind, label in MAPS.items():
        system = f"{name}-{label}"
        reference = Ref("simcse", "Table C.1", system, RERUN, IN_LEDGER)
        rows.append(zoo_row(f"{slug}-{kind}", system, name, reference, FLOW_SEEDS if kind.startswith("flow") else 1))
    return tuple(rows)


TABLE = Table(
    id="simcse-c1",
    title="SimCSE, Table C.1: maps fitted on NLI and on the target (Spearman's ρ × 100)",
    paper="Gao, Yao and Chen, SimCSE, EMNLP 2021, Table C.1",
    command="make simcse-c1",
    rows=(
        *block("bert-base", "BERT"),
        *block("sbert-nli-base", "SBERT"),
        *packaged_rows(*MAPS, poolings=("avg", "first-last-avg")),
        *scratch.mapped(*MAPS, poolings=("avg", "first-last-avg")),
    ),
    columns=sts("all", text=SIMCSE_TEXT),
    demo=(*demo.plain("minilm-avg"), *demo.whitened(), *demo.flowed("flow3", levels=3)),
    notes=(
        "STS12-16: one Spearman over all pairs of a year; STS-B and SICK-R: test pairs, cosine, no regressor.",
        TEXT,
        "Re-run by SimCSE's authors with each paper's code: the flow at that code's default of three levels (see "
        "simcse-5), the whitening with all dimensions, both over layers 1 and 12. SBERT: bert-base-nli-mean-tokens.",
        "Fitted on the target a map moves each subset's cosines to another place, which a correlation over all pairs "
        "of a year counts against it and a mean over subsets does not (simcse-b2). In the paper the target is the "
        "better of the two on STS-B and the worse on SICK-R, which have one subset each.",
        scratch.NOTE,
    ),
)
