"""Encoders whose files are on this machine: what they are known by, and how they are loaded."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, Self

import numpy as np

from repro.encoders.recipe import BaseRecipe, WordVectorRecipe
from repro.encoders.weights import Resolved

if TYPE_CHECKING:
    from repro.encoders.word_vectors import Vectors


class Backbone(Protocol):
    """A loaded model or file of vectors, which encodes sentences under each recipe of one group."""

    device: str
    late: bool  # whether its files are read with the first sentences, whose encoding then shows what is wrong in them

    def encode_each(self, sentences: Sequence[str]) -> list[np.ndarray]:
        """One float32 (n, d) array a recipe."""
        ...

    def encode_in_order(self, sentences: Sequence[str], size: int) -> None:
        """Encode `size` at a time, in their order, and give nothing: for measuring what sorting by length saves."""
        ...


@dataclass(frozen=True)
class Ready(ABC):
    """A recipe whose files are on this machine. `backbone` is equal where one forward pass serves two recipes."""

    recipe: BaseRecipe  # with everything filled in that the files decide
    sha256: str  # of the weights
    revision: str
    backbone: tuple[object, ...]
    identity: str  # sha256 over every file that decides a vector

    @property
    def weights(self) -> str:
        """For provenance: name, revision and checksum of the weights, or of all files where no revision names them."""
        checksum = self.sha256 if self.revision else self.identity
        return f"{self.recipe.weights}@{self.revision or 'local'} sha256:{checksum[:12]}"

    @property
    @abstractmethod
    def identity_now(self) -> str:
        """What the identity would be if it were looked for now."""

    @abstractmethod
    def device(self, asked: str) -> str:
        """Where the encoder computes when `asked` is asked for."""

    @abstractmethod
    def load(self, members: Sequence[Self], device: str, dtype: str) -> Backbone:
        """The backbone of all these members, which have it in common with this one."""


@dataclass(frozen=True)
class ReadyTransformer(Ready):
    """A transformer whose folder is on this machine, its layout and settings read."""

    resolved: Resolved

    @property
    def identity_now(self) -> str:
        """Over the same files."""
        return self.resolved.identity_now()

    def device(self, asked: str) -> str:
        """As asked; `auto` is the best there is."""
        from repro.encoders.transformer import pick_device

        return pick_device(asked)

    def load(self, members: Sequence[Self], device: str, dtype: str) -> Backbone:
        """One model, whose forward pass serves them all."""
        from repro.encoders.transformer import TransformerEncoder

        return TransformerEncoder([member.resolved for member in members], device, dtype)


@dataclass(frozen=True)
class ReadyWordVectors(Ready):
    """Averaged word vectors whose files are on this machine."""

    recipe: WordVectorRecipe
    vectors: Vectors

    @property
    def identity_now(self) -> str:
        """Over the same files."""
        return self.vectors.sha256

    def device(self, asked: str) -> str:
        """The CPU, whatever is asked for: looking words up gains nothing from a GPU."""
        return "cpu"

    def load(self, members: Sequence[Self], device: str, dtype: str) -> Backbone:
        """An encoder for each, in float32."""
        from repro.encoders.word_vectors import WordVectorBackbone, WordVectorEncoder

        return WordVectorBackbone([WordVectorEncoder(member.recipe, member.vectors) for member in members])
