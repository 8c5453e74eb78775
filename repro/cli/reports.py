"""What `repro report` and `repro summary` make of the CSV files of tables that were written before."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from repro.cli.general import folder_of
from repro.errors import ReproError

if TYPE_CHECKING:
    from repro.results.csv_lines import Line


def report(arguments: argparse.Namespace) -> int:
    """Write the text files of tables again, each table's from its CSV file; or pages to look at."""
    if arguments.html:
        return _site(arguments)
    if arguments.site is not None:
        raise ReproError("--site is where the pages go; it goes with --html")
    from repro.reports.facts import write
    from repro.reports.formats import write_again
    from repro.tables import FACTS, named

    folder = folder_of(arguments)
    facts = written_facts(folder) if arguments.suite == "paper" else []
    for name in arguments.ids or [*written(folder), *facts]:
        if name in facts:
            paths = write(FACTS[name], folder)
        else:
            paths = write_again(named(name, arguments.suite), folder / f"{name}.csv")
        print("wrote " + ", ".join(map(str, paths)))
    return 0


def _site(arguments: argparse.Namespace) -> int:
    """Write the site of all tables: of both suites, or of `mini` alone."""
    from repro.data.registry import SUITES
    from repro.reports.site.write import write_site

    if arguments.ids:
        raise ReproError(f"the pages are of all tables; leave out {arguments.ids[0]}")
    suites = SUITES if arguments.suite == "paper" else (arguments.suite,)
    print(f"wrote {write_site(arguments.out, arguments.site or Path('site'), suites)}; open it in a browser")
    return 0


def summary(arguments: argparse.Namespace) -> int:
    """Print one page on the written tables, as Markdown."""
    from repro.reports.layout import laid_out
    from repro.reports.summary import to_summary
    from repro.tables import named

    folder, before = folder_of(arguments), arguments.before
    if before is not None and not before.is_dir():
        raise ReproError(f"{before} is not a folder; name the one that holds the tables of the run before")
    if before is not None and arguments.suite != "paper" and (before / arguments.suite).is_dir():
        before = before / arguments.suite  # named as --out is
    tables = {}
    for name in arguments.ids or written(folder):
        table = named(name, arguments.suite)
        now, then = (place / f"{name}.csv" if place else None for place in (folder, before))
        assert now is not None
        earlier = _earlier(then, name) if then is not None and then.is_file() else []
        tables[name] = (table, laid_out(table, now).lines, earlier)
    print(to_summary(tables), end="")
    return 0


def _earlier(path: Path, name: str) -> list[Line]:
    """The lines of a table that a run before wrote; ReproError where the file has none of it."""
    from repro.published.against import baseline

    if name in (found := baseline(path)):
        return found[name]
    raise ReproError(f"{path} has lines of {', '.join(found)} and none of {name}; take the file as it was written")


def written(folder: Path) -> list[str]:
    """The tables that have a CSV file in the folder; ReproError where none has."""
    from repro.tables import TABLES

    names = [name for name in TABLES if (folder / f"{name}.csv").is_file()]
    if not names:
        raise ReproError(f"{folder} holds no written table; write one with `repro table sbert-1`")
    return names


def written_facts(folder: Path) -> list[str]:
    """The tables of facts that have a CSV file in the folder."""
    from repro.tables import FACTS

    return [name for name in FACTS if (folder / f"{name}.csv").is_file()]
