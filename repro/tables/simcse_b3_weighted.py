"""SimCSE Table B.3: STS12-16 as means weighted by subset size, beside the papers that print them so.

    make simcse-b3     (repro table simcse-b3; --encoder NAME adds a row)

The same vectors over all pairs of a year stand in a section of their own. Without a model hub expect all-MiniLM-L6-v2
and scratch-bert, plain and under the maps; after `make base` all-mpnet-base-v2 too.
"""

from repro.tables import demo, scratch
from repro.tables.columns import OTHERS, RELEASED, YEARS, packaged_rows, released_row, sts
from repro.tables.spec import FLOW_SEEDS, Average, Column, ColumnRef, Ref, Row, Table, zoo_row

BERT = "BERT-base"
SBERT = "SBERT-base"
WEIGHTED = "wmean: STS12-16 as means over subsets, weighted by size; the paper's columns"
TOGETHER = "all: the same vectors, one correlation over all pairs of a year"
ALL = tuple(Column(f"{year}-all", label, year, "spearman-all", TOGETHER) for year, label in YEARS.items())
ONE_SUBSET = tuple(f"{name}-wmean" for name in OTHERS)  # the same number under either
IN_LEDGER = {f"{column}-wmean": ColumnRef(task) for column, task in {**YEARS, **OTHERS, "avg": "Avg."}.items()}
IN_MTEB = {f"{year}-all": task for year, task in YEARS.items()} | {"stsb-wmean": "STSBenchmark"}
MAPS = {
    "flow-nli": "flow (NLI)",
    "flow-target": "flow (target)",
    "whitening-nli": "whitening (NLI)",
    "whitening-target": "whitening (target)",
}


def paper(system: str, group: str) -> Ref:
    return Ref("simcse", "Table B.3", system, f"{group} block", IN_LEDGER)


def block(slug: str, group: str) -> tuple[Row, ...]:
    """A base as it is and under each map, as BERT-flow's and BERT-whitening's authors print it."""
    plain = f"{group} (first-last avg.)"
    mapped = {kind: f"{group} + {name}" for kind, name in MAPS.items()}
    return (
        zoo_row(f"{slug}-first-last-avg", plain, group, paper(plain, group)),
        *(
            zoo_row(f"{slug}-{kind}", label, group, paper(label, group), FLOW_SEEDS if kind.startswith("flow") else 1)
            for kind, label in mapped.items()
        ),
    )


def simcse(slug: str, label: str, group: str) -> Row:
    return zoo_row(slug, label, group, paper(label, group))


TABLE = Table(
    id="simcse-b3",
    title="SimCSE, Table B.3: weighted means over subsets (Spearman's ρ × 100)",
    paper="Gao, Yao and Chen, SimCSE, EMNLP 2021, Table B.3",
    command="make simcse-b3",
    rows=(
        *block("bert-base", BERT),
        simcse("unsup-simcse-bert-base", "Unsup. SimCSE-BERT-base", BERT),
        *block("sbert-nli-base", SBERT),
        simcse("sup-simcse-bert-base", "Sup. SimCSE-BERT-base", SBERT),
        *(released_row(slug, IN_MTEB, ", as released") for slug in RELEASED),
        *packaged_rows(*MAPS, poolings=("avg", "first-last-avg")),
        *scratch.mapped(*MAPS, poolings=("avg", "first-last-avg")),
    ),
    columns=(
        *sts("wmean", WEIGHTED, "-wmean"),
        *ALL,
        Average("Avg.", (*(column.slug for column in ALL), *ONE_SUBSET), "avg-all", TOGETHER),
    ),
    demo=(*demo.plain("minilm-avg"), *demo.whitened(), *demo.flowed("flow", levels=2)),
    notes=(
        "The sections differ in nothing but the aggregation of STS12-16. STS-B and SICK-R have one subset: they are "
        "the same under either, and count in both averages.",
        "All rows but SimCSE's are quoted from BERT-flow and BERT-whitening (their own tables: flow-2, flow-3, "
        "whitening-1, whitening-2), whose maps they are under: two levels of flow, all dimensions of the whitening, "
        "layers 1 and 12.",
        "Text of STS-B and SICK: raw, as those papers read it. SimCSE's two rows were evaluated on SentEval's; of "
        "STS-B's 2,758 test sentences uncased BERT sees one otherwise.",
        "SimCSE's rows: [CLS] before the pooler unsupervised, the pooler's output supervised, as in simcse-5.",
        scratch.NOTE,
    ),
)
