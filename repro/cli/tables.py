"""What `repro table` and `repro demo` do: plan, compute, write and show a table. As commands.py."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from repro.cli.general import folder_of, suite_of
from repro.errors import ReproError
from repro.paths import output_file, output_folder

if TYPE_CHECKING:
    from collections.abc import Iterator

    from repro.evaluation.config import Options
    from repro.evaluation.plan import Plan
    from repro.tables.spec import Table

FIGURES = tuple(f".{name}.{form}" for name in ("geometry", "spectra") for form in ("svg", "png"))  # of figures.py


def table(arguments: argparse.Namespace) -> int:
    from repro import tables

    table = tables.get(arguments.id, arguments.suite).with_encoders(arguments.encoder).with_bases(arguments.base)
    paths = _run_table(table, arguments)
    if paths:
        print("wrote " + ", ".join(map(str, paths)))
    return 0


def demo(arguments: argparse.Namespace) -> int:
    from repro import tables

    written = [path for name in tables.TABLES for path in _run_table(tables.get(name, "mini"), arguments)]
    print(tables.demo.BANNER)
    print("wrote " + ", ".join(map(str, written)))
    return 0


def _run_table(table: Table, arguments: argparse.Namespace) -> list[Path]:
    """Plan, compute, write and show one table; the paths written."""
    from repro import tables
    from repro.evaluation import run
    from repro.evaluation.config import Options
    from repro.evaluation.plan import plan
    from repro.paths import locked, write_all
    from repro.reports import csv_lines, latex, markdown

    options = Options(
        suite=suite_of(arguments),
        rows=(*arguments.row, *(_added(table, arguments) if arguments.row else ())),
        tasks=_tasks(table, arguments),
        device=arguments.device,
        dtype=arguments.dtype,
        limit=arguments.limit,
        seeds=arguments.seeds,
        sample=arguments.sample,
        force=arguments.force,
    )
    paths = [folder_of(arguments) / f"{table.id}{options.variant}{suffix}" for suffix in (".md", ".csv", ".tex")]
    if not arguments.dry_run:
        _check(arguments, paths)
    planned, before = plan(table, options), _before(paths[1])
    if arguments.dry_run:
        _print_plan(planned)
    if not before and paths[0].exists():
        _without_numbers(paths[0], options)
    csv_lines.check_nothing_is_lost(planned, before)
    if arguments.dry_run:
        return []
    made = run.run(planned, _say, sys.stderr.isatty(), arguments.executor or "", arguments.jobs)
    for reason in dict.fromkeys(made.refused):
        _say(f"not run: {reason}")
    with locked(paths[1]):  # another run may have written since
        lines = csv_lines.lines_of(made, _before(paths[1]))
        table = csv_lines.rows_of(tables.get(table.id, arguments.suite), lines)
        texts = [write(table, lines) for write in (markdown.to_markdown, csv_lines.to_csv, latex.to_latex)]
        figures = {paths[0].with_suffix(suffix): content for suffix, content in _figures(made, lines)}
        in_order = sorted(zip(paths, texts, strict=True))  # the CSV first, which the others follow from
        write_all({**dict(in_order), **figures})
    left = [path.name for suffix in FIGURES if (path := paths[0].with_suffix(suffix)) not in figures and path.exists()]
    if left:
        _say(f"{table.id}: of an earlier run, and as they were: {', '.join(left)}")
    _show(table, lines, arguments.picture)
    return [*paths, *figures]


def _added(table: Table, arguments: argparse.Namespace) -> list[str]:
    """The rows that --encoder and --base stand for, those that the table has anyway among them."""
    from repro import tables

    own = {row.slug for row in tables.get(table.id, arguments.suite).rows}
    return [row.slug for row in table.rows if row.slug not in own or row.slug in arguments.encoder]


def _say(line: str) -> None:
    print(line, file=sys.stderr)


def _before(path: Path) -> list[dict[str, str]]:
    """The lines of the CSV file that a run is about to replace."""
    from repro.reports import csv_lines

    return csv_lines.from_csv(path) if path.is_file() else []


def _without_numbers(markdown: Path, options: Options) -> None:
    """A Markdown file without its CSV is replaced by a whole run, which is said, and not by a part."""
    why = f"{markdown} stands without the numbers of its {markdown.stem}.csv"
    if options.rows or options.tasks:
        raise ReproError(f"{why}; put that file back, run the whole table, or write to another folder with --out")
    _say(f"{why}; what it has beside this run's is not taken over")


def _print_plan(planned: Plan) -> None:
    for row, column in planned.pending:
        print(f"compute  {row.slug} × {column.slug}")
    for (row_slug, column_slug), needs in planned.lacking.items():
        print(f"compute  {row_slug} × {column_slug}, after a download of {', '.join(need.what for need in needs)}")
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
        output_file(arguments.picture, paths)
    if arguments.executor:
        from repro.evaluation.executors import executor_of

        executor_of(arguments.executor)


def _figures(made: Plan, lines: list[dict[str, str]]) -> Iterator[tuple[str, bytes]]:
    """The figures of a table with geometry, unless the results of some numbers in it are not on this machine."""
    columns = {column.slug for column in made.table.scored()}
    places = [(line["row"], line["column"]) for line in lines if line["value"] and line["column"] in columns]
    if not any(column.task == "geometry" for column in made.table.scored()):
        return
    if any(place not in made.stored for place in places):
        print(f"{made.table.id}: figures not drawn; only a part of the numbers was computed here", file=sys.stderr)
        return
    from repro.reports import figures

    yield from figures.figures(made)


def _tasks(table: Table, arguments: argparse.Namespace) -> tuple[str, ...]:
    """Columns asked for by name, by probe, or both; none: all."""
    from repro.tasks import TASKS

    if arguments.probe is None:
        return tuple(arguments.task)
    columns = table.pick_columns(arguments.task)
    found = [c.slug for c in columns if TASKS[c.task].protocol(c.metric).get("probe") == arguments.probe]
    if not found:
        raise ReproError(f"{table.id} has no column of the probe {arguments.probe} among those asked for")
    return tuple(found)


def _show(table: Table, lines: list[dict[str, str]], picture: Path | None) -> None:
    """The measured rows of the first section that has any, in the terminal, and as an SVG picture where asked for."""
    from rich.console import Console

    from repro.paths import write_atomic
    from repro.reports.terminal import grid

    measured = {line["column"] for line in lines if line["value"]}
    sections = [part for part in table.sections() if measured & {column.slug for column in part.columns}]
    if not sections:
        print(f"{table.id}: nothing could be measured here; the .md file says why")
        return
    first, *others = sections
    shown, hidden = grid(first, lines)
    width = None if sys.stdout.isatty() else 140
    console = Console(file=sys.stdout, width=width, record=picture is not None)  # named, rich asks for its encoding
    console.print(shown)
    if others:
        print("in the .md file also: " + "; ".join(part.columns[0].section for part in others))
    if picture is not None:
        write_atomic(picture, console.export_svg(title=table.command))
    if any(line["delta"] for line in lines):
        print("measured, and below it the difference to the published number with its verdict")
    if hidden:
        print(f"{hidden} rows were not run; the .md file says why")
