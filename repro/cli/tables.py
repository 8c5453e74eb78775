"""What `repro table` does: plan, compute, write and show a table."""

from __future__ import annotations

import argparse
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from repro.cli.bar import listening
from repro.cli.general import files_of, folder_of, suite_of
from repro.errors import ReproError
from repro.paths import output_file, output_folder

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.table import Table as Grid

    from repro.evaluation.config import Options
    from repro.evaluation.executors import Cluster
    from repro.evaluation.plan import Plan
    from repro.reports.layout import Layout
    from repro.results.csv_lines import Line
    from repro.tables.facts import Facts
    from repro.tables.spec import Table


# options that mean nothing to a table of facts
ABOUT_NUMBERS = ("row", "light", "encoder", "task", "probe", "limit", "base", "seeds", "sample", "force", "picture")


def table(arguments: argparse.Namespace) -> int:
    from repro import tables

    if arguments.id in tables.FACTS and arguments.suite == "paper":
        return _write_facts(tables.FACTS[arguments.id], arguments)
    table = tables.get(arguments.id, arguments.suite)
    table.refuse_trained(arguments.encoder)
    table = table.with_encoders(arguments.encoder).with_bases(arguments.base)
    finished = run_table(table, arguments)
    if finished is not None:
        _show(finished.layout, arguments.picture)
        print("wrote " + ", ".join(map(str, finished.paths)))
    return 0


def _write_facts(table: Facts, arguments: argparse.Namespace) -> int:
    """Write a table of which nothing is measured; what would choose, change or show numbers is refused."""
    from repro.reports.facts import texts, write

    without_meaning = [name for name in ABOUT_NUMBERS if getattr(arguments, name)]
    if without_meaning:
        raise ReproError(f"nothing in {table.id} is measured; leave out --{without_meaning[0]}")
    if arguments.dry_run:
        print(f"nothing in {table.id} is measured: 0 cells to compute")
    else:
        _check(arguments, list(texts(table, arguments.out)))
        print("wrote " + ", ".join(map(str, write(table, arguments.out))))
    return 0


@dataclass(frozen=True)
class Run:
    """A table that was written: what it shows, its files, and how long it took."""

    layout: Layout
    paths: list[Path]
    seconds: float


def run_table(table: Table, arguments: argparse.Namespace, shown: bool = True) -> Run | None:
    """Plan, compute and write one table; None where it was only planned. `shown`: how it goes, on standard error."""
    from repro import tables
    from repro.evaluation import run, written
    from repro.evaluation.config import Options
    from repro.evaluation.plan import plan
    from repro.evaluation.significance import keep_tests
    from repro.paths import locked, write_all
    from repro.reports.figures import SUFFIXES
    from repro.reports.formats import files, texts
    from repro.reports.layout import lay_out

    start = time.perf_counter()
    options = Options(
        suite=suite_of(arguments),
        rows=_rows(table, arguments),
        tasks=_tasks(table, arguments),
        device=arguments.device,
        dtype=arguments.dtype,
        limit=arguments.limit,
        seeds=arguments.seeds,
        sample=arguments.sample,
        force=arguments.force,
    )
    _check_cuts(table, options)
    table = table.of_run(options.variant)
    csv_path = folder_of(arguments) / f"{table.id}{options.variant}.csv"
    others = [path for path in files(csv_path).values() if path != csv_path]
    if not arguments.dry_run:
        _check(arguments, [csv_path, *others])
    planned, before = plan(table, options), _before(csv_path)
    if arguments.dry_run:
        _print_plan(planned)
    if not before:
        _without_numbers([path for path in others if path.exists()], csv_path, options)
    written.check_nothing_is_lost(planned, before)
    if arguments.dry_run:
        return None
    with listening(shown):
        finished = run.run(planned, _say, _cluster(arguments))
    for reason in dict.fromkeys(finished.refused):
        _say(f"not run: {reason}")
    with locked(csv_path):  # another run may have written since
        lines = written.lines_of(finished, _before(csv_path))
        layout = lay_out(tables.get(table.id, arguments.suite).of_run(options.variant), lines)
        figures = dict(_figures(finished, lines, csv_path))
        contents: dict[Path, str | bytes] = {**texts(layout, csv_path), **figures}
        write_all(contents)
    if not options.variant:
        keep_tests(finished)
    ours = map(csv_path.with_suffix, SUFFIXES)
    if left := [path.name for path in ours if path not in figures and path.exists()]:
        _say(f"{table.id}: of an earlier run, and as they were: {', '.join(left)}")
    return Run(layout, list(contents), time.perf_counter() - start)


