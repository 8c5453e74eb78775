"""What `repro claims` prints and writes: how the papers' findings fare, on their own numbers and on measured ones."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from repro.cli.reports import written
from repro.errors import ReproError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.table import Table as Grid

    from repro.published.comparisons import Claim
    from repro.published.outcomes import Finding
    from repro.tables.spec import Table

PIPED = 160  # columns where the output is no terminal


def claims(arguments: argparse.Namespace) -> int:
    """Print how each finding fares, of tables that are named each comparison too; write the page where it is asked for.

    1 when one does not hold on the published numbers, and the claim does not say why.
    """
    from repro import tables
    from repro.evaluation.config import Options
    from repro.evaluation.plan import plan
    from repro.evaluation.suite import Suite
    from repro.paths import output_folder, write_all
    from repro.published.claims import CLAIMS
    from repro.published.findings import of_table, unexpected
    from repro.published.outcomes import LEGEND
    from repro.reports.claims.page import files
    from repro.reports.layout import laid_out
    from repro.reports.terminal import claims_grid

    known = list(dict.fromkeys(claim.table for claim in CLAIMS))
    for name in arguments.ids:
        if name not in known:
            raise ReproError(f"{name!r} is not a table with claims; there are: {', '.join(known)}")
    if arguments.page is not None:
        if arguments.ids:
            raise ReproError(f"the page is of all claims; leave out {arguments.ids[0]}")
        output_folder(arguments.page)
    if arguments.page is not None or arguments.out != Path("tables"):  # without tables the published numbers are held
        written(arguments.out)  # refuses a folder without tables: of a mistyped one nothing would be measured
    for name in arguments.ids or known:
        if (path := arguments.out / f"{name}.csv").is_file():
            laid_out(tables.get(name), path)  # of half a file the other half would be `not measured`
    found = []
    for name in arguments.ids or known:
        table = tables.get(name)
        planned = plan(table, Options(suite=Suite(offline=True))) if arguments.ids else None  # for tests, shown below
        found += [(table, claim, findings) for claim, findings in of_table(table, arguments.out, planned)]
    fared = [(claim, findings) for _, claim, findings in found]
    _print(claims_grid(fared))
    print(LEGEND)
    for table, claim, findings in found if arguments.ids else ():
        _print_comparisons(table, claim, findings)
    if arguments.page is not None:
        contents = {arguments.page / name: content for name, content in files(fared, arguments.out).items()}
        write_all(contents)
        print("wrote " + ", ".join(map(str, contents)))
    return 1 if unexpected(fared) else 0


def _print_comparisons(table: Table, claim: Claim, findings: Sequence[Finding]) -> None:
    """Those of the paper beside those of its stand-ins, then the other models."""
    from repro.published.claims import BASE
    from repro.published.findings import PUBLISHED
    from repro.reports.terminal import comparisons_grid

    beside = [finding for finding in findings if finding.source in (PUBLISHED, BASE)]
    print(f"\n{claim.table}: {claim.sentence}")
    drawn = comparisons_grid(claim, table, *beside)
    if drawn.row_count:
        _print(drawn)
    for finding in beside:
        print("\n    ".join([f"  {finding.source}: {finding.summary}", *finding.apart]))
    for finding in findings:
        if finding not in beside:
            print(f"  {finding}")


def _print(drawn: Grid) -> None:
    from rich.console import Console

    Console(file=sys.stdout, width=None if sys.stdout.isatty() else PIPED).print(drawn)
