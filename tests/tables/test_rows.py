"""Every row that has a recipe runs against a hub of tiny models, and its numbers are those of a plain computation."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

from repro.evaluation.systems import Quoted
from repro.revisions import is_commit
from repro.tables import TABLES
from tests.hub import build
from tests.tables import oracle, oracle_trained
from tests.tables.oracle import Encode, Oracle, Pair, rho
from tests.tables.oracle_flow import flowed
from tests.tables.oracle_trained import sample
from tests.tables.runs import RUNS, WIDE, Runs, shared, trained_here

pytestmark = pytest.mark.long
BERT, LARGE, ROBERTA = "google-bert/bert-base-uncased", "google-bert/bert-large-uncased", "FacebookAI/roberta-base"
ST, SIMCSE = "sentence-transformers", "princeton-nlp"
SCRATCH = "../trained/scratch-bert"  # beside the hub's models


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Runs:
    return shared(tmp_path_factory)


@pytest.fixture(scope="module")
def plain(runs: Runs) -> Oracle:
    return Oracle(runs.hub, runs.data)


def test_every_table_has_its_run() -> None:
    assert set(RUNS) == set(TABLES)


@pytest.mark.parametrize("table", RUNS)
def test_every_row_with_a_recipe_computes_a_cell(table: str, runs: Runs) -> None:
    lines = runs.lines(table)
    measured = {row for (row, _), line in lines.items() if line["value"]}
    expected = {row.slug for row in TABLES[table].rows if not isinstance(row.system, Quoted)} - trained_here(table)
    if table == "whitening-f2":  # what another table has stored of them is shown
        measured, expected = measured - WIDE, expected - WIDE
    reasons = {(row, line["reason"]) for (row, _), line in lines.items() if row in expected - measured}
    assert measured == expected, reasons


@pytest.mark.slow
@pytest.mark.parametrize("table", [table for table in RUNS if trained_here(table)])
def test_every_row_that_is_trained_from_another_base_computes_a_cell(table: str, runs: Runs) -> None:
    lines = runs.lines(table, here=True)
    assert {row for (row, _), line in lines.items() if line["value"]} == trained_here(table)


def nli(plain: Oracle) -> list[str]:
    return oracle.sides(plain.nli())


def every_split(plain: Oracle) -> list[Pair]:
    """Every pair of every split of STS-B."""
    return [pair for split in ("train", "dev", "test") for pair in plain.stsb(split)]


def target(plain: Oracle) -> list[str]:
    """Every sentence of every split of STS-B."""
    return oracle.sides(every_split(plain))


def first_last(plain: Oracle, repo: str) -> Encode:
    return plain.encoder(repo, "mean", (1, 24 if "large" in repo else 12), 64)


def scratch(plain: Oracle) -> Encode:
    return plain.encoder(SCRATCH, "mean", (1, 4), 128)


Value = Callable[[Oracle], float]
# (table, row, column): what the number should be
ENCODED: dict[tuple[str, str, str], Value] = {
    # bert-as-service: the layer before the last, 25 tokens
    ("sbert-1", "bert-base-avg-service", "stsb"): lambda o: rho(o.encoder(BERT, "mean", (-2,), 25), o.stsb()),
    ("sbert-1", "bert-base-cls-service", "stsb"): lambda o: rho(o.encoder(BERT, "cls", (-2,), 25), o.stsb()),
    ("sbert-1", "bert-base-avg", "stsb"): lambda o: rho(o.encoder(BERT, "mean"), o.stsb()),
    # layers 1 and 12; embedding output and 12
    ("whitening-1", "bert-base-first-last-avg", "stsb"): lambda o: rho(first_last(o, BERT), o.stsb()),
    ("whitening-1", "bert-large-first-last-avg", "stsb"): lambda o: rho(first_last(o, LARGE), o.stsb()),
    ("simcse-5", "bert-base-embedding-last-avg", "stsb"): lambda o: rho(
        o.encoder(BERT, "mean", (0, 12)), o.stsb(senteval=True)
    ),
    ("simcse-5", "roberta-base-embedding-last-avg", "stsb"): lambda o: rho(
        o.encoder(ROBERTA, "mean", (0, 12)), o.stsb(senteval=True)
    ),
    # layouts of sentence-transformers; SRoBERTa reads lower-cased text
    ("sbert-1", "sbert-nli-base", "stsb"): lambda o: rho(sbert(o, "bert-base-nli-mean-tokens"), o.stsb()),
    ("sbert-1", "sbert-nli-large", "sickr"): lambda o: rho(sbert(o, "bert-large-nli-mean-tokens", "0_BERT"), o.sick()),
    ("sbert-1", "sroberta-nli-base", "stsb"): lambda o: rho(
        sbert(o, "roberta-base-nli-mean-tokens", "0_RoBERTa", lower=True), o.stsb()
    ),
    ("sbert-1", "sroberta-nli-large", "stsb"): lambda o: rho(
        sbert(o, "roberta-large-nli-mean-tokens", lower=True), o.stsb()
    ),
    ("sbert-1", "all-minilm-l6-v2", "stsb"): lambda o: rho(sbert(o, "all-MiniLM-L6-v2"), o.stsb()),
    ("sbert-1", "all-mpnet-base-v2", "stsb"): lambda o: rho(o.encoder(f"{ST}/all-mpnet-base-v2", "mean"), o.stsb()),
    ("sbert-1", "scratch-cls", "stsb"): lambda o: rho(o.encoder(SCRATCH, "cls", length=128), o.stsb()),
    ("sbert-1", "scratch-first-last-avg", "sickr"): lambda o: rho(o.encoder(SCRATCH, "mean", (1, 4), 128), o.sick()),
    ("simcse-b2", "sbert-nli-base", "sts12-all"): lambda o: rho(
        sbert(o, "bert-base-nli-mean-tokens"), oracle.joined(o.sts12())
    ),
    ("simcse-b2", "sbert-nli-base", "sts12-wmean"): lambda o: oracle.weighted(
        sbert(o, "bert-base-nli-mean-tokens"), o.sts12()
    ),
    # SimCSE: [CLS] before the pooler, or the pooler's output
    ("simcse-5", "unsup-simcse-bert-base", "stsb"): lambda o: simcse(o, "unsup-simcse-bert-base-uncased", "cls"),
    ("simcse-5", "sup-simcse-bert-base", "stsb"): lambda o: simcse(o, "sup-simcse-bert-base-uncased", "pooler"),
    ("simcse-5", "unsup-simcse-roberta-base", "stsb"): lambda o: simcse(o, "unsup-simcse-roberta-base", "cls"),
    ("simcse-5", "sup-simcse-roberta-large", "stsb"): lambda o: simcse(o, "sup-simcse-roberta-large", "pooler"),
    # GloVe under each tokenisation
    ("sbert-1", "glove-avg", "stsb"): lambda o: rho(o.words("glove.6B.300d.txt", sbert=True), o.stsb()),
    ("sbert-1", "glove-840b-sick-sbert", "sickr"): lambda o: rho(o.words(SICK_WORDS, sbert=True), o.sick()),
    ("sbert-1", "glove-840b-sick-whitespace", "sickr"): lambda o: rho(o.words(SICK_WORDS), o.sick()),
    ("sbert-1", "glove-840b-sick-whitespace-lower", "sickr"): lambda o: rho(o.words(SICK_WORDS, lower=True), o.sick()),
    # no sentence is encoded: the table of input embeddings
    ("flow-1", "bert-base-token-embeddings", "word-norm-100"): lambda o: float(
        o.by_rank(BERT, o.wiki_sample(), 99)[0].mean()
    ),
    ("flow-1", "bert-base-token-embeddings", "word-distance-5-100-stsb"): lambda o: float(
        o.by_rank(BERT, target(o), 99)[1][:, :5].mean()
    ),
    ("flow-1", "bert-base-token-embeddings", "word-product-7-100-stsb"): lambda o: float(
        o.by_rank(BERT, target(o), 99)[2][:, :7].mean()
    ),
    # the area under the ROC curve, by scikit-learn
    ("flow-4", "sbert-nli-base-first-last-avg", "qnli"): lambda o: oracle.auc(
        first_last(o, f"{ST}/bert-base-nli-mean-tokens"), o.qnli("dev")
    ),
    # against edit distance, by NLTK
    ("flow-6", "gold", "edit"): lambda o: oracle.correlation(*oracle.lexical(o.stsb())),
    ("flow-6", "bert-base-avg", "edit"): lambda o: rho(o.encoder(BERT, "mean"), oracle.lexical(o.stsb())[1]),
    # SentEval with scikit-learn's logistic regression
    ("sbert-5", "sbert-nli-base", "sst"): lambda o: sst(sbert(o, "bert-base-nli-mean-tokens"), o),
    ("sbert-5", "fasttext-bow", "sst"): lambda o: sst(o.words("crawl-300d-2M.vec"), o),
    ("simcse-e1", "unsup-simcse-roberta-base", "sst"): lambda o: sst(
        o.encoder(f"{SIMCSE}/unsup-simcse-roberta-base", "cls"), o
    ),
    ("senteval-3", "sbert-nli-base", "sicke"): lambda o: sicke(sbert(o, "bert-base-nli-mean-tokens"), o),
    ("senteval-3", "scratch-cls", "sicke"): lambda o: sicke(o.encoder(SCRATCH, "cls", length=128), o),
}
FITTED: dict[tuple[str, str, str], Value] = {
    ("whitening-1", "bert-base-whitening-256-nli", "stsb"): lambda o: rho(
        oracle.whitened(first_last(o, BERT), nli(o), 256), o.stsb()
    ),
    ("whitening-1", "bert-base-whitening-nli", "stsb"): lambda o: rho(
        oracle.whitened(first_last(o, BERT), nli(o)), o.stsb()
    ),
    ("whitening-1", "bert-base-whitening-target", "stsb"): lambda o: rho(
        oracle.whitened(first_last(o, BERT), target(o)), o.stsb()
    ),
    ("whitening-1", "scratch-cls-whitening-85-target", "stsb"): lambda o: rho(
        oracle.whitened(o.encoder(SCRATCH, "cls", length=128), target(o), 85), o.stsb()
    ),
    ("whitening-2", "sbert-nli-base-whitening-256-target", "stsb"): lambda o: rho(
        oracle.whitened(first_last(o, f"{ST}/bert-base-nli-mean-tokens"), target(o), 256), o.stsb()
    ),
    ("whitening-f2", "bert-base-first-last-avg-whitening-32-target", "stsb"): lambda o: rho(
        oracle.whitened(first_last(o, BERT), target(o), 32), o.stsb()
    ),
    # retrieval: all cosines sorted; a map of the target is fitted on queries and index
    ("whitening-r1", "scratch-first-last-avg", "stsb-mrr"): lambda o: oracle.mrr(scratch(o), every_split(o)),
    ("whitening-r1", "scratch-first-last-avg-whitening-85-target", "stsb-mrr"): lambda o: oracle.mrr(
        oracle.whitened(scratch(o), target(o), 85), every_split(o)
    ),
    ("whitening-r1", "scratch-first-last-avg-whitening-85-target", "quora-mrr"): lambda o: oracle.mrr(
        oracle.whitened(scratch(o), oracle.sides(o.quora()), 85), o.quora()
    ),
    ("simcse-5", "sroberta-nli-base-whitening-nli", "stsb"): lambda o: rho(
        oracle.whitened(
            o.encoder(f"{ST}/roberta-base-nli-mean-tokens", "mean", (1, 12), 64, "0_RoBERTa", lower=True), nli(o)
        ),
        o.stsb(senteval=True),
    ),
    ("flow-2", "bert-base-flow-nli", "stsb"): lambda o: rho(
        flowed(first_last(o, BERT), [(a, b) for a, b, _ in o.nli()], 2, 0.15, 2e-5), o.stsb()
    ),
    ("flow-2", "bert-base-flow-target", "stsb"): lambda o: rho(
        flowed(first_last(o, BERT), [(a, b) for part in SPLITS for a, b, _ in o.stsb(part)], 2, 1, 1e-3), o.stsb()
    ),
    ("flow-5", "bert-base-avg-sn", "stsb"): lambda o: rho(
        oracle.calibrated(o.encoder(BERT, "mean"), target(o), True, 0), o.stsb()
    ),
    ("flow-5", "bert-base-avg-natsv-10", "stsb"): lambda o: rho(
        oracle.calibrated(o.encoder(BERT, "mean"), target(o), False, 10), o.stsb()
    ),
    ("flow-5", "bert-base-avg-sn-natsv-6", "stsb"): lambda o: rho(
        oracle.calibrated(o.encoder(BERT, "mean"), target(o), True, 6), o.stsb()
    ),
    ("simcse-5", "sbert-nli-base-flow3-nli", "stsb"): lambda o: rho(
        flowed(first_last(o, f"{ST}/bert-base-nli-mean-tokens"), [(a, b) for a, b, _ in o.nli()], 3, 0.15, 2e-5),
        o.stsb(senteval=True),
    ),
    ("flow-8", "bert-base-first-last-avg-flow-target", "median"): lambda o: rho(  # of one seed
        flowed(first_last(o, BERT), [(a, b) for part in SPLITS for a, b, _ in o.stsb(part)], 2, 1, 1e-3), o.stsb()
    ),
    ("sbert-2", "sbert-nli-stsb-base-released", "stsb"): lambda o: rho(
        sbert(o, "bert-base-nli-stsb-mean-tokens"), o.stsb()
    ),
    ("sbert-2", "sbert-nli-stsb-large-released", "stsb-dev"): lambda o: rho(
        sbert(o, "bert-large-nli-stsb-mean-tokens"), o.stsb("dev")
    ),
}
SICK_WORDS, SPLITS = "glove.840B.300d.sick/glove.840B.300d.sick.txt", ("train", "dev", "test")


def sbert(plain: Oracle, name: str, inner: str = "", lower: bool = False) -> Encode:
    """The mean of 128 tokens."""
    return plain.encoder(f"{ST}/{name}", "mean", length=128, inner=inner, lower=lower)


def simcse(plain: Oracle, name: str, pool: str) -> float:
    return rho(plain.encoder(f"{SIMCSE}/{name}", pool), plain.stsb(senteval=True))


PENALTIES = [2.0**power for power in range(-2, 4)]


def sst(encode: Encode, plain: Oracle) -> float:
    return oracle.accuracy(encode, {name: plain.sst(name) for name in SPLITS}, PENALTIES)


def sicke(encode: Encode, plain: Oracle) -> float:
    files = dict(zip(SPLITS, ("train", "trial", "test_annotated"), strict=True))
    judged = {name: plain.judged(file) for name, file in files.items()}
    return oracle.accuracy(oracle.of_pairs(encode), judged, PENALTIES)


@pytest.mark.parametrize("place", ENCODED | FITTED, ids=" ".join)
def test_a_number_is_that_of_a_plain_computation(place: tuple[str, str, str], runs: Runs, plain: Oracle) -> None:
    table, row, column = place
    measured = float(runs.lines(table)[row, column]["value"])
    assert measured == pytest.approx((ENCODED | FITTED)[place](plain), abs=1e-4)


def base(plain: Oracle) -> Path:
    return plain.hub / "models" / BERT


def similarity(learner: oracle_trained.Sentences | oracle_trained.Cross, pairs: list[Pair]) -> float:
    return oracle.correlation(learner.similarities(pairs)[0], pairs)


def sbert_stsb(plain: Oracle, folder: Path) -> float:
    model = oracle_trained.cosine(base(plain), sample(plain.stsb("train"), 17), plain.stsb("dev"))
    return similarity(model, plain.stsb())


def bert_stsb(plain: Oracle, folder: Path) -> float:
    model = oracle_trained.cross_regression(base(plain), sample(plain.stsb("train"), 17), plain.stsb("dev"))
    return similarity(model, plain.stsb())


def bert_nli_stsb(plain: Oracle, folder: Path) -> float:
    oracle_trained.cross_softmax(base(plain), classified(plain), folder)
    examples, dev = sample(plain.stsb("train"), 17), plain.stsb("dev")
    return similarity(oracle_trained.cross_regression(folder, examples, dev, base(plain)), plain.stsb())


def classified(plain: Oracle) -> list[tuple[str, str, int]]:
    """Pairs with Sentence-BERT's codes of the labels: contradiction, entailment, neutral."""
    return [(a, b, (1, 2, 0)[label]) for a, b, label in sample(plain.nli(), 17)]


