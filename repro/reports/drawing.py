"""Draws the figures of a table: SVG and PNG, as wide as a page's text, readable in grey, the same bytes each time."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import matplotlib
import numpy as np
from adjustText import adjust_text
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from repro.postprocessing.whitening import NOISE
from repro.reports.palette import KINDS, MARKS
from repro.reports.plots import Curve, Growth, Plot, Point, Reduction

WIDTH, PANEL, LINE = 6.3, 3.4, 0.15  # inches: a page's text, a panel, a line of the names below it
LONGEST = 48  # letters of a name that leaves room for a second column of names
STYLE: dict[Any, Any] = {"font.size": 8, "xtick.labelsize": 7, "ytick.labelsize": 7, "svg.hashsalt": "repro"}
SMALL = 7  # points: of names and of the numbers that stand for them
FEW = 20  # points that leave each other room
TIMES = {"a second": 1, "a minute": 60, "an hour": 3600, "a day": 86400, "a year": 31_536_000}
SAME, APART = 1.3, 2.4  # times as many seconds: drawn as one line; where the next number has room
CIRCLE = {"boxstyle": "circle,pad=0.1", "fc": "white", "ec": "none"}
FORCES: dict[str, Any] = {
    **{"force_text": (0.4, 0.6), "force_static": (0.3, 0.3), "force_explode": (2.0, 1.0)},
    **{"force_pull": (0.002, 0.002), "expand": (1.15, 1.3)},
}
TRIES = 120  # of moving numbers apart; a bound in seconds would give other bytes each time


def draw(plot: Plot, forms: Sequence[str]) -> dict[str, bytes]:
    """The figure as a file of each form, `svg` or `png`."""
    return saved(lambda: figure(plot), forms)


def saved(drawing: Callable[[], Figure], forms: Sequence[str]) -> dict[str, bytes]:
    """What is drawn, in the suite's style, as a file of each form."""
    files = {}
    with matplotlib.rc_context(STYLE):
        drawn = drawing()
        for form in forms:
            buffer = io.BytesIO()
            metadata = {"Date": None} if form == "svg" else {"Software": None}
            drawn.savefig(buffer, format=form, dpi=200, metadata=metadata)
            files[form] = buffer.getvalue()
    return files


