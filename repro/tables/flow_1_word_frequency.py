"""BERT-flow Table 1: how BERT's word vectors lie in space, by how frequent the words are.

    make flow-1        (repro table flow-1)

The mean l2 norm of the input embeddings, and their mean distance to, and dot product with, their nearest neighbours.
Nothing is encoded. Without a model hub expect all-MiniLM-L6-v2 and scratch-bert; two minutes on one core. Norms of the
first, counted on Wikipedia: 1.06, 1.23, 1.24 and 1.17; the other's frequent words are its longest, 0.77 to 0.63.
"""

from repro.encoders.zoo import transformer
from repro.evaluation.words import WordVectors
from repro.tables import scratch
from repro.tables.spec import BEYOND, AnyColumn, Column, ColumnRef, Ref, Row, Table

BERT = "BERT"
MEASURES = {  # metric: what the ledger calls it
    "word-norm": "Mean l2-norm",
    **{f"word-distance-{k}": f"Mean k-NN l2-dist. (k={k})" for k in (3, 5, 7)},
    **{f"word-product-{k}": f"Mean k-NN dot-product (k={k})" for k in (3, 5, 7)},
}
# ranges as tasks name them: label, and what the ledger has, where the last is misprinted
RANKS = {
    "100": ("0 to 99", "(0,100)"),
    "500": ("100 to 499", "[100,500)"),
    "5k": ("500 to 4,999", "[500,5K)"),
    "10k": ("5,000 to 9,999", "[5K,1K) as printed"),
}
CORPORA = {"wiki-sample": "words counted in 11,914 sentences of Wikipedia", "stsb": "words counted in STS-B"}
SLUGS = {"wiki-sample": "", "stsb": "-stsb"}


def columns(corpus: str) -> tuple[AnyColumn, ...]:
    """Each measure in a section of its own, the ranges of ranks side by side."""
    return tuple(
        Column(f"{metric}-{end}{SLUGS[corpus]}", label, f"words-{corpus}-{end}", metric, f"{name}, {CORPORA[corpus]}")
        for metric, name in MEASURES.items()
        for end, (label, _) in RANKS.items()
    )


IN_LEDGER = {
    f"{metric}-{end}": ColumnRef(f"rank {printed}", name, differs="counted on all of Wikipedia; here on a sample of it")
    for metric, name in MEASURES.items()
    for end, (_, printed) in RANKS.items()
}


def words(slug: str, label: str, group: str, published: Ref | None = None) -> Row:
    return Row(slug, label, group, WordVectors(transformer(slug)), published)


TABLE = Table(
    id="flow-1",
    title="BERT-flow, Table 1: word vectors by frequency",
    paper="Li, Zhou, He, Wang, Yang and Li, On the Sentence Embeddings from Pre-trained Language Models, 2020, Table 1",
    command="make flow-1",
    rows=(
        words(
            "bert-base-token-embeddings",
            "BERT-base",
            BERT,
            Ref("flow", "Table 1", "BERT word embeddings", columns=IN_LEDGER),
        ),
        words("minilm-token-embeddings", "all-MiniLM-L6-v2", BEYOND),
        words("scratch-token-embeddings", "scratch-bert", BEYOND),
    ),
    demo=(words("minilm-token-embeddings", "all-MiniLM-L6-v2", BEYOND),),
    columns=(*columns("wiki-sample"), *columns("stsb")),
    notes=(
        "Ranks are by frequency, the most frequent word's is 0. The paper counts in a dump of Wikipedia that it does "
        "not name, and prints no counts. Here they are counted in a sample of Wikipedia's sentences, those of SimCSE's "
        "million that anybody can fetch, and once more in the sentences of STS-B, repeats included: what is true of "
        "frequent words should not hang on the corpus. `words-wiki-…` are the same on the whole million.",
        "Words are the tokens of the model's own vocabulary, continuations such as ##ing among them; special tokens "
        "have no rank. Neighbours are looked for in the whole vocabulary, whether or not the corpus has them.",
        "l2-dist.: to the k nearest words by Euclidean distance. Dot product: with the k words of the largest. The "
        "paper does not say which neighbours its dot products are with; with the nearest by distance they could not be "
        "as large beside its norms and distances.",
        "The last range is printed as [5K, 1K); here it is [5K, 10K). (0, 100) are the first hundred.",
        "BERT's table as its file has it, before position, segment and layer normalisation are added.",
        "all-MiniLM-L6-v2 and scratch-bert have BERT's vocabulary. Of scratch-bert's tokens those that its 82,879 "
        "sentences lack have never been seen, and are among the neighbours like all others.",
        scratch.NOTE,
    ),
)