def sbert_nli(plain: Oracle, folder: Path) -> float:
    return similarity(oracle_trained.softmax(base(plain), classified(plain), plain.stsb("dev")), plain.stsb())


def sbert_sections(plain: Oracle, folder: Path) -> float:
    model = oracle_trained.triplet(base(plain), sample(plain.sections("train"), 17))
    test = plain.sections("test")
    near = model.similarities([(a, p, 0.0) for a, p, _ in test])[2]
    far = model.similarities([(a, n, 0.0) for a, _, n in test])[2]
    return 100 * float((near > far).mean())


def unsupervised(plain: Oracle, folder: Path) -> float:
    examples = sample([(sentence, sentence) for sentence in plain.wiki()], 5)
    model = oracle_trained.contrastive(base(plain), examples, oracle_trained.SIMCSE, keep=False)
    return similarity(model, plain.stsb(senteval=True))


def supervised(plain: Oracle, folder: Path) -> float:
    settings = replace(oracle_trained.SIMCSE, epochs=3, rate=5e-5, batch=512)
    model = oracle_trained.contrastive(base(plain), sample(plain.triplets(), 5), settings, keep=True)
    return similarity(model, plain.stsb(senteval=True))


def next_sentence(plain: Oracle, folder: Path) -> float:
    examples = sample(list(pairwise(plain.wiki())), 5)
    model = oracle_trained.contrastive(base(plain), examples, oracle_trained.SIMCSE, keep=False)
    return similarity(model, plain.stsb(senteval=True))


