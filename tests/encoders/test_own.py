"""Objects of the user's own as encoders and pair scorers: what they may be, what they may answer, what is refused."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from repro.encoders.base import SentEval
from repro.encoders.own import OwnEncoder, OwnPairScorer, named, own
from repro.errors import ReproError

SENTENCES = ["a b c", "a", "b b b b", ""]
# counts of a and b, and a one: by hand
EXPECTED = np.array([[1, 1, 1], [1, 0, 1], [0, 4, 1], [0, 0, 1]], np.float32)


def counts(sentences: Sequence[str]) -> list[list[int]]:
    return [[s.count("a"), s.count("b"), 1] for s in sentences]


def vectors(thing: object, **kwargs: object) -> np.ndarray:
    encoder = own(thing, "own", kwargs=kwargs)
    assert isinstance(encoder, OwnEncoder)
    return encoder.encode(SENTENCES)


ANSWERS: dict[str, Callable[[list[str]], object]] = {
    "lists": counts,
    "tuples": lambda s: tuple(map(tuple, counts(s))),
    "array": lambda s: np.array(counts(s), np.float64),
    "integers": lambda s: np.array(counts(s), np.int16),
    "list of arrays": lambda s: [np.array(row, np.float32) for row in counts(s)],
    "tensor": lambda s: torch.tensor(counts(s), dtype=torch.float32),
    "tensor of a graph": lambda s: torch.tensor(counts(s), dtype=torch.float32, requires_grad=True) * 1,
    "float8": lambda s: torch.tensor(counts(s), dtype=torch.float8_e4m3fn),
    "bfloat16": lambda s: torch.tensor(counts(s), dtype=torch.bfloat16),
    "list of tensors": lambda s: [torch.tensor(row, dtype=torch.float16, requires_grad=True) for row in counts(s)],
    "generator": lambda s: (row for row in counts(s)),
}


@pytest.mark.parametrize("kind", ANSWERS)
def test_vectors_come_in_many_forms(kind: str) -> None:
    found = vectors(ANSWERS[kind])
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, EXPECTED)


class Model:
    """As those of other libraries: with a batch size and a prompt."""

    def encode(self, inputs: list[str], batch_size: int = 2, prompt: str = "") -> list[list[int]]:
        assert isinstance(inputs, list)
        found = counts([prompt + sentence for sentence in inputs])
        inputs.clear()  # what becomes of its own list is nobody's matter
        return found


def test_an_object_is_asked_by_its_encode_with_the_keyword_arguments() -> None:
    np.testing.assert_array_equal(vectors(Model()), EXPECTED)
    np.testing.assert_array_equal(vectors(Model(), prompt="a", batch_size=7), EXPECTED + np.array([1, 0, 0]))
    with pytest.raises(ReproError, match=r"own fails on 4 sentences: TypeError: .*unexpected keyword argument 'task'"):
        vectors(Model(), task="sts")


async def waited_for(sentences: list[str]) -> list[list[int]]:
    return counts(sentences)


class Generator:
    """Gives what it has once."""

    def __init__(self) -> None:
        self.rows = iter(counts(SENTENCES))

    def encode(self, sentences: list[str]) -> Iterator[list[int]]:
        return self.rows


def with_entry(row: int, value: object) -> Callable[[list[str]], list[list[Any]]]:
    def encode(sentences: list[str]) -> list[list[Any]]:
        answer: list[list[Any]] = [list(vector) for vector in counts(sentences)]
        answer[row][1] = value
        return answer

    return encode


WRONG: list[tuple[Callable[[list[str]], object], str]] = [
    (lambda s: None, "own gave None, and no numbers"),
    (lambda s: "0.1 0.2", "own gave a str, and no numbers"),
    (lambda s: {"dense": counts(s)}, "own gave a dict, and no numbers"),
    (lambda s: ["0.1", "0.2", "0.3", "0.4"], "own gave a str for 'a b c', and no vector of numbers"),
    (lambda s: [{"embedding": row} for row in counts(s)], "own gave a dict for 'a b c', and no vector"),
    (lambda s: [None] * 4, "own gave a NoneType for 'a b c'"),
    (lambda s: [0.1, 0.2, 0.3, 0.4], r"own gave an array of shape \(\) for 'a b c', not \(d,\)"),
    (lambda s: np.array(["x"] * 4), "own: what it gave is no array of numbers, but of <U1"),
    (lambda s: counts(s)[:3], "own: 4 sentences gave 3 vectors"),
    (lambda s: np.array(counts(s))[:3], r"own: 4 sentences gave vectors of shape \(3, 3\), not \(n, d\)"),
    (lambda s: np.array(counts(s))[:, 0], r"own: 4 sentences gave vectors of shape \(4,\), not \(n, d\)"),
    (lambda s: np.array(counts(s))[:, None], r"shape \(4, 1, 3\), not \(n, d\)"),
    (lambda s: [[], [], [], []], r"shape \(4, 0\), not \(n, d\)"),
    (lambda s: [*counts(s)[:2], [1], [1, 2, 3]], "own: the vector of 'b b b b' has 1 numbers, that of 'a b c' 3"),
    (with_entry(2, float("nan")), "own: the vector of 'b b b b' is not finite"),
    (with_entry(1, float("inf")), "own: the vector of 'a' is not finite"),
    (lambda s: np.full((4, 2), 1e39), "own: the vector of 'a b c' is beyond float32"),
    (with_entry(1, 1 + 2j), "own gave a list for 'a', and no vector of numbers"),
    (lambda s: torch.tensor(counts(s)).to_sparse(), r"own: what it gave is no array of numbers \("),
    (lambda s: 1 / 0, "own fails on 4 sentences: ZeroDivisionError: division by zero"),
    (lambda s: np.ma.masked_less(np.array(counts(s), float), 1), "own: a part of what it gave is masked"),
    (waited_for, "own is asynchronous; hand in a function that waits"),
    # as sentence-transformers packs eight signs into one number, and as it quantises
    (lambda s: np.packbits(np.array(counts(s)) > 0, axis=1), "own: what it gave is uint8, perhaps packed bits"),
    (lambda s: torch.tensor(counts(s), dtype=torch.int8), "own: what it gave is int8, perhaps packed bits"),
    (lambda s: [np.array(row, np.int8) for row in counts(s)], "own: what it gave is int8, perhaps packed bits"),
    (
        lambda s: [np.array(r, np.int8 if i else float) for i, r in enumerate(counts(s))],
        "what it gave is int8, perhaps",
    ),
]


@pytest.mark.parametrize(("encode", "message"), WRONG)
@pytest.mark.filterwarnings("error::RuntimeWarning")  # such as of a coroutine that was never awaited
def test_what_is_no_vector_for_each_sentence_is_one_sentence(encode: object, message: str) -> None:
    with pytest.raises(ReproError, match=message):
        vectors(encode)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("a man", "own: encode wants a list of sentences; put 'a man' into one"),
        ({"a": 1}, "own: encode wants a list of sentences, and this is dict"),
        ({"a", "b"}, "own: encode wants a list of sentences, and this is set"),
        (None, "own: encode wants a list of sentences, and this is NoneType"),
        (5, "own: encode wants a list of sentences, and this is int"),
        (["a", None], "own: encode wants texts, and entry 1 is None, a NoneType"),
    ],
)
def test_what_are_no_sentences_is_named(given: Any, message: str) -> None:
    encoder = own(counts, "own")
    assert isinstance(encoder, OwnEncoder)
    with pytest.raises(ReproError, match=message):
        encoder.encode(given)


def test_sentences_may_come_from_an_iterator() -> None:
    encoder = own(counts, "own")
    assert isinstance(encoder, OwnEncoder)
    np.testing.assert_array_equal(encoder.encode(iter(SENTENCES)), EXPECTED)  # type: ignore[arg-type]


def test_it_may_go_to_another_folder_and_nobody_else_does(tmp_path: Path) -> None:
    here = os.getcwd()

    def encode(sentences: list[str]) -> list[list[int]]:
        os.chdir(tmp_path)
        return counts(sentences)

    np.testing.assert_array_equal(vectors(encode), EXPECTED)
    assert os.getcwd() == here


def test_it_may_be_asked_where_the_working_directory_is_gone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    np.testing.assert_array_equal(vectors(counts), EXPECTED)


def test_scores_of_a_tensor_keep_their_digits() -> None:
    near = torch.tensor([1.0, 1.0 + 1e-12], dtype=torch.float64)
    scorer = own(Scorer(near), "own")
    assert isinstance(scorer, OwnPairScorer)
    assert scorer.score(["a", "b"], ["c", "d"]).tolist() == near.tolist()


@pytest.mark.parametrize(
    ("kwargs", "version", "message"),
    [
        ({1: 2, "a": 3}, "", "own: 1 is no name of a keyword argument"),
        ({"a": {1: 2, "b": 3}}, "1", "one of them cannot be written"),
        ({"a": float("nan")}, "1", "one of them cannot be written"),
    ],
)
def test_arguments_that_cannot_be_told_apart_are_refused(kwargs: Any, version: str, message: str) -> None:
    with pytest.raises(ReproError, match=message):
        own(counts, "own", version, kwargs)


def test_a_generator_is_used_up_by_its_first_call() -> None:
    encoder = own(Generator(), "own")
    assert isinstance(encoder, OwnEncoder)
    np.testing.assert_array_equal(encoder.encode(SENTENCES), EXPECTED)
    with pytest.raises(ReproError, match="own: 4 sentences gave 0 vectors"):
        encoder.encode(SENTENCES)


class Buffer:
    """One array that every call fills and gives."""

    def __init__(self) -> None:
        self.rows = np.zeros((4, 3), np.float32)

    def encode(self, sentences: list[str]) -> np.ndarray:
        self.rows[: len(sentences)] = counts(sentences)
        return self.rows[: len(sentences)]

    def batcher(self, params: Any, batch: list[list[str]]) -> np.ndarray:
        return self.encode([" ".join(tokens) for tokens in batch])

    def one_by_one(self, sentences: list[str]) -> Iterator[np.ndarray]:
        for sentence in sentences:
            yield self.encode([sentence])[0]


def test_an_array_that_is_filled_again_and_again_gives_each_its_own_vector() -> None:
    encoder = own(Buffer(), "own")
    assert isinstance(encoder, OwnEncoder)
    first = encoder.encode(SENTENCES)
    encoder.encode(SENTENCES[::-1])
    np.testing.assert_array_equal(first, EXPECTED)
    np.testing.assert_array_equal(vectors(Buffer().one_by_one), EXPECTED)
    batches = own(SentEval({"batch_size": 1}, Buffer().batcher), "own")
    assert isinstance(batches, OwnEncoder)
    np.testing.assert_array_equal(batches.encode(SENTENCES), EXPECTED)


class Batches:
    """SentEval's two functions, which remember what they were handed."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self.params: list[Any] = []

    def prepare(self, params: Any, samples: list[list[str]]) -> None:
        self.said.append(f"prepare {len(samples)}")
        params.known = {word for tokens in samples for word in tokens}

    def batcher(self, params: Any, batch: list[list[str]]) -> np.ndarray:
        self.said.append(" ".join(str(len(tokens)) for tokens in batch))
        self.params.append(params)
        assert params.known == {"a", "b", "c"}
        return np.array([[tokens.count("a"), tokens.count("b"), 1] for tokens in batch], np.float64)


