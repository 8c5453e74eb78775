"""Figures as they are drawn: as wide as a page's text, names outside the data, numbers that can be told apart."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from repro.reports.drawing import draw, figure
from repro.reports.plots import Curve, Growth, Plot, Point, Reduction

RNG = np.random.default_rng(0)
KINDS = ("plain", "whitening", "flow", "trained")
# twelve rows that lie close together, and one far off, which keeps the scale from parting them
CLOSE = [
    Point(f"a row {i}", KINDS[i % 4], 0.25 + 0.02 * x, -3.8 + 0.1 * y, 70.0 + i)
    for i, (x, y) in enumerate(RNG.normal(size=(12, 2)))
]
POINTS = (*CLOSE, Point("far off", "plain", 0.1, -1.5, 60.0))
CURVES = tuple(Curve(f"row {i}", KINDS[i % 4], tuple(np.geomspace(1, 0.1 / (i + 1), 30))) for i in range(5))
GROWTH = tuple(
    Growth(f"row {i}", (1e3, 1e4), (2.0 * k, 20.0 * k), (0.01, 1.0), 160.0 / k) for i, k in enumerate((1, 1.001, 3, 9))
)
REDUCTIONS = tuple(
    Reduction(f"base {i}", ("16", "64", "256", "full"), (70.0 + i, 74 + i / 9, 75, 73), 60.0 + i) for i in range(4)
)
PLOTS = [
    Plot("dimensions", "whitening-f2", (REDUCTIONS,)),
    Plot("geometry", "simcse-5", (POINTS,)),
    Plot("spectra", "simcse-5", (CURVES, CURVES[:2])),
    Plot("growth-cpu", "sbert-65h", (GROWTH,)),
]


@pytest.fixture(params=PLOTS, ids=lambda plot: plot.name, scope="module")
def drawn(request: pytest.FixtureRequest) -> Figure:
    made = figure(request.param)
    made.draw_without_rendering()
    return made


def panels(drawn: Figure) -> list[Figure]:
    return list(drawn.subfigs) or [drawn]


def test_it_is_as_wide_as_the_text_of_a_page_and_its_text_no_smaller_than_a_footnote(drawn: Figure) -> None:
    assert drawn.get_figwidth() == 6.3
    texts = [text for panel in panels(drawn) for text in [*panel.axes[0].texts, *panel.legends[0].texts]]
    assert min(text.get_fontsize() for text in texts) >= 6.5


def test_names_are_outside_the_data_and_inside_the_figure(drawn: Figure) -> None:
    for panel in panels(drawn):
        (legend,) = panel.legends
        box = legend.get_window_extent()
        assert not box.overlaps(panel.axes[0].bbox)
        assert box.x0 >= 0
        assert box.x1 <= drawn.bbox.x1


@pytest.mark.parametrize("plot", [PLOTS[0], PLOTS[2]], ids=lambda plot: plot.name)
def test_no_number_lies_on_another(plot: Plot) -> None:
    made = figure(plot)
    canvas = made.canvas
    assert isinstance(canvas, FigureCanvasAgg)
    numbers = [text for text in made.axes[0].texts if text.get_text()[:1].isdigit()]
    boxes = [text.get_window_extent(canvas.get_renderer()) for text in numbers]
    assert len(boxes) >= 5
    overlapping = [
        (numbers[i].get_text(), numbers[j].get_text())
        for i, j in combinations(range(len(boxes)), 2)
        if boxes[i].overlaps(boxes[j])
    ]
    assert overlapping == []


@pytest.mark.parametrize("plot", PLOTS, ids=lambda plot: plot.name)
def test_the_same_numbers_give_the_same_bytes(plot: Plot) -> None:
    first = draw(plot, ["svg", "png"])
    assert first["svg"].lstrip().startswith(b"<?xml")
    assert first["png"].startswith(b"\x89PNG")
    assert draw(plot, ["svg", "png"]) == first