def figure(plot: Plot) -> Figure:
    """The figure; the names that its numbers stand for are below each panel."""
    heights = [PANEL + LINE * -(-len(marks) // name_columns(marks)) for marks in plot.panels]
    drawn = Figure(figsize=(WIDTH, sum(heights)), layout="constrained")
    FigureCanvasAgg(drawn)
    parts: list[Any] = [drawn]
    if len(heights) > 1:
        parts = list(np.atleast_1d(drawn.subfigures(len(heights), height_ratios=heights)))  # type: ignore[arg-type]
    for part, marks in zip(parts, plot.panels, strict=True):
        axes = part.subplots()
        axes.grid(alpha=0.3)
        title = _DRAWERS[plot.name](axes, marks)  # type: ignore[operator]
        part.legend(loc="outside lower left", ncols=name_columns(marks), fontsize=SMALL, frameon=False)
        if part is parts[0]:
            axes.set_title(f"{plot.table}: {title}", fontsize=9)
    drawn.draw_without_rendering()  # now the axes are where they will be
    for part in parts:
        move_apart(part.axes[0])
    return drawn


def name_columns(marks: Sequence[Any]) -> int:
    """Of the names below a panel."""
    return 2 if all(len(mark.label) <= LONGEST for mark in marks) else 1


def _number(axes: Axes, number: int, x: float, y: float) -> None:
    """The number of a name, at that point until it is moved."""
    axes.text(x, y, str(number), fontsize=SMALL, gid="number", zorder=4)


def move_apart(axes: Axes) -> None:
    """Numbers away from one another and from what they name, where they do not sit on it."""
    numbers = [text for text in axes.texts if text.get_gid() == "number"]
    if not numbers:
        return
    x, y = zip(*(text.get_position() for text in numbers), strict=True)
    line = {"arrowstyle": "-", "color": "0.6", "lw": 0.4}
    adjust_text(numbers, x, y, ax=axes, iter_lim=TRIES, arrowprops=line, **FORCES)


def scatter(axes: Axes, points: Sequence[Point]) -> str:
    """Uniformity across, alignment up, as SimCSE's figure 3; lower left is better; the shade is the average score."""
    scores = [point.score for point in points]
    for number, point in enumerate(points, 1):
        drawn = axes.scatter(
            [point.uniformity],
            [point.alignment],
            c=[point.score],
            vmin=min(scores),
            vmax=max(scores),
            cmap="viridis",  # its lightness rises evenly: readable in grey
            marker=KINDS[point.legend].mark,
            edgecolors="black",
            linewidths=0.6,
            s=36 if len(points) <= FEW else 20,
            label=f"{number}  {point.label}  {point.score:.2f}",
            zorder=3,
        )
        _number(axes, number, point.uniformity, point.alignment)
    axes.margins(x=0.1)  # room for the numbers of a dense column
    axes.set_xlabel("uniformity (lower is better)")
    axes.set_ylabel("alignment (lower is better)")
    axes.figure.colorbar(drawn, ax=axes, label="average STS score", fraction=0.05)
    return "alignment against uniformity on STS-B"


def _spectra(axes: Axes, curves: Sequence[Curve]) -> str:
    """Standard deviation along each principal axis, divided by the largest; an axis of rounding noise is not drawn."""
    for number, curve in enumerate(curves, 1):
        values = np.array(curve.values)
        drawn = values[np.square(values) > NOISE * values[0] ** 2] / values[0]
        kind, name = KINDS[curve.legend], f"{number}  {curve.label}"
        axes.plot(np.arange(1, len(drawn) + 1), drawn, kind.line, color=kind.colour, lw=1, label=name)
        place = int(len(drawn) * (0.4 + 0.55 * number / (len(curves) + 1)))  # to the right, where the curves part
        axes.text(place + 1, drawn[place], str(number), fontsize=SMALL, ha="center", va="center", bbox=CIRCLE)
    axes.set_yscale("log")
    axes.set_ylim(1e-3, 1.5)
    axes.set_xlabel("principal axis")
    axes.set_ylabel("singular value / largest")
    return "spectra of sentence vectors on STS-B"


def _dimensions(axes: Axes, bases: Sequence[Reduction]) -> str:
    """The average against the dimensions kept (Su et al. 2021, figure 2); a short line is the base as it is."""
    kept = sorted({name for base in bases for name in base.kept}, key=lambda name: (name == "full", len(name), name))
    place = {name: number for number, name in enumerate(kept)}
    for number, base in enumerate(bases, 1):
        grey = str(0.7 * (number - 1) / len(bases))
        mark, across = MARKS[(number - 1) % len(MARKS)], [place[name] for name in base.kept]
        axes.plot(across, base.scores, f"{mark}-", color=grey, ms=4, lw=1, label=f"{number}  {base.label}")
        _number(axes, number, across[0], base.scores[0])
        if base.plain is not None:
            axes.plot([len(kept) - 0.6, len(kept) - 0.2], [base.plain] * 2, "-", color=grey, lw=1.5)
            _number(axes, number, len(kept) - 0.4, base.plain)
    axes.set_xticks(
        [*range(len(kept)), len(kept) - 0.4], [*("all" if name == "full" else name for name in kept), "plain"]
    )
    axes.set_xlabel("dimensions that whitening keeps")
    axes.set_ylabel("average STS score")
    return "whitening and dimensions"


def _growth(axes: Axes, rows: Sequence[Growth]) -> str:
    """Seconds against n. Marks are measured; from the largest n on and back, lines go with what grows how.

    A bi-encoder encodes n sentences and compares n² pairs of vectors, a cross-encoder reads n (n − 1) / 2 pairs.
    """
    sizes = np.geomspace(1_000, 100_000, 41)
    ends: list[tuple[float, int]] = []  # of lines, to the right
    for number, row in enumerate(rows, 1):
        grey = str(0.7 * (number - 1) / len(rows))
        measured = np.add(row.encoding, row.search)
        times = sizes / row.sizes[-1]
        both = row.encoding[-1] * times + row.search[-1] * times**2
        axes.plot(row.sizes, measured, MARKS[number % len(MARKS)], color=grey, ms=4, label=f"{number}  {row.label}")
        axes.plot(sizes, both, "-", color=grey, lw=1)
        ends.append((both[-1], number))
        if row.pairs_per_second is not None:
            all_pairs = sizes * (sizes - 1) / 2 / row.pairs_per_second
            axes.plot(sizes, all_pairs, "--", color=grey, lw=1)
            ends.append((all_pairs[-1], number))
    for seconds, names in _ends(ends):
        axes.text(sizes[-1] * 1.03, seconds, names, fontsize=SMALL, va="center")
    axes.plot([], [], "k-", lw=1, label="bi-encoder: encoding, with n, and search, with n²")
    axes.plot([], [], "k--", lw=1, label="cross-encoder: all pairs, with n (n − 1) / 2")
    for name, seconds in TIMES.items():
        axes.axhline(seconds, color="0.8", lw=0.6, zorder=0)
        axes.annotate(name, (sizes[0], seconds), fontsize=6.5, color="0.4", va="bottom")
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlabel("n, sentences")
    axes.set_ylabel("seconds")
    return "seconds to find the closest pair"


def _ends(ends: Sequence[tuple[float, int]]) -> Iterator[tuple[float, str]]:
    """Where the numbers at the ends of lines go, from below: those of lines that are drawn as one beside each other,
    the others apart."""
    groups: list[list[tuple[float, int]]] = []
    for end in sorted(ends):
        if groups and end[0] < SAME * groups[-1][0][0]:
            groups[-1].append(end)
        else:
            groups.append([end])
    free = 0.0
    for group in groups:
        free = max(group[0][0], free)
        yield free, ", ".join(str(number) for _, number in group)
        free *= APART


_DRAWERS = {
    "geometry": scatter,
    "spectra": _spectra,
    "dimensions": _dimensions,
    "growth-cpu": _growth,
    "growth-gpu": _growth,
}
