"""Draws the figures of a table: SVG and PNG, readable in grey, the same bytes each time."""

from __future__ import annotations

import io
from collections.abc import Sequence

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from repro.postprocessing.whitening import NOISE
from repro.reports.plots import Curve, Growth, Plot, Point

MARKERS = {"plain": "o", "whitening": "s", "flow": "^", "trained": "D"}
TIMES = {"a second": 1, "a minute": 60, "an hour": 3600, "a day": 86400, "a year": 31_536_000}
MARKS = ("o", "s", "^", "D", "v", "P", "X")
LINES = {"plain": "-", "whitening": "--", "flow": ":", "trained": "-."}


def draw(plot: Plot, form: str) -> bytes:
    """The figure as a file of that form, `svg` or `png`."""
    figure = Figure(figsize=(10, 5.5 * len(plot.panels)))
    each = figure.subplots(len(plot.panels), squeeze=False)[:, 0]
    for axes, marks in zip(each, plot.panels, strict=True):
        axes.grid(alpha=0.3)
        title = _DRAWERS[plot.name](figure, axes, marks)  # type: ignore[operator]
    each[0].set_title(f"{plot.table}: {title}", fontsize=10)
    buffer = io.BytesIO()
    metadata = {"Date": None} if form == "svg" else {"Software": None}
    with matplotlib.rc_context({"svg.hashsalt": "repro"}):  # the same bytes each time
        figure.savefig(buffer, format=form, bbox_inches="tight", dpi=120, metadata=metadata)
    return buffer.getvalue()


def _scatter(figure: Figure, axes: Axes, points: Sequence[Point]) -> str:
    """Uniformity across, alignment up, as SimCSE's figure 3; lower left is better; the shade is the average score."""
    shades = [point.score for point in points]
    for name, marker in MARKERS.items():
        of = [point for point in points if point.legend == name]
        if of:
            drawn = axes.scatter(
                [point.uniformity for point in of],
                [point.alignment for point in of],
                c=[point.score for point in of],
                vmin=min(shades),
                vmax=max(shades),
                cmap="viridis",  # its lightness rises evenly: readable in grey
                marker=marker,
                edgecolors="black",
                linewidths=0.6,
                s=60,
                label=name,
                zorder=3,
            )
    for number, point in enumerate(points, 1):
        place = (point.uniformity, point.alignment)
        axes.annotate(str(number), place, xytext=(5, 4), textcoords="offset points", fontsize=7)
    names = "\n".join(f"{i}  {point.label}  {point.score:.2f}" for i, point in enumerate(points, 1))
    axes.text(1.2, 1.0, names, transform=axes.transAxes, fontsize=6.5, va="top")
    axes.set_xlabel("uniformity (lower is better)")
    axes.set_ylabel("alignment (lower is better)")
    figure.colorbar(drawn, ax=axes, label="average STS score", fraction=0.05)
    axes.legend(fontsize=7)
    return "alignment against uniformity on STS-B"


def _spectra(figure: Figure, axes: Axes, curves: Sequence[Curve]) -> str:
    """Standard deviation along each principal axis, divided by the largest; an axis of rounding noise is not drawn."""
    for number, curve in enumerate(curves, 1):
        values = np.array(curve.values)
        grey = str(0.7 * (number - 1) / len(curves))
        drawn = values[np.square(values) > NOISE * values[0] ** 2] / values[0]
        name = f"{number}  {curve.label}"
        axes.plot(np.arange(1, len(drawn) + 1), drawn, LINES[curve.legend], color=grey, lw=1.2, label=name)
        place = int(len(drawn) * (0.4 + 0.6 * number / (len(curves) + 1)))  # to the right, where the curves part
        box = {"boxstyle": "circle,pad=0.15", "fc": "white", "ec": "none"}
        axes.text(place + 1, drawn[place], str(number), fontsize=7, ha="center", va="center", bbox=box)
    axes.set_yscale("log")
    axes.set_ylim(1e-3, 1.5)
    axes.set_xlabel("principal axis")
    axes.set_ylabel("singular value / largest")
    axes.legend(fontsize=6, loc="upper left", bbox_to_anchor=(1.02, 1.0))
    return "spectra of sentence vectors on STS-B"


def _growth(figure: Figure, axes: Axes, rows: Sequence[Growth]) -> str:
    """Seconds against n. Marks are measured; from the largest n on and back, lines go with what grows how.

    A bi-encoder encodes n sentences and compares n² pairs of vectors, a cross-encoder reads n (n − 1) / 2 pairs.
    """
    sizes = np.geomspace(1_000, 100_000, 41)
    for number, row in enumerate(rows, 1):
        grey = str(0.7 * (number - 1) / len(rows))
        measured = np.add(row.encoding, row.search)
        times = sizes / row.sizes[-1]
        both = row.encoding[-1] * times + row.search[-1] * times**2
        axes.plot(row.sizes, measured, MARKS[number % len(MARKS)], color=grey, ms=5, label=f"{number}  {row.label}")
        axes.plot(sizes, both, "-", color=grey, lw=1)
        axes.annotate(str(number), (sizes[-1], both[-1]), fontsize=7, va="center")
        if row.pairs_per_second is not None:
            all_pairs = sizes * (sizes - 1) / 2 / row.pairs_per_second
            axes.plot(sizes, all_pairs, "--", color=grey, lw=1)
            axes.annotate(str(number), (sizes[-1], all_pairs[-1]), fontsize=7, va="center")
    axes.plot([], [], "k-", lw=1, label="bi-encoder: encoding, with n, and search, with n²")
    axes.plot([], [], "k--", lw=1, label="cross-encoder: all pairs, with n (n − 1) / 2")
    for name, seconds in TIMES.items():
        axes.axhline(seconds, color="0.8", lw=0.6, zorder=0)
        axes.annotate(name, (sizes[0], seconds), fontsize=6.5, color="0.4", va="bottom")
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlabel("n, sentences")
    axes.set_ylabel("seconds")
    axes.legend(fontsize=6, loc="upper left", bbox_to_anchor=(1.02, 1.0))
    return "seconds to find the closest pair"


_DRAWERS = {"geometry": _scatter, "spectra": _spectra, "growth-cpu": _growth, "growth-gpu": _growth}
