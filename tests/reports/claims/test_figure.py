"""The figure of the page: as wide as a page's text, its names outside the data, the same bytes each time."""

from __future__ import annotations

import pytest
from matplotlib.collections import PathCollection
from matplotlib.figure import Figure

from repro.reports.claims.figure import draw, figure
from repro.reports.claims.ladder import Step
from repro.reports.plots import Point

POINTS = [
    Point("CLS", "plain", 0.05, -0.4, 31.0),
    Point("first-last, whitening", "whitening", 0.4, -3.8, 60.0),
    Point("supervised SimCSE", "trained", 0.24, -3.0, 68.0),
]
STEPS = [
    Step("CLS", "plain", 31.0, None, 1, 29.19, True),
    Step("static", "plain", 48.0, None, 1, None, False),
    Step("flow", "flow", None, None, 0, 66.55, False),
    Step("supervised SimCSE", "trained", 68.0, 0.5, 3, 81.57, False),
]


@pytest.fixture(scope="module")
def drawn() -> Figure:
    return figure(POINTS, STEPS)


def test_it_is_as_wide_as_a_page_and_its_names_are_outside_the_data(drawn: Figure) -> None:
    assert drawn.get_figwidth() == 6.3
    for part in drawn.subfigs:
        (legend,) = part.legends
        box = legend.get_window_extent()
        assert not box.overlaps(part.axes[0].bbox)
        assert box.x0 >= 0
        assert box.x1 <= drawn.bbox.x1
        assert min(text.get_fontsize() for text in legend.texts) >= 6.5


def test_every_step_is_named_and_only_what_there_is_has_a_mark(drawn: Figure) -> None:
    axes = drawn.subfigs[1].axes[0]
    assert [label.get_text() for label in axes.get_yticklabels()] == [step.name for step in STEPS]
    full = [container.lines[0].get_xydata().tolist() for container in axes.containers]  # type: ignore[union-attr]
    assert full == [[[31.0, 0.0]], [[48.0, 1.0]], [[68.0, 3.0]]]
    hollow = [dots.get_offsets().tolist() for dots in axes.collections if isinstance(dots, PathCollection)]
    assert [place for (place,) in hollow if place[0] is not None] == [[29.19, 0.0], [66.55, 2.0], [81.57, 3.0]]


def test_the_same_numbers_give_the_same_bytes() -> None:
    first, second = draw(POINTS, STEPS, ["svg", "png"]), draw(POINTS, STEPS, ["svg"])
    assert first["svg"] == second["svg"]
    assert first["svg"].lstrip().startswith(b"<?xml")
    assert first["png"].startswith(b"\x89PNG")
