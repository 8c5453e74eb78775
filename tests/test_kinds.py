"""Nobody asks of which kind a recipe, a system or a task is: each answers for itself."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

import pytest

import repro
from repro.encoders import zoo
from repro.encoders.recipe import (
    BaseRecipe,
    FlowedRecipe,
    Recipe,
    TimedRecipe,
    TransformerRecipe,
    WhitenedRecipe,
    WordVectorRecipe,
    describe,
)
from repro.errors import ReproError
from repro.postprocessing.settings import FlowSettings

PACKAGE = Path(repro.__file__).parent
DEFINING = {Path(name) for name in ("encoders/recipe.py", "training/recipe.py", "evaluation/systems.py")}
ASKED = re.compile(r"isinstance\(.*(recipe|system|task)|(recipe|system|task).*isinstance\(", re.IGNORECASE)
BASE = TransformerRecipe("owner/model", pooling="mean")
WORDS = WordVectorRecipe("words.txt")


def test_nobody_asks_of_which_kind_something_is_but_the_modules_that_define_the_kinds() -> None:
    asking = [
        f"{path.relative_to(PACKAGE)}:{number}: {line.strip()}"
        for path in sorted(PACKAGE.rglob("*.py"))
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if path.relative_to(PACKAGE) not in DEFINING and ASKED.search(line)
    ]
    assert asking == []


def test_no_kind_goes_by_the_name_of_its_class_but_in_what_identifies_a_recipe() -> None:
    named = re.compile(r"__name__ *[!=]=|type\((self|recipe|system|task|base)\)\.__name__")
    lines = {
        str(path.relative_to(PACKAGE)): len(named.findall(path.read_text(encoding="utf-8")))
        for path in PACKAGE.rglob("*.py")
    }
    assert {path: count for path, count in lines.items() if count} == {"encoders/recipe.py": 1}  # describe


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
