"""What `import repro` offers: encoders by name, the evaluation of anything that encodes, and results as data frames."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from scipy.stats import pearsonr, spearmanr

import repro
from repro.cli.main import main
from repro.encoders import zoo
from repro.evaluation.suite import Suite
from repro.results import frame
from repro.results.csv_lines import FIELDS
from tests.conftest import VOCABULARY, save_tiny_sbert
from tests.processes import modules_after

COMMITTED = Path(__file__).parents[1] / "tables"
TASKS = ["sts12", "stsb", "sickr"]
HEAVY = {"torch", "transformers", "pandas", "scipy", "sklearn", "numpy", "sentence_transformers"}


def values(measured: repro.Results) -> dict[str, float]:
    """Scores by column."""
    return {line["column"]: float(line["value"]) for line in measured.lines}


@pytest.fixture(scope="module")
def tiny_sbert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One that knows the words of the mini suite.

    Different sentences of unknown words are one sentence to a model. Their cosine is 1 but for rounding, which other
    batches do in another way, and pairs of them would change ranks.
    """
    parts = [part for task in TASKS for part in Suite("mini").load(task)]
    texts = [text for part in parts for text in (*part.first, *part.second)]
    words = {word for text in texts for word in re.findall(r"\w+|[^\w\s]", text.lower())}
    return save_tiny_sbert(tmp_path_factory.mktemp("models") / "tiny-sbert", sorted(words - set(VOCABULARY)))


@pytest.fixture
def by_command(tiny_sbert: Path, tmp_path: Path) -> dict[str, float]:
    """What the command line gives for the tiny model on the tasks."""
    chosen = [part for task in TASKS for part in ("--task", task)]
    command = ["table", "sbert-1", "--suite", "mini", "--offline", "--encoder", str(tiny_sbert), *chosen]
    assert main([*command, "--row", str(tiny_sbert), "--out", str(tmp_path / "out")]) == 0
    made = frame.read(tmp_path / "out/mini/sbert-1.csv").set_index(["row", "column"])["value"]
    return {task: made[str(tiny_sbert), task] for task in TASKS}


class Lists:
    """A client whose answers are lists of numbers."""

    def __init__(self, model: Any) -> None:
        self.model = model

    def encode(self, texts: list[str]) -> list[list[float]]:
        return [[float(number) for number in vector] for vector in self.model.encode(texts)]


def forms(model: Any) -> dict[str, object]:
    """One model handed in each way."""

    def prepare(params: Any, samples: list[list[str]]) -> None:
        params.model = model

    def batcher(params: Any, batch: list[list[str]]) -> np.ndarray:
        return np.asarray(params.model.encode([" ".join(tokens) for tokens in batch]))

    return {
        "SentenceTransformer": model,
        "function": lambda sentences: model.encode(sentences),
        "tensors": lambda sentences: model.encode(sentences, convert_to_tensor=True),
        "lists": Lists(model),
        "SentEval": (batcher, prepare),
        "SentEval's arguments": repro.SentEval({"batch_size": 16}, batcher, prepare),
    }


def test_an_object_has_the_numbers_of_the_command_line_for_the_same_weights(
    by_command: dict[str, float], tiny_sbert: Path
) -> None:
    from sentence_transformers import SentenceTransformer

    model = SentenceTransformer(str(tiny_sbert), device="cpu")
    for form, thing in forms(model).items():
        found = values(repro.evaluate(thing, TASKS, suite="mini"))
        assert found == pytest.approx(by_command, abs=1e-3), form


