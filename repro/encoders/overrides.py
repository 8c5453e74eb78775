"""`field=value` settings that change a recipe: how the command line and the names of encoders write them."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, replace
from typing import TYPE_CHECKING, TypeVar

from repro.encoders.recipe import (
    BaseRecipe,
    CalibratedRecipe,
    FittedRecipe,
    FlowedRecipe,
    Recipe,
    WhitenedRecipe,
)
from repro.errors import ReproError
from repro.numerals import real, whole

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

AnyRecipe = TypeVar("AnyRecipe", bound="DataclassInstance")
POST: dict[str, Callable[[BaseRecipe], FittedRecipe]] = {
    "whitening": WhitenedRecipe,
    "flow": FlowedRecipe,
    "standardise": CalibratedRecipe,
    "remove-top": lambda base: CalibratedRecipe(base, scaling="none", k=1),
}


def override(recipe: Recipe, settings: Sequence[str]) -> Recipe:
    """Apply `field=value` settings, such as `pooling=cls` or `layers=1+-1`; ReproError names a wrong field or value.

    `post=whitening` and the others of POST put a fitted map on top, whose settings follow:
    `post=whitening,k=256,source=nli`, `post=remove-top,k=3`, `post=standardise,k=3` (both).
    """
    if setting := next((setting for setting in settings if setting.startswith("post=")), None):
        place = list(settings).index(setting)
        post = setting.removeprefix("post=")
        if post not in POST or recipe.fitted:
            raise ReproError(f"{setting!r}: name one of {', '.join(POST)}, on an encoder that has none yet")
        return override(POST[post](override(recipe, settings[:place]).plain), settings[place + 1 :])
    special: dict[str, Callable[[str], object]] = {
        "layers": lambda value: tuple(whole(layer) for layer in value.split("+")),
        "normalize": truth,
        "lowercase": truth,
        "k": lambda value: None if value == "full" else whole(value),
    }
    special |= dict.fromkeys(("max_length", "levels", "depth", "width", "batch_size", "passes"), whole)
    special |= dict.fromkeys(("epochs", "learning_rate", "weight_decay"), real)
    names = [field.name for field in fields(recipe) if field.name not in ("weights", "base")]
    if named := next((setting for setting in settings if setting.startswith("revision=")), ""):
        _refuse_revision(recipe.weights, named)
    return apply(recipe, settings, {name: special.get(name, str) for name in names}, "this encoder")


def _refuse_revision(weights: str, named: str) -> None:
    """ReproError for a revision of files on this machine, which have none."""
    if os.path.isdir(os.path.expanduser(weights)) or "/" not in weights:
        raise ReproError(f"{weights} is on this machine and has no revisions; leave out {named}")


def truth(value: str) -> bool:
    """`true` or `false`; KeyError for anything else."""
    return {"true": True, "false": False}[value.lower()]


def apply(
    recipe: AnyRecipe, settings: Sequence[str], parsers: Mapping[str, Callable[[str], object]], what: str
) -> AnyRecipe:
    """The recipe with `field=value` settings, each read by its field's parser; ReproError names what is wrong."""
    changes: dict[str, object] = {}
    for setting in settings:
        name, sign, value = setting.partition("=")
        if not sign or name not in parsers:
            raise ReproError(f"{setting!r} is not a setting of {what}; use field=value with {', '.join(parsers)}")
        if name in changes:
            raise ReproError(f"{setting!r}: {name} is named twice; name it once")
        try:
            changes[name] = parsers[name](value)
        except (ValueError, KeyError):
            raise ReproError(f"{setting!r}: {value!r} is not a value for {name}") from None
    return replace(recipe, **changes)
