"""Recipes: frozen descriptions of encoders. Same recipe, same numbers."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from typing import TYPE_CHECKING, ClassVar, Protocol, TypeVar
from urllib.parse import quote

import numpy as np

from repro.errors import ReproError

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

# `static` averages the input embeddings of the tokens, special ones left out: a word-vector average without context
POOLINGS = ("cls", "pooler", "mean", "max", "max-padded", "mean-sqrt-len", "weighted-mean", "last", "static")
ALONE = ("pooler", "static")  # not of token vectors, so not to be joined with others
NO_LIMIT = 10**9  # tokens; of a model whose positions are relative and whose tokenizer cuts nothing
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
    pooling: str | None = None  # one of POOLINGS, or several side by side as in `cls+mean` [mean]
    layers: tuple[int, ...] | None = None  # averaged; 0 is the embedding output, -1 the last layer [(-1,)]
    max_length: int | None = None  # in tokens, specials included [the model's limit]
    normalize: bool | None = None  # divide by the Euclidean norm at the end [False]
    prompt: str | None = None  # put before every sentence ['']

    in_data_folder: ClassVar[bool] = False  # whether its files are found among the data, and not on the hub

    def __post_init__(self) -> None:
        modes = [] if self.pooling is None else self.pooling.split("+")
        if not set(modes) <= set(POOLINGS):
            raise ReproError(f"pooling {self.pooling!r} is unknown; choose from {', '.join(POOLINGS)}")
        if len(modes) > 1 and set(modes) & set(ALONE):
            raise ReproError(f"pooling {self.pooling!r}: {' and '.join(ALONE)} cannot be joined with others")
        if self.layers is not None and not self.layers:
            raise ReproError("layers is empty; name at least one, such as -1")
        if self.max_length is not None and self.max_length < 3:
            raise ReproError(f"max_length {self.max_length} leaves no room for a word between the special tokens")

    def signature(self) -> dict[str, str]:
        """Fields of the score signature that the encoder accounts for."""
        length = "none" if self.max_length == NO_LIMIT else str(self.max_length or "model")
        return {
            "pool": self.pooling or "model",
            "layers": ",".join(map(str, self.layers)) if self.layers else "model",
            "maxlen": length,
            "norm": {None: "model", True: "yes", False: "no"}[self.normalize],
            "prompt": quote(self.prompt or "", safe=" "),
        }

    @property
    def plain(self) -> TransformerRecipe:
        """The recipe without what is fitted on top of it or measured of it."""
        return self

    @property
    def unpinned(self) -> str:
        """Its model of the hub if nothing names the revision, else ''."""
        return "" if self.revision is not None or os.path.isdir(self.weights) else self.weights

    def computed_in(self, dtype: str) -> str:
        """The precision of its vectors where `dtype` is asked for."""
        return dtype


@dataclass(frozen=True)
class WordVectorRecipe:
    """Averaged word vectors. Tokenisation moves this encoder by up to twenty points, so it is part of the recipe.

    `whitespace`: split at blanks, every known token counts. `sbert`: split at blanks, stop words dropped, punctuation
    stripped, then lower-cased if that is what the vocabulary knows (Sentence-BERT's WhitespaceTokenizer).
    """

    weights: str  # file name below the data folder's vectors/, or a path: text, .gz or .zip
    tokens: str = "sbert"
    lowercase: bool = False

    in_data_folder: ClassVar[bool] = True

    def __post_init__(self) -> None:
        if self.tokens not in TOKENS:
            raise ReproError(f"tokens {self.tokens!r} is unknown; choose from {', '.join(TOKENS)}")

    def signature(self) -> dict[str, str]:
        """Fields of the score signature that the encoder accounts for."""
        return {"pool": "mean", "tokens": self.tokens, "case": "lower" if self.lowercase else "kept"}

    @property
    def plain(self) -> WordVectorRecipe:
        """As of other recipes."""
        return self

    @property
    def unpinned(self) -> str:
        """'': a file is what it is."""
        return ""

    def computed_in(self, dtype: str) -> str:
        """Always float32."""
        return "float32"


BaseRecipe = TransformerRecipe | WordVectorRecipe
TARGET = "target"


@dataclass(frozen=True)
class FittedRecipe:
    """An encoder's vectors under a map that is fitted, without labels, on the vectors of some sentences.

    `source` says whose: `target`, all sentences of the data set that is scored, all its splits and every pair counted;
    a corpus, such as `nli`; or the file of a saved fit.
    """

    base: BaseRecipe
    source: str = TARGET

    name: ClassVar[str] = "map"  # of the kind of map

    @property
    def weights(self) -> str:
        """As of other recipes: of the base."""
        return self.base.weights

    @property
    def seeded(self) -> bool:
        """Whether the fit depends on a seed."""
        return False

    @property
    def plain(self) -> BaseRecipe:
        """The recipe without the map."""
        return self.base

    def signature(self) -> dict[str, str]:
        """Fields of the score signature that the encoder accounts for."""
        return self.base.signature() | {"fit": self.source.replace("|", "/")}


@dataclass(frozen=True)
class WhitenedRecipe(FittedRecipe):
    """Whitening (encoders/whitening.py) to the first k dimensions, or to all."""

    k: int | None = None

    name: ClassVar[str] = "whitening"

    def __post_init__(self) -> None:
        if self.k is not None and self.k < 1:
            raise ReproError(f"k {self.k} must be at least 1")

    def signature(self) -> dict[str, str]:
        """Fields of the score signature that the encoder accounts for."""
        return super().signature() | {"whiten": str(self.k or "full")}


# what a flow's settings may be: smallest, largest
FLOW_LIMITS: dict[str, tuple[float, float]] = {
    "levels": (1, 20),
    "depth": (1, 1000),
    "width": (1, 65_536),
    "batch_size": (2, 1_000_000),  # of one pair an actnorm learns no scale
    "passes": (1, 1000),
    "epochs": (0, 10_000),
    "learning_rate": (0, 10),
    "weight_decay": (0, 10),
}


@dataclass(frozen=True)
class FlowedRecipe(FittedRecipe):
    """A flow (encoders/flow.py) with the paper's settings (Tables 7 and 8, §4: one epoch at 1e-3 on the target)."""

    levels: int = 2  # the published code's default, which SimCSE's authors ran, is 3
    depth: int = 3
    width: int = 32
    coupling: str = "additive"  # or affine
    mixing: str = "reversal"  # or linear
    epochs: float = 1.0
    batch_size: int = 32  # pairs of sentences
    learning_rate: float = 1e-3
    weight_decay: float = 0.01
    # how often an epoch reads each pair; None: as the published code, whose reader of STS12-16 gives a year's full file
    # as train, dev and test (siamese_utils.py, Sts_12_16_Processor): 3 on these targets, 1 elsewhere
    passes: int | None = None
    # `data`: actnorms start as Glow's do, from the first batch (flow/glow_init_hook.py); `drawn`: from TensorFlow's
    # random default, where the published script leaves them: run_siamese.py imports the hook and never registers it
    actnorm: str = "data"

    name: ClassVar[str] = "flow"

    def __post_init__(self) -> None:
        for name, choices in (
            ("coupling", ("additive", "affine")),
            ("mixing", ("reversal", "linear")),
            ("actnorm", ("data", "drawn")),
        ):
            if getattr(self, name) not in choices:
                raise ReproError(f"a flow's {name} is {' or '.join(choices)}, not {getattr(self, name)!r}")
        for name, (low, high) in FLOW_LIMITS.items():
            value = getattr(self, name)
            positive = name in ("epochs", "learning_rate")
            if value is not None and not (low <= value <= high and (value > 0 or not positive)):
                least = "be positive" if positive else f"be at least {low}"
                raise ReproError(f"a flow's {name} must {least} and at most {high}, not {value}")

    @property
    def seeded(self) -> bool:
        """It does."""
        return True

    def signature(self) -> dict[str, str]:
        """Fields of the score signature that the encoder accounts for."""
        return super().signature() | {
            "flow": f"l{self.levels}d{self.depth}w{self.width},{self.coupling},{self.mixing}",
            "flowepochs": f"{self.epochs:.12g}",
            "flowlr": f"{self.learning_rate:.12g}",
            "flowbatch": str(self.batch_size),
            "flowdecay": f"{self.weight_decay:.12g}",
            "flowpasses": str(self.passes or "code"),
            "flowinit": self.actnorm,
        }


@dataclass(frozen=True)
class TimedRecipe:
    """An encoder whose speed is measured. `random`: weights drawn for it, on which speed does not depend.

    `batching`: `smart` encodes sentences of like length together, `none` 32 at a time in their order.
    """

    base: BaseRecipe
    batching: str = "smart"
    dtype: str = "float32"
    random: bool = False

    @property
    def weights(self) -> str:
        """As of other recipes: of the base."""
        return self.base.weights

    @property
    def plain(self) -> BaseRecipe:
        """The encoder that is timed."""
        return self.base

    def signature(self) -> dict[str, str]:
        """Fields of the score signature that the encoder accounts for."""
        return self.base.signature() | {"batching": self.batching, "weights": "random" if self.random else ""}


Recipe = BaseRecipe | FittedRecipe | TimedRecipe


def describe(recipe: DataclassInstance) -> dict[str, object]:
    """JSON-ready fields that identify a recipe of any kind."""
    return {"kind": type(recipe).__name__, **asdict(recipe)}


def override(recipe: Recipe, settings: Sequence[str]) -> Recipe:
    """Apply `field=value` settings, such as `pooling=cls` or `layers=1+-1`; ReproError names a wrong field or value.

    `post=whitening` and `post=flow` put a fitted map on top, whose settings follow: `post=whitening,k=256,source=nli`.
    """
    if fitted := next((setting for setting in settings if setting.startswith("post=")), None):
        place = list(settings).index(fitted)
        post = fitted.removeprefix("post=")
        if post not in POST or isinstance(recipe, FittedRecipe):
            raise ReproError(f"{fitted!r}: name one of {', '.join(POST)}, on an encoder that has none yet")
        before = override(recipe, settings[:place])
        assert not isinstance(before, FittedRecipe | TimedRecipe)
        return override(POST[post](before), settings[place + 1 :])
    special: dict[str, Callable[[str], object]] = {
        "layers": lambda value: tuple(int(layer) for layer in value.split("+")),
        "normalize": truth,
        "lowercase": truth,
        "k": lambda value: None if value == "full" else int(value),
    }
    special |= dict.fromkeys(("max_length", "levels", "depth", "width", "batch_size", "passes"), int)
    special |= dict.fromkeys(("epochs", "learning_rate", "weight_decay"), float)
    names = [field.name for field in fields(recipe) if field.name not in ("weights", "base")]
    return apply(recipe, settings, {name: special.get(name, str) for name in names}, "this encoder")


POST: dict[str, type[FittedRecipe]] = {"whitening": WhitenedRecipe, "flow": FlowedRecipe}


def truth(value: str) -> bool:
    """`true` or `false`; KeyError for anything else."""
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
