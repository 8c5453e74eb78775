"""`repro doctor`: what is installed and present, and which rows of each table could run now."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from repro import revisions
from repro.checksums import reading_only
from repro.data import registry
from repro.encoders import packages, trained_here, zoo
from repro.encoders.recipe import BaseRecipe
from repro.errors import NotAvailable, ReproError
from repro.evaluation.downloads import moved
from repro.evaluation.suite import Suite
from repro.evaluation.system import System
from repro.hub import hub_answers
from repro.hub_cache import cache_folder
from repro.paths import home
from repro.tables import TABLES
from repro.tables.spec import Row, Table
from repro.tasks import TASKS
from repro.version import __version__

LIBRARIES = (
    "torch",
    "transformers",
    "tokenizers",
    "numpy",
    "scipy",
    "scikit-learn",
    "huggingface-hub",
    "pooch",
    "datasets",
)
CONSTRAINTS = Path(__file__).parents[2] / "constraints.txt"
HUB = {True: "answers", False: "does not answer, or may not be asked", None: "was not asked; --ask-hub does"}


def examine(suite: Suite, ask_hub: bool = False) -> dict[str, Any]:
    """Everything the command prints, JSON-ready: nothing is downloaded or written.

    `ask_hub`: see whether the hub answers, and whether main is still what is pinned; otherwise nothing is connected to.
    """
    hub: bool | None = False if suite.offline else None
    if ask_hub and not suite.offline:
        hub = hub_answers()
    with reading_only():
        return _examined(suite, hub)


def _examined(suite: Suite, hub: bool | None) -> dict[str, Any]:
    return {
        "repro": __version__,
        "python": platform.python_version(),
        "libraries": libraries(),
        "devices": devices(),
        "folders": {str(folder): size_of(folder) for folder in folders()},
        "data": {name: suite.present(name) for name in registry.datasets()},
        "hub answers": hub,
        "pinned": revisions.pins(),
        "moved": list(moved([recipe.plain for recipe in zoo.ZOO.values()])) if hub else [],
        "tables": {name: rows_that_can_run(name, suite, hub) for name in TABLES},
    }


def libraries() -> dict[str, dict[str, str]]:
    """Installed version of each library, and the tested one where constraints.txt is at hand and says another."""
    tested = {}
    if CONSTRAINTS.is_file():
        pins = [line.split(";")[0].strip().split("==") for line in CONSTRAINTS.read_text().splitlines() if "==" in line]
        tested = {name.lower().replace("_", "-"): pin for name, pin in pins}
    found = {}
    for name in LIBRARIES:
        try:
            installed = version(name)
        except PackageNotFoundError:
            installed = "missing"
        entry = {"installed": installed}
        if name in tested and tested[name] != installed.split("+")[0]:
            entry["tested"] = tested[name]
        found[name] = entry
    return found


def devices() -> dict[str, dict[str, bool]]:
    """Devices that torch can use, and whether each computes float32 and bfloat16 in hardware."""
    import torch

    from repro.training.trainer import native_dtype  # brings torch

    there = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    return {name: {"float32": True, "bfloat16": native_dtype(name) == "bfloat16"} for name, has in there.items() if has}


def folders() -> list[Path]:
    """Where fetched data, results, embeddings and weights are kept."""
    return [*(home() / name for name in ("data", "results", "embeddings", "weights")), cache_folder()]


def size_of(folder: Path) -> int:
    """Bytes below a folder, links not followed; 0 when it is not there."""
    return sum(os.lstat(Path(top) / name).st_size for top, _, names in os.walk(folder) for name in names)


def rows_that_can_run(table_id: str, suite: Suite, hub: bool | None) -> dict[str, str]:
    """For each row: `yes`, `after a download`, or why not; and of which data sets it has no column."""
    table = TABLES[table_id]
    return {row.slug: _readiness(row.system, _scored_on(table, row), suite, hub) for row in table.rows}


def _scored_on(table: Table, row: Row) -> list[str]:
    """The data sets of the columns that make sense for a row."""
    columns = (column for column in table.scored() if not row.system.absent(column.slug))
    return list(dict.fromkeys(TASKS[column.task].dataset for column in columns))


def _readiness(system: System, scored_on: Sequence[str], suite: Suite, hub: bool | None) -> str:
    """Whether the system's files are there, the data sets that it is trained or fitted on, and those of its columns."""
    if system.nothing:
        return system.nothing
    states = [_vectors(base, suite) if base.in_data_folder else _weights(base, hub) for base in system.bases()]
    state = next((state for state in states if state != "yes"), "yes")
    lacking = {name: _lost(name, suite, hub) for name in (*system.sets(), *scored_on) if not suite.present(name)}
    lost = [name for name, hopeless in lacking.items() if hopeless]
    if state == "yes" and len(lost) < len(lacking):
        state = "after a download"
    elif state == "yes" and system.training_sets():
        state = f"by training {system.seeds} time{'s' * (system.seeds > 1)}"
    if not lost:
        return state
    if set(lost) < set(scored_on) and set(lost).isdisjoint(system.sets()):  # the other columns can run
        return f"{state}; not the columns of {', '.join(lost)}, whose data are not here and cannot be had now"
    named = f"the data set {lost[0]} is" if len(lost) == 1 else f"the data sets {', '.join(lost)} are"
    why = f"{named} not here and cannot be had now"
    return why if state in ("yes", "after a download") else f"{state}; {why}"


