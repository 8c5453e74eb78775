"""Figures: which tables get them, and the same bytes each time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import chain
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from repro.encoders.recipe import FlowedRecipe, TransformerRecipe, WhitenedRecipe
from repro.evaluation.plan import Plan
from repro.reports import drawing, figures, plots
from repro.results.result import pack
from tests.conftest import save_tiny_bert
from tests.evaluation.test_fitting import planned


def drawn(finished: Plan, csv_path: Path) -> dict[Path, bytes]:
    """Every figure of a table that was run."""
    return dict(
        chain.from_iterable(figures.files(plot, csv_path) for plot in plots.plots(finished.table, finished.stored))
    )


def test_geometry_and_spectra_are_drawn_from_stored_cells(tiny_bert: Path, tmp_path: Path) -> None:
    base = TransformerRecipe(str(tiny_bert))
    finished = planned(base, white=WhitenedRecipe(base, k=4), flow=FlowedRecipe(base))
    csv_path = tmp_path / "x.csv"
    first = drawn(finished, csv_path)
    assert first == drawn(finished, csv_path)
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
    first = drawn(finished, csv_path)
    for path, content in first.items():
        path.write_bytes(content)
    calls: list[str] = []

    def counted(plot: plots.Plot, forms: Sequence[str]) -> dict[str, bytes]:
        calls.extend(forms)
        return {form: first[tmp_path / f"x.spectra.{form}"] for form in forms}

    monkeypatch.setattr(drawing, "draw", counted)
    assert drawn(finished, csv_path) == first
    assert calls == []
    (tmp_path / "x.spectra.png").write_bytes(b"something else")
    assert drawn(finished, csv_path) == first
    assert calls == ["svg", "png"]
    place = finished.table.rows[0].slug, "isoscore"
    finished.stored[place] = replace(finished.stored[place], items=(pack(np.array([2.0, 1.0])),))
    assert drawn(finished, csv_path) == first
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
        shown = list(plots.plots(finished.table, finished.stored))
        assert [len(panel) for plot in shown for panel in plot.panels] == sizes
        assert len(drawn(finished, tmp_path / "x.csv")) == 2 * bool(sizes)