def weighted_negatives(plain: Oracle, folder: Path) -> float:
    settings = replace(oracle_trained.SIMCSE, epochs=3, rate=5e-5, batch=512)
    model = oracle_trained.contrastive(base(plain), sample(plain.triplets(), 5), settings, keep=True, alpha=0.5)
    return similarity(model, plain.stsb(senteval=True))


TRAINED = {
    ("sbert-2", "sbert-stsb-base", "stsb"): sbert_stsb,
    ("sbert-2", "bert-stsb-base", "stsb"): bert_stsb,
    ("sbert-2", "bert-nli-stsb-base", "stsb"): bert_nli_stsb,
    ("sbert-4", "sbert-wikisec-base", "wikisec"): sbert_sections,
    ("sbert-6", "u,v,diff", "nli-test"): sbert_nli,
    ("simcse-6", "mlp-train", "unsup-test"): unsupervised,
    ("simcse-6", "mlp", "sup-test"): supervised,
    ("simcse-2", "next", "one-test"): next_sentence,
    ("simcse-7", "alpha-0.5", "test"): weighted_negatives,
}


@pytest.mark.parametrize("place", TRAINED, ids=" ".join)
def test_a_trained_row_is_that_of_a_plain_training(
    place: tuple[str, str, str], runs: Runs, plain: Oracle, tmp_path: Path
) -> None:
    table, row, column = place
    measured = float(runs.lines(table)[row, column]["value"])
    assert measured == pytest.approx(TRAINED[place](plain, tmp_path), abs=1e-4)


