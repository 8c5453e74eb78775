"""What the project's own files say of it: one version, the Pythons that are tested, the same checks everywhere."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

import repro
from repro.cli.parser import build_parser
from repro.tables import TABLES

ROOT = Path(__file__).parents[1]
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PYTHONS = ["3.11", "3.12", "3.13"]


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def test_one_version_everywhere() -> None:
    citation = yaml.safe_load(read("CITATION.cff"))
    newest = re.findall(r"^## \[([\d.]+)\] - (\S+)$", read("CHANGELOG.md"), re.MULTILINE)[0]
    assert PROJECT["project"]["version"] == repro.__version__
    assert newest == (repro.__version__, str(citation["date-released"]))
    assert citation["version"] == repro.__version__


def test_the_changelog_has_an_unreleased_part_and_versions_from_new_to_old() -> None:
    heads = re.findall(r"^## \[(.+?)\]", read("CHANGELOG.md"), re.MULTILINE)
    assert heads[0] == "Unreleased"
    assert heads[1:] == sorted(heads[1:], key=lambda version: [int(part) for part in version.split(".")], reverse=True)
    kinds = set(re.findall(r"^### (.+)$", read("CHANGELOG.md"), re.MULTILINE))
    assert kinds <= {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security", "Numbers"}


def test_the_citation_names_the_software_and_the_four_papers() -> None:
    citation = yaml.safe_load(read("CITATION.cff"))
    assert citation["cff-version"] == "1.2.0"
    assert [author["name"] for author in citation["authors"]] == ["the repro contributors"]
    first_authors = [reference["authors"][0]["family-names"] for reference in citation["references"]]
    assert first_authors == ["Reimers", "Li", "Su", "Gao"]
    assert all("doi" in reference or "url" in reference for reference in citation["references"])


def test_the_pythons_that_are_promised_are_those_that_are_tested() -> None:
    project = PROJECT["project"]
    named = [name.rpartition(" ")[2] for name in project["classifiers"] if "Python :: 3." in name]
    workflow = yaml.safe_load(read(".github/workflows/tests.yml"))
    assert named == PYTHONS
    assert workflow["jobs"]["test"]["strategy"]["matrix"]["python"] == PYTHONS
    assert project["requires-python"] == ">=3.11,<3.14"
    assert PROJECT["tool"]["mypy"]["python_version"] == "3.11"
    assert PROJECT["tool"]["ruff"]["target-version"] == "py311"


def test_hooks_before_a_commit_run_what_make_test_runs() -> None:
    (local,) = yaml.safe_load(read(".pre-commit-config.yaml"))["repos"]
    recipe = re.search(r"^test: .*\n\t@(.+)$", read("Makefile"), re.MULTILINE)
    assert recipe
    assert [hook["entry"] for hook in local["hooks"]] == recipe[1].replace("$(BIN)", ".venv/bin").split(" && ")


@pytest.mark.parametrize("path", sorted((ROOT / ".github").rglob("*.yml")), ids=lambda path: path.name)
def test_targets_of_make_in_workflows_exist(path: Path) -> None:
    targets = set(re.findall(r"\bmake ([\w-]+)", path.read_text(encoding="utf-8")))
    makefile = read("Makefile")
    assert {name for name in targets if not re.match(r"table\d$", name)} <= set(
        re.findall(r"^([\w-]+):", makefile, re.MULTILINE)
    )


def test_the_weekly_run_has_every_table_and_its_commands_exist() -> None:
    jobs = yaml.safe_load(read(".github/workflows/tables.yml"))["jobs"]
    assert jobs["run"]["strategy"]["matrix"]["table"] == list(TABLES)
    assert jobs["summary"]["needs"] == "run"
    commands = [step["run"] for job in jobs.values() for step in job["steps"] if "run" in step]
    parser = build_parser()
    for command in commands:
        if "/repro " in command:
            line = command.split("/repro ")[1].split("|")[0].replace("${{ matrix.table }}", "sbert-1")
            for rows in ("--light", " "):
                parser.parse_args(line.replace("$ROWS", rows).split())
    assert sum("GITHUB_STEP_SUMMARY" in command for command in commands) == 1


def test_what_the_weekly_run_caches_hangs_on_what_pins_it() -> None:
    steps = yaml.safe_load(read(".github/workflows/tables.yml"))["jobs"]["run"]["steps"]
    keys = [step["with"]["key"] for step in steps if step.get("uses", "").startswith("actions/cache@")]
    named = {name for key in keys for name in re.findall(r"'([\w/]+\.\w+)'", key)}
    assert named == {
        "repro/data/registry.csv",
        "repro/data/files.csv",
        "repro/revisions.csv",
        "repro/encoders/zoo.py",
    }
    assert all((ROOT / name).is_file() for name in named)


def test_every_action_is_pinned_to_a_commit() -> None:
    for path in (ROOT / ".github").rglob("*.yml"):
        for line in re.findall(r"uses: (.+)", path.read_text(encoding="utf-8")):
            assert re.fullmatch(r"actions/[\w/-]+@[0-9a-f]{40} # v[\d.]+", line), line


def test_every_requirement_is_pinned() -> None:
    pinned = {re.split(r"==", line)[0].lower() for line in read("constraints.txt").splitlines() if "==" in line}
    extras = PROJECT["project"]["optional-dependencies"]
    required = [*PROJECT["project"]["dependencies"], *(name for extra in extras.values() for name in extra)]
    names = {re.split(r"[\[<>=]", name)[0].lower() for name in required} - {"repro"}
    assert {name.replace("-", "_") for name in names} <= {name.replace("-", "_") for name in pinned}


def test_the_number_that_readme_cites_stands_in_its_table() -> None:
    cited = re.search(r"^> all-MiniLM-L6-v2, STS12: .*\n> `(.+)`$", read("README.md"), re.MULTILINE)
    assert cited
    assert f",{cited[1]},all-minilm-l6-v2," in read("tables/sbert-1.csv")


def test_the_package_is_typed() -> None:
    assert (Path(repro.__file__).parent / "py.typed").is_file()
