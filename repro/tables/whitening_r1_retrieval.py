"""BERT-whitening's README, "Semantic retrieve with FAISS": MRR@10, milliseconds a query, and the memory of the index.

    make whitening-r1        (repro table whitening-r1; --force measures the times again)

The README searches Quora's questions, whose file is the user's to bring: `quora_duplicate_questions.tsv`, as Quora has
it, goes into `.repro/data/quora`. Beside them stands STS-B: 8,019 sentences, and 1,925 queries that have a right answer
among them (repro/tasks/retrieval.py). Without a model hub expect all-MiniLM-L6-v2 and scratch-bert in its columns.
Searches are exact; the README's was not, so that its MRR@10 is no target. all-MiniLM-L6-v2's first-last whitened on
the target: 0.8823 with 384 dimensions and 0.8809 with 128, in 0.12 and 0.04 ms a query on one idle core.
"""

from repro.encoders.recipe import WhitenedRecipe
from repro.encoders.zoo import transformer
from repro.evaluation.systems import system_of
from repro.tables import demo, scratch
from repro.tables.columns import map_label
from repro.tables.spec import BEYOND, AnyColumn, Column, ColumnRef, Ref, Row, Table, zoo_row
from repro.tables.whitening_1_without_nli import NOTES

README, TASK = "README: Semantic retrieve with FAISS", "Quora Duplicate Questions"
APPROXIMATE = (
    "an approximate search (FAISS IVF, nlist 1024, nprobe 5) among question ids; here it is exact, among texts"
)
IN_LEDGER = {
    "quora-mrr": ColumnRef(TASK, "MRR@10", differs=APPROXIMATE),
    "quora-ms": ColumnRef(TASK, "average retrieve time (ms)"),
    "quora-gb": ColumnRef(TASK, "memory usage (GB)", differs="of 299,364 question ids; here each text counts once"),
}
OWN = {  # name in the zoo: label, a third of its dimensions
    "minilm-avg": ("all-MiniLM-L6-v2, mean", 128),
    "minilm-first-last-avg": ("all-MiniLM-L6-v2, first-last", 128),
    "scratch-first-last-avg": ("scratch-bert, first-last", 85),
}


def columns(data: str, section: str) -> tuple[AnyColumn, ...]:
    return (
        Column(f"{data}-mrr", "MRR@10", f"retrieval-{data}", "mrr-at-10", section),
        Column(f"{data}-ms", "ms a query ↓", f"search-{data}", "search-milliseconds", section),
        Column(f"{data}-gb", "memory, GB ↓", f"retrieval-{data}", "index-gb", section),
    )


def block(name: str, slug: str, group: str, k: int) -> tuple[Row, ...]:
    """The README's rows of one size; `name` as it has them, `slug` as the zoo has them."""
    kinds = {
        "first-last-avg": "first_last_avg",
        "whitening-nli": "whiten(nli)",
        f"whitening-{k}-nli": f"whiten-{k}(nli)",
        "whitening-target": "whiten(target)",
        f"whitening-{k}-target": f"whiten-{k}(target)",
    }
    systems = {kind: f"{name}-{end}" for kind, end in kinds.items()}
    return tuple(
        zoo_row(f"{slug}-{kind}", system, group, Ref("whitening", README, system, columns=IN_LEDGER))
        for kind, system in systems.items()
    )


def own(name: str, label: str, k: int) -> tuple[Row, ...]:
    """A base that needs no hub, plain and whitened in full and to k dimensions, on the NLI sample and on the target."""
    base = transformer(name)
    maps = {
        "whitening-nli": WhitenedRecipe(base, "nli-sample"),
        f"whitening-{k}-nli": WhitenedRecipe(base, "nli-sample", k),
        "whitening-target": WhitenedRecipe(base),
        f"whitening-{k}-target": WhitenedRecipe(base, k=k),
    }
    whitened = (
        Row(f"{name}-{kind}", f"{label}, {map_label(kind)}", BEYOND, system_of(recipe)) for kind, recipe in maps.items()
    )
    return zoo_row(name, label, BEYOND), *whitened


TABLE = Table(
    id="whitening-r1",
    title="BERT-whitening, README: semantic retrieval (MRR@10, time and memory)",
    paper="Su, Cao, Liu and Ou, Whitening Sentence Representations, 2021: the README of its PyTorch code (@b5cfbd6)",
    command="make whitening-r1",
    decimals=4,
    rows=(
        *block("BERTbase", "bert-base", "BERT-base", 256),
        *block("BERTlarge", "bert-large", "BERT-large", 384),
        *(row for name, (label, k) in OWN.items() for row in own(name, label, k)),
    ),
    columns=(
        *columns("quora", "Quora's question pairs"),
        *columns("stsb", "STS-B"),
    ),
    demo=(*demo.plain("minilm-avg"), *demo.whitened()),
    notes=(
        "The index holds the distinct second sentences of all pairs. A query is a distinct first sentence that has a "
        "right answer among them: a duplicate in Quora's pairs, in STS-B the partner in a pair with a gold score of 4 "
        "or more (mostly equivalent). STS-B's three splits are one: 8,019 sentences are searched for 1,925 queries.",
        "MRR@10: the mean of 1 / rank of the first right answer, 0 beyond the tenth place. Of equal cosines the one "
        "of the sentence that comes first in the data comes first. A query that stands in the index too finds itself, "
        "and that is no right answer, as in the README's code, but where its partner is the same text (once in STS-B).",
        "The search is exact, by cosine. The README's is approximate: FAISS's IVF with 1,024 lists, of which 5 are "
        "looked into, so that its MRR@10 is that of such a search and no target for these. It counts question ids "
        "(299,364 in the index, 290,654 queries); here texts are distinct, and equal questions count once.",
        "Time: after one search that warms up, the median of five for the first 1,000 distinct first sentences, a "
        "hundred at a time: their products with the whole index and the ten largest of each, in float32 on one thread, "
        "vectors in memory. The README's are of IVF on a Xeon E5-2699 v4, so there is no verdict; what can be compared "
        "is how many times faster fewer dimensions are. The signatures name the machine.",
        "Memory: number of vectors × dimensions × 4 bytes, in 2³⁰ bytes, as the README has it (it cuts its numbers "
        "after the fourth decimal).",
        *NOTES[1:3],
        "Target: fitted on all sentences of the pairs, queries and index alike, every pair counted (the README's code "
        "counts each question id once on each side). NLI: MultiNLI train and SNLI, here all of it that is fetched. NLI "
        "sample: 38,703 pairs of both that are on GitHub.",
        "File: `quora_duplicate_questions.tsv` as Quora gives it away (id, qid1, qid2, question1, question2, "
        "is_duplicate; 404,290 pairs), below `.repro/data/quora`, or `quora/` of your own folder.",
        scratch.NOTE,
    ),
)
