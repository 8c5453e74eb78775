"""Recipes of models that are trained here: a base, a training set, an objective, and the settings of one training."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Self

from repro.encoders.overrides import apply, truth
from repro.encoders.recipe import TransformerRecipe
from repro.errors import ReproError
from repro.numerals import real, whole

if TYPE_CHECKING:
    from torch import nn

OBJECTIVES = (
    *("softmax", "softmax-drawn", "cosine", "triplet", "contrastive", "masked"),
    *("cross-softmax", "cross-regression"),
)
PARTS = ("u", "v", "abs(u-v)", "u*v")
# poolings of a sentence encoder that can be trained and written as a model folder
TRAINABLE = ("cls", "mean", "max", "max-padded", "mean-sqrt-len", "weighted-mean", "last")
# what models are selected on, STS-B dev as Sentence-BERT looks at it and as SimCSE does; and what is measured there
SELECTIONS = {
    "stsb-dev": "STS-B dev, Spearman × 100",
    "stsb-dev-senteval": "STS-B dev, Spearman × 100",
    "wikisec-dev": "Wikipedia sections dev, accuracy × 100",
}
LARGEST = 10**9  # of any count


@dataclass(frozen=True)
class TrainedRecipe:
    """One training of a base, with the settings of Sentence-BERT (§3, §6) unless others are named.

    The base may itself be trained here: NLI first, then STS-B. `cross-` objectives read both sentences at once.
    """

    base: TransformerRecipe | TrainedRecipe
    data: str  # a key of training.data.SETS; or held-out (what a task does not test), or pretraining
    objective: str  # one of OBJECTIVES
    concatenation: tuple[str, ...] = ("u", "v", "abs(u-v)")  # what the softmax classifier sees, of PARTS
    epochs: int = 1
    batch_size: int = 16
    learning_rate: float = 2e-5
    warmup: float = 0.1  # share of all steps, then linear decay
    weight_decay: float = 0.01
    clip: float = 1.0  # largest gradient norm
    epsilon: float = 1e-6  # of Adam
    bias_correction: bool = False  # of Adam's moments
    select_every: int | None = None  # steps between looks at the dev set; the best model is kept
    select: str = "stsb-dev"  # one of SELECTIONS
    looks: str = "epoch"  # steps are counted anew each `epoch`, whose end is a look too; or on through `training`
    sample: int | None = None  # only so many of the training examples

    def __post_init__(self) -> None:
        if self.objective not in OBJECTIVES:
            raise ReproError(f"objective {self.objective!r} is unknown; choose from {', '.join(OBJECTIVES)}")
        wrong = [part for part in self.concatenation if part not in PARTS]
        if wrong or not self.concatenation:
            raise ReproError(f"concatenation {self.concatenation} is unknown; choose from {', '.join(PARTS)}")
        for name in ("epochs", "batch_size", "select_every", "sample"):
            value = getattr(self, name)
            if value is not None and not 1 <= value <= LARGEST:
                raise ReproError(f"{name} {value} must be at least 1 and at most {LARGEST}")
        if self.select not in SELECTIONS or self.looks not in ("epoch", "training"):
            raise ReproError(f"select is one of {', '.join(SELECTIONS)}, looks are counted by epoch or training")
        for name in ("learning_rate", "clip", "epsilon"):
            if not 0 < getattr(self, name) < math.inf:
                raise ReproError(f"{name} {getattr(self, name)} must be positive and finite")
        if not 0 <= self.weight_decay < math.inf:
            raise ReproError(f"weight_decay {self.weight_decay:g} must be a number that is not negative")
        if not 0 <= self.warmup <= 1:
            raise ReproError(f"warmup {self.warmup:g} is a share of all steps, between 0 and 1")
        pooling = self.root.pooling
        if not self.cross and pooling is not None and pooling not in TRAINABLE:
            raise ReproError(f"pooling {pooling} cannot be trained; choose from {', '.join(TRAINABLE)}")

    @property
    def cross(self) -> bool:
        """Whether the model reads both sentences at once and has no sentence vectors."""
        return self.objective.startswith("cross-")

    @property
    def learner(self) -> str:
        """What is trained: a `sentence` encoder (`contrastive` in SimCSE), a `cross`-encoder or a `language` model."""
        return "cross" if self.cross else "sentence"

    @property
    def root(self) -> TransformerRecipe:
        """The encoder that all of the training started from."""
        return self.base.root if isinstance(self.base, TrainedRecipe) else self.base

    @property
    def before(self) -> TrainedRecipe | None:
        """The training whose model this one goes on from; None where it starts from an encoder as it is."""
        return self.base if isinstance(self.base, TrainedRecipe) else None

    @property
    def weights(self) -> str:
        """Hub id or folder of the root."""
        return self.root.weights

    @property
    def stages(self) -> list[TrainedRecipe]:
        """The trainings in order, this one last."""
        return [*(self.before.stages if self.before else []), self]

    def starting_from(self, root: TransformerRecipe) -> Self:
        """The same training, and those before it, from another encoder."""
        return replace(self, base=self.before.starting_from(root) if self.before else root)

    def trained(self, folder: str) -> TransformerRecipe:
        """The encoder in the folder of a trained model."""
        return replace(self.root, weights=folder, revision=None)

    def cut(self, sample: int | None) -> TrainedRecipe:
        """The same with every training on `sample` examples; None: as it is."""
        if sample is None:
            return self
        return replace(self, base=self.before.cut(sample) if self.before else self.base, sample=sample)

    @property
    def remedy(self) -> str:
        """What to do where the training diverges."""
        return f"lower learning_rate ({self.learning_rate:g}), or go back to the settings of `repro list trainings`"

    @property
    def undivided(self) -> bool:
        """Whether a batch is one whole that cannot be computed in parts."""
        return False

    @property
    def selected_by_cosine(self) -> bool:
        """Whether a look at the dev set counts cosines alone, and not the best of several similarities."""
        return False

    @property
    def length_in_training(self) -> int | None:
        """Tokens at which sentences are cut in training; None: as the encoder cuts them."""
        return None

    @property
    def keeps_head(self) -> bool:
        """Whether a layer that is trained on top of the pooled vector belongs to the trained model."""
        return False

    @property
    def needs_synonyms(self) -> bool:
        """Whether words are replaced by their synonyms."""
        return False

    def objective_module(self, d: int, classes: int) -> nn.Module:
        """The objective over sentence vectors of d dimensions, with the parameters that it has of its own."""
        from repro.training import objectives

        if self.objective.startswith("softmax"):
            drawn = self.objective == "softmax-drawn"
            return objectives.Softmax(d, classes, self.concatenation, drawn)
        return {"cosine": objectives.Cosine, "triplet": objectives.Triplet}[self.objective]()

    def parsers(self) -> dict[str, Callable[[str], object]]:
        """The settings that `override` knows, each with what reads its value."""
        parsers: dict[str, Callable[[str], object]] = dict.fromkeys(("epochs", "batch_size"), whole)
        parsers |= dict.fromkeys(("learning_rate", "warmup", "weight_decay", "clip", "epsilon"), real)
        parsers |= dict.fromkeys(("select_every", "sample"), whole)
        parsers |= {"select": str, "looks": str, "bias_correction": truth}
        if self.objective.startswith("softmax"):
            parsers |= {"objective": _softmax, "concatenation": lambda value: tuple(value.split("+"))}
        return parsers

    def signature(self) -> dict[str, str]:
        """Fields of the score signature that the encoder accounts for; a value of each training, joined by `>`."""
        fields = self.root.signature()
        if self.cross:
            fields = {"maxlen": fields["maxlen"]}
        each = [stage._own() for stage in self.stages]
        return fields | {
            name: ">".join(own[name] for own in each) for name in each[0] if any(own[name] for own in each)
        }

    def _own(self) -> dict[str, str]:
        objective = self.objective
        if objective.startswith("softmax"):
            objective += f"({','.join(self.concatenation)})"
        return {
            "train": self.data,
            "obj": objective,
            "epochs": str(self.epochs),
            "batch": str(self.batch_size),
            "lr": f"{self.learning_rate:g}",
            "adam": f"{self.epsilon:g}" + (",corrected" if self.bias_correction else ""),
            "warmup": f"{self.warmup:g}",
            "clip": f"{self.clip:g}",
            "decay": f"{self.weight_decay:g}",
            "select": f"{self.select}/{self.select_every},{self.looks}" if self.select_every else "",
            "sample": str(self.sample or ""),
        }


@dataclass(frozen=True)
class MaskedRecipe(TrainedRecipe):
    """A BERT of that size, whose weights are drawn, trained by masked language modelling (Devlin et al. 2019).

    Of the base only the tokenizer is used. A pass goes over the whole text, packed into blocks in an order of its own;
    an epoch is all the passes.
    """

    layers: int = 4
    width: int = 256
    heads: int = 4
    length: int = 128  # tokens of a block, and of the longest text that the model reads
    passes: int = 1

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.objective != "masked":
            raise ReproError(f"objective {self.objective!r} draws no weights of a BERT; use masked")
        if self.select_every is not None:
            raise ReproError("a language model is trained without labels, so select_every has nothing to look at")
        for name in ("layers", "width", "heads", "passes"):
            if not 1 <= getattr(self, name) <= LARGEST:
                raise ReproError(f"{name} {getattr(self, name)} must be at least 1 and at most {LARGEST}")
        if self.width % self.heads:
            raise ReproError(f"width {self.width} is no multiple of heads {self.heads}")
        if not 3 <= self.length <= LARGEST:
            raise ReproError(f"length {self.length} leaves no room for a word between the special tokens")

    @property
    def learner(self) -> str:
        """A `language` model."""
        return "language"

    def parsers(self) -> dict[str, Callable[[str], object]]:
        """Also the settings that only a language model has, and none of looks at a dev set."""
        parsers = super().parsers() | dict.fromkeys(("layers", "width", "heads", "length", "passes"), whole)
        return {name: parser for name, parser in parsers.items() if name not in ("select", "looks")}

    def _own(self) -> dict[str, str]:
        size = f"{self.layers}x{self.width},{self.heads} heads,{self.length} tokens"
        return super()._own() | {"bert": size, "passes": str(self.passes)}


def _softmax(value: str) -> str:
    if not value.startswith("softmax"):
        raise ReproError(f"objective {value!r} needs other data; choose softmax or softmax-drawn")
    return value


def override(recipe: TrainedRecipe, settings: Sequence[str]) -> TrainedRecipe:
    """Apply `field=value` settings to the last training, such as `epochs=2`; ReproError names a wrong one."""
    return apply(recipe, settings, recipe.parsers(), "this training")
