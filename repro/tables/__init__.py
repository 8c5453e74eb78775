"""The published tables, one module each: a module of this folder that defines `TABLE` is one, and is listed nowhere.

One that defines `FACTS` is a table of facts: nothing in it is measured (facts.py).
"""

from __future__ import annotations

import pkgutil
import re
from importlib import import_module
from types import ModuleType

from repro.errors import ReproError
from repro.tables import demo
from repro.tables.facts import Facts
from repro.tables.spec import Table

# the order in which they are listed; any other paper comes after
PAPERS = ("sbert", "whitening", "flow", "simcse", "senteval")


def discover() -> dict[str, Table]:
    """Every table by its id, paper after paper and each paper's by number."""
    tables: list[Table] = [module.TABLE for module in _modules() if hasattr(module, "TABLE")]
    return {table.id: table for table in sorted(tables, key=_position)}


def _modules() -> list[ModuleType]:
    return [_module(module.name) for module in pkgutil.iter_modules(__path__)]


def _module(name: str) -> ModuleType:
    try:
        return import_module(f"{__name__}.{name}")
    except (ReproError, TypeError, LookupError) as error:  # a slip in a table of one's own
        raise ReproError(f"repro/tables/{name}.py: {type(error).__name__}: {error}; correct the module") from error


def _position(table: Table | Facts) -> tuple[int, str, bool, str]:
    """By paper; within it, tables with a number before those with a letter (appendices)."""
    paper, _, number = table.id.partition("-")
    known = PAPERS.index(paper) if paper in PAPERS else len(PAPERS)
    return known, paper, not number.isdigit(), number.zfill(3)


TABLES = discover()
FACTS: dict[str, Facts] = {module.FACTS.id: module.FACTS for module in _modules() if hasattr(module, "FACTS")}


def listed() -> list[Table | Facts]:
    """Every table, those of facts among the others."""
    return sorted([*TABLES.values(), *FACTS.values()], key=_position)


def get(table_id: str, suite: str = "paper") -> Table:
    """The table of that id, with the embedded set's rows in the suite `mini`; ReproError lists the ids there are."""
    if table_id not in TABLES:
        if table_id in FACTS:
            raise ReproError(f"nothing in {table_id} is measured; `repro table {table_id}` writes it as it is")
        raise ReproError(f"{table_id!r} is not a table; there are: {', '.join(TABLES)}")
    return TABLES[table_id] if suite == "paper" else demo.embedded(TABLES[table_id])


def named(name: str, suite: str = "paper") -> Table:
    """The table whose files have that name: `sbert-1`, or `sbert-1.limit-50` as a run that was cut short wrote it.

    ReproError as of `get`, and where a part of the name is no part of a file's.
    """
    table_id, _, variant = name.partition(".")
    if not re.fullmatch(r"[\w.-]*", variant):
        raise ReproError(f"{name!r} is not a table; a run that was cut short is named as its file, sbert-1.limit-50")
    return get(table_id if table_id else name, suite).of_run(variant)