def _lost(dataset: str, suite: Suite, hub: bool | None) -> bool:
    """Whether a data set that is not here cannot be had now."""
    return not suite.can_fetch(dataset) or (registry.dataset(dataset).from_hub and hub is False)


def _weights(recipe: BaseRecipe, hub: bool | None) -> str:
    try:
        zoo.locate(recipe, offline=True)
    except NotAvailable as error:
        if recipe.weights in trained_here.MADE_BY:
            return str(error)
        no_hub = "weights not on this machine, and the hub is not asked or does not answer"
        state = no_hub if hub is False else "after a download"
        return "; ".join(filter(None, (state, packages.hint(recipe.weights, recipe.revision))))
    except ReproError as error:  # here, and wrong
        return str(error)
    return "yes"


def _vectors(recipe: BaseRecipe, suite: Suite) -> str:
    try:
        zoo.locate(recipe, suite.root, offline=True)
    except NotAvailable as error:
        return "after `repro fetch`" if registry.of_vectors(recipe.weights) else str(error)
    except ReproError as error:  # here, and wrong
        return str(error)
    return "yes"


def as_text(found: dict[str, Any]) -> str:
    """The findings for a person to read."""
    out = [f"repro {found['repro']}, Python {found['python']}", "", "Libraries"]
    for name, entry in found["libraries"].items():
        out.append(
            f"  {name:16} {entry['installed']}" + (f"  (tested with {entry['tested']})" if "tested" in entry else "")
        )
    out += ["", "Devices"]
    for name, kinds in found["devices"].items():
        slow = [kind for kind, fast in kinds.items() if not fast]
        out.append(f"  {name:16} float32, bfloat16" + (f"  ({', '.join(slow)} emulated, slower)" if slow else ""))
    out += ["", "Folders"]
    out += [f"  {folder:40} {size / 1e6:9.1f} MB" for folder, size in found["folders"].items()]
    out += ["", "Data sets"]
    out += [f"  {name:16} {'present' if there else 'not fetched'}" for name, there in found["data"].items()]
    out += ["", f"Model hub {HUB[found['hub answers']]}"]
    out += found["moved"]
    if found["pinned"]:
        out += ["", "Pinned here at the first download; `repro fetch --lock FILE` shares them"]
        out += [f"  {name:60} {commit}" for name, commit in found["pinned"].items()]
    for table, rows in found["tables"].items():
        out += ["", f"Rows of {table} that can run now"]
        out += [f"  {row:34} {state}" for row, state in rows.items()]
    return "\n".join(out)
