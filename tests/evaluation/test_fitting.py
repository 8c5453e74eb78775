"""Rows whose vectors go through a fitted map: whose sentences it is fitted on, seeds, signatures, and a floor."""

from __future__ import annotations

import re
import tracemalloc
from dataclasses import replace
from pathlib import Path
from statistics import fmean, median, stdev
from typing import Any

import numpy as np
import pytest

from repro.cli.main import main
from repro.data import registry
from repro.data.corpora import Corpus
from repro.data.pairs import Pairs
from repro.data.readers import read_stsb
from repro.encoders import zoo
from repro.encoders.cache import Embedder
from repro.encoders.recipe import CalibratedRecipe, FittedRecipe, FlowedRecipe, TransformerRecipe, WhitenedRecipe
from repro.errors import NotAvailable, ReproError
from repro.evaluation import encoding, fitting
from repro.evaluation.config import Options
from repro.evaluation.plan import Plan, plan
from repro.evaluation.run import run as compute
from repro.evaluation.session import Session
from repro.evaluation.suite import Suite
from repro.evaluation.systems import system_of
from repro.evaluation.units import Outcome
from repro.metrics.correlation import spearman
from repro.postprocessing.flow import Flow
from repro.postprocessing.whitening import Whitening
from repro.tables.columns import geometry
from repro.tables.spec import BEYOND, Column, Row, Table
from repro.tasks import TASKS
from tests.conftest import save_tiny_bert

MINI = Suite("mini")
COLUMNS = (
    Column("sts12", "STS12", "sts12", "spearman-wmean"),
    Column("stsb", "STSb", "stsb"),
    *(column for column in geometry() if isinstance(column, Column)),
)


def planned(base: TransformerRecipe, seeds: int = 2, **recipes: FittedRecipe) -> Plan:
    """A table of the plain base and of the recipes, run."""
    rows = [Row("plain", "plain", BEYOND, system_of(base))]
    rows += [Row(name, name, BEYOND, system_of(recipe, seeds)) for name, recipe in recipes.items()]
    return compute(plan(Table("t", "T", "P", tuple(rows), COLUMNS), Options(suite=MINI, device="cpu", resamples=20)))


def test_the_target_is_every_pair_of_the_data_set() -> None:
    corpora = fitting.Corpora(MINI)
    stsb = corpora.corpus("target", "stsb")
    splits = [_split(name) for name in ("train", "dev", "test")]
    assert sorted(stsb.sentences) == sorted(sentence for part in splits for sentence in (*part.first, *part.second))
    assert [[stsb.sentences[row] for row in pair] for pair in stsb.pairs] == [
        [first, second] for part in splits for first, second in zip(part.first, part.second, strict=True)
    ]
    assert len(corpora.corpus("target", "sts12").pairs) == 32 + 32
    assert len(corpora.corpus("nli", "sts12").pairs) == 900
    assert len(corpora.corpus("nli", "sts12").sentences) == 2 * 900
    with pytest.raises(NotAvailable):
        corpora.corpus("nli-sample", "sts12")
    with pytest.raises(ReproError, match="there is no fit on MR: target is defined for ") as refused:
        corpora.corpus("target", "mr")
    defined = str(refused.value).partition("defined for ")[2].split(", ")
    assert sorted(defined) == ["QNLI", "QUORA", "SICK", "STS12", "STS13", "STS14", "STS15", "STS16", "STSB"]


def _split(name: str) -> Pairs:
    return replace(read_stsb(MINI.root / registry.dataset("STSB", "mini").folder / f"sts-{name}.csv"), name=name)


@pytest.mark.parametrize(
    ("task", "target"),
    [
        ("stsb", "stsb-all"),
        ("geometry", "stsb-all"),
        ("stsb-senteval", "stsb-all-senteval"),
        ("sickr", "sickr-all-joined"),
        ("sickr-senteval", "sickr-all-senteval"),
        ("sts16", "sts16"),
    ],
)
def test_a_target_is_in_the_text_that_is_scored(task: str, target: str) -> None:
    corpora = fitting.Corpora(MINI)
    assert corpora.name("target", task) == target
    assert corpora.name("nli", task) == "nli"
    scored = set(TASKS[task].sentences(MINI.load(task)))
    assert scored <= set(corpora.corpus("target", task).sentences)