def test_an_encoder_by_name_has_them_exactly_and_shares_what_is_stored(
    by_command: dict[str, float], tiny_sbert: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    encoder = repro.load_encoder(str(tiny_sbert), device="cpu", offline=True)
    monkeypatch.setattr(zoo.Group, "encode", lambda *arguments: pytest.fail("encoded again"))
    for thing in (encoder, str(tiny_sbert)):
        assert values(repro.evaluate(thing, TASKS, suite="mini")) == pytest.approx(by_command, abs=1e-9)
        assert values(repro.evaluate(thing, "stsb", suite="mini")) == pytest.approx({"stsb": by_command["stsb"]})


SENTENCES = ["the cat sits on the mat .", "a dog runs", "a red house", "it is big", "the cat sits on the mat ."]


@pytest.fixture
def whitening(tiny_bert: Path, tmp_path: Path) -> Path:
    """The sentences in a file, and a whitening that is fitted on them in another."""
    (tmp_path / "in.txt").write_text("\n".join(SENTENCES) + "\n")
    command = ["fit", str(tiny_bert), str(tmp_path / "in.txt"), "-k", "2", "-o", str(tmp_path / "w.safetensors")]
    assert main(command) == 0
    return tmp_path / "w.safetensors"


@pytest.mark.parametrize("settings", ["", ",pooling=cls", ",post=whitening,k=2", ",post=whitening,source={}"])
def test_load_encoder_takes_the_names_that_the_command_line_takes(
    settings: str, tiny_bert: Path, whitening: Path
) -> None:
    name, out = f"{tiny_bert}{settings.format(whitening)}", whitening.parent / "out.npy"
    assert main(["encode", name, str(whitening.parent / "in.txt"), "-o", str(out)]) == 0
    encoder = repro.load_encoder(name, offline=True)
    for _ in range(2):  # a map is kept, or fitted on the same sentences
        vectors = encoder.encode(SENTENCES)
        assert vectors.dtype == np.float32
        np.testing.assert_allclose(vectors, np.load(out), atol=1e-5)


def test_a_loaded_encoder_gives_the_vectors_of_transformers(tiny_bert: Path) -> None:
    from transformers import AutoModel, AutoTokenizer

    tokens = AutoTokenizer.from_pretrained(tiny_bert)(SENTENCES[:1], return_tensors="pt")
    mean = AutoModel.from_pretrained(tiny_bert)(**tokens).last_hidden_state[0].mean(0).detach()
    encoder = repro.load_encoder(tiny_bert, device="cpu")
    np.testing.assert_allclose(encoder.encode(tuple(SENTENCES))[0], mean, atol=1e-5)
    assert encoder.encode([]).shape == (0, 16)
    with pytest.raises(repro.ReproError, match="encode wants a list of sentences; put 'a cat' into one"):
        encoder.encode("a cat")


class Text(str):
    """A text all the same."""


# what a data frame or a slip hands in, and what is said
NO_TEXTS: list[tuple[Any, str]] = [
    (["a cat", float("nan")], "encode wants texts, and entry 1 is nan, a float; leave it out"),
    ([1], "entry 0 is 1, a int"),
    ([None], "entry 0 is None, a NoneType"),
    ([b"a cat"], "entry 0 is b'a cat', a bytes"),
    ([["a", "b"]], r"entry 0 is \['a', 'b'\], a list"),
    ([{"text": "a"}], "entry 0 is {'text': 'a'}, a dict"),
    (["a", ("a cat", "a dog")], r"entry 1 is \('a cat', 'a dog'\), a tuple"),
    ({"a": 1}, "encode wants a list of sentences, and this is dict"),
    (b"a cat", "and this is bytes"),
    (None, "and this is NoneType"),
    (5, "and this is int"),
    ({"a cat"}, "and this is set"),
    (pd.DataFrame({"text": ["a", "b", "c"]}), "and this is DataFrame"),
]


@pytest.mark.parametrize(("texts", "message"), NO_TEXTS)
def test_what_is_no_text_is_named(texts: Any, message: str, tiny_bert: Path) -> None:
    with pytest.raises(repro.ReproError, match=message):
        repro.load_encoder(tiny_bert, device="cpu").encode(texts)


def test_a_text_of_a_class_of_its_own_is_one(tiny_bert: Path) -> None:
    encoder = repro.load_encoder(tiny_bert, device="cpu")
    expected = encoder.encode(["a cat"])
    np.testing.assert_array_equal(encoder.encode([Text("a cat")]), expected)
    np.testing.assert_array_equal(encoder.encode(np.array(["a cat"])), expected)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: repro.load_encoder("nobody"), repro.ReproError, "'nobody' is not in the zoo"),
        (lambda: repro.load_encoder("no/where", offline=True), repro.NotAvailable, "no/where are not on this machine"),
        (lambda: repro.load_encoder("minilm-cls", dtype="int8"), repro.ReproError, "dtype 'int8' is unknown"),
        (lambda: repro.load_encoder(None), repro.ReproError, "None is no name of an encoder"),  # type: ignore[arg-type]
        (lambda: repro.load_encoder(b"minilm-cls"), repro.ReproError, "is no name of an encoder"),  # type: ignore[arg-type]
        (lambda: repro.evaluate(len, "sts99"), repro.ReproError, "'sts99' is neither a table nor a task"),
        (lambda: repro.evaluate(len, []), repro.ReproError, "there is no task to evaluate on"),
        (lambda: repro.evaluate(len, ["sts12:f1"]), repro.ReproError, "the task sts12 has no metric 'f1'"),
        (lambda: repro.evaluate(len, "stsb", suite="big"), repro.ReproError, "'big' is not a suite"),
        (lambda: repro.evaluate(len, "stsb", suite="mini", data="."), repro.ReproError, "leave out --data"),
        (lambda: repro.evaluate(len, "stsb", data="/nowhere"), repro.ReproError, "/nowhere is not a folder"),
        (lambda: repro.evaluate(len, "stsb", limit=0), repro.ReproError, "limit is 0"),
        (lambda: repro.evaluate(3, "stsb"), repro.ReproError, r"builtins:int has no encode\(sentences\)"),
        (lambda: repro.evaluate(len, "stsb", version="1"), repro.ReproError, "give the encoder a name too"),
        (lambda: repro.evaluate("minilm-cls", "stsb", name="a"), repro.ReproError, "minilm-cls is known by its name"),
        (
            lambda: repro.evaluate("minilm-avg,post=whitening", "speed-cpu", suite="mini"),
            repro.ReproError,
            "post=whitening: the task times an encoder alone; name it without post=",
        ),
        (lambda: repro.evaluate(len, "stsb", offline=True), repro.NotAvailable, "`repro fetch STSB` gets it"),
        (lambda: repro.evaluate(len, "stsb", suite="mini"), repro.ReproError, r"builtins:len: \d+ sentences gave"),
        (lambda: repro.results("sbert-0"), repro.ReproError, "'sbert-0' is not a table"),
        (lambda: repro.results(["sbert-1"]), repro.ReproError, r"\['sbert-1'\] is no table's id"),
        (lambda: repro.evaluate(len, "stsb", data=3), repro.ReproError, "data is 3; give the path of a folder"),
        (lambda: repro.evaluate(len, "stsb", mirror=[]), repro.ReproError, r"mirror is \[\]; give the path"),
        (lambda: repro.evaluate(len, 3, suite="mini"), repro.ReproError, "tasks is 3; give the name"),
        (lambda: repro.evaluate(len, (), suite="mini"), repro.ReproError, "there is no task to evaluate on"),
        (lambda: repro.load_encoder("x/y", device="gpu"), repro.ReproError, "device is 'gpu'; choose auto, cpu, mps"),
        *(
            (lambda folder=folder: repro.results("sbert-1", folder), repro.ReproError, "folder is .*; give the path")  # type: ignore[misc]
            for folder in (None, 5, b"tables")
        ),
        (lambda: repro.results("sbert-1", suite="big"), repro.ReproError, "'big' is not a suite"),
    ],
)
def test_what_is_wrong_is_one_sentence(call: Callable[[], object], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call()


def letters(sentences: list[str], power: int = 1) -> np.ndarray:
    return np.array([[s.count("a"), s.count("e"), s.count("o"), 1] for s in sentences], np.float64) ** power


def broken(row: int, value: float) -> Callable[[list[str]], np.ndarray]:
    def encode(sentences: list[str]) -> np.ndarray:
        vectors = letters(sentences)
        vectors[row] = value
        return vectors

    return encode


@pytest.mark.parametrize("form", [list, tuple, iter, np.array, dict.fromkeys, lambda names: (name for name in names)])
def test_tasks_are_any_iterable_of_names(form: Callable[[list[str]], Any]) -> None:
    measured = repro.evaluate(letters, form(["sts12", "stsb"]), suite="mini")
    assert [line["column"] for line in measured.lines] == ["sts12", "stsb"]


def test_an_encoder_that_gives_nan_or_too_little_is_named_with_the_sentence_or_the_count() -> None:
    first = Suite("mini").load("stsb")[0].first[0]
    with pytest.raises(repro.ReproError) as wrong:
        repro.evaluate(broken(0, np.nan), "stsb", suite="mini")
    assert str(wrong.value) == f"tests.test_api:broken.<locals>.encode: the vector of {first!r} is not finite"
    with pytest.raises(repro.ReproError, match=r"mine: \d+ sentences gave vectors of shape \(\d+, 4\), not \(n, d\)"):
        repro.evaluate(lambda sentences: letters(sentences)[1:], "stsb", suite="mini", name="mine")
    rows = iter(letters(["a"]))
    with pytest.raises(repro.ReproError, match=r"mine: \d+ sentences gave 1 vectors"):
        repro.evaluate(lambda sentences: rows, "stsb", suite="mini", name="mine")


def test_a_name_and_a_version_store_results() -> None:
    calls: list[int] = []

    def encode(sentences: list[str], power: int = 1) -> np.ndarray:
        calls.append(power)
        return letters(sentences, power)

    for named in ({}, {"name": "mine"}, {"name": "mine", "version": "1"}):
        for _ in range(2):
            repro.evaluate(encode, "stsb", suite="mini", **named)
    assert len(calls) == 2 + 2 + 1
    again = repro.evaluate(encode, "stsb", suite="mini", name="mine", version="1", encode_kwargs={"power": 3})
    assert calls[-1] == 3
    assert "|encoder:mine@1|kwargs:power=3|" in again.lines[0]["signature"]


def test_a_cross_encoder_scores_pairs(tiny_bert: Path) -> None:
    from sentence_transformers import CrossEncoder

    model = CrossEncoder(str(tiny_bert), num_labels=1, device="cpu")
    model.model.classifier.weight.data *= 100  # drawn at random, it tells nothing apart
    how: dict[str, Any] = {"batch_size": 7, "activation_fn": torch.nn.Identity()}
    measured = repro.evaluate(model, ["stsb:pearson-all", "mr"], suite="mini", encode_kwargs=how)
    (part,) = Suite("mini").load("stsb")
    scores = model.predict(list(zip(part.first, part.second, strict=True)), **how)
    stsb, mr = measured.lines
    assert float(stsb["value"]) == pytest.approx(100 * pearsonr(scores, part.gold).statistic, abs=1e-3)
    assert mr["value"] == ""
    assert mr["reason"].endswith("CrossEncoder scores pairs of sentences and gives no vectors, which mr needs")


def test_numbers_are_a_data_frame_with_signature_and_interval() -> None:
    measured = repro.evaluate(letters, ["sts12", "stsb:pearson-all", "geometry:uniformity"], suite="mini")
    table = measured.to_frame()
    assert list(table["task"]) == ["sts12", "stsb", "geometry"]
    assert list(table["metric"]) == ["spearman-all", "pearson-all", "uniformity"]
    assert set(FIELDS) | {"task"} == set(table.columns)
    scores = table[table["metric"] != "uniformity"]
    assert (scores["ci_low"] < scores["value"]).all()
    assert (scores["value"] < scores["ci_high"]).all()
    assert table["signature"].str.contains("encoder:tests.test_api:letters", regex=False).all()
    assert table["value"].dtype == "float64"
    value, low, high = scores.iloc[0][["value", "ci_low", "ci_high"]]
    assert repr(measured).splitlines()[0] == f"sts12 spearman-all: {value:.2f} [{low:.2f}, {high:.2f}]"


def test_a_table_is_evaluated_as_the_command_line_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "my_module.py").write_text("from tests.test_api import letters")
    monkeypatch.chdir(tmp_path)
    command = "table sbert-1 --suite mini --offline --encoder my_module:letters@1 --row my_module:letters@1 --out ."
    assert main(command.split()) == 0
    written = repro.results("sbert-1", tmp_path, "mini")
    rows = written[written["row"] == "my_module:letters@1"].reset_index(drop=True)
    named = repro.evaluate("my_module:letters@1", "sbert-1", suite="mini").to_frame()
    handed = repro.evaluate(letters, "sbert-1", suite="mini", name="my_module:letters", version="1").to_frame()
    pd.testing.assert_frame_equal(named, rows)
    pd.testing.assert_frame_equal(handed, rows)


