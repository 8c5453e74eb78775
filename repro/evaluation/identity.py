"""What identifies an encoder: its recipe, and every file that it reads."""

from __future__ import annotations

from repro.encoders.described import describe
from repro.encoders.known import recall
from repro.encoders.recipe import BaseRecipe
from repro.errors import ReproError
from repro.evaluation.session import Session
from repro.revisions import commit_of


def identity(recipe: BaseRecipe, session: Session) -> dict[str, object]:
    """The recipe and one checksum over all files of its encoder.

    Where they are not on this machine: the checksum that they had when they were, '' where nobody knows it.
    """
    try:
        files = session.ready(recipe).identity
    except ReproError:
        revision = commit_of(recipe.weights, recipe.revision)
        files = recall(recipe.weights, revision) if revision else ""
    return describe(recipe) | {"files": files}
