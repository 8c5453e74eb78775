"""Sentence-BERT's headline (abstract and §1): the most similar pair among 10,000 sentences, 65 hours or 5 seconds.

    make 65h        (repro table sbert-65h; --force measures again, --encoder NAME adds a row)

A bi-encoder is measured end to end: 10,000 sentences are encoded and their vectors searched. A cross-encoder of the
same size is measured on 1,024 pairs, and the hours for all 49,995,000 follow from its rate. Speed does not depend on
trained values: where weights cannot be reached, random ones of the same size stand in, and their rows say so. About
half an hour on two cores, most of it for the models of BERT-base's size.
"""

from dataclasses import replace

from repro.encoders.recipe import BaseRecipe, TimedRecipe
from repro.encoders.zoo import MINILM, MPNET, SBERT_NLI_BASE, ZOO
from repro.evaluation.systems import Timed
from repro.tables.spec import BEYOND, AnyColumn, Column, ColumnRef, Ref, Row, Table

PAPER = "The paper's model"
RANDOM = "Random weights of the same size, for speed alone"
GLOVE = ZOO["glove-avg"].plain
HEADLINE = "most similar pair in n=10000 sentences"
IN_LEDGER = {
    "encode-cpu": ColumnRef(HEADLINE, "seconds to embed", protocol="SBERT"),
    "search-cpu": ColumnRef(HEADLINE, "seconds for cosine similarities", protocol="SBERT"),
    "hours-cpu": ColumnRef(HEADLINE, "hours on V100", protocol="BERT cross-encoder"),
}
IN_LEDGER |= {name.replace("cpu", "gpu"): where for name, where in IN_LEDGER.items()}
BASE_SIZE = Ref("sbert", "text", "{}", "headline/hyper-parameter", IN_LEDGER)


def columns(device: str) -> tuple[AnyColumn, ...]:
    """Both kinds of encoder on one kind of device."""
    section = device.upper()
    return (
        Column(f"encode-{device}", "bi-encoder: encode, s", f"closest-pair-{device}", "encode-seconds", section),
        Column(f"search-{device}", "search, s", f"closest-pair-{device}", "search-seconds", section),
        Column(f"seconds-{device}", "both, s", f"closest-pair-{device}", "closest-pair-seconds", section),
        Column(f"pairs-{device}", "cross-encoder: pairs/s", f"all-pairs-{device}", "pairs-per-second", section),
        Column(
            f"hours-{device}",
            "all 49,995,000 pairs, h (from 1,024)",
            f"all-pairs-{device}",
            "hours-for-all-pairs",
            section,
        ),
    )


def rows(slug: str, label: str, group: str, base: BaseRecipe, random: bool = False, of_size: bool = True) -> list[Row]:
    """In float32 and in bfloat16; `of_size`: as large as the paper's model."""
    recipe = TimedRecipe(base, random=random)
    published = BASE_SIZE if of_size else None
    return [
        Row(slug, label, group, Timed(recipe), published),
        Row(f"{slug}-bfloat16", f"{label}, bfloat16", group, Timed(replace(recipe, dtype="bfloat16"))),
    ]


ALL_MINILM = rows("all-minilm-l6-v2", "all-MiniLM-L6-v2", BEYOND, MINILM, of_size=False)

TABLE = Table(
    id="sbert-65h",
    title="Sentence-BERT, headline: the most similar pair among 10,000 sentences",
    paper="Reimers and Gurevych, Sentence-BERT, EMNLP-IJCNLP 2019, abstract and section 1",
    command="make 65h",
    rows=(
        *rows("sbert-base", "SBERT-base, and BERT-base as cross-encoder", PAPER, SBERT_NLI_BASE),
        *rows("random-bert-base", "Random BERT-base", RANDOM, SBERT_NLI_BASE, random=True),
        Row(
            "random-vectors", "Random word vectors, averaged as GloVe's", RANDOM, Timed(TimedRecipe(GLOVE, random=True))
        ),
        *ALL_MINILM,
        *rows("all-mpnet-base-v2", "all-mpnet-base-v2", BEYOND, MPNET),
        Row("glove-6b-50d", "GloVe 6B, 50 dimensions", BEYOND, Timed(TimedRecipe(ZOO["glove-6b-50d-sbert"].plain))),
        Row("glove-avg", "Avg. GloVe embeddings", BEYOND, Timed(TimedRecipe(GLOVE))),
    ),
    columns=(*columns("cpu"), *columns("gpu")),
    demo=tuple(ALL_MINILM[:1]),
    notes=(
        "The first 10,000 distinct sentences of STS-B, one of Table 1's sets. Bi-encoder: after 64 sentences that warm "
        "it up, the seconds from their text to vectors (tokenisation included, sentences of like length together), and "
        "those of an exact search of all pairs for the largest cosine.",
        "Cross-encoder: the same transformer under a head of one logit, on 16 × 64 pairs drawn from all pairs of these "
        "sentences (seed 12), both sentences in one input, pairs of like length together. The hours are extrapolated: "
        "49,995,000 = n (n − 1) / 2 pairs at that rate. Their interval resamples the 16 runs.",
        "The paper's 65 hours, 5 seconds and 0.01 seconds are of BERT-base on a Nvidia Tesla V100: no target for "
        "another machine, so there is no verdict. What can be compared is how many times faster the one is.",
        "The figure shows growth with n: bi-encoders are measured at n = 1,000, 3,162 and 10,000 and drawn on to "
        "100,000, encoding with n and search with n²; cross-encoders at their rate, with n (n − 1) / 2.",
    ),
)