@pytest.mark.real
def test_published_data_come_from_a_mirror_or_from_a_folder_of_ones_own(data: Path, mirror: Path) -> None:
    pairs = [line.split("\t") for line in (data / "downstream/STS/STSBenchmark/sts-test.csv").read_text().splitlines()]
    first, second = (letters([pair[place] for pair in pairs]) for place in (5, 6))
    cosines = (first * second).sum(axis=1) / np.linalg.norm(first, axis=1) / np.linalg.norm(second, axis=1)
    rho = spearmanr(np.round(cosines, 9), [float(pair[4]) for pair in pairs]).statistic
    for where in ({"data": data}, {"mirror": str(mirror), "offline": True}):
        assert values(repro.evaluate(letters, "stsb", **where)) == pytest.approx({"stsb": 100 * rho}, abs=1e-6)
    assert "|limit:9|" in repro.evaluate(letters, "stsb", data=data, limit=9).lines[0]["signature"]


@pytest.mark.parametrize(("suite", "folder"), [("paper", COMMITTED), ("mini", COMMITTED / "mini")])
def test_the_numbers_of_a_written_table_are_read_from_its_file(suite: str, folder: Path) -> None:
    read = repro.results("sbert-1", COMMITTED, suite)
    pd.testing.assert_frame_equal(read.drop(columns="task"), frame.read(folder / "sbert-1.csv"))
    assert set(read.loc[read["column"] == "avg", "task"]) == {""}


