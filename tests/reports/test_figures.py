"""Figures: which tables get them, and the same bytes each time."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from repro.encoders.recipe import FlowedRecipe, TransformerRecipe, WhitenedRecipe
from repro.reports import drawing, figures, plots
from repro.results.result import pack
from tests.conftest import save_tiny_bert
from tests.evaluation.test_fitting import planned


def test_geometry_and_spectra_are_drawn_from_stored_cells(tiny_bert: Path, tmp_path: Path) -> None:
    base = TransformerRecipe(str(tiny_bert))
    finished = planned(base, white=WhitenedRecipe(base, k=4), flow=FlowedRecipe(base))
    csv_path = tmp_path / "x.csv"
    first = dict(figures.files(finished.table, finished.stored, csv_path))
    assert first == dict(figures.files(finished.table, finished.stored, csv_path))
    svg, png = tmp_path / "x.spectra.svg", tmp_path / "x.spectra.png"
    assert set(first) == {svg, png}  # this table has no average to colour the points with
    assert ElementTree.fromstring(first[svg]).tag.endswith("svg")
    assert first[png].startswith(b"\x89PNG")
    assert [row.system.legend for row in finished.table.rows] == ["plain", "whitening", "flow"]


def test_what_is_on_disk_as_it_was_drawn_is_not_drawn_again(
    tiny_bert: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    base, csv_path = TransformerRecipe(str(tiny_bert)), tmp_path / "x.csv"
    finished = planned(base, white=WhitenedRecipe(base, k=4))
    first = dict(figures.files(finished.table, finished.stored, csv_path))
    for path, content in first.items():
        path.write_bytes(content)
    calls: list[str] = []
    monkeypatch.setattr(drawing, "draw", lambda plot, form: calls.append(form) or first[tmp_path / f"x.spectra.{form}"])
    assert dict(figures.files(finished.table, finished.stored, csv_path)) == first
    assert calls == []
    (tmp_path / "x.spectra.png").write_bytes(b"something else")
    assert dict(figures.files(finished.table, finished.stored, csv_path)) == first
    assert calls == ["svg", "png"]
    place = finished.table.rows[0].slug, "isoscore"
    finished.stored[place] = replace(finished.stored[place], items=(pack(np.array([2.0, 1.0])),))
    assert dict(figures.files(finished.table, finished.stored, csv_path)) == first
    assert calls == ["svg", "png"] * 2


def test_vectors_that_are_all_the_same_have_no_spectrum(tiny_bert: Path) -> None:
    base = TransformerRecipe(str(tiny_bert))
    finished = planned(base, white=WhitenedRecipe(base, k=4))
    place = finished.table.rows[0].slug, "isoscore"
    finished.stored[place] = replace(finished.stored[place], items=(pack(np.zeros(16)),))
    assert not list(plots.plots(finished.table, finished.stored))  # one curve is left, and one is no comparison


def test_spectra_that_are_too_many_for_one_panel_have_one_for_each_model(
    tiny_bert: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    base, other = TransformerRecipe(str(tiny_bert)), TransformerRecipe(str(save_tiny_bert(tmp_path / "other", seed=2)))
    maps = {"white": WhitenedRecipe(base, k=4), "other": other, "whitened": WhitenedRecipe(other, k=4)}
    finished = planned(base, **maps)
    for bound, sizes in ((4, [4]), (3, [2, 2]), (1, [])):
        monkeypatch.setattr(plots, "CURVES", bound)
        drawn = list(plots.plots(finished.table, finished.stored))
        assert [len(panel) for plot in drawn for panel in plot.panels] == sizes
        assert len(dict(figures.files(finished.table, finished.stored, tmp_path / "x.csv"))) == 2 * bool(sizes)
