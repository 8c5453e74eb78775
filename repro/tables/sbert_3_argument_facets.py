"""Sentence-BERT Table 3: argument facet similarity, Pearson's r and Spearman's ρ × 100.

    make table3        (repro table sbert-3)

The corpus of Misra et al. is not published at a fixed address: put ArgPairs_GM.csv, ArgPairs_GC.csv and ArgPairs_DP.csv
into the data folder's argument-similarity/. The sections "BWS" run the same protocol on another corpus of graded
arguments, which is: they show what the protocol does and have no published counterpart. Without a model hub expect
the BWS numbers of all-MiniLM-L6-v2 as it is, in a minute; `--base MODEL` trains (10 + 8 trainings a row on BWS).
"""

from repro.encoders.zoo import BERT_BASE, BERT_LARGE, ZOO
from repro.evaluation.systems import Pretrained, Quoted
from repro.tables import demo
from repro.tables.spec import BEYOND, Column, ColumnRef, Ref, Row, Setup, Table, outside_row
from repro.training import setups

UNSUPERVISED = "Unsupervised methods"
TRAINED = "Trained on the corpus"
FOLDS = {"10fold": "ten-fold cross-validation", "topics": "leave one topic out"}
CORPORA = {"afs": "Argument Facet Similarity", "bws": "stand-in: BWS argument similarity"}
COLUMNS = tuple(
    Column(
        f"{corpus}-{folds}-{correlation}",
        {"pearson": "r", "spearman": "ρ"}[correlation],
        f"{corpus}-{folds}",
        f"{correlation}-mean",
        f"{title}, {how}",
    )
    for corpus, title in CORPORA.items()
    for folds, how in FOLDS.items()
    for correlation in ("pearson", "spearman")
)
IN_LEDGER = {
    f"afs-{folds}-{correlation}": ColumnRef("AFS (average)", metric, group)
    for folds, group in (("10fold", "10-fold Cross-Validation"), ("topics", "Cross-Topic Evaluation"))
    for correlation, metric in (("pearson", "Pearson r x100"), ("spearman", "Spearman rho x100"))
}
BY_TOPIC = tuple(column.slug for column in COLUMNS if "topics" in column.slug)


def paper(system: str, group: str = "") -> Ref:
    return Ref("sbert", "Table 3", system, group, IN_LEDGER)


def unsupervised(slug: str, label: str, group: str, published: Ref | None = None) -> Row:
    why = "not trained on the corpus: scored topic by topic"
    return Row(slug, label, group, Pretrained(ZOO[slug].plain, BY_TOPIC, why), published)


def quoted(slug: str, label: str) -> Row:
    return Row(slug, label, UNSUPERVISED, Quoted(only=BY_TOPIC), paper(label, UNSUPERVISED))


SETUPS = {
    "afs": Setup("afs", "sentence encoder", tuple((column.slug, setups.AFS) for column in COLUMNS)),
    "cross-afs": Setup("cross-afs", "cross-encoder", tuple((column.slug, setups.CROSS_AFS) for column in COLUMNS)),
}

TABLE = Table(
    id="sbert-3",
    title="Sentence-BERT, Table 3: argument facet similarity (Pearson's r and Spearman's ρ × 100)",
    paper="Reimers and Gurevych, Sentence-BERT, EMNLP-IJCNLP 2019, Table 3",
    command="make table3",
    rows=(
        quoted("tf-idf", "tf-idf"),
        unsupervised("glove-avg", "Avg. GloVe embeddings", UNSUPERVISED, paper("Avg. GloVe embeddings", UNSUPERVISED)),
        quoted("infersent", "InferSent - GloVe"),
        outside_row("svr", "SVR (Misra et al., 2016)", TRAINED, paper("SVR (Misra et al., 2016)")),
        *(
            SETUPS[name].row(
                base, f"{kind}-afs-{size}".lower(), f"{kind}-AFS-{size}", TRAINED, paper(f"{kind}-AFS-{size}")
            )
            for size, base in (("base", BERT_BASE), ("large", BERT_LARGE))
            for kind, name in (("BERT", "cross-afs"), ("SBERT", "afs"))
        ),
        unsupervised("all-minilm-l6-v2", "all-MiniLM-L6-v2", BEYOND),
        unsupervised("minilm-token-embeddings", "all-MiniLM-L6-v2's token embeddings, averaged (static)", BEYOND),
    ),
    columns=COLUMNS,
    setups=tuple(SETUPS.values()),
    demo=(*demo.plain("minilm-avg"), demo.trained(SETUPS["afs"], "afs-topics")),
    notes=(
        "Each number is the mean over folds of the correlation within the fold.",
        "Ten folds of all pairs, drawn with seed 1111; or each topic held out in turn. No code was released, and the "
        "paper does not say how its folds were drawn, for how long it trained or how it averaged.",
        "Trained as for STS-B: four epochs, batch 16, learning rate 2e-5; sentence encoders on cosine and gold / 5, "
        "cross-encoders (BERT) on the gold score. No selection: there is no dev set.",
        "BWS is not the paper's corpus: 3,400 pairs of eight topics, scores of 0-1 (here times five) from best-worst "
        "scaling. Its sections say what the protocol does on data that anybody can fetch.",
        "Unsupervised methods: the mean over topics; the paper says “average” and no more.",
    ),
)
