"""Figures: which tables get them, and the same bytes each time."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from repro.encoders.recipe import FlowedRecipe, TransformerRecipe, WhitenedRecipe
from repro.reports import figures
from repro.results.result import pack, unpack
from tests.conftest import save_tiny_bert
from tests.evaluation.test_fitting import planned


def test_geometry_and_spectra_are_drawn_from_stored_cells(tiny_bert: Path) -> None:
    base = TransformerRecipe(str(tiny_bert))
    made = planned(base, white=WhitenedRecipe(base, k=4), flow=FlowedRecipe(base))
    first, second = dict(figures.figures(made.table, made.stored)), dict(figures.figures(made.table, made.stored))
    assert first == second
    assert set(first) == {".spectra.svg", ".spectra.png"}  # this table has no average to colour the points with
    assert ElementTree.fromstring(first[".spectra.svg"]).tag.endswith("svg")
    assert first[".spectra.png"].startswith(b"\x89PNG")
    assert [row.system.legend for row in made.table.rows] == ["plain", "whitening", "flow"]


def test_vectors_that_are_all_the_same_have_no_spectrum(tiny_bert: Path) -> None:
    base = TransformerRecipe(str(tiny_bert))
    made = planned(base, white=WhitenedRecipe(base, k=4))
    place = made.table.rows[0].slug, "isoscore"
    made.stored[place] = replace(made.stored[place], items=(pack(np.zeros(16)),))
    assert dict(figures.figures(made.table, made.stored)) == {}  # one curve is left, and one is no comparison


def test_spectra_that_are_too_many_for_one_panel_have_one_for_each_model(
    tiny_bert: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    base, other = TransformerRecipe(str(tiny_bert)), TransformerRecipe(str(save_tiny_bert(tmp_path / "other", seed=2)))
    maps = {"white": WhitenedRecipe(base, k=4), "other": other, "whitened": WhitenedRecipe(other, k=4)}
    made = planned(base, **maps)
    results = [(row, unpack(made.stored[row.slug, "isoscore"].items[0])) for row in made.table.rows]
    for bound, panels in ((4, [4]), (3, [2, 2]), (1, [])):
        monkeypatch.setattr(figures, "CURVES", bound)
        assert [len(panel) for panel in figures._panels(results)] == panels
        drawn = dict(figures.figures(made.table, made.stored))
        assert set(drawn) == ({".spectra.svg", ".spectra.png"} if panels else set())
