"""Recipes: frozen descriptions of encoders. Same recipe, same numbers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from typing import TYPE_CHECKING, Protocol, TypeVar

import numpy as np

from repro.errors import ReproError

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

# `static` averages the input embeddings of the tokens, special ones left out: a word-vector average without context
POOLINGS = ("cls", "pooler", "mean", "max", "max-padded", "mean-sqrt-len", "last", "static")
TOKENS = ("whitespace", "sbert")


class Encoder(Protocol):
    """What the zoo builds from a recipe."""

    def encode(self, sentences: Sequence[str]) -> np.ndarray:
        """float32 (n, d); row i belongs to sentence i."""
        ...


@dataclass(frozen=True)
class TransformerRecipe:
    """A transformer from the hub or a local folder, and how its token vectors become one sentence vector.

    A field left at None is taken from the model's own sentence-transformers layout, else the default in brackets.
    Naming a pooling or layers turns that layout's Dense and Normalize modules off: they belong to its own pooling.
    """

    weights: str  # hub id or folder
    revision: str | None = None  # commit; None: resolved at first download, then pinned
    pooling: str | None = None  # one of POOLINGS [mean]
    layers: tuple[int, ...] | None = None  # averaged; 0 is the embedding output, -1 the last layer [(-1,)]
    max_length: int | None = None  # in tokens, specials included [the model's limit]
    normalize: bool | None = None  # divide by the Euclidean norm at the end [False]

    def __post_init__(self) -> None:
        if self.pooling is not None and self.pooling not in POOLINGS:
            raise ReproError(f"pooling {self.pooling!r} is unknown; choose from {', '.join(POOLINGS)}")
        if self.layers is not None and not self.layers:
            raise ReproError("layers is empty; name at least one, such as -1")
        if self.max_length is not None and self.max_length < 3:
            raise ReproError(f"max_length {self.max_length} leaves no room for a word between the special tokens")

    def signature(self) -> dict[str, str]:
        """Fields of the score signature that the encoder accounts for."""
        return {
            "pool": self.pooling or "model",
            "layers": ",".join(map(str, self.layers)) if self.layers else "model",
            "maxlen": str(self.max_length or "model"),
            "norm": {None: "model", True: "yes", False: "no"}[self.normalize],
        }


@dataclass(frozen=True)
class WordVectorRecipe:
    """Averaged word vectors. Tokenisation moves this encoder by up to twenty points, so it is part of the recipe.

    `whitespace`: split at blanks, every known token counts. `sbert`: split at blanks, stop words dropped, punctuation
    stripped, then lower-cased if that is what the vocabulary knows (Sentence-BERT's WhitespaceTokenizer).
    """

    weights: str  # file name below the data folder's vectors/, or a path: text, .gz or .zip
    tokens: str = "sbert"
    lowercase: bool = False

    def __post_init__(self) -> None:
        if self.tokens not in TOKENS:
            raise ReproError(f"tokens {self.tokens!r} is unknown; choose from {', '.join(TOKENS)}")

    def signature(self) -> dict[str, str]:
        """Fields of the score signature that the encoder accounts for."""
        return {"pool": "mean", "tokens": self.tokens, "case": "lower" if self.lowercase else "kept"}


Recipe = TransformerRecipe | WordVectorRecipe


def describe(recipe: DataclassInstance) -> dict[str, object]:
    """JSON-ready fields that identify a recipe of any kind."""
    return {"kind": type(recipe).__name__, **asdict(recipe)}


def override(recipe: Recipe, settings: Sequence[str]) -> Recipe:
    """Apply `field=value` settings, such as `pooling=cls` or `layers=1+-1`; ReproError names a wrong field or value."""
    special: dict[str, Callable[[str], object]] = {
        "layers": lambda value: tuple(int(layer) for layer in value.split("+")),
        "max_length": int,
        "normalize": _truth,
        "lowercase": _truth,
    }
    names = [field.name for field in fields(recipe) if field.name != "weights"]
    return apply(recipe, settings, {name: special.get(name, str) for name in names}, "this encoder")


def _truth(value: str) -> bool:
    return {"true": True, "false": False}[value.lower()]


AnyRecipe = TypeVar("AnyRecipe", bound="DataclassInstance")


def apply(
    recipe: AnyRecipe, settings: Sequence[str], parsers: Mapping[str, Callable[[str], object]], what: str
) -> AnyRecipe:
    """The recipe with `field=value` settings, each read by its field's parser; ReproError names a wrong one."""
    changes: dict[str, object] = {}
    for setting in settings:
        name, sign, value = setting.partition("=")
        if not sign or name not in parsers:
            raise ReproError(f"{setting!r} is not a setting of {what}; use field=value with {', '.join(parsers)}")
        try:
            changes[name] = parsers[name](value)
        except (ValueError, KeyError):
            raise ReproError(f"{setting!r}: {value!r} is not a value for {name}") from None
    return replace(recipe, **changes)