def _rows(table: Table, arguments: argparse.Namespace) -> tuple[str, ...]:
    """The rows asked for; none: all. Those of --encoder are, and of a --base all, or what is named of them."""
    if arguments.light and arguments.row:
        raise ReproError("--light chooses the rows; leave out --row")
    if not arguments.light:
        return (*arguments.row, *(_added(table, arguments) if arguments.row else ()))
    from repro.evaluation.light import light_rows

    if not (rows := light_rows(table)):
        raise ReproError(f"{table.id} has no row that a machine without a GPU measures in an hour; leave out --light")
    return tuple(rows)


def _added(table: Table, arguments: argparse.Namespace) -> list[str]:
    """The rows that --encoder and --base stand for, those that the table has anyway among them; of a base of which
    some are named, none."""
    from repro import tables

    own = {row.slug for row in tables.get(table.id, arguments.suite).rows}
    chosen = tuple(f"{base}:" for base in arguments.base if any(row.startswith(f"{base}:") for row in arguments.row))
    added = [row.slug for row in table.rows if row.slug not in own or row.slug in arguments.encoder]
    return [slug for slug in added if not slug.startswith(chosen)]


def _check_cuts(table: Table, options: Options) -> None:
    """Refuse --sample, --seeds and --dtype where they change no row that was asked for: the files would say so."""
    from repro.evaluation.config import DTYPES

    systems = [row.system for row in table.pick_rows(options.rows)]
    if options.sample and not any(system.trained for system in systems):
        raise ReproError(f"{table.id} trains none of the rows that were asked for; leave out --sample")
    if options.seeds and not any(system.seeded for system in systems):
        raise ReproError(f"{table.id} trains or draws none of the rows that were asked for; leave out --seeds")
    stated = [system.stated(column.slug, options) for system in systems for column in table.scored()]
    precisions = {about["dtype"] for about in stated if about is not None}
    if precisions and DTYPES[options.dtype] not in precisions:
        raise ReproError(
            f"{table.id} computes none of the rows that were asked for in {options.dtype}; leave out --dtype"
        )


def _cluster(arguments: argparse.Namespace) -> Cluster | None:
    """Where the units run; None for this process."""
    from repro.evaluation.executors import Cluster

    if arguments.slurm and arguments.executor != "slurm":
        raise ReproError("--slurm goes with --executor slurm")
    if arguments.jobs and not arguments.executor:
        raise ReproError("--jobs goes with --executor, which runs the units")
    if not arguments.executor:
        return None
    return Cluster(arguments.executor, arguments.jobs or 1, tuple(filter(None, arguments.slurm.split(","))))


def _say(line: str) -> None:
    print(line, file=sys.stderr)


def _before(path: Path) -> list[Line]:
    """The lines of the CSV file that a run is about to replace."""
    from repro.results.csv_lines import from_csv

    return from_csv(path) if path.is_file() else []


def _without_numbers(others: list[Path], csv_path: Path, options: Options) -> None:
    """Files that stand without their CSV are replaced by a whole run, which is said, and not by a part."""
    if not others:
        return
    why = f"{others[0]} stands without the numbers of its {csv_path.name}"
    if options.rows or options.tasks:
        raise ReproError(f"{why}; put that file back, run the whole table, or write to another folder with --out")
    _say(f"{why}; what it has beside this run's is not taken over")


