"""The papers' findings as data: each is a set of comparisons between the cells of a table (findings.py holds them).

`ON_BASE` has the rows of scratch-bert, the base that nobody tuned, that stand for the papers' own: a claim is measured
on it as the same comparisons that hold, or do not, between the published numbers.
"""

from __future__ import annotations

import re
from itertools import pairwise

from repro.published.comparisons import Claim, Comparison, Order

BASE = "scratch-bert"
BASE_PREFIX = "scratch-"  # of its rows
# other models, trained by contrast, by how the names of their rows begin
MODELS = {"minilm-": "all-MiniLM-L6-v2", "mpnet-": "all-mpnet-base-v2"}
# a third of a model's dimensions, as 256 are of BERT-base's 768; {third} in the names of rows
THIRD = {BASE_PREFIX: "85", "minilm-": "128", "mpnet-": "256"}
ON_BASE = {
    "glove-avg": "token-embeddings",
    "glove-840b-bow": "token-embeddings",
    "bert-base-avg-service": "avg",
    "bert-base-cls-service": "cls",
    "bert-base-first-last-avg": "first-last-avg",
    "bert-base-embedding-last-avg": "first-last-avg",
    "bert-base-token-embeddings": "token-embeddings",
    "sbert-nli-base": "sbert-nli",
    "sbert-stsb-base": "stsb",
    "sbert-nli-stsb-base": "nli-stsb",
    "unsup-simcse-bert-base": "unsup-simcse",
    "sup-simcse-bert-base": "sup-simcse",
}


def on_base(row: str) -> str:
    """The row of scratch-bert that stands for a row of a paper, or of MODELS without its prefix.

    The papers' maps are over BERT-base's first and last layer, to a third of its dimensions where they leave some out.
    What has no counterpart becomes a name that no table has.
    """
    name = ON_BASE.get(row) or re.sub("^bert-base-(?=whitening|flow)", "first-last-avg-", row)
    return of_model(BASE_PREFIX, name.replace("whitening-256-", "whitening-{third}-"))


def of_model(prefix: str, row: str) -> str:
    """The row of one of MODELS, or of the base, that a claim names without its prefix."""
    return prefix + row.replace("{third}", THIRD[prefix])


_STS = ("sts12", "sts13", "sts14", "sts15", "sts16", "stsb", "sickr")
_TABLE1 = (
    *("glove-avg", "bert-base-avg-service", "infersent", "use"),
    *("sbert-nli-base", "sbert-nli-large", "sroberta-nli-base", "sroberta-nli-large"),
)
_DENSITY = tuple(f"word-distance-{k}" for k in (3, 5, 7))
_AUGMENTED = (
    *(f"{how}-{rate}" for how in ("crop", "delete") for rate in (10, 20, 30)),
    *("delete-one", "delete-one-no-dropout", "synonym", "mlm-15"),
)
_TRANSFER = tuple(f"{task}-adam" for task in ("mr", "cr", "subj", "mpqa", "sst", "trec", "mrpc"))
_TABLE5 = ("glove-840b-bow", "fasttext-bow", "bert-base-avg-service", "bert-base-cls-service", "infersent", "use")


def _raised(
    first: str, second: str, columns: tuple[str, ...] = (*_STS[:5], "stsb"), margin: float = 0.0
) -> tuple[Comparison, ...]:
    """`first` above `second` by more than the margin in each column."""
    return tuple(Comparison(column, first, second, margin) for column in columns)


def _above(first: str, seconds: tuple[str, ...], *columns: str) -> tuple[Comparison, ...]:
    """`first` above each of the `seconds` in each column."""
    return tuple(Comparison(column, first, second) for column in columns for second in seconds)


def _rising(row: str, *measures: str) -> tuple[Comparison, ...]:
    """Each measure of a row's word vectors larger in every range of ranks than in the one before, of commoner words."""
    ranges = ("100", "500", "5k", "10k")
    return tuple(
        Comparison(f"{measure}-{rarer}", row, row, against=f"{measure}-{commoner}")
        for measure in measures
        for commoner, rarer in pairwise(ranges)
    )


def _retrieved(rows: str, k: str, factor: float, data: str) -> tuple[Comparison, ...]:
    """Whitened to k dimensions no more than 0.015 below all of them in MRR@10, and searched more than `factor` times as
    fast; fitted on NLI, and on the target."""
    pairs = [(rows.format(f"-{k}", source), rows.format("", source)) for source in ("nli", "target")]
    return (
        *(Comparison(f"{data}-mrr", few, every, -0.015) for few, every in pairs),
        *(Comparison(f"{data}-ms", every, few, factor, factor=True) for few, every in pairs),
    )