def test_sentevals_functions_are_called_as_senteval_does() -> None:
    batches = Batches()
    encoder = own(SentEval({"batch_size": 3, "model": "mine"}, batches.batcher, batches.prepare))
    assert isinstance(encoder, OwnEncoder)
    np.testing.assert_array_equal(encoder.encode(SENTENCES, "STSB", "/data"), EXPECTED)
    assert batches.said == ["prepare 4", "0 1 3", "4"]  # of increasing length
    params = batches.params[0]
    assert (params.batch_size, params.usepytorch, params.seed, params.kfold) == (3, True, 1111, 5)
    assert (params.task_path, params.current_task, params.model) == ("/data", "STSBenchmark", "mine")
    assert params["model"] == "mine"
    assert "classifier" in params
    assert params.nothing is None
    params.other = 1
    assert params["other"] == 1


def test_sentevals_pair_is_an_encoder_and_needs_no_prepare() -> None:
    batches = Batches()
    np.testing.assert_array_equal(vectors((batches.batcher, batches.prepare)), EXPECTED)
    np.testing.assert_array_equal(vectors((lambda params, batch: counts([" ".join(t) for t in batch]), None)), EXPECTED)
    assert own((batches.batcher, None)).name == "tests.encoders.test_own:Batches.batcher"
    for wrong in ((batches.batcher,), (batches.batcher, 3), (1, 2, 3)):
        with pytest.raises(ReproError, match=r"SentEval's pair \(batcher, prepare\) is an encoder"):
            own(wrong)
    with pytest.raises(ReproError, match="put them into its params"):
        own((batches.batcher, None), kwargs={"batch_size": 3})