def test_single_sentences_are_paired_with_their_neighbours() -> None:
    corpus = Corpus.of_lines(["a", "b", "a", "c", "d"])
    assert corpus.sentences == ["a", "b", "a", "c", "d"]
    assert corpus.pairs.tolist() == [[0, 1], [2, 3]]


# siamese_utils.py, Sts_12_16_Processor: a year's full file is its train, dev and test set
@pytest.mark.parametrize(
    ("source", "dataset", "asked", "passes"),
    [
        ("target", "STS12", None, 3),
        ("target", "STS16", None, 3),
        ("target", "STS12", 1, 1),
        ("target", "STSB", None, 1),
        ("target", "SICK", None, 1),
        ("target", "", None, 1),
        ("nli", "STS12", None, 1),
        ("nli", "STS12", 2, 2),
    ],
)
def test_a_flow_reads_the_pairs_as_often_as_the_published_code(
    source: str, dataset: str, asked: int | None, passes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[Any] = []
    monkeypatch.setattr(Flow, "fit", lambda *arguments: calls.append(arguments))
    corpus = Corpus.of_pairs([(["a", "b"], ["b", "c"]), (["d"], ["a"])])
    recipe = FlowedRecipe(zoo.MINILM, source, passes=asked)
    fitting.fitted(recipe, corpus, 7, lambda texts: np.array([[ord(text)] for text in texts]), dataset)
    ((unfitted, vectors, rows, pairs, named),) = calls
    assert (unfitted.settings, unfitted.seed) == (replace(recipe, passes=passes), 7)
    assert "".join(chr(vectors[row, 0]) for row in rows) == "abbcda"
    assert [[chr(vectors[row, 0]) for row in pair] for pair in pairs] == [["a", "b"], ["b", "c"], ["d", "a"]]
    assert len(vectors) == 4
    assert named == (source if source != "target" else dataset or "these sentences")


@pytest.mark.real
def test_a_whitened_row_is_the_plain_one_whitened_on_its_target(minilm: zoo.Group) -> None:
    base = replace(zoo.MINILM, pooling="cls")
    finished = planned(base, white=WhitenedRecipe(base, k=32), corpus=WhitenedRecipe(base, "nli", 32))
    group = zoo.build(base, device="cpu")
    for name, source in (("white", "target"), ("corpus", "nli")):
        fitted_on = fitting.Corpora(MINI).corpus(source, "stsb").sentences
        map = Whitening(32).fit(group.encode(fitted_on)[0].vectors).transform
        data = MINI.load("stsb")
        sentences = TASKS["stsb"].sentences(data)
        vectors = map(group.encode(sentences)[0].vectors)
        expected = TASKS["stsb"].score(data, sentences, vectors, "").values["spearman-all"]
        cell = finished.stored[name, "stsb"]
        assert cell.value == pytest.approx(expected, abs=1e-3)
        assert f"|fit:{source}|whiten:32|" in str(cell.signature)
        assert cell.seeds == 1
        assert cell.ci_low is not None
    assert finished.stored["plain", "stsb"].value != finished.stored["white", "stsb"].value
    assert finished.stored["white", "cosine"].value == pytest.approx(0, abs=0.05)  # isotropic on what it was fitted on
    assert finished.stored["white", "isoscore"].value > finished.stored["plain", "isoscore"].value


def test_a_column_may_have_the_median_over_seeds(tiny_bert: Path) -> None:
    base = TransformerRecipe(str(tiny_bert), pooling="mean")
    columns = (Column("mean", "mean", "stsb"), Column("median", "median", "stsb-median", "spearman-median"))
    rows = (Row("flow", "flow", BEYOND, system_of(FlowedRecipe(base), 3)),)
    stored = compute(plan(Table("t", "T", "P", rows, columns), Options(suite=MINI, device="cpu"))).stored
    values = list(stored["flow", "mean"].scores.values())
    assert list(stored["flow", "median"].scores.values()) == pytest.approx(values)
    assert stored["flow", "mean"].value == pytest.approx(fmean(values))
    assert stored["flow", "median"].value == pytest.approx(median(values))
    assert fmean(values) != pytest.approx(median(values), abs=1e-3)
    assert stored["flow", "median"].std == pytest.approx(stdev(values))
    assert "|over:median|" in str(stored["flow", "median"].signature)


def test_a_flowed_row_is_a_mean_over_seeds_and_computed_once(tiny_bert: Path) -> None:
    base = TransformerRecipe(str(tiny_bert))
    recipe = FlowedRecipe(base, epochs=3)
    finished = planned(base, seeds=3, flow=recipe)
    cell = finished.stored["flow", "stsb"]
    values = list(cell.scores.values())
    assert (cell.seeds, len(values)) == (3, 3)
    assert (cell.value, cell.std) == (pytest.approx(fmean(values)), pytest.approx(stdev(values)))
    assert cell.ci_low is None
    assert "|flow:l2d3w32,additive,reversal|flowepochs:3|flowlr:0.001|" in str(cell.signature)
    assert "|flowbatch:32|flowdecay:0.01|flowpasses:code|flowinit:data|" in str(cell.signature)
    assert "|seeds:3|" in str(cell.signature)
    assert planned(base, seeds=3, flow=recipe).stored == finished.stored
    assert planned(base, seeds=2, flow=recipe).stored["flow", "stsb"].scores == dict(list(cell.scores.items())[:2])


def test_the_time_of_encoding_counts_once_over_five_seeds(tiny_bert: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    embed = Embedder.embed
    slow = lambda *given: [replace(item, seconds=1000.0) for item in embed(*given)]  # noqa: E731
    monkeypatch.setattr(Embedder, "embed", slow)
    base = TransformerRecipe(str(tiny_bert))
    finished = planned(base, seeds=5, flow=FlowedRecipe(base, epochs=3), white=WhitenedRecipe(base, k=4))
    for row in ("plain", "flow", "white"):
        assert 1000 <= finished.stored[row, "stsb"].seconds < 1500
    assert finished.stored["flow", "stsb"].seeds == 5


@pytest.mark.real
def test_a_flow_stays_above_a_random_projection_of_the_words(minilm: zoo.Group) -> None:
    """Averages of random word vectors are a random projection of the bag of words: what no flow may fall below."""
    data = MINI.load("stsb-all")
    sentences = TASKS["stsb-all"].sentences(data)
    rng = np.random.default_rng(0)
    words = {word: rng.normal(size=64) for sentence in sentences for word in sentence.lower().split()}
    random = np.array([np.mean([words[word] for word in sentence.lower().split()], axis=0) for sentence in sentences])
    recipe = FlowedRecipe(replace(zoo.MINILM, pooling="mean"))
    flowed = fitting.embed(recipe, sentences, MINI, "cpu", "float32").vectors
    scores = [
        TASKS["stsb-all"].score(data, sentences, vectors, "").values["spearman-all"] for vectors in (flowed, random)
    ]
    assert scores[0] > scores[1] > 0
    chance = [abs(spearman(rng.normal(size=500), np.concatenate([p.gold for p in data]))) for _ in range(20)]
    assert scores[0] > 100 * max(chance)


@pytest.mark.parametrize(
    ("name", "recipe"),
    [
        ("minilm-avg,post=whitening", WhitenedRecipe(zoo.ZOO["minilm-avg"])),  # type: ignore[arg-type]
        ("minilm-avg,post=whitening,k=64,source=nli", WhitenedRecipe(zoo.ZOO["minilm-avg"], "nli", 64)),  # type: ignore[arg-type]
        ("minilm-avg-whitening-256-nli,k=full", zoo.ZOO["minilm-avg-whitening-nli"]),
        (
            "all-minilm-l6-v2,pooling=cls,post=flow,levels=3,coupling=affine",
            FlowedRecipe(replace(zoo.MINILM, pooling="cls"), levels=3, coupling="affine"),
        ),
        ("minilm-avg,post=standardise", CalibratedRecipe(zoo.ZOO["minilm-avg"])),  # type: ignore[arg-type]
        (
            "minilm-avg,post=remove-top,k=3,source=nli",
            CalibratedRecipe(zoo.ZOO["minilm-avg"], "nli", scaling="none", k=3),  # type: ignore[arg-type]
        ),
        ("minilm-avg,post=remove-top,k=6,scaling=standardise", zoo.recipe("minilm-avg,post=standardise,k=6")),
        ("minilm-avg-flow-target,levels=3", zoo.ZOO["minilm-avg-flow3-target"]),
        (
            "minilm-avg,post=flow,passes=3,actnorm=drawn,batch_size=64",
            FlowedRecipe(zoo.ZOO["minilm-avg"], passes=3, actnorm="drawn", batch_size=64),  # type: ignore[arg-type]
        ),
    ],
)
def test_names_with_a_map(name: str, recipe: FittedRecipe) -> None:
    assert zoo.recipe(name) == recipe


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("minilm-avg,post=ironing", "name one of whitening, flow, standardise, remove-top, on"),
        ("minilm-avg,post=whitening,k=0", "k 0 must be at least 1"),
        ("minilm-avg,post=whitening,k=many", "'many' is not a value for k"),
        ("minilm-avg,post=whitening,pooling=cls", "is not a setting of this encoder"),
        ("minilm-avg-flow-nli,post=flow", "on an encoder that has none yet"),
        ("minilm-avg,post=flow,epochs=0", "must be positive"),
        ("minilm-avg,post=flow,epochs=inf", "epochs must be positive and at most 10000, not inf"),
        ("minilm-avg,post=flow,learning_rate=inf", "learning_rate must be positive and at most 10, not inf"),
        ("minilm-avg,post=flow,weight_decay=nan", "weight_decay must be at least 0 and at most 10, not nan"),
        (f"minilm-avg,post=flow,batch_size={10**30}", "batch_size must be at least 2 and at most 1000000, not 1000"),
        ("minilm-avg,post=flow,batch_size=1", "batch_size must be at least 2"),
        ("minilm-avg,post=flow,passes=0", "passes must be at least 1"),
        ("minilm-avg,post=flow,levels=nan", "'nan' is not a value for levels"),
        ("minilm-avg,post=flow,actnorm=none", "actnorm is data or drawn, not 'none'"),
        ("minilm-avg,post=whitening,k=nan", "'nan' is not a value for k"),
        ("minilm-avg,post=remove-top,k=0", "neither scales nor removes"),
        ("minilm-avg,post=remove-top,k=full", "k full is no number of singular vectors"),
        ("minilm-avg,post=standardise,k=-1", "k -1 is no number of singular vectors"),
        ("minilm-avg,post=standardise,scaling=whiten", "scaling 'whiten' is unknown; choose from none, centre"),
        ("minilm-avg,post=whitening,k=-1", "k -1 must be at least 1"),
    ],
)
def test_names_that_make_no_sense(name: str, message: str) -> None:
    with pytest.raises(ReproError, match=message):
        zoo.recipe(name)