def test_without_a_file_the_numbers_are_those_that_are_stored(
    by_command: dict[str, float], tiny_sbert: Path, tmp_path: Path
) -> None:
    shutil.rmtree(tmp_path / "out")
    table = repro.results("sbert-1", tmp_path / "out", "mini")
    assert table["value"].isna().all()  # the row of an --encoder is not the table's
    assert set(table["reason"]) >= {"not stored; `repro table sbert-1` computes it"}
    repro.evaluate("minilm-cls", "stsb", suite="mini")
    table = repro.results("sbert-1", tmp_path / "out", "mini").set_index(["row", "column"])
    assert list(table.index[table["value"].notna()]) == [("minilm-cls", "stsb")]


ORDERS = [
    "import repro; repro.results",
    "import repro.results.frame; repro.results.frame.read",
    "from repro.results import frame; frame.read; import repro",
    "from repro.results.frame import read; import repro",
    "import repro; import repro.results.store as store; store.Store",
]


@pytest.mark.parametrize("code", ORDERS)
def test_results_is_a_function_and_a_package_whichever_is_imported_first(code: str) -> None:
    call = "; assert len(repro.results('sbert-1')); import repro.results.csv_lines; repro.results.csv_lines.FIELDS"
    assert not modules_after(code + call) & {"torch", "transformers", "sklearn"}


