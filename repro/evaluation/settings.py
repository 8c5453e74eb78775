"""Recipes whose settings are shown, such as those of a paper's table of hyper-parameters."""

from __future__ import annotations

from dataclasses import dataclass

from repro.encoders.recipe import FittedRecipe
from repro.evaluation.system import System
from repro.training.recipe import TrainedRecipe


@dataclass(frozen=True)
class Settings(System):
    """A recipe whose settings stand in the columns: those that rows of other tables are computed with."""

    recipe: FittedRecipe | TrainedRecipe

    def absent(self, column: str) -> str:
        """Why nothing is measured of it."""
        return "its settings are shown, and nothing is measured"

    def setting(self, name: str) -> float | None:
        """Of that field of the recipe."""
        value = getattr(self.recipe, name, None)
        return None if value is None else float(value)