CLAIMS: tuple[Claim, ...] = (
    Claim(
        "sbert-1",
        "SBERT beats averaged GloVe on every set",
        _raised("sbert-nli-base", "glove-avg", _STS),
    ),
    Claim(
        "sbert-1",
        "CLS without fine-tuning is the worst row",
        tuple(Comparison(column, row, "bert-base-cls-service") for column in _STS for row in _TABLE1),
    ),
    Claim(
        "sbert-2",
        "training on NLI before STS-B adds one to two points to a sentence encoder",
        tuple(
            Comparison("stsb", f"{model}-nli-stsb-{size}", f"{model}-stsb-{size}", 1, ceiling=2)
            for size in ("base", "large")
            for model in ("sbert", "sroberta")
        ),
        despite="the paper's sentence is wider than its Table 2: the large models gain 1.65 (SBERT) and 1.13 "
        "(SRoBERTa), SBERT-base gains 0.68 and SRoBERTa-base loses 0.13",
    ),
    Claim(
        "sbert-5",
        "SBERT is the best on most of SentEval's tasks",
        tuple(Comparison(column, "sbert-nli-base", row) for column in _TRANSFER for row in _TABLE5),
        on_most=True,
    ),
    Claim(
        "sbert-6",
        "concatenating |u−v| matters most: it adds to (u, v), to u·v and to both, and more than u·v adds to (u, v); on "
        "its own u·v (70.54) beats |u−v| (69.78)",
        (
            Comparison("nli", "u,v,diff", "u,v"),
            Comparison("nli", "diff,prod", "prod"),
            Comparison("nli", "u,v,diff,prod", "u,v,prod"),
            Comparison("nli", "u,v,diff", "u,v,prod"),
        ),
    ),
    Claim(
        "sbert-6",
        "adding u·v to (u, v, |u−v|) makes it worse",
        (Comparison("nli", "u,v,diff", "u,v,diff,prod"),),
    ),
    Claim(
        "sbert-6",
        "pooling hardly matters for the NLI objective: within two points of MEAN",
        (Comparison("nli", "mean", "max", 2, near=True), Comparison("nli", "mean", "cls", 2, near=True)),
    ),
    Claim(
        "sbert-6",
        "MAX is clearly worse for regression: by more than five points",
        (Comparison("stsb", "mean", "max", 5), Comparison("stsb", "cls", "max", 5)),
    ),
    Claim(
        "whitening-1",
        "whitening on NLI raises first-last-avg on STS-B and STS12-16",
        _raised("bert-base-whitening-nli", "bert-base-first-last-avg"),
        _raised("first-last-avg-whitening-nli", "first-last-avg"),
    ),
    Claim(
        "whitening-1",
        "a third of the dimensions is enough: no set falls by more than 1.5 points",
        _raised("bert-base-whitening-256-target", "bert-base-whitening-target", _STS, -1.5),
        _raised("first-last-avg-whitening-{third}-target", "first-last-avg-whitening-target", _STS, -1.5),
    ),
    Claim(
        "whitening-1",
        "whitening on NLI to a third of the dimensions is above a flow on NLI on most sets",
        _raised("bert-base-whitening-256-nli", "bert-base-flow-nli", _STS),
        on_most=True,
    ),
    Claim(
        "whitening-1",
        "whitening on the target to a third of the dimensions is above a flow on the target on most sets",
        _raised("bert-base-whitening-256-target", "bert-base-flow-target", _STS),
        on_most=True,
    ),
    Claim(
        "whitening-1",
        "whitening makes a model worse that was trained by contrast, under the pooling it was trained for",
        own=(
            *_raised("avg", "avg-whitening-nli", _STS),
            *_raised("avg", "avg-whitening-256-nli", _STS),
        ),
    ),
    Claim(
        "whitening-1",
        "under a pooling it was not trained for (CLS) whitening on NLI helps such a model on STS-B and STS12-16",
        own=_raised("cls-whitening-nli", "cls"),
    ),
    Claim(
        "whitening-r1",
        "a third of BERT-base's dimensions, and three eighths of BERT-large's, keep MRR@10 (no fall by more than "
        "0.015), and a search among Quora's questions is faster by more than that factor",
        (
            *_retrieved("bert-base-whitening{}-{}", "256", 768 / 256, "quora"),
            *_retrieved("bert-large-whitening{}-{}", "384", 1024 / 384, "quora"),
        ),
    ),
    Claim(
        "whitening-r1",
        "an exact search among STS-B's sentences takes less than half the time with a third of the dimensions, and "
        "MRR@10 does not fall by more than 0.015",
        own=_retrieved("first-last-avg-whitening{}-{}", "{third}", 2, "stsb"),
    ),
    Claim(
        "flow-2",
        "a flow on the target raises last2avg on STS-B and STS12-16",
        _raised("bert-base-flow-target", "bert-base-first-last-avg"),
        _raised("first-last-avg-flow-target", "first-last-avg"),
    ),
    Claim(
        "flow-2",
        "a flow on the target is above one on NLI, except on SICK-R, where it is below",
        (
            *_raised("bert-base-flow-target", "bert-base-flow-nli"),
            Comparison("sickr", "bert-base-flow-nli", "bert-base-flow-target"),
        ),
        (
            *_raised("first-last-avg-flow-target", "first-last-avg-flow-nli"),
            Comparison("sickr", "first-last-avg-flow-nli", "first-last-avg-flow-target"),
        ),
    ),
    Claim(
        "flow-1",
        "frequent words lie closer to the origin",
        _rising("bert-base-token-embeddings", "word-norm"),
        _rising("token-embeddings", "word-norm"),
    ),
    Claim(
        "flow-1",
        "frequent words lie denser: closer to their nearest neighbours",
        _rising("bert-base-token-embeddings", *_DENSITY),
        _rising("token-embeddings", *_DENSITY),
    ),
    Claim(
        "flow-6",
        "similarities under a flow depend less on edit distance",
        (Comparison("edit-dev", "bert-base-flow-target", "bert-base-first-last-avg"),),
        (Comparison("edit-dev", "first-last-avg-flow-target", "first-last-avg"),),
    ),
    Claim(
        "simcse-1",
        "dropout alone beats every discrete augmentation",
        _above("none", _AUGMENTED, "dev"),
    ),
    Claim(
        "simcse-2",
        "a sentence predicts itself better than the next ones, and than itself without a word",
        _above("none", ("next", "next3", "delete-one"), "one"),
    ),
    Claim(
        "simcse-2",
        "where a sentence predicts itself one encoder is better than two",
        tuple(Comparison("one", row, row, against="two") for row in ("none", "delete-one")),
    ),
    Claim(
        "simcse-4",
        "of NLI's pairs the entailed ones are the best positives",
        _above("entailment", ("neutral", "contradiction", "pairs"), "sample", "full"),
    ),
    Claim(
        "simcse-7",
        "contradictions as hard negatives help, whatever their weight",
        tuple(Comparison("dev", f"alpha-{alpha}", "no-hard") for alpha in ("0.5", "1", "2")),
    ),
    Claim("simcse-7", "neutral hypotheses as hard negatives do not help", _above("alpha-1", ("neutral-too",), "dev")),
    Claim(
        "simcse-d1",
        "0.05 is the best temperature, and better than the dot product",
        _above("tau-0.05", ("tau-0.001", "tau-0.01", "tau-0.1", "tau-1", "dot"), "dev"),
    ),
    Claim(
        "simcse-d2",
        "masked language modelling beside it does not help on STS-B",
        _above("none", ("mlm-0.01", "mlm-0.1", "mlm-1"), "dev"),
    ),
    Claim(
        "simcse-3",
        "a dropout of 0.1 is the best rate",
        _above("p-0.1", tuple(f"p-{p}" for p in ("0", "0.01", "0.05", "0.15", "0.2", "0.5")), "dev"),
    ),
    Claim(
        "simcse-3",
        "with one mask for both texts of a pair it fails: by more than ten points",
        (Comparison("dev", "p-0.1", "fixed", 10),),
    ),
    Claim(
        "simcse-5",
        "unsupervised SimCSE beats flow and whitening on every set",
        (
            *_raised("unsup-simcse-bert-base", "bert-base-flow3-nli", _STS),
            *_raised("unsup-simcse-bert-base", "bert-base-whitening-nli", _STS),
        ),
        (
            *_raised("unsup-simcse-mean", "avg-flow3-nli", _STS),
            *_raised("unsup-simcse-mean", "avg-whitening-nli", _STS),
        ),
    ),
    Claim(
        "simcse-5",
        "supervised SimCSE beats Sentence-BERT on every set",
        _raised("sup-simcse-bert-base", "sbert-nli-base", _STS),
    ),
    Claim(
        "simcse-5",
        "supervised SimCSE beats unsupervised on every set",
        _raised("sup-simcse-bert-base", "unsup-simcse-bert-base", _STS),
        (
            *_raised("sup-simcse", "unsup-simcse", _STS),
            *_raised("sup-simcse-mean", "unsup-simcse-mean", _STS),
        ),
    ),
    Claim(
        "simcse-5",
        "unsupervised SimCSE raises every set over the first and last layer of the model that it started from",
        _raised("unsup-simcse-bert-base", "bert-base-embedding-last-avg", _STS),
    ),
    Claim(
        "simcse-5",
        "unsupervised SimCSE raises every set over the [CLS] that it started from",
        own=_raised("unsup-simcse", "cls", _STS),
    ),
    Claim(
        "simcse-5",
        "alignment and uniformity order models as their STS average does: of two, the one that is better in both has "
        "the higher average (SimCSE, section 7 and Figure 3, which prints no numbers)",
        order=Order("avg", lower=("alignment", "uniformity")),
    ),
    Claim(
        "simcse-c1",
        "over all pairs of a year a map fitted on the target is worse on average than one fitted on NLI",
        tuple(
            Comparison("avg", f"{model}-{method}-nli", f"{model}-{method}-target")
            for model in ("bert-base", "sbert-nli-base")
            for method in ("flow3", "whitening")
        ),
        tuple(
            Comparison("avg", f"{pooling}-{method}-nli", f"{pooling}-{method}-target")
            for pooling in ("avg", "first-last-avg")
            for method in ("flow3", "whitening")
        ),
    ),
)