def _print_plan(planned: Plan) -> None:
    for row, column in planned.pending:
        print(f"compute  {row.slug} × {column.slug}")
    for (row_slug, column_slug), needs in planned.lacking.items():
        print(f"compute  {row_slug} × {column_slug}, after a download of {', '.join(map(str, needs))}")
    for (row_slug, column_slug), why in planned.why_not.items():
        print(f"not-run  {row_slug} × {column_slug}: {why}")
    count = len(planned.pending) + len(planned.lacking)
    print(f"{len(planned.stored)} cells stored, {count} to compute, {len(planned.why_not)} not run")


def _check(arguments: argparse.Namespace, paths: list[Path]) -> None:
    """Refuse what cannot be written or handed on before anything is computed."""
    for folder in (arguments.out, folder_of(arguments)):
        output_folder(folder)
    for path in paths:
        output_file(path)
    if arguments.picture is not None:
        read = [path for name in (*arguments.encoder, *arguments.base) for path in files_of(name)]
        output_file(arguments.picture, [*paths, *read])
    if (cluster := _cluster(arguments)) is not None:
        cluster.executor()


def _figures(finished: Plan, lines: list[Line], csv_path: Path) -> Iterator[tuple[Path, bytes]]:
    """The figures that the table gives, but for those of which some results in the file are not on this machine."""
    from repro.reports import figures
    from repro.reports.plots import columns_of, plots

    table, whole = finished.table, True
    shown = {(line["row"], line["column"]) for line in lines if line["value"]}
    for plot in plots(table, finished.stored):
        columns = columns_of(plot, table)
        if all(place in finished.stored for place in shown if place[1] in columns):
            yield from figures.files(plot, csv_path)
        else:
            whole = False
    if not whole:
        print(f"{table.id}: figures not drawn; only a part of the numbers was computed here", file=sys.stderr)


def _tasks(table: Table, arguments: argparse.Namespace) -> tuple[str, ...]:
    """Columns asked for by name, by probe, or both; none: all."""
    from repro.tasks import TASKS

    if arguments.probe is None:
        return tuple(arguments.task)
    columns = table.pick_columns(arguments.task)
    slugs = [c.slug for c in columns if TASKS[c.task].protocol(c.metric).get("probe") == arguments.probe]
    if not slugs:
        raise ReproError(f"{table.id} has no column of the probe {arguments.probe} among those asked for")
    return tuple(slugs)


def print_grid(grid: Grid, picture: Path | None, title: str) -> None:
    """In the terminal, and as an SVG picture where asked for."""
    from rich.console import Console

    from repro.paths import write_atomic

    width = None if sys.stdout.isatty() else 140
    console = Console(file=sys.stdout, width=width, record=picture is not None)  # named, rich asks for its encoding
    console.print(grid)
    if picture is not None:
        write_atomic(picture, console.export_svg(title=title))


def _show(layout: Layout, picture: Path | None) -> None:
    """The measured rows of the first section that has any, in the terminal, and as an SVG picture where asked for."""
    from repro.reports.terminal import grid

    sections = [section for section in layout.sections if any(row.measured for row in section.rows)]
    if not sections:
        print(f"{layout.table.id}: nothing could be measured here; the .md file says why")
        return
    first, *others = sections
    print_grid(grid(layout, first), picture, layout.table.command)
    if others:
        print("in the .md file also: " + "; ".join(section.title for section in others))
    if any(cell.delta is not None for section in sections for row in section.rows for cell in row.cells):
        print("measured, and below it the difference to the published number with its verdict")
    measured = {row.slug for section in sections for row in section.rows if row.measured}
    if len(measured) < len(layout.table.rows):
        print(f"{len(layout.table.rows) - len(measured)} rows were not run; the .md file says why")