def test_importing_repro_imports_nothing_heavy() -> None:
    assert not modules_after("import repro; repro.evaluate, repro.load_encoder, repro.SentEval, repro.Encoder") & HEAVY


def test_stored_results_are_read_without_torch(tmp_path: Path) -> None:
    code = "import sys, repro; repro.results('sbert-1', sys.argv[1], 'mini')"
    assert not modules_after(code, str(tmp_path)) & {"torch", "transformers"}


def test_all_that_is_offered_is_there_and_documented() -> None:
    for name in repro.__all__:
        assert getattr(repro, name).__doc__


def check(encoder: repro.Encoder, scorer: repro.PairScorer, sentences: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """For mypy: both protocols are what they are used as."""
    return encoder.encode(sentences), scorer.score(sentences, sentences)


# arguments of another type than they are to have, and what is said
TYPES: list[tuple[dict[str, Any], str]] = [
    ({"tasks": None}, "tasks is None; give the name of a task"),
    ({"tasks": [5]}, r"tasks is \[5\]; give the name"),
    ({"limit": 2.5}, "limit is 2.5; it counts"),
    ({"limit": "10"}, "limit is '10'; it counts"),
    ({"limit": True}, "limit is True; it counts"),
    ({"name": "n", "version": 3}, "3 is no text; names and versions are"),
    ({"name": 5}, "5 is no text"),
    ({"encode_kwargs": ["a"]}, r"encode_kwargs is \['a'\]; it holds keyword arguments"),
]


@pytest.mark.parametrize(("arguments", "message"), TYPES)
def test_an_argument_of_another_type_is_named(arguments: dict[str, Any], message: str) -> None:
    given: dict[str, Any] = {"tasks": "stsb", "suite": "mini", **arguments}
    with pytest.raises(repro.ReproError, match=message):
        repro.evaluate(lambda texts: np.ones((len(texts), 2)), **given)


def test_a_path_names_an_encoder(tiny_bert: Path) -> None:
    expected = repro.evaluate(str(tiny_bert), "stsb", suite="mini").to_frame()["value"]
    assert repro.evaluate(tiny_bert, "stsb", suite="mini").to_frame()["value"].equals(expected)