@pytest.mark.parametrize(
    ("batcher", "message"),
    [
        (lambda params, batch: None, "own's batcher gave None"),
        (lambda params, batch: np.ones((len(batch) + 1, 2)), r"own: 3 sentences gave vectors of shape \(4, 2\)"),
        (lambda params, batch: np.ones((len(batch), len(batch))), "has 1 numbers, that of"),
        (lambda params, batch: params.model.encode(batch), "own fails on 4 sentences: AttributeError"),
    ],
)
def test_a_batch_of_a_wrong_form_is_one_sentence(batcher: object, message: str) -> None:
    with pytest.raises(ReproError, match=message):
        vectors(SentEval({"batch_size": 3}, batcher, None))  # type: ignore[arg-type]


class Scorer:
    def __init__(self, scores: object) -> None:
        self.scores = scores

    def score(self, first: list[str], second: list[str], scale: float = 1) -> object:
        return [scale * score for score in self.scores] if isinstance(self.scores, list) else self.scores


class Predictor:
    def predict(self, pairs: list[tuple[str, str]]) -> torch.Tensor:
        return torch.tensor([float(len(first) - len(second)) for first, second in pairs], requires_grad=True)


def scores(thing: object, **kwargs: object) -> np.ndarray:
    scorer = own(thing, "own", kwargs=kwargs)
    assert isinstance(scorer, OwnPairScorer)
    assert not scorer.gives_vectors
    return scorer.score(["a", "bb"], ["c", "d"])


