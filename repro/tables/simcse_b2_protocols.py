"""SimCSE Table B.2: the same models under every aggregation in use: the table that explains why papers disagree.

    make simcse-b2        (repro table simcse-b2; --encoder NAME adds a row)

One forward pass gives all three: over all pairs of a year (Sentence-BERT, SimCSE, MTEB), weighted by subset size
(BERT-flow, BERT-whitening), plain mean over subsets (SentEval). Without a model hub expect all-MiniLM-L6-v2 under four
poolings, each plain, whitened and flowed, and trained on as SimCSE does; after `make base` all-mpnet-base-v2 too.
scratch-bert: first-last 45.03 over all pairs and 48.52 weighted, whitened on the target 60.92 and 63.60.
"""

from repro.evaluation.systems import Quoted
from repro.tables import demo, scratch
from repro.tables.columns import OTHERS, RELEASED, SIMCSE_TEXT, YEARS, geometry, packaged_rows, released_row, sts
from repro.tables.simcse_5_sts import TEXT, minilm_trained
from repro.tables.spec import AnyColumn, Average, Column, ColumnRef, Difference, Ref, Row, Table, zoo_row
from repro.tables.whitening_1_without_nli import PACKAGED_MAPS, SCRATCH_MAPS

SECTIONS = {
    "all": "all: one correlation over all pairs of a year",
    "wmean": "wmean: mean over subsets, weighted by size",
    "mean": "mean: plain mean over subsets",
}
RERUN = "re-run by SimCSE authors"
QUOTED = "original numbers (quoted)"
SIDE = "Side by side: the average of the seven sets; Δ: by year, wmean less all"
SIDE_BY_SIDE: tuple[AnyColumn, ...] = (
    *(Average(name, tuple(f"{task}-{name}" for task in (*YEARS, *OTHERS)), f"side-{name}", SIDE) for name in SECTIONS),
    *(
        Difference(f"{year}-worth", f"Δ {label}", (f"{year}-wmean", f"{year}-all"), SIDE)
        for year, label in YEARS.items()
    ),
)
COLUMNS = (
    *SIDE_BY_SIDE,
    *(column for name, title in SECTIONS.items() for column in sts(name, title, f"-{name}", text=SIMCSE_TEXT)),
    *geometry(),
)


IN_LEDGER = {
    f"{column}-{protocol}": ColumnRef(task, protocol=protocol)
    for column, task in {**YEARS, **OTHERS, "avg": "Avg.", "side": "Avg."}.items()
    for protocol in ("all", "wmean")
}
IN_MTEB = {f"{year}-all": task for year, task in YEARS.items()}  # STS-B and SICK-R are of another text there


def paper(system: str, group: str) -> Ref:
    return Ref("simcse", "Table B.2", system, group, IN_LEDGER)


def rerun(slug: str, label: str, system: str) -> Row:
    return zoo_row(slug, label, RERUN, paper(system, RERUN))


def quoted(slug: str, system: str, aggregation: str) -> Row:
    """What the system's own paper printed, under the aggregation that it used."""
    columns = (f"side-{aggregation}", *(column.slug for column in sts(aggregation, suffix=f"-{aggregation}")))
    why = f"printed by its authors, under {aggregation}"
    return Row(
        slug,
        f"{system}, as its authors print it",
        QUOTED,
        Quoted(why, columns),
        paper(system, QUOTED),
    )


TABLE = Table(
    id="simcse-b2",
    title="SimCSE, Table B.2: the same models under every protocol (Spearman's ρ × 100)",
    paper="Gao, Yao and Chen, SimCSE, EMNLP 2021, Table B.2",
    command="make simcse-b2",
    rows=(
        rerun("sbert-nli-base", "SBERT", "SBERT ({})"),
        rerun("bert-base-whitening-nli", "BERT-whitening (NLI)", "BERT-whitening (NLI, {})"),
        rerun("bert-base-whitening-target", "BERT-whitening (target)", "BERT-whitening (target, {})"),
        quoted("sbert-quoted", "SBERT", "all"),
        quoted("whitening-nli-quoted", "BERT-whitening (NLI)", "wmean"),
        quoted("whitening-target-quoted", "BERT-whitening (target)", "wmean"),
        *(released_row(slug, IN_MTEB, ", as released") for slug in RELEASED),
        *packaged_rows(
            *PACKAGED_MAPS,
            *("flow3-nli", "flow3-target"),
        ),
        *minilm_trained(tuple(column.slug for column in COLUMNS if isinstance(column, Column))),
        *scratch.mapped(*SCRATCH_MAPS, "flow3-nli", "flow3-target"),
        *scratch.trained(COLUMNS, "sbert-nli", "unsup-simcse", "sup-simcse"),
    ),
    columns=COLUMNS,
    demo=(*demo.plain("minilm-cls", "minilm-avg"), *demo.whitened(), *demo.flowed("flow3", levels=3)),
    notes=(
        "The sections differ in nothing but the aggregation of STS12-16: same vectors, same cosines. STS-B and SICK-R "
        "have one subset, so their numbers are the same in all of them. SentEval's own code knows mean and wmean only; "
        "over all pairs was added by Sentence-BERT's evaluation and SimCSE's (sts.py:97-104).",
        TEXT,
        "Maps fitted on the target move each subset's cosines to another place, which a correlation over all pairs of "
        "a year sees and a mean over subsets does not: STS12 of BERT-whitening (target) is 42.88 over all pairs and "
        "63.38 as weighted mean.",
        "BERT-whitening over layers 1 and 12, all dimensions. Rows “Beyond the paper”: see whitening-1, flow-2 (here "
        "with three levels, as SimCSE's authors ran it) and simcse-5.",
        scratch.NOTE,
    ),
)
