"""The house: which room may import which, who prints, how long a file may be, and what README's map says of it.

The graph of imports is grimp's. An import inside a function or for type checkers alone is an import too.
"""

from __future__ import annotations

import ast
import re
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import grimp
import pytest

import repro

ROOT = Path(__file__).parents[1]
PACKAGE = Path(repro.__file__).parent
GRAPH = grimp.build_graph("repro", cache_dir=None)
IMPORTS = {module: GRAPH.find_modules_directly_imported_by(module) for module in GRAPH.modules}
ROOMS = {path.parent.name for path in PACKAGE.glob("*/__init__.py")}
TOP_LEVEL = {path.name for path in PACKAGE.glob("*.py")} - {"__init__.py"}
BELOW = {"errors", "paths", "checksums", "sealed", "provenance", "version"}
ABOVE = {"api"}  # what `import repro` offers
LOWER = {"encoders", "postprocessing", "probes", "metrics", "tasks", "training", "data"}
FORBIDDEN_TO_LOWER = {"tables", "published", "evaluation", "results", "reports", "cli", "bench"}
LONGEST = 350  # lines
# the modules that define the kinds of recipe and of system
DEFINING = {PACKAGE / name for name in ("encoders/recipe.py", "training/recipe.py", "evaluation/systems.py")}


def room(module: str) -> str:
    """`repro.data.fetch` → `data`; `repro.paths` → `paths`; the package itself → ''."""
    return module.partition(".")[2].partition(".")[0]


def arrows(importing: set[str], imported: set[str]) -> list[str]:
    """The imports from these rooms to those, to be read in a failure."""
    return sorted(
        f"{module} imports {other}"
        for module, others in IMPORTS.items()
        for other in others
        if room(module) in importing and room(other) in imported
    )


def source(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def test_the_graph_sees_imports_inside_functions() -> None:
    assert "repro.reports.figures" in IMPORTS["repro.cli.tables"]


def test_no_two_modules_import_each_other() -> None:
    try:
        TopologicalSorter(IMPORTS).prepare()
    except CycleError as error:
        pytest.fail("a cycle: " + " ← ".join(error.args[1]))


def test_lower_rooms_know_nothing_of_higher_ones() -> None:
    assert LOWER <= ROOMS
    assert arrows(LOWER, FORBIDDEN_TO_LOWER) == []


def test_what_all_rooms_stand_on_imports_none_of_them() -> None:
    assert {f"{name}.py" for name in BELOW} <= TOP_LEVEL
    assert arrows(BELOW, ROOMS) == []
    assert arrows({name.removesuffix(".py") for name in TOP_LEVEL} - BELOW - ABOVE, ROOMS) == []


def test_nothing_knows_of_the_command_line_or_the_benches() -> None:
    assert arrows((ROOMS | ABOVE | {""}) - {"cli"}, {"cli"}) == []
    assert arrows((ROOMS | ABOVE | {""}) - {"cli", "bench"}, {"bench"}) == []


def test_nothing_within_knows_of_what_programs_import() -> None:
    assert arrows(ROOMS, ABOVE | {""}) == []


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_module_is_short_and_leaves_printing_to_the_command_line(path: Path) -> None:
    lines = source(path).count("\n")
    assert lines <= LONGEST
    if path.parent.name != "cli":
        names = {node.id for node in ast.walk(ast.parse(source(path))) if isinstance(node, ast.Name)}
        assert "print" not in names
        assert "sys.stdout" not in source(path)


@pytest.mark.parametrize("asking", [r"isinstance.*(recipe|system|task)", r"(recipe|system|task).*isinstance"])
def test_recipes_systems_and_tasks_answer_for_their_kind(asking: str) -> None:
    """A line that asks of which kind one is stands where the kinds are defined, if anywhere."""
    lines = [
        f"{path.relative_to(PACKAGE)}: {line.strip()}"
        for path in sorted(set(PACKAGE.rglob("*.py")) - DEFINING)
        for line in source(path).splitlines()
        if re.search(asking, line, re.IGNORECASE)
    ]
    assert lines == []


def test_the_name_of_a_class_identifies_a_recipe_and_decides_nothing() -> None:
    naming = [
        line.strip()
        for path in PACKAGE.rglob("*.py")
        for line in source(path).splitlines()
        if re.search(r"type\((self|recipe|system|task|base|column)\)\.__name__", line)
    ]
    assert naming == ['return {"kind": type(recipe).__name__, **_described(recipe)}']


def entries_of_the_map() -> dict[str, str]:
    """What README's map has at the first level of repro/: name → what it says, over all of its lines."""
    found = re.search(r"## Map of the house\n+```\nrepro/\n(.*?)\n(?=\S)", source(ROOT / "README.md"), re.DOTALL)
    assert found
    entries: dict[str, str] = {}
    for line in found[1].splitlines():
        entry = re.match(r"  ([\w./]+(?: · [\w./]+)*)(?:  +(.*))?$", line)
        if entry:
            names, text = entry[1].split(" · "), entry[2] or ""
            entries |= dict.fromkeys(names, text)
        else:
            for name in names:
                entries[name] += " " + line.strip()
    return entries


def test_the_map_names_every_room_and_every_module_beside_them() -> None:
    assert set(entries_of_the_map()) - {"__init__.py"} == {f"{name}/" for name in ROOMS} | TOP_LEVEL


@pytest.mark.parametrize("name", sorted(ROOMS))
def test_the_map_names_nothing_that_is_not_there(name: str) -> None:
    named = re.findall(r"\b(\w+\.(?:py|csv))\b", entries_of_the_map()[f"{name}/"])
    assert [file for file in named if not (PACKAGE / name / file).is_file()] == []


# one module a table or subject: the map says how these are named
@pytest.mark.parametrize("name", sorted(ROOMS - {"tables", "bench"}))
def test_the_map_names_every_module_of_a_room(name: str) -> None:
    named = set(re.findall(r"\b(\w+\.py)\b", entries_of_the_map()[f"{name}/"]))
    assert {path.name for path in (PACKAGE / name).glob("*.py")} - named <= {"__init__.py", "__main__.py"}


def test_tests_mirror_the_package() -> None:
    folders = {path.name for path in (ROOT / "tests").iterdir() if path.is_dir() and any(path.glob("test_*.py"))}
    assert folders - {"hub"} == ROOMS  # tests/hub is a model hub on loopback, which tests run against
    modules = {path.name.removeprefix("test_") for path in (ROOT / "tests").glob("test_*.py")}
    assert TOP_LEVEL - modules <= {
        "errors.py",
        "signals.py",
        "version.py",
    }  # tested by the processes of tests/cli, and test_project
