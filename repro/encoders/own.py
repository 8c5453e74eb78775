"""Encoders that are objects of the user's own, whatever they are asked with, under a name.

`own` makes an `OwnEncoder` of anything with `encode(sentences)`, of a function of sentences and of SentEval's form, and
an `OwnPairScorer` of anything with `score(first, second)` or `predict(pairs)`. answers.py reads what they answer.
"""

from __future__ import annotations

import inspect
import json
import os
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from importlib import import_module
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import quote

import numpy as np

from repro.encoders.answers import scores_of, there, vectors_of
from repro.encoders.base import SentEval
from repro.encoders.gate import texts
from repro.errors import ReproError

OBJECT = re.compile(r"([A-Za-z_][\w.]*:[A-Za-z_]\w*)(?:@([^\s,|@]+))?")  # module:object@version
# SentEval's defaults (senteval/engine.py), and its names of data sets where they are not ours
DEFAULTS = {"usepytorch": True, "seed": 1111, "batch_size": 128, "nhid": 0, "kfold": 5, "classifier": {"nhid": 0}}
SENTEVAL = {"STSB": "STSBenchmark", "SICK": "SICKRelatedness", "SST": "SST2"}


@dataclass(frozen=True)
class Own:
    """An object under a name. `version`: changes with its numbers, '' where nobody says; `kwargs`: of each call;
    `place`: the working directory that its code went to when it was made, '' where it stayed.

    What is known of it is what it is called: its numbers may be kept only where it has a version.
    """

    thing: Any = field(repr=False, compare=False)
    name: str
    version: str = ""
    kwargs: Mapping[str, object] = field(default_factory=dict, hash=False)
    place: str = field(default="", compare=False)
    gives_vectors: ClassVar[bool] = True

    def __post_init__(self) -> None:
        for text in (self.name, self.version):
            if not isinstance(text, str):
                raise ReproError(f'{text!r} is no text; names and versions are, such as version="3"')
            if set(text) & set("|@") or not text.isprintable():
                raise ReproError(
                    f"{text!r} cannot stand in a signature; names and versions have one line, no @ and no |"
                )
        for key in self.kwargs:
            if not isinstance(key, str):
                raise ReproError(f"{self.title}: {key!r} is no name of a keyword argument; these are texts")
        if self.version:
            try:
                json.dumps(dict(self.kwargs), sort_keys=True, allow_nan=False)
            except (TypeError, ValueError, RecursionError) as error:
                raise ReproError(
                    f"{self.title}: its results are stored by its keyword arguments, and one of them cannot be written "
                    f"({error}); leave out the version, and nothing is stored"
                ) from None

    @property
    def title(self) -> str:
        """`name@version`, or the name alone."""
        return f"{self.name}@{self.version}" if self.version else self.name

    def identity(self) -> dict[str, object]:
        """What decides its numbers, as far as anybody knows; JSON-ready where it has a version."""
        arguments = dict(self.kwargs) if self.version else str(self.kwargs)
        return {"name": self.name, "version": self.version, "kwargs": arguments}

    def signature(self) -> dict[str, str]:
        """Fields of the score signature that it accounts for."""
        said = ",".join(f"{name}={value}" for name, value in sorted(self.kwargs.items()))
        return {"encoder": self.title, "kwargs": quote(said, safe=" ,=:/", errors="surrogatepass")}

    @contextmanager
    def _asked(self, what: str) -> Iterator[None]:
        """Whatever its code raises is one sentence, and wherever it goes, files are written where they would be."""
        try:
            with _staying(self.place):
                yield
        except ReproError:
            raise
        except (Exception, SystemExit) as error:
            raise ReproError(f"{self.title} fails on {what}: {type(error).__name__}: {error}") from error


class OwnEncoder(Own):
    """An object that gives vectors: by its `encode`, or itself where it is a function."""

    def encode(self, sentences: Sequence[str], dataset: str = "", folder: str = "") -> np.ndarray:
        """float32 (n, d); row i belongs to sentence i.

        `dataset`: whose sentences they are, and `folder`: where it is, for those who ask for it.
        """
        listed = texts(sentences, self.title)
        with self._asked(f"the sentences of {dataset}" if dataset else f"{len(listed)} sentences"):
            return self._encode(listed, dataset, folder)

    def _encode(self, sentences: list[str], dataset: str, folder: str) -> np.ndarray:
        encode = getattr(self.thing, "encode", self.thing)
        return vectors_of(there(encode(list(sentences), **self.kwargs), self.title), sentences, self.title)


class OwnBatcher(OwnEncoder):
    """An encoder in SentEval's form, asked batch by batch, in order of length as SentEval does."""

    thing: SentEval

    def _encode(self, sentences: list[str], dataset: str, folder: str) -> np.ndarray:
        """The tokens are what blanks separate."""
        tokens = [sentence.split() for sentence in sentences]
        params = Params({**DEFAULTS, "task_path": folder, **self.thing.params})
        params.current_task = SENTEVAL.get(dataset, dataset)
        order = sorted(range(len(tokens)), key=lambda row: len(tokens[row]))
        if self.thing.prepare is not None:
            self.thing.prepare(params, [tokens[row] for row in order])
        rows: list[np.ndarray] = []  # in that order
        for start in range(0, len(order), params.batch_size):
            batch = order[start : start + params.batch_size]
            answer = there(self.thing.batcher(params, [tokens[row] for row in batch]), f"{self.title}'s batcher")
            rows += list(vectors_of(answer, [sentences[row] for row in batch], self.title))
        return vectors_of([rows[place] for place in np.argsort(order)], sentences, self.title)