def test_a_fit_is_saved_and_used_from_the_command_line(
    tiny_bert: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sentences = fitting.Corpora(MINI).corpus("target", "sts12").sentences
    (tmp_path / "some.txt").write_text("".join(f"{sentence}\n" for sentence in sentences))
    fit, out = tmp_path / "fit.safetensors", tmp_path / "out.npy"
    common = ["--offline", "--device", "cpu"]
    assert main(["fit", str(tiny_bert), str(tmp_path / "some.txt"), "-k", "5", "-o", str(fit), *common]) == 0
    name = f"{tiny_bert},post=whitening,source={fit}"
    assert f"16 → 5 dimensions, fitted on 128 sentences; use it as {name}" in capsys.readouterr().out
    assert main(["encode", name, str(tmp_path / "some.txt"), "-o", str(out), *common]) == 0
    direct = Whitening(5).fit(zoo.build(str(tiny_bert), device="cpu").encode(sentences)[0].vectors)
    expected = direct.transform(zoo.build(str(tiny_bert), device="cpu").encode(sentences)[0].vectors)
    np.testing.assert_allclose(np.load(out), expected, atol=1e-5)
    assert main(["encode", f"{name},k=4", str(tmp_path / "some.txt"), "-o", str(out), *common]) == 2
    assert "keeps 5 dimensions, not k = 4" in capsys.readouterr().err
    for other, there in (("prompt=the", 0), ("max_length=9", 0), ("pooling=cls", 2), ("layers=1", 2)):
        name = f"{tiny_bert},{other},post=whitening,source={fit}"
        assert main(["encode", name, str(tmp_path / "some.txt"), "-o", str(out), *common]) == there
    assert f"{fit} was fitted on the vectors of another encoder (pool:mean|layers:-1|norm:no|files:" in (
        capsys.readouterr().err
    )


@pytest.mark.parametrize("command", ["encode", "table"])
def test_a_fit_of_another_model_is_refused(
    command: str, tiny_bert: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Of the same width; cosines under it would look like any others."""
    other, fit = save_tiny_bert(tmp_path / "other", seed=1), tmp_path / "fit.safetensors"
    (tmp_path / "some.txt").write_text(
        "".join(f"{word} {'cat ' * n}\n" for word in "a the dog".split() for n in range(9))
    )
    common = ["--offline", "--device", "cpu"]
    assert main(["fit", str(tiny_bert), str(tmp_path / "some.txt"), "-k", "3", "-o", str(fit), *common]) == 0
    name = f"{other},post=whitening,source={fit}"
    commands = {
        "encode": ["encode", name, str(tmp_path / "some.txt"), "-o", str(tmp_path / "out.npy")],
        "table": ["table", "sbert-1", "--suite", "mini", "--row", name, "--encoder", name, "--out", str(tmp_path)],
    }
    assert main([*commands[command], *common]) == 2
    assert "was fitted on the vectors of another encoder" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("lines", "command", "message"),
    [
        (["the cat sits ."] * 60, ["fit", "MODEL", "FILE", "-o", "OUT"], "all equal, their covariance has rank 0"),
        (["the cat sits ."] * 60, ["encode", "MODEL,post=whitening", "FILE", "-o", "OUT"], "rank 0"),
        (["the cat sits .", "a dog runs ."], ["encode", "MODEL,post=flow", "FILE", "-o", "OUT"], "2 sentences are too"),
        (
            ["the cat", "a dog"] * 50,
            ["encode", "MODEL,post=flow", "FILE", "-o", "OUT"],
            "2 different sentences are too",
        ),
        (["the cat ."] * 80, ["encode", "MODEL,post=flow", "FILE", "-o", "OUT"], "all equal, their covariance has"),
        (["a", "b"], ["encode", "MODEL,post=whitening,source=gone", "FILE", "-o", "OUT"], "'gone' is neither target"),
        (["a", "b"], ["encode", "MODEL,post=whitening,source=FILE", "FILE", "-o", "OUT"], "is not a saved whitening"),
        (["a", "b"], ["encode", "MODEL,post=flow,source=FILE", "FILE", "-o", "OUT"], "is neither target"),
    ],
)
def test_a_fit_without_meaning_is_refused(
    lines: list[str],
    command: list[str],
    message: str,
    tiny_bert: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "some.txt").write_text("".join(f"{line}\n" for line in lines))
    names = {"MODEL": str(tiny_bert), "FILE": str(tmp_path / "some.txt"), "OUT": str(tmp_path / "out")}
    arguments = [re.sub("MODEL|FILE|OUT", lambda name: names[name.group()], word) for word in command]
    assert main([*arguments, "--offline", "--device", "cpu"]) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("kind", [WhitenedRecipe, FlowedRecipe])
def test_a_fit_on_a_corpus_holds_less_than_two_copies_of_the_distinct_vectors(
    kind: type[FittedRecipe], monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("flow", "whitening"):
        monkeypatch.setattr(f"repro.postprocessing.{module}.BLOCK", 256)  # a block is small beside a million sentences
    n, d, rng = 6_000, 512, np.random.default_rng(0)
    sentences = [str(number) for number in range(n)]
    pairs = [[sentences[i] for i in rng.integers(0, n, 2 * n)] for _ in range(2)]  # each stands in four of them
    recipe = kind(TransformerRecipe("owner/model"), "nli")
    if isinstance(recipe, FlowedRecipe):
        recipe = replace(recipe, epochs=0.01, depth=1)
    tracemalloc.start()
    fitting.fitted(recipe, Corpus.of_pairs([pairs]), 0, lambda texts: rng.random((len(texts), d), np.float32))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2 * n * d * 4


def test_a_saved_map_that_is_replaced_during_a_run_gives_no_number_to_the_other(
    tiny_bert: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first data set is scored under the one, and the other one is there when the second is."""
    source, base = tmp_path / "fit.safetensors", TransformerRecipe(str(tiny_bert), pooling="mean")
    fits = []
    for words in ("a man plays", "two dogs run"):
        texts = [f"{words} {'the cat ' * number}{other}" for number in range(6) for other in ("sun", "film", "car")]
        (tmp_path / "texts.txt").write_text("\n".join(texts) + "\n")
        assert main(["fit", str(tiny_bert), str(tmp_path / "texts.txt"), "-k", "4", "-o", str(source)]) == 0
        fits.append(source.read_bytes())
    source.write_bytes(fits[0])
    columns = (Column("sts12", "STS12", "sts12"), Column("sts13", "STS13", "sts13"))
    rows = (Row("map", "map", BEYOND, system_of(WhitenedRecipe(base, str(source)))),)
    finished = Table("t", "T", "P", rows, columns)
    real = encoding.EncodingUnit.run

    def run_of(unit: encoding.EncodingUnit, session: Session) -> Outcome:
        if unit.dataset == "STS13":
            source.write_bytes(fits[1])
        return real(unit, session)

    options = Options(suite=MINI, device="cpu")
    with monkeypatch.context() as patch:
        patch.setattr(encoding.EncodingUnit, "run", run_of)
        first = compute(plan(finished, options))
    later = compute(plan(finished, options)).stored
    assert first.stored["map", "sts12"].value != later["map", "sts12"].value
    monkeypatch.setenv("REPRO_HOME", str(tmp_path / "other"))
    again = compute(plan(finished, options)).stored
    assert {place: cell.value for place, cell in later.items()} == {place: cell.value for place, cell in again.items()}


def test_a_map_of_the_target_is_fitted_on_what_is_encoded_already(
    tiny_bert: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    counts: list[int] = []
    real = Embedder.fresh
    monkeypatch.setattr(Embedder, "fresh", lambda self, texts: counts.append(len(texts)) or real(self, texts))  # type: ignore[func-returns-value]
    sentences = [f"the cat sits on {word} ." for word in ("a mat", "the house", "a dog", "it", "the cat", "the cat")]
    loaded = fitting.Loaded(f"{tiny_bert},post=whitening,k=2", Suite("mini", offline=True), "cpu")
    vectors = loaded.encode(sentences)
    assert counts == [6]
    plain = real(loaded._embedder, sentences).astype(np.float64)
    cov = np.cov(plain.T, ddof=0)  # the published formula, on these vectors alone
    u, s, _ = np.linalg.svd(cov)
    expected = (plain - plain.mean(axis=0)) @ (u @ np.diag(1 / np.sqrt(s)))[:, :2]
    expected /= np.linalg.norm(expected, axis=1, keepdims=True)
    np.testing.assert_allclose(vectors @ vectors.T, expected @ expected.T, atol=1e-3)
