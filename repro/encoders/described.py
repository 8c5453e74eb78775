"""A recipe of any kind as JSON-ready fields: what tells it from all others, in keys and beside trained weights."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

LATER = {"later": True}  # metadata of a field that came when there were stored results without it


def describe(recipe: DataclassInstance) -> dict[str, object]:
    """JSON-ready fields that identify a recipe of any kind.

    A field marked LATER is left out at its default: what was stored before there was such a field keeps its key.
    """
    return {"kind": type(recipe).__name__, **_described(recipe)}


def _described(recipe: DataclassInstance) -> dict[str, object]:
    described: dict[str, object] = {}
    for item in fields(recipe):
        value = getattr(recipe, item.name)
        if item.metadata != LATER or value != item.default:
            nested = is_dataclass(value) and not isinstance(value, type)
            described[item.name] = _described(value) if nested else value
    return described