SPLITS_OF_SECTIONS = (
    "test-00000-of-00001",
    "train-00000-of-00002",
    "train-00001-of-00002",
    "validation-00000-of-00001",
)
DATA = {
    "datasets/stanfordnlp/snli": {"plain_text/train-00000-of-00001.parquet"},
    "datasets/nyu-mll/multi_nli": {"data/train-00000-of-00001.parquet"},
    "datasets/princeton-nlp/datasets-for-simcse": {"wiki1m_for_simcse.txt", "nli_for_simcse.csv"},
    "datasets/sentence-transformers/wikipedia-sections": {f"triplet/{name}.parquet" for name in SPLITS_OF_SECTIONS},
}


def test_each_model_comes_once_in_one_form_and_nothing_else(runs: Runs) -> None:
    """From the hub's log of all runs: whole commits, each file once, one format of weights, and no decoy."""
    files = [request.file for request in runs.log() if request.file]
    assert {revision for _, revision, _ in files if not is_commit(revision)} == set()
    downloads = Counter(request.file for request in runs.log() if request.method == "GET" and request.file)
    assert {file: count for file, count in downloads.items() if count > 1} == {}
    names: dict[str, set[str]] = {}
    for repo, _, name in files:
        names.setdefault(repo, set()).add(name)
    assert set(names) == {*build.MODELS, *DATA}
    useless = {*build.DECOYS, build.OPTIMIZER, "dict.txt"}
    assert [(repo, name) for repo in build.MODELS for name in names[repo] & useless] == []
    for repo in build.MODELS:
        weights = sorted(Path(name).name for name in names[repo] if Path(name).suffix in (".bin", ".safetensors"))
        if repo.startswith(SIMCSE):
            assert weights == ["pytorch_model.bin"]
        elif repo.endswith("roberta-large-nli-mean-tokens"):
            assert weights == [f"model-{n:05}-of-00003.safetensors" for n in (1, 2, 3)]
        else:
            assert weights == ["model.safetensors"]
    assert {repo: names[repo] for repo in DATA} == DATA
