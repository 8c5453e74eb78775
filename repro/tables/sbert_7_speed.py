"""Sentence-BERT Table 7: sentences encoded a second, on the STS benchmark's sentences.

    make table7        (repro table sbert-7; --force measures again, --encoder NAME adds a row)

The paper's figures are from its machines (an i7-5820K with six cores, a V100) and stand beside yours without a verdict.
Speed does not depend on trained values: where BERT-base's weights, or word vectors, cannot be reached, random ones of
the same size stand in, and their rows say so. Three to five minutes on two cores.
"""

from dataclasses import replace

from repro.encoders.recipe import TimedRecipe, TransformerRecipe
from repro.encoders.zoo import MINILM, MPNET, SBERT_NLI_BASE, ZOO
from repro.evaluation.systems import Timed
from repro.tables.columns import in_ledger
from repro.tables.spec import BEYOND, Column, Ref, Row, Table, outside_row

PAPER = "The paper's rows"
RANDOM = "Random weights of the same size, for speed alone"
IN_LEDGER = in_ledger({"cpu": "CPU (Intel i7-5820K @ 3.30GHz)", "gpu": "GPU (Nvidia Tesla V100, CUDA 9.2, cuDNN)"})
GLOVE = ZOO["glove-avg"].plain


def paper(system: str) -> Ref:
    return Ref("sbert", "Table 7", system, columns=IN_LEDGER)


def rows(
    slug: str, label: str, group: str, base: TransformerRecipe, random: bool = False, sbert: bool = True
) -> list[Row]:
    """Without smart batching, with it, and in bfloat16."""
    kinds = (
        ("", "", TimedRecipe(base, "none", random=random), "SBERT-base"),
        ("-smart", " - smart batching", TimedRecipe(base, random=random), "SBERT-base - smart batching"),
        ("-bfloat16", " - smart batching, bfloat16", TimedRecipe(base, dtype="bfloat16", random=random), ""),
    )
    return [
        Row(slug + end, label + name, group, Timed(recipe), paper(system) if sbert and system else None)
        for end, name, recipe, system in kinds
    ]


RANDOM_VECTORS = Row(
    "random-vectors",
    "Random word vectors, averaged as GloVe's",
    RANDOM,
    Timed(TimedRecipe(GLOVE, random=True)),
    paper("Avg. GloVe embeddings"),
)
ALL_MINILM = rows("all-minilm-l6-v2", "all-MiniLM-L6-v2", BEYOND, MINILM, sbert=False)

TABLE = Table(
    id="sbert-7",
    title="Sentence-BERT, Table 7: sentences encoded per second",
    paper="Reimers and Gurevych, Sentence-BERT, EMNLP-IJCNLP 2019, Table 7",
    command="make table7",
    decimals=0,
    rows=(
        Row("glove-avg", "Avg. GloVe embeddings", PAPER, Timed(TimedRecipe(GLOVE)), paper("Avg. GloVe embeddings")),
        outside_row("infersent", "InferSent", PAPER, paper("InferSent")),
        outside_row("use", "Universal Sentence Encoder", PAPER, paper("Universal Sentence Encoder")),
        *rows("sbert-base", "SBERT-base", PAPER, SBERT_NLI_BASE),
        RANDOM_VECTORS,
        *rows("random-bert-base", "Random BERT-base", RANDOM, SBERT_NLI_BASE, random=True),
        *ALL_MINILM,
        *rows("all-mpnet-base-v2", "all-mpnet-base-v2", BEYOND, MPNET, sbert=False),
        Row(
            "glove-6b-50d",
            "Avg. GloVe embeddings, 6B, 50 dimensions",
            BEYOND,
            Timed(TimedRecipe(ZOO["glove-6b-50d-sbert"].plain)),
            paper("Avg. GloVe embeddings"),
        ),
    ),
    demo=(replace(RANDOM_VECTORS, published=None), *ALL_MINILM[:2]),
    columns=(
        Column("cpu", "CPU", "speed-cpu", "sentences-per-second"),
        Column("gpu", "GPU", "speed-gpu", "sentences-per-second"),
    ),
    notes=(
        "256 distinct sentences of STS-B's test set, tokenisation included, all given at once; one run that warms up, "
        "then the median and the standard deviation of five. The signatures name the machine and its threads.",
        "The paper: CPU Intel i7-5820K at 3.30 GHz (six cores), GPU Nvidia Tesla V100. Its figures are no target for "
        "another machine, so there is no verdict; what can be compared is the ratio that smart batching brings (1.89 "
        "on its CPU, 1.48 on its GPU).",
        "Without smart batching: 32 sentences at a time in their order, padded to the longest of them (the paper does "
        "not say how large its batches are). Smart batching: sentences of like length together, up to a number of "
        "tokens a batch.",
        "bfloat16 pays on CPUs with instructions for it (AVX512_BF16, AMX) and on GPUs; elsewhere it is emulated and "
        "slower.",
        "Word vectors are timed once they are in memory. The paper does not say how long its GloVe vectors are; those "
        "of 50 dimensions are real ones, from a PyPI package.",
    ),
)
