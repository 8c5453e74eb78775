"""What `repro demo` does: every table on the embedded data set, as many at a time as the cores allow."""

from __future__ import annotations

import argparse
import io
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stderr

from repro import progress
from repro.cli.bar import listening
from repro.cli.general import folder_of
from repro.cli.streams import notices
from repro.cli.tables import Run, print_grid, run_table
from repro.errors import ReproError
from repro.paths import output_file

AT_A_TIME = 4  # tables at most: each process holds libraries and a model


def demo(arguments: argparse.Namespace) -> int:
    from repro import tables
    from repro.reports.terminal import overview

    if arguments.picture is not None:
        output_file(arguments.picture)
    timed = [name for name in tables.TABLES if tables.get(name, "mini").times]
    others = [name for name in tables.TABLES if name not in timed]
    runs = dict(zip(others, side_by_side(others, arguments), strict=True))
    runs |= {name: run_table(tables.get(name, "mini"), arguments) for name in timed}
    finished = [run for name in tables.TABLES if (run := runs[name])]
    print_grid(overview([(run.layout, run.seconds) for run in finished]), arguments.picture, "make demo")
    print(f"{tables.demo.BANNER}\nwrote {sum(len(run.paths) for run in finished)} files to {folder_of(arguments)}")
    return 0


def side_by_side(names: Sequence[str], arguments: argparse.Namespace) -> Iterator[Run | None]:
    """The runs of the tables, in order, by processes that share the cores and whatever the others have stored."""
    from concurrent.futures.process import BrokenProcessPool

    from joblib import Parallel, cpu_count, delayed

    work = Parallel(n_jobs=min(AT_A_TIME, cpu_count()), batch_size=1, return_as="generator")
    try:
        with _without_warnings(), listening(), progress.step(len(names), "tables") as step:
            for name, (run, said) in zip(names, work(delayed(_table)(name, arguments) for name in names), strict=True):
                progress.at(f"{step.done + 1:.0f} of {len(names)}: {name}")
                print(said, end="", file=sys.stderr)
                step.advance()
                yield run
    except BrokenProcessPool:
        raise ReproError(
            "a process that writes tables died, for want of memory perhaps; run it again: what is stored is kept"
        ) from None


@contextmanager
def _without_warnings() -> Iterator[None]:
    """What is started warns of nothing, unless Python was asked for it: a helper of joblib would, at an interrupt."""
    if "PYTHONWARNINGS" in os.environ:
        yield
        return
    os.environ["PYTHONWARNINGS"] = "ignore"
    try:
        yield
    finally:
        del os.environ["PYTHONWARNINGS"]


def _table(name: str, arguments: argparse.Namespace) -> tuple[Run | None, str]:
    """In a process of its own: the run of a table, and what it says on standard error."""
    from repro import tables

    with redirect_stderr(io.StringIO()) as said, notices():
        run = run_table(tables.get(name, "mini"), arguments, shown=False)
    return run, said.getvalue()
