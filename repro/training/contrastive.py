"""SimCSE's recipe: contrastive training, and what its ablations change of it.

    repro train unsup-simcse,augment=crop,rate=0.1
    repro train unsup-simcse,dropout=0.2               (dropout=fixed: one mask for both texts)
    repro train unsup-simcse,augment=delete-one,encoders=2
    repro train sup-simcse,hard_weight=0.5             (similarity=dot,temperature=1; mlm=0.1)

Table and equation numbers are those of Gao, Yao and Chen (2021).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from repro.encoders.described import LATER
from repro.encoders.recipe import TransformerRecipe
from repro.errors import ReproError
from repro.numerals import real, whole
from repro.training.recipe import LARGEST, TrainedRecipe

if TYPE_CHECKING:
    from torch import nn

HEADS = ("none", "mlp", "mlp-train")
# what is done to the second text of a pair (augment.py), and which of it to a share of the words, the `rate`
AUGMENTATIONS = ("none", "crop", "delete", "delete-one", "synonym", "mlm")
WITH_RATE = ("crop", "delete", "mlm")
SIMILARITIES = ("cos", "dot")
# the training sets whose examples have hard negatives
HARD = ("simcse-nli", "nli-anli", "nli-triplets", "nli-quadruples", "nli-sample-triplets", "nli-sample-quadruples")
LEAST = 1e-5  # dropout beside 0, and beside 1: it is drawn in steps of 1/65536 (dropout.py)
FIXED = "fixed"  # dropout as the base has it, but the same mask for both texts of a pair


def _later(default: object) -> Any:
    return field(default=default, metadata=LATER)


@dataclass(frozen=True)
class ContrastiveRecipe(TrainedRecipe):
    """SimCSE: InfoNCE over the batch, with the settings that only it has.

    `head`: a dense layer and tanh over the pooled vector, kept (`mlp`), in training only (`mlp-train`), or `none`.
    """

    head: str = "mlp-train"
    temperature: float = 0.05
    train_length: int | None = 32  # tokens in training; the base's max_length holds at evaluation
    augment: str = _later("none")  # one of AUGMENTATIONS (Table 1)
    rate: float = _later(0.0)  # share of the words
    dropout: float | str | None = _later(None)  # probability in the encoder, or FIXED (Table 3); None: the base's own
    encoders: int = _later(1)  # 2: the first text has one, all others another; the first is kept (Table 2)
    hard_weight: float = _later(1.0)  # α of an example's own hard negatives (eq. 8, Table 7)
    similarity: str = _later("cos")  # one of SIMILARITIES (Table D.1)
    mlm: float = _later(0.0)  # λ of the masked-language-model loss that is added (Table D.2)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.objective != "contrastive":
            raise ReproError(f"objective {self.objective!r} has no head and no temperature; use contrastive")
        if self.train_length is not None and not 3 <= self.train_length <= LARGEST:
            raise ReproError(f"train_length {self.train_length} leaves no room for a word between the special tokens")
        choices = {"head": HEADS, "augment": AUGMENTATIONS, "similarity": SIMILARITIES, "encoders": (1, 2)}
        for name, known in choices.items():
            if getattr(self, name) not in known:
                raise ReproError(f"{name} {getattr(self, name)!r} is unknown; choose from {', '.join(map(str, known))}")
        for name in ("temperature", "hard_weight"):
            if not 0 < getattr(self, name) < math.inf:
                raise ReproError(f"{name} {getattr(self, name):g} must be positive and finite")
        if not 0 <= self.mlm < math.inf:
            raise ReproError(f"mlm {self.mlm:g} must be a weight that is not negative")
        self._check_augmentation()
        if self.hard_weight != 1 and self.data not in HARD:
            raise ReproError(f"hard_weight {self.hard_weight:g}: {self.data} has no hard negatives; leave it out")
        if self.similarity == "dot" and self.temperature != 1:
            raise ReproError("the dot product has no temperature (Table D.1); name temperature=1 with similarity=dot")

    def _check_augmentation(self) -> None:
        if self.augment in WITH_RATE and not 0 < self.rate < 1:
            raise ReproError(f"augment {self.augment} needs a rate between 0 and 1, such as rate=0.1")
        if self.augment not in WITH_RATE and self.rate:
            raise ReproError(f"augment {self.augment} has no rate; leave rate out, or name {', '.join(WITH_RATE)}")
        if self.dropout == FIXED:
            if self.augment != "none" or self.encoders > 1:
                raise ReproError("dropout fixed gives one text the same mask twice; leave out augment and encoders")
        elif self.dropout and (isinstance(self.dropout, str) or not LEAST <= self.dropout <= 1 - LEAST):
            raise ReproError(
                f"dropout {self.dropout} must be 0, a probability from {LEAST:g} to {1 - LEAST:g}, or {FIXED}"
            )

    @property
    def learner(self) -> str:
        """A sentence encoder, in the way of SimCSE."""
        return "contrastive"

    @property
    def undivided(self) -> bool:
        """True: the examples of a batch are each other's negatives."""
        return True

    @property
    def selected_by_cosine(self) -> bool:
        """True, as in SimCSE's trainer."""
        return True

    @property
    def length_in_training(self) -> int | None:
        """Tokens at which sentences are cut in training; None: as the encoder cuts them."""
        return self.train_length

    @property
    def keeps_head(self) -> bool:
        """Whether a layer that is trained on top of the pooled vector belongs to the trained model."""
        return self.head == "mlp"

    @property
    def dropout_rate(self) -> float | None:
        """Probability of dropout in the encoder; None: as the base has it."""
        return None if isinstance(self.dropout, str) else self.dropout

    @property
    def shares_masks(self) -> bool:
        """Whether the texts of a pair see the same dropout."""
        return self.dropout == FIXED

    @property
    def needs_dropout(self) -> bool:
        """Whether texts that stand twice differ by nothing else, and nobody says that they should not."""
        return self.augment == "none" and self.encoders == 1 and self.dropout_rate is None

    @property
    def needs_synonyms(self) -> bool:
        """Whether words are replaced by their synonyms."""
        return self.augment == "synonym"

    def objective_module(self, d: int, classes: int) -> nn.Module:
        """InfoNCE, with the head where there is one."""
        from repro.training.objectives import Contrastive

        head, cosine = self.head != "none", self.similarity == "cos"
        return Contrastive(d, head, self.temperature, self.hard_weight, cosine, self.encoders)

    def parsers(self) -> dict[str, Callable[[str], object]]:
        """Also the settings that only SimCSE has."""
        parsers: dict[str, Callable[[str], object]] = {"head": str, "temperature": real, "train_length": whole}
        parsers |= {"augment": str, "rate": real, "dropout": _dropout, "encoders": whole}
        return super().parsers() | parsers | {"hard_weight": real, "similarity": str, "mlm": real}

    def trained(self, folder: str) -> TransformerRecipe:
        """The encoder in the folder of a trained model; a head that is kept stands there as a Dense module."""
        encoder = super().trained(folder)
        return replace(encoder, pooling=None, layers=None, max_length=None) if self.keeps_head else encoder

    def _own(self) -> dict[str, str]:
        about = {"head": self.head, "temp": f"{self.temperature:g}", "trainlen": str(self.train_length or "")}
        dropout = self.dropout if isinstance(self.dropout, str | None) else f"{self.dropout:g}"
        changed = {
            "augment": "" if self.augment == "none" else self.augment + (f",{self.rate:g}" if self.rate else ""),
            "dropout": dropout or "",
            "encoders": "" if self.encoders == 1 else str(self.encoders),
            "hardweight": "" if self.hard_weight == 1 else f"{self.hard_weight:g}",
            "trainsim": "" if self.similarity == "cos" else self.similarity,
            "mlm": f"{self.mlm:g},untied" if self.mlm else "",
        }
        return super()._own() | about | changed


def _dropout(value: str) -> float | str:
    return FIXED if value == FIXED else real(value)
