"""Weights that nobody publishes: they are trained on this machine, and stand beside those of packages."""

from __future__ import annotations

from pathlib import Path

from repro.paths import home

# name in recipes -> what to do where they are not there
MADE_BY: dict[str, str] = {
    "scratch-bert": "`make base-from-scratch` trains it (one and a half to three hours on two cores)"
}


def folder(name: str) -> Path:
    """Where the model of that name stands once it is trained."""
    return home() / "weights" / name
