"""Recipes: frozen descriptions of encoders. Same recipe, same numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields, replace
from typing import Protocol

import numpy as np

from repro.errors import ReproError

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


def describe(recipe: Recipe) -> dict[str, object]:
    """JSON-ready fields that identify the recipe."""
    return {"kind": type(recipe).__name__, **asdict(recipe)}


def override(recipe: Recipe, settings: Sequence[str]) -> Recipe:
    """Apply `field=value` settings, such as `pooling=cls` or `layers=1+-1`; ReproError names a wrong field or value."""
    changes: dict[str, object] = {}
    names = [field.name for field in fields(recipe) if field.name != "weights"]
    for setting in settings:
        name, sign, value = setting.partition("=")
        if not sign or name not in names:
            raise ReproError(f"{setting!r} is not a setting of this encoder; use field=value with {', '.join(names)}")
        try:
            if name == "layers":
                changes[name] = tuple(int(layer) for layer in value.split("+"))
            elif name == "max_length":
                changes[name] = int(value)
            elif name in ("normalize", "lowercase"):
                changes[name] = {"true": True, "false": False}[value.lower()]
            else:
                changes[name] = value
        except (ValueError, KeyError):
            raise ReproError(f"{setting!r}: {value!r} is not a value for {name}") from None
    return replace(recipe, **changes)  # type: ignore[arg-type]
