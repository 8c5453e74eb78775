"""What the figures of a table show, as numbers: geometry, spectra, dimensions, growth."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from repro.results.csv_lines import Place
from repro.results.result import Result, unpack
from repro.tables.spec import Average, Row, Table

CURVES = 12  # more in one panel cannot be told apart
FEWEST = 3  # numbers of dimensions that make a curve


@dataclass(frozen=True)
class Point:
    """One row of the scatter: its label, the marker's legend, alignment, uniformity and the table's first average."""

    label: str
    legend: str
    alignment: float
    uniformity: float
    score: float


@dataclass(frozen=True)
class Curve:
    """One row's spectrum: (d,) standard deviations along the principal axes, from large to small."""

    label: str
    legend: str
    values: tuple[float, ...]


@dataclass(frozen=True)
class Growth:
    """Seconds to find the closest of n sentences: those measured of a bi-encoder, (s,) each, and a cross-encoder's.

    `pairs_per_second` is None where no cross-encoder was timed.
    """

    label: str
    sizes: tuple[float, ...]
    encoding: tuple[float, ...]
    search: tuple[float, ...]
    pairs_per_second: float | None


@dataclass(frozen=True)
class Reduction:
    """A base by the dimensions that a whitening of it keeps, `full` last: (m,) of them and the table's first average.

    `plain` is the average without a whitening, None where that is not known.
    """

    label: str
    kept: tuple[str, ...]
    scores: tuple[float, ...]
    plain: float | None


@dataclass(frozen=True)
class Plot:
    """A figure: `geometry` of points, `spectra` of curves, `growth` or `dimensions`, of the table of that id; panels
    one below the other."""

    name: str
    table: str
    panels: (
        tuple[tuple[Point, ...], ...]
        | tuple[tuple[Curve, ...], ...]
        | tuple[tuple[Growth, ...], ...]
        | tuple[tuple[Reduction, ...], ...]
    )


def plots(table: Table, stored: Mapping[Place, Result]) -> Iterator[Plot]:
    """The figures that the stored cells give."""
    average = next((column for column in table.columns if isinstance(column, Average)), None)
    points = tuple(point for row in table.rows if average and (point := _point(stored, row, average)))
    if len(points) > 1:
        yield Plot("geometry", table.id, (points,))
    curves = [(row, curve) for row in table.rows if (curve := _curve(stored, row))]
    if len(curves) > 1 and (panels := _panels(curves)):
        yield Plot("spectra", table.id, panels)
    if reductions := tuple(_reductions(stored, table.rows, average)):
        yield Plot("dimensions", table.id, (reductions,))
    for device in ("cpu", "gpu"):
        if growth := tuple(line for row in table.rows if (line := _growth(stored, row, device))):
            yield Plot(f"growth-{device}", table.id, (growth,))


def columns_of(plot: Plot, table: Table) -> set[str]:
    """The columns whose numbers a figure needs: of all rows that have them, or it would show a part for the whole."""
    kind, _, device = plot.name.partition("-")
    if kind == "growth":
        return {f"seconds-{device}", f"pairs-{device}"}
    return {column.slug for column in table.scored()}


def _point(stored: Mapping[Place, Result], row: Row, average: Average) -> Point | None:
    cells = [stored.get((row.slug, name)) for name in ("alignment", "uniformity")]
    score = _average(stored, row, average)
    if not all(cells) or score is None:
        return None
    alignment, uniformity = (cell.value for cell in cells if cell)
    return Point(row.label, row.system.legend, alignment, uniformity, score)


def _average(stored: Mapping[Place, Result], row: Row, average: Average) -> float | None:
    """None where one of its parts is not stored."""
    scores = [stored.get((row.slug, name)) for name in average.of]
    return average.value([cell.value for cell in scores if cell]) if all(scores) else None


def _reductions(stored: Mapping[Place, Result], rows: Iterable[Row], average: Average | None) -> Iterator[Reduction]:
    """One for neighbouring rows of one base that is whitened to several numbers of dimensions."""
    if average is None:
        return
    for (label, _), group in groupby(rows, key=lambda row: (row.group, row.system.bases())):
        of_group = list(group)
        known = {row.system.kept: _average(stored, row, average) for row in of_group}
        whitened = {kept: score for kept, score in known.items() if kept and score is not None}
        if len(whitened) >= FEWEST:
            order = sorted(whitened, key=lambda kept: (kept == "full", len(kept), kept))
            yield Reduction(label, tuple(order), tuple(whitened[kept] for kept in order), known.get(""))


def _panels(curves: Sequence[tuple[Row, Curve]]) -> tuple[tuple[Curve, ...], ...]:
    """All in one panel; or, where they are too many, those of each model in one of its own, unless even these are."""
    if len(curves) <= CURVES:
        return (tuple(curve for _, curve in curves),)
    models: dict[tuple[str, ...], list[Curve]] = {}
    for row, curve in curves:
        models.setdefault(tuple(base.weights for base in row.system.bases()), []).append(curve)
    return tuple(tuple(of) for of in models.values() if len(of) <= CURVES)


def _curve(stored: Mapping[Place, Result], row: Row) -> Curve | None:
    """None where the spectrum is not stored, or the vectors are all the same and have none."""
    result = stored.get((row.slug, "isoscore"))
    if result is None or not result.items:
        return None
    values = tuple(unpack(result.items[0]).tolist())
    return Curve(row.label, row.system.legend, values) if values[0] > 0 else None


def _growth(stored: Mapping[Place, Result], row: Row, device: str) -> Growth | None:
    """None where the row was not timed on that device."""
    both, pairs = (stored.get((row.slug, f"{name}-{device}")) for name in ("seconds", "pairs"))
    if both is None or not both.items:
        return None
    sizes, encoding, search = (tuple(unpack(item).tolist()) for item in both.items)
    return Growth(row.label, sizes, encoding, search, pairs.value if pairs else None)
