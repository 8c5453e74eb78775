"""Recipes: frozen descriptions of encoders. Same recipe, same numbers."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar, Protocol, TypeVar
from urllib.parse import quote

from repro.errors import ReproError
from repro.postprocessing.base import Transform
from repro.postprocessing.settings import FlowSettings
from repro.revisions import is_commit

# `static` averages the input embeddings of the tokens, special ones left out: a word-vector average without context
POOLINGS = ("cls", "pooler", "mean", "max", "max-padded", "mean-sqrt-len", "weighted-mean", "last", "static")
ALONE = ("pooler", "static")  # not of token vectors, so not to be joined with others
NO_LIMIT = 10**9  # tokens; of a model whose positions are relative and whose tokenizer cuts nothing
TOKENS = ("whitespace", "sbert")
Answer = TypeVar("Answer", covariant=True)


class Visitor(Protocol[Answer]):
    """Work that each kind of encoder needs done in its own way; a recipe's `accept` calls the method of its kind.

    A recipe only describes: what loads models stands elsewhere, beside the libraries that it needs.
    """

    def transformer(self, recipe: TransformerRecipe) -> Answer:
        """What is to be done where the encoder is a transformer."""
        ...

    def word_vectors(self, recipe: WordVectorRecipe) -> Answer:
        """What is to be done where the encoder averages word vectors."""
        ...


@dataclass(frozen=True)
class TransformerRecipe:
    """A transformer from the hub or a local folder, and how its token vectors become one sentence vector.

    A field left at None is taken from the model's own sentence-transformers layout, else the default in brackets.
    Naming a pooling or layers turns that layout's Dense and Normalize modules off: they belong to its own pooling.
    """

    weights: str  # hub id or folder
    revision: str | None = None  # commit; a branch, or None for main, is resolved at first download, then pinned
    pooling: str | None = None  # one of POOLINGS, or several side by side as in `cls+mean` [mean]
    layers: tuple[int, ...] | None = None  # averaged; 0 is the embedding output, -1 the last layer [(-1,)]
    max_length: int | None = None  # in tokens, specials included [the model's limit]
    normalize: bool | None = None  # divide by the Euclidean norm at the end [False]
    prompt: str | None = None  # put before every sentence ['']

    in_data_folder: ClassVar[bool] = False  # whether its files are found among the data, and not on the hub
    fitted: ClassVar[None] = None  # the recipe itself where it has a fitted map

    def __post_init__(self) -> None:
        modes = [] if self.pooling is None else self.pooling.split("+")
        if not set(modes) <= set(POOLINGS):
            raise ReproError(f"pooling {self.pooling!r} is unknown; choose from {', '.join(POOLINGS)}")
        if len(modes) > 1 and set(modes) & set(ALONE):
            raise ReproError(f"pooling {self.pooling!r}: {' and '.join(ALONE)} cannot be joined with others")
        if self.layers is not None and not self.layers:
            raise ReproError("layers is empty; name at least one, such as -1")
        if self.pooling in ALONE and self.layers not in (None, (-1,)):
            raise ReproError(f"pooling {self.pooling} reads no layers; leave out layers, or name another pooling")
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

    def accept(self, visitor: Visitor[Answer]) -> Answer:
        """The visitor's work for a transformer."""
        return visitor.transformer(self)

    @property
    def plain(self) -> TransformerRecipe:
        """The encoder alone, without what is fitted on top of it or measured of it."""
        return self

    @property
    def trainable(self) -> TransformerRecipe:
        """The transformer from which a training can start; None for a recipe that is no transformer."""
        return self

    @property
    def unpinned(self) -> str:
        """Its model of the hub if nothing names its commit, else ''."""
        fixed = is_commit(self.revision) or os.path.isdir(self.weights) or "/" not in self.weights  # as trained here
        return "" if fixed else self.weights

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
    revision: ClassVar[None] = None  # a file has none
    fitted: ClassVar[None] = None
    trainable: ClassVar[None] = None  # averaged as they are

    def __post_init__(self) -> None:
        if self.tokens not in TOKENS:
            raise ReproError(f"tokens {self.tokens!r} is unknown; choose from {', '.join(TOKENS)}")

    def signature(self) -> dict[str, str]:
        """Fields of the score signature that the encoder accounts for."""
        return {"pool": "mean", "tokens": self.tokens, "case": "lower" if self.lowercase else "kept"}

    def accept(self, visitor: Visitor[Answer]) -> Answer:
        """The visitor's work for word vectors."""
        return visitor.word_vectors(self)

    @property
    def plain(self) -> WordVectorRecipe:
        """The encoder alone, which is this one."""
        return self

    @property
    def unpinned(self) -> str:
        """'': a file has no revision that could change, its checksum says which one it is."""
        return ""

    def computed_in(self, dtype: str) -> str:
        """float32, whatever `dtype` is asked for: nothing is gained by less."""
        return "float32"


BaseRecipe = TransformerRecipe | WordVectorRecipe
TARGET = "target"


