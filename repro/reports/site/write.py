"""Writes the site: every page is made before the first is written, and the folder appears with one rename."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib.resources import files
from pathlib import Path

from repro.data.registry import SUITES
from repro.errors import ReproError
from repro.evaluation.plan import Plan
from repro.paths import new_folder
from repro.published.findings import Fared
from repro.reports.facts import cells, to_csv
from repro.reports.site import pages
from repro.reports.site.shown import Shown, facts_of, of_suites
from repro.reports.site.stored import CORES, Stored, Tests, findings, start_tests
from repro.tables.facts import Facts

LISTING = ".repro-site"  # names the files of a site, one a line: a folder that has others is not one of ours
STATIC = ("style.css", "site.js", "table.js", "compare.js")


def write_site(out: Path, site: Path, suites: Sequence[str] = SUITES) -> Path:
    """Write the pages of all tables below `out` to the folder `site`, which may hold an older site; the start page.

    Nothing is measured, fetched or trained. ReproError where there is no table, or `site` is not a site of this suite.
    """
    check_ours(site)
    facts = facts_of(out) if "paper" in suites else []
    contents = contents_of(of_suites(out, suites), facts)
    with new_folder(site, replace=True) as folder:
        for name, content in contents.items():
            (folder / name).parent.mkdir(exist_ok=True)
            (folder / name).write_bytes(content)
        (folder / LISTING).write_text("".join(f"{name}\n" for name in sorted(contents)), encoding="utf-8")
    return site / "index.html"


def check_ours(site: Path) -> None:
    """ReproError where something else than a site of this suite, or an empty folder, has that name."""
    if site.is_symlink() or (site.exists() and not site.is_dir()):
        raise ReproError(f"{site} is no folder; name another with --site")
    if not site.exists():
        return
    there = {path.relative_to(site).as_posix() for path in site.rglob("*") if not path.is_dir()}
    listing = site / LISTING
    ours = set(listing.read_text(encoding="utf-8", errors="replace").splitlines()) if listing.is_file() else set()
    if others := sorted(there - ours - {LISTING}):
        raise ReproError(f"{site} holds {others[0]}, which is of no site of this suite; name another with --site")


def contents_of(suites: dict[str, list[Shown]], facts: Sequence[Facts]) -> dict[str, bytes]:
    """The content of every file of the site, by its name in the folder."""
    templates = pages.environment()
    contents = {name: files("repro.reports.site").joinpath(name).read_bytes() for name in STATIC}
    claims: dict[Shown, Fared] = {}
    threads = ThreadPoolExecutor(CORES)
    try:
        for shown, planned, tests in _started(suites, threads):
            folder = Path(shown.page).parent
            compared = pages.compare_page(templates, shown, tests())  # the claims' tests are among them
            contents[str(folder / f"{shown.table.id}.compare.html")] = compared.encode()
            claims[shown] = findings(shown, planned)
            contents[shown.page] = pages.table_page(templates, shown, claims[shown]).encode()
            for path in (shown.csv, *shown.figures):
                contents[str(folder / path.name)] = path.read_bytes()
    finally:
        threads.shutdown(cancel_futures=True)
    for table in facts:
        contents[f"{table.id}.html"] = pages.facts_page(templates, table).encode()
        contents[f"{table.id}.csv"] = to_csv(cells(table)).encode()
    contents["index.html"] = pages.start_page(templates, suites, facts, claims).encode()
    return contents


def _started(
    suites: dict[str, list[Shown]], threads: ThreadPoolExecutor
) -> list[tuple[Shown, Plan, Callable[[], Tests]]]:
    """Every written table with its plan, and its tests as they are being made."""
    started = []
    for suite, tables in suites.items():
        stored = Stored(suite)
        for shown in tables:
            if shown.layout is not None:
                planned = stored.plan(shown)
                started.append((shown, planned, start_tests(planned, threads)))
    return started