class OwnPairScorer(Own):
    """An object that scores pairs of sentences, and gives no vectors."""

    gives_vectors: ClassVar[bool] = False

    def score(self, first: Sequence[str], second: Sequence[str]) -> np.ndarray:
        """float64 (n,); entry i belongs to `first[i]` and `second[i]`."""
        with self._asked(f"{len(first)} pairs"):
            if callable(getattr(self.thing, "score", None)):
                answer = self.thing.score(list(first), list(second), **self.kwargs)
            else:
                answer = self.thing.predict(list(zip(first, second, strict=True)), **self.kwargs)
            return scores_of(there(answer, self.title), first, second, self.title)


class Params(dict[str, Any]):
    """SentEval's parameters: a dictionary whose keys are attributes too; one that is not there is None."""

    def __getattr__(self, name: str) -> Any:
        return self.get(name)

    def __setattr__(self, name: str, value: object) -> None:
        self[name] = value


def own(thing: object, name: str = "", version: str = "", kwargs: Mapping[str, object] | None = None) -> Own:
    """An object as an encoder or a pair scorer; ReproError where it is neither.

    Without a name it goes by that of its class or function. SentEval's form is `SentEval`, or the pair `(batcher,
    prepare)`.
    """
    if not isinstance(kwargs or {}, Mapping):
        raise ReproError(f"encode_kwargs is {kwargs!r}; it holds keyword arguments, such as {{'batch_size': 64}}")
    arguments = dict(kwargs or {})
    if isinstance(thing, Own):
        name, version = name or thing.name, version or thing.version
        return replace(thing, name=name, version=version, kwargs=arguments or thing.kwargs)
    if version and not name:
        raise ReproError(f"the version {version!r} is one of nothing; give the encoder a name too")
    if isinstance(thing, tuple):
        thing = _pair(*thing)
    if isinstance(thing, SentEval):
        if arguments:
            raise ReproError("SentEval's batcher takes no keyword arguments; put them into its params")
        return OwnBatcher(thing, name or _called(thing.batcher), version)
    name = name or _called(thing)
    if isinstance(thing, type):
        raise ReproError(f"{name} is a class; hand in an object of it")
    if not callable(getattr(thing, "encode", None)):
        if callable(getattr(thing, "score", None)) or callable(getattr(thing, "predict", None)):
            return OwnPairScorer(thing, name, version, arguments)
        if not callable(thing):
            raise ReproError(
                f"{name} has no encode(sentences); an encoder gives a vector (d,) for each sentence, "
                "a pair scorer a number for each pair by score(first, second) or predict(pairs)"
            )
    return OwnEncoder(thing, name, version, arguments)


@contextmanager
def _staying(place: str = "") -> Iterator[None]:
    """In `place`, and back in the working directory at the end, should somebody have left it; one that is gone is no
    matter."""
    before = _working_directory()
    try:
        if os.path.isdir(place):
            os.chdir(place)
        yield
    finally:
        if before:
            os.chdir(before)


def _working_directory() -> str:
    """'' where it is gone."""
    with suppress(OSError):
        return os.getcwd()
    return ""


def _pair(*functions: Any) -> SentEval:
    if len(functions) != 2 or not callable(functions[0]) or not (functions[1] is None or callable(functions[1])):
        raise ReproError("of a tuple, SentEval's pair (batcher, prepare) is an encoder, and nothing else")
    return SentEval({}, *functions)


def is_object(name: str) -> bool:
    """Whether a name is that of an object, `module:object` or `module:object@version`, and no file's."""
    return OBJECT.fullmatch(name) is not None and not os.path.exists(name)


def sources(name: str) -> list[Path]:
    """Where the code of `module:object` may stand, that is imported from the working directory or beyond."""
    package, *inner = name.partition(":")[0].split(".")
    places = [Path(place) for place in dict.fromkeys(["", *sys.path])]
    return [place / path for place in places for path in (package, Path(package, *inner).with_suffix(".py"))]


def named(name: str) -> Own:
    """The object that `module:object@version` names, the module looked for in the working directory too.

    A class, or a function that can be called without arguments, is called for the object. Without `@version`, the
    object's attribute `version` is taken where it is a text. ReproError says what is missing.
    """
    match = OBJECT.fullmatch(name)
    assert match is not None
    module, _, attribute = match[1].partition(":")
    sys.path.insert(0, os.getcwd())
    try:
        with _staying():
            thing = getattr(import_module(module), attribute)
            if isinstance(thing, type) or (inspect.isroutine(thing) and _needs_nothing(thing)):
                thing = thing()
            place = _working_directory()
        version = match[2] or getattr(thing, "version", "")
        made = own(thing, match[1], version if isinstance(version, str) else "")
        return made if place == _working_directory() else replace(made, place=place)
    except ReproError:
        raise
    except (Exception, SystemExit) as error:  # whatever the user's own code raises
        raise ReproError(f"{name}: the encoder cannot be had: {type(error).__name__}: {error}") from error
    finally:
        sys.path.remove(os.getcwd())


def _needs_nothing(function: Callable[..., object]) -> bool:
    try:
        inspect.signature(function).bind()
    except (TypeError, ValueError):
        return False
    return True


def _called(thing: object) -> str:
    """`module:name` of a function, or of an object's class."""
    of: Any = thing if hasattr(thing, "__qualname__") else type(thing)
    return re.sub(r"[^\w.:<>]", "-", f"{of.__module__}:{of.__qualname__}")