def test_pairs_are_scored_by_score_or_predict() -> None:
    np.testing.assert_array_equal(scores(Predictor()), [0.0, 1.0])
    np.testing.assert_array_equal(scores(Scorer([1, 2]), scale=0.5), [0.5, 1.0])
    np.testing.assert_array_equal(scores(Scorer([torch.tensor(1.0), torch.tensor(2.0)])), [1.0, 2.0])


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ([1.0], r"own: 2 pairs gave scores of shape \(1,\), not \(n,\)"),
        (np.ones((2, 1)), r"own: 2 pairs gave scores of shape \(2, 1\), not \(n,\)"),
        ([1.0, float("nan")], "own: the score of 'bb' and 'd' is not finite"),
        (None, "own gave None"),
        (["x", "y"], "own: what it gave is no array of numbers"),
    ],
)
def test_what_is_no_score_for_each_pair_is_one_sentence(answer: object, message: str) -> None:
    with pytest.raises(ReproError, match=message):
        scores(Scorer(answer))


def test_a_name_a_version_and_arguments_are_what_is_known_of_an_object() -> None:
    assert own(Model()).title == "tests.encoders.test_own:Model"
    assert own(counts).title == "tests.encoders.test_own:counts"
    assert own(lambda s: s).name.endswith("<locals>.<lambda>")
    kept = own(Model(), "mine", "2", {"batch_size": 4, "prompt": "a|b"})
    assert kept.title == "mine@2"
    assert kept.identity() == {"name": "mine", "version": "2", "kwargs": {"batch_size": 4, "prompt": "a|b"}}
    assert kept.signature() == {"encoder": "mine@2", "kwargs": "batch_size=4,prompt=a%7Cb"}
    assert hash(kept) == hash(own(Model(), "mine", "2", {}))  # units are put into sets
    again = own(kept, version="3")
    assert (again.title, again.kwargs) == ("mine@3", kept.kwargs)


def encode_tensor(sentences: list[str], at: object = None) -> list[list[int]]:
    return counts(sentences)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((Model, "own"), "own is a class; hand in an object of it"),
        ((3,), r"builtins:int has no encode\(sentences\)"),
        ((Model(), "", "1"), "the version '1' is one of nothing; give the encoder a name too"),
        ((Model(), "a|b"), r"'a\|b' cannot stand in a signature"),
        ((Model(), "a", "1\n"), r"'1\\n' cannot stand in a signature"),
        ((Model(), "a@1"), "'a@1' cannot stand in a signature"),
        ((encode_tensor, "a", "1", {"at": torch.zeros(1)}), "a@1: .* cannot be written .*; leave out the version"),
    ],
)
def test_what_is_no_encoder_or_no_name_is_one_sentence(arguments: tuple[Any, ...], message: str) -> None:
    with pytest.raises(ReproError, match=message):
        own(*arguments)


