"""Columns and rows that several tables share."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import product

from repro.encoders.zoo import PACKAGED, PACKAGED_POOLINGS
from repro.tables.spec import BEYOND, FLOW_SEEDS, AnyColumn, Average, Column, ColumnRef, Ref, Row, outside_row, zoo_row

YEARS = {f"sts{year}": f"STS{year}" for year in range(12, 17)}
OTHERS = {"stsb": "STS-B", "sickr": "SICK-R"}
TRANSFER = {"mr": "MR", "cr": "CR", "subj": "SUBJ", "mpqa": "MPQA", "sst": "SST", "trec": "TREC", "mrpc": "MRPC"}
GEOMETRY = "Geometry on STS-B"
RELEASED = {  # on PyPI, and scored by MTEB: model, revision
    "all-minilm-l6-v2": ("all-MiniLM-L6-v2", "revision 8b3219a9"),
    "all-mpnet-base-v2": ("all-mpnet-base-v2", "revision 84f2bcc0"),
}
FLOWED = {  # what is flowed in its tables where no hub answers
    "minilm-avg": "all-MiniLM-L6-v2, mean",
    "minilm-first-last-avg": "all-MiniLM-L6-v2, first-last",
    "scratch-avg": "scratch-bert, mean",
    "scratch-first-last-avg": "scratch-bert, first-last",
}
RAW, SENTEVAL = "", "-senteval"  # how the tasks' names end: raw text, or as SentEval's files have it
SIMCSE_TEXT = SENTEVAL  # what SimCSE's tables score STS-B and SICK-R on (evaluation.py:90 @49fa580)


def sts(
    aggregation: str, section: str = "", suffix: str = "", order: tuple[str, ...] = (), text: str = RAW
) -> tuple[AnyColumn, ...]:
    """The seven STS sets under one aggregation, and their average; `suffix` ends the slugs.

    `text` is that of STS-B and SICK-R; STS12-16 have one form, SentEval's.
    """
    labels = {**YEARS, **OTHERS}
    names = order or tuple(labels)
    columns = [
        Column(name + suffix, labels[name], name + (text if name in OTHERS else ""), f"spearman-{aggregation}", section)
        for name in names
    ]
    return (*columns, Average("Avg.", tuple(column.slug for column in columns), f"avg{suffix}", section))


def years_over_all_pairs() -> tuple[AnyColumn, ...]:
    """STS12-16 as Sentence-BERT has them: what tables of weighted means quote."""
    section = "Over all pairs of a year, as Sentence-BERT has it"
    return tuple(Column(f"{name}-all", label, name, "spearman-all", section) for name, label in YEARS.items())


def geometry() -> tuple[AnyColumn, ...]:
    """Alignment, uniformity, average cosine and IsoScore."""
    labels = {
        "alignment": "alignment ↓",
        "uniformity": "uniformity ↓",
        "cosine": "average cosine",
        "isoscore": "IsoScore",
    }
    return tuple(Column(name, label, "geometry", name, GEOMETRY) for name, label in labels.items())


def accuracies(suffix: str, metric: str, section: str) -> list[AnyColumn]:
    """SentEval's seven tasks and their average; `dev-accuracy` columns carry `-dev` in their names."""
    end = suffix + ("-dev" if metric == "dev-accuracy" else "")
    columns = [Column(task + end, label, task + suffix, metric, section) for task, label in TRANSFER.items()]
    return [*columns, Average("Avg.", tuple(column.slug for column in columns), "avg" + end, section)]


def in_ledger(names: Mapping[str, str], metric: str = "") -> dict[str, ColumnRef]:
    """From how the ledger names each column's task; `metric` where it has several of that task."""
    return {column: ColumnRef(task, metric) for column, task in names.items()}


def subsets_in_ledger(quoted: str) -> dict[str, ColumnRef]:
    """The columns of a table of weighted means; `quoted` is the metric of the numbers quoted from Sentence-BERT."""
    years = {year: label.replace("STS", "STS-") for year, label in YEARS.items()}
    weighted = in_ledger(years, "Spearman rho x100 (weighted mean of subsets)")
    return in_ledger(OTHERS) | weighted | in_ledger({f"{year}-all": task for year, task in years.items()}, quoted)


STS_IN_LEDGER = in_ledger({**YEARS, **OTHERS})
TRANSFER_IN_LEDGER = in_ledger({f"{task}-adam": label for task, label in {**TRANSFER, "avg": "Avg."}.items()})


def quoted_sbert_rows(paper: Callable[[str], Ref], group: str) -> tuple[Row, ...]:
    """The rows that BERT-flow's and BERT-whitening's second tables quote from Sentence-BERT."""
    released = {
        "sbert-nli-base": "SBERT-base-NLI",
        "sbert-nli-large": "SBERT-large-NLI",
        "sroberta-nli-base": "SRoBERTa-base-NLI",
        "sroberta-nli-large": "SRoBERTa-large-NLI",
    }
    return (
        outside_row("infersent", "InferSent - GloVe", group, paper("InferSent - Glove")),
        outside_row("use", "Universal Sentence Encoder", group, paper("USE")),
        *(zoo_row(slug, system, group, paper(system)) for slug, system in released.items()),
    )


def released_row(slug: str, tasks: Mapping[str, str], how: str = "") -> Row:
    """A packaged model as its authors released it, beside MTEB's numbers; `tasks`: MTEB's names, by column."""
    model, revision = RELEASED[slug]
    columns = in_ledger(tasks, "cosine_spearman")
    published = Ref("mteb", "result JSON", f"sentence-transformers/{model}", revision, columns)
    return zoo_row(slug, model + how, BEYOND, published)


def packaged_rows(*maps: str, poolings: tuple[str, ...] = tuple(PACKAGED_POOLINGS)) -> tuple[Row, ...]:
    """The models of PyPI packages under each pooling, plain and under the named maps, such as `whitening-256-nli`."""
    rows = []
    for model, pooling in product(PACKAGED, poolings):
        label = f"{PACKAGED[model]}, {PACKAGED_POOLINGS[pooling]}"
        rows.append(zoo_row(f"{model}-{pooling}", label, BEYOND))
        rows += mapped_rows(f"{model}-{pooling}", label, maps)
    return tuple(rows)


def mapped_rows(name: str, label: str, maps: tuple[str, ...]) -> list[Row]:
    """An encoder of the zoo under the named maps."""
    return [
        zoo_row(
            f"{name}-{kind}",
            f"{label}, {map_label(kind)}",
            BEYOND,
            seeds=FLOW_SEEDS if kind.startswith("flow") else 1,
        )
        for kind in maps
    ]


def glove_50d_rows() -> tuple[Row, ...]:
    """GloVe 6B with 50 dimensions, from a PyPI package, under each tokenisation."""
    tokenisations = {"whitespace": "blanks", "whitespace-lower": "blanks, lower-cased", "sbert": "SBERT's tokens"}
    return tuple(
        zoo_row(f"glove-6b-50d-{tokens}", f"GloVe 6B, 50 dimensions, {label}", BEYOND)
        for tokens, label in tokenisations.items()
    )


def map_label(kind: str, nli: str = "NLI sample") -> str:
    """`whitening-256-nli` → `whitening-256 (NLI sample)`; `flow3` → `flow, three levels`."""
    method, _, source = kind.rpartition("-")
    method = method.replace("flow3", "flow, three levels")
    return f"{method} ({nli if source == 'nli' else source})"
