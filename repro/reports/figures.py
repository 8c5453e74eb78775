"""Figures beside a table: alignment against uniformity, and spectra. SVG and PNG, readable in grey."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from repro.postprocessing.whitening import NOISE
from repro.results.csv_lines import Place
from repro.results.result import Result, unpack
from repro.tables.spec import Average, Row, Table

MARKERS = {"plain": "o", "whitening": "s", "flow": "^", "trained": "D"}
CURVES = 12  # more in one panel cannot be told apart
Spectrum = tuple[Row, np.ndarray]  # singular values, falling
LINES = {"plain": "-", "whitening": "--", "flow": ":", "trained": "-."}


def figures(table: Table, stored: Mapping[Place, Result]) -> Iterator[tuple[str, bytes]]:
    """(suffix of the file, content) of every figure that the stored cells give: `.geometry.svg`, `.spectra.png`, …"""
    average = next((column for column in table.columns if isinstance(column, Average)), None)
    points = [point for row in table.rows if average and (point := _point(stored, row, average))]
    if len(points) > 1:
        yield from _files(".geometry", _scatter(table, points))
    results = [(row, stored.get((row.slug, "isoscore"))) for row in table.rows]
    spectra = [(row, unpack(result.items[0])) for row, result in results if result and result.items]
    spectra = [(row, values) for row, values in spectra if values[0] > 0]  # vectors that are all the same have none
    if len(spectra) > 1 and (panels := _panels(spectra)):
        yield from _files(".spectra", _spectra(table, panels))


def _point(stored: Mapping[Place, Result], row: Row, average: Average) -> tuple[Row, float, float, float] | None:
    """Alignment, uniformity and the table's first average."""
    cells = [stored.get((row.slug, name)) for name in ("alignment", "uniformity")]
    scores = [stored.get((row.slug, name)) for name in average.of]
    if not all(cells) or not all(scores):
        return None
    x, y = (cell.value for cell in cells if cell)
    return row, x, y, average.value([cell.value for cell in scores if cell])


def _scatter(table: Table, points: list[tuple[Row, float, float, float]]) -> Figure:
    """Uniformity across, alignment up, as SimCSE's figure 3; lower left is better; the shade is the average score."""
    figure, (axes,) = _axes(table, "alignment against uniformity on STS-B")
    shades = [point[3] for point in points]
    for name, marker in MARKERS.items():
        of = [point for point in points if point[0].system.legend == name]
        if of:
            drawn = axes.scatter(
                [point[2] for point in of],
                [point[1] for point in of],
                c=[point[3] for point in of],
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
    for number, (_, x, y, _) in enumerate(points, 1):
        axes.annotate(str(number), (y, x), xytext=(5, 4), textcoords="offset points", fontsize=7)
    names = "\n".join(f"{i}  {row.label}  {score:.2f}" for i, (row, _, _, score) in enumerate(points, 1))
    axes.text(1.2, 1.0, names, transform=axes.transAxes, fontsize=6.5, va="top")
    axes.set_xlabel("uniformity (lower is better)")
    axes.set_ylabel("alignment (lower is better)")
    figure.colorbar(drawn, ax=axes, label="average STS score", fraction=0.05)
    axes.legend(fontsize=7)
    return figure


def _panels(spectra: list[Spectrum]) -> list[list[Spectrum]]:
    """All in one panel; or, where they are too many, those of each model in one of its own, unless even these are."""
    if len(spectra) <= CURVES:
        return [spectra]
    models: dict[tuple[str, ...], list[Spectrum]] = {}
    for row, values in spectra:
        models.setdefault(tuple(base.weights for base in row.system.bases()), []).append((row, values))
    return [of for of in models.values() if len(of) <= CURVES]


def _spectra(table: Table, panels: list[list[Spectrum]]) -> Figure:
    """Standard deviation along each principal axis, divided by the largest; an axis of rounding noise is not drawn."""
    figure, each = _axes(table, "spectra of sentence vectors on STS-B", len(panels))
    for axes, spectra in zip(each, panels, strict=True):
        _curves(axes, spectra)
    return figure


def _curves(axes: Axes, spectra: list[Spectrum]) -> None:
    for number, (row, values) in enumerate(spectra, 1):
        grey = str(0.7 * (number - 1) / len(spectra))
        drawn = values[np.square(values) > NOISE * values[0] ** 2] / values[0]
        name = f"{number}  {row.label}"
        axes.plot(np.arange(1, len(drawn) + 1), drawn, LINES[row.system.legend], color=grey, lw=1.2, label=name)
        place = int(len(drawn) * (0.4 + 0.6 * number / (len(spectra) + 1)))  # to the right, where the curves part
        box = {"boxstyle": "circle,pad=0.15", "fc": "white", "ec": "none"}
        axes.text(place + 1, drawn[place], str(number), fontsize=7, ha="center", va="center", bbox=box)
    axes.set_yscale("log")
    axes.set_ylim(1e-3, 1.5)
    axes.set_xlabel("principal axis")
    axes.set_ylabel("singular value / largest")
    axes.legend(fontsize=6, loc="upper left", bbox_to_anchor=(1.02, 1.0))


def _axes(table: Table, title: str, panels: int = 1) -> tuple[Figure, list[Axes]]:
    """A figure and its panels, one below the other."""
    figure = Figure(figsize=(10, 5.5 * panels))
    each = list(figure.subplots(panels, squeeze=False)[:, 0])
    each[0].set_title(f"{table.id}: {title}", fontsize=10)
    for axes in each:
        axes.grid(alpha=0.3)
    return figure, each


def _files(name: str, figure: Figure) -> Iterator[tuple[str, bytes]]:
    for form in ("svg", "png"):
        buffer = io.BytesIO()
        metadata = {"Date": None} if form == "svg" else {"Software": None}
        with matplotlib.rc_context({"svg.hashsalt": "repro"}):  # the same bytes each time
            figure.savefig(buffer, format=form, bbox_inches="tight", dpi=120, metadata=metadata)
        yield f"{name}.{form}", buffer.getvalue()
