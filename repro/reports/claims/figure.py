"""Draws the figure of the page on claims: alignment against uniformity, and below it the ladder of STS averages."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from repro.published.claims import BASE
from repro.reports.claims.ladder import Step
from repro.reports.drawing import LINE, PANEL, SMALL, WIDTH, move_apart, name_columns, saved, scatter
from repro.reports.palette import KINDS
from repro.reports.plots import Point

STEP = 0.22  # inches of a step


def draw(points: Sequence[Point], steps: Sequence[Step], forms: Sequence[str]) -> dict[str, bytes]:
    """The figure as a file of each form, `svg` or `png`; the same numbers give the same bytes."""
    return saved(lambda: figure(points, steps), forms)


def figure(points: Sequence[Point], steps: Sequence[Step]) -> Figure:
    """The two panels, as wide as a page's text."""
    columns = name_columns(points)
    heights = (PANEL + LINE * -(-len(points) // columns), STEP * len(steps) + 1.0)
    drawn = Figure(figsize=(WIDTH, sum(heights)), layout="constrained")
    FigureCanvasAgg(drawn)
    upper, lower = drawn.subfigures(2, height_ratios=heights)  # type: ignore[misc]  # an array of two
    axes = upper.subplots()
    axes.grid(alpha=0.3)
    axes.set_title(f"{BASE}: {scatter(axes, points)}", fontsize=9)
    upper.legend(loc="outside lower left", ncols=columns, fontsize=SMALL, frameon=False)
    _ladder(lower.subplots(), steps)
    lower.legend(loc="outside lower left", ncols=2, fontsize=SMALL, frameon=False)
    drawn.draw_without_rendering()  # now the axes are where they will be
    upper.draw_without_rendering = drawn.draw_without_rendering  # adjustText asks the axes' figure for it
    move_apart(axes)
    return drawn


def _ladder(axes: Axes, steps: Sequence[Step]) -> None:
    """A step a line, from above; full marks are measured, hollow ones published."""
    for place, step in enumerate(steps):
        kind = KINDS[step.legend]
        if step.average is not None:
            axes.errorbar(
                [step.average],
                [place],
                xerr=None if step.spread is None else [step.spread],
                fmt=kind.mark,
                color=kind.colour,
                ms=5,
                lw=1.2,
                capsize=2.5,
                zorder=4,
            )
        if step.published is not None:
            _hollow(axes, step.published, place, step.quoted)
    nowhere = float("nan")  # of what is in the legend alone
    axes.plot([nowhere], [nowhere], "ko", ms=5, label=f"{BASE}, marks as above; bars: spread over seeds")
    _hollow(axes, nowhere, nowhere, False, "BERT-base, as SimCSE prints it")
    _hollow(axes, nowhere, nowhere, True, "BERT-base, as Sentence-BERT prints it")
    axes.set_yticks(range(len(steps)), [step.name for step in steps])
    axes.set_ylim(len(steps) - 0.5, -0.5)
    axes.grid(alpha=0.3)
    axes.set_xlabel("average of seven STS sets, all pairs (Spearman's ρ × 100)")
    axes.set_title("from CLS to supervised SimCSE", fontsize=9)


def _hollow(axes: Axes, x: float, y: float, quoted: bool, label: str = "") -> None:
    """A published number."""
    mark = "D" if quoted else "o"
    axes.scatter(
        [x], [y], marker=mark, s=26, facecolors="none", edgecolors="black", linewidths=0.8, zorder=3, label=label
    )