MODULE = '''
from repro import SentEval

class Lengths:
    """A count of letters, and a one."""
    version = "7"

    def encode(self, sentences):
        return [[len(s), 1.0] for s in sentences]

def function(sentences):
    return Lengths().encode(sentences)

def make():
    return Lengths()

def batcher(params, batch):
    return [[params.offset + sum(map(len, tokens)), 1.0] for tokens in batch]

encoder = Lengths()
senteval = SentEval({"offset": 2}, batcher)
number = 3

class Lazy:
    @property
    def encode(self):
        raise ValueError("weights are missing")

lazy = Lazy()

class Elsewhere:
    def __init__(self):
        import os
        os.chdir("beside")

    def encode(self, sentences):
        with open("vector.txt") as file:
            return [[float(file.read())] for _ in sentences]

def vanished():
    import os, tempfile
    with tempfile.TemporaryDirectory() as place:
        os.chdir(place)
    return function

def broken():
    raise RuntimeError("no such model")
'''


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "own_encoders.py").write_text(MODULE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delitem(sys.modules, "own_encoders", raising=False)
    return tmp_path


@pytest.mark.usefixtures("folder")
def test_a_folder_that_it_left_behind_is_no_matter() -> None:
    encoder = named("own_encoders:vanished")
    assert isinstance(encoder, OwnEncoder)
    assert encoder.encode(["a"]).tolist() == [[1, 1]]


def test_it_is_asked_in_the_folder_that_it_went_to_when_it_was_made(folder: Path) -> None:
    (folder / "beside").mkdir()
    (folder / "beside" / "vector.txt").write_text("3")
    encoder = named("own_encoders:Elsewhere")
    assert os.getcwd() == str(folder)
    assert isinstance(encoder, OwnEncoder)
    assert encoder.encode(["a"]).tolist() == [[3]]
    assert os.getcwd() == str(folder)


@pytest.mark.parametrize(
    ("name", "title", "expected"),
    [
        ("own_encoders:encoder", "own_encoders:encoder@7", [[2, 1]]),
        ("own_encoders:encoder@8.1-b", "own_encoders:encoder@8.1-b", [[2, 1]]),
        ("own_encoders:Lengths", "own_encoders:Lengths@7", [[2, 1]]),
        ("own_encoders:make", "own_encoders:make@7", [[2, 1]]),
        ("own_encoders:function", "own_encoders:function", [[2, 1]]),
        ("own_encoders:function@1", "own_encoders:function@1", [[2, 1]]),
        ("own_encoders:senteval", "own_encoders:senteval", [[4, 1]]),
    ],
)
@pytest.mark.usefixtures("folder")
def test_a_module_and_an_object_name_an_encoder(name: str, title: str, expected: list[list[int]]) -> None:
    encoder = named(name)
    assert isinstance(encoder, OwnEncoder)
    assert encoder.title == title
    np.testing.assert_array_equal(encoder.encode(["ab"]), expected)
    assert str(Path.cwd()) not in sys.path


NAMELESS: Mapping[str, str] = {
    "no_module_of_this_name:x": "the encoder cannot be had: ModuleNotFoundError",
    "own_encoders:nothing": "the encoder cannot be had: AttributeError",
    "own_encoders:broken": "the encoder cannot be had: RuntimeError: no such model",
    "own_encoders:lazy": "the encoder cannot be had: ValueError: weights are missing",
    "own_encoders:number": r"own_encoders:number has no encode\(sentences\)",
    "collections:OrderedDict": r"collections:OrderedDict has no encode\(sentences\)",
}


@pytest.mark.parametrize("name", NAMELESS)
@pytest.mark.usefixtures("folder")
def test_a_name_of_no_encoder_is_one_sentence(name: str) -> None:
    with pytest.raises(ReproError, match=NAMELESS[name]):
        named(name)