@dataclass(frozen=True)
class FittedRecipe(ABC):
    """An encoder's vectors under a map that is fitted, without labels, on the vectors of some sentences.

    `source` says whose: `target`, all sentences of the data set that is scored, all its splits and every pair counted;
    a corpus, such as `nli`; or the file of a saved fit.
    """

    base: BaseRecipe
    source: str = TARGET

    name: ClassVar[str] = "map"  # of the kind of map
    seeded: ClassVar[bool] = False  # whether the fit depends on a seed
    savable: ClassVar[bool] = False  # whether `source` may be the file of a saved fit
    trainable: ClassVar[None] = None

    @abstractmethod
    def transform(self, seed: int = 0, dataset: str = "") -> Transform:
        """The map, not yet fitted. `dataset`: the name of the one it is to be fitted on, '' for other sentences."""

    def load(self, path: Path, encoder: str) -> Transform:
        """The fitted map in a file; ReproError where it is damaged, another kind's, of another encoder, or not as the
        recipe says. `encoder`: what tells that of the vectors from others."""
        raise ReproError(f"{path}: the fit of a {self.name} is never saved")

    @property
    def weights(self) -> str:
        """The hub id or file of the encoder below the map."""
        return self.base.weights

    @property
    def plain(self) -> BaseRecipe:
        """The encoder below the map."""
        return self.base

    @property
    def fitted(self) -> FittedRecipe:
        """The recipe itself: it has a fitted map."""
        return self

    @property
    def kept(self) -> str:
        """How many dimensions a map keeps that can leave some out, `full` for all; '' for another map."""
        return ""

    def signature(self) -> dict[str, str]:
        """Fields of the score signature that the encoder accounts for."""
        return self.base.signature() | {"fit": self.source.replace("|", "/")}


@dataclass(frozen=True)
class WhitenedRecipe(FittedRecipe):
    """Whitening (postprocessing/whitening.py) to the first k dimensions, or to all."""

    k: int | None = None

    name: ClassVar[str] = "whitening"
    savable: ClassVar[bool] = True

    def __post_init__(self) -> None:
        if self.k is not None and self.k < 1:
            raise ReproError(f"k {self.k} must be at least 1")

    @property
    def kept(self) -> str:
        """`256`, or `full`."""
        return str(self.k or "full")

    def transform(self, seed: int = 0, dataset: str = "") -> Transform:
        """A whitening that keeps k dimensions; neither argument changes it."""
        from repro.postprocessing.whitening import Whitening

        return Whitening(self.k)

    def load(self, path: Path, encoder: str) -> Transform:
        """The whitening that `repro fit` saved; ReproError also where it keeps another number of dimensions."""
        from repro.postprocessing.whitening import Whitening

        loaded = Whitening.load(path)
        if loaded.encoder not in ("", encoder):
            raise ReproError(
                f"{path} was fitted on the vectors of another encoder ({loaded.encoder}) than these ({encoder}); "
                "fit one on this encoder's with `repro fit`"
            )
        if self.k not in (None, loaded.k):
            raise ReproError(f"{path} keeps {loaded.k} dimensions, not k = {self.k}")
        return loaded

    def signature(self) -> dict[str, str]:
        """Fields of the score signature that the encoder accounts for."""
        return super().signature() | {"whiten": self.kept}


SCALINGS = ("none", "centre", "standardise")


@dataclass(frozen=True)
class CalibratedRecipe(FittedRecipe):
    """A calibration (postprocessing/calibration.py): the scaling first, then without the top k singular vectors."""

    scaling: str = "standardise"
    k: int = 0

    name: ClassVar[str] = "calibration"

    def __post_init__(self) -> None:
        if self.scaling not in SCALINGS:
            raise ReproError(f"scaling {self.scaling!r} is unknown; choose from {', '.join(SCALINGS)}")
        if self.k is None or self.k < 0:  # what `k=full` is to a whitening
            raise ReproError(f"k {self.k or 'full'} is no number of singular vectors to remove; name one from 0 on")
        if not self.k and self.scaling == "none":
            raise ReproError("a calibration that neither scales nor removes (k=0) changes nothing; name a scaling or k")

    def transform(self, seed: int = 0, dataset: str = "") -> Transform:
        """A calibration with these settings; neither argument changes it."""
        from repro.postprocessing.calibration import Calibration

        return Calibration(self.scaling, self.k)

    def signature(self) -> dict[str, str]:
        """Fields of the score signature that the encoder accounts for."""
        return super().signature() | {"scaling": self.scaling, "removed": f"top{self.k}" if self.k else ""}


# The data sets whose pairs the published flow reads three times an epoch: its reader of STS12-16 gives a year's full
# file as train, dev and test (siamese_utils.py, Sts_12_16_Processor).
THRICE = ("STS12", "STS13", "STS14", "STS15", "STS16")


@dataclass(frozen=True)
class FlowedRecipe(FlowSettings, FittedRecipe):
    """A flow (postprocessing/flow.py) with the paper's settings.

    `passes` left at None is what the published code does: three on the targets of THRICE, one elsewhere.
    """

    name: ClassVar[str] = "flow"
    seeded: ClassVar[bool] = True

    def transform(self, seed: int = 0, dataset: str = "") -> Transform:
        """A flow with these settings, whose first weights and order of pairs the seed draws."""
        from repro.postprocessing.flow import Flow  # torch: not for those who only plan

        thrice = self.source == TARGET and dataset in THRICE
        return Flow(replace(self, passes=self.passes or (3 if thrice else 1)), seed)

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

    fitted: ClassVar[None] = None
    trainable: ClassVar[None] = None

    @property
    def weights(self) -> str:
        """The hub id or file of the encoder that is timed."""
        return self.base.weights

    @property
    def plain(self) -> BaseRecipe:
        """The encoder that is timed."""
        return self.base

    def signature(self) -> dict[str, str]:
        """Fields of the score signature that the encoder accounts for."""
        return self.base.signature() | {"batching": self.batching, "weights": "random" if self.random else ""}


Recipe = BaseRecipe | FittedRecipe | TimedRecipe
