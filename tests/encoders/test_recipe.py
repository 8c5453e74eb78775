"""Recipes answer for their kind: what stands below a map, what can be trained, who does the work for them."""

from __future__ import annotations

from dataclasses import fields

import pytest

from repro.encoders import zoo
from repro.encoders.described import describe
from repro.encoders.recipe import (
    BaseRecipe,
    FlowedRecipe,
    Recipe,
    TimedRecipe,
    TransformerRecipe,
    WhitenedRecipe,
    WordVectorRecipe,
)
from repro.errors import ReproError
from repro.postprocessing.settings import FlowSettings

BASE = TransformerRecipe("owner/model", pooling="mean")
WORDS = WordVectorRecipe("words.txt")


@pytest.mark.parametrize(
    ("recipe", "plain", "trainable", "has_map", "in_data_folder"),
    [
        (BASE, BASE, BASE, False, False),
        (WORDS, WORDS, None, False, True),
        (WhitenedRecipe(BASE), BASE, None, True, False),
        (FlowedRecipe(WORDS), WORDS, None, True, True),
        (TimedRecipe(BASE), BASE, None, False, False),
    ],
)
def test_what_each_kind_answers(
    recipe: Recipe, plain: BaseRecipe, trainable: TransformerRecipe | None, has_map: bool, in_data_folder: bool
) -> None:
    assert recipe.plain == plain
    assert recipe.trainable == trainable
    assert recipe.fitted is (recipe if has_map else None)
    assert recipe.plain.in_data_folder is in_data_folder
    assert recipe.weights == plain.weights


class Kinds:
    """A visitor that says which of its methods was called, and with what."""

    def transformer(self, recipe: TransformerRecipe) -> tuple[str, BaseRecipe]:
        return "transformer", recipe

    def word_vectors(self, recipe: WordVectorRecipe) -> tuple[str, BaseRecipe]:
        return "word vectors", recipe


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ("pooling=cls,pooling=mean", "'pooling=mean': pooling is named twice; name it once"),
        ("pooling=cls,post=whitening,k=2,k=3", "'k=3': k is named twice; name it once"),
        ("pooling=static,layers=1", "pooling static reads no layers; leave out layers, or name another pooling"),
        ("layers=0+-1,pooling=pooler", "pooling pooler reads no layers"),
    ],
)
def test_a_setting_that_would_have_no_effect_is_refused(settings: str, why: str) -> None:
    with pytest.raises(ReproError, match=why):
        zoo.recipe(f"owner/model,{settings}")


def test_a_recipe_calls_the_method_of_its_kind() -> None:
    assert BASE.accept(Kinds()) == ("transformer", BASE)
    assert WORDS.accept(Kinds()) == ("word vectors", WORDS)


def test_a_flow_is_identified_by_flat_fields_in_their_order() -> None:
    recipe = FlowedRecipe(BASE, "nli", 3)
    assert list(describe(recipe)) == ["kind", "base", "source", *(field.name for field in fields(FlowSettings))]
    assert (recipe.source, recipe.levels) == ("nli", 3)


def test_what_is_fitted_cannot_be_built_alone() -> None:
    with pytest.raises(ReproError, match="is fitted on sentences"):
        zoo.build(WhitenedRecipe(BASE))
