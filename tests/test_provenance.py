"""The commit that a number names is that of this project's code, or none."""

import subprocess
from pathlib import Path

import pytest

from repro.provenance import commit_of

PROJECT = '[project]\nname = "repro"\n'


def git(folder: Path, *arguments: str) -> str:
    identity = ["-c", "user.name=x", "-c", "user.email=x@example.org", "-c", "commit.gpgsign=false"]
    run = subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True, text=True)
    return run.stdout.strip()


def checkout(top: Path, tracked: list[str]) -> Path:
    """A repository with the package in it, of which some files are tracked."""
    (top / "repro").mkdir(parents=True)
    (top / "repro/provenance.py").write_text("x = 1\n")
    (top / "pyproject.toml").write_text(PROJECT)
    (top / "README").write_text("x\n")
    git(top, "init", "-q")
    git(top, "add", "README", *tracked)
    git(top, "commit", "-q", "-m", "x")
    return top / "repro/provenance.py"


def test_a_checkout_has_its_commit_and_a_changed_one_a_plus(tmp_path: Path) -> None:
    module = checkout(tmp_path, ["repro", "pyproject.toml"])
    commit = git(tmp_path, "rev-parse", "--short=12", "HEAD")
    assert commit_of(module) == commit
    module.write_text("x = 2\n")
    assert commit_of(module) == f"{commit}+"


@pytest.mark.parametrize("tracked", [[], ["repro"], ["pyproject.toml"]])
def test_files_that_the_repository_does_not_track_have_none(tracked: list[str], tmp_path: Path) -> None:
    assert commit_of(checkout(tmp_path, tracked)) == ""


def test_another_project_or_a_repository_around_has_none(tmp_path: Path) -> None:
    inner = checkout(tmp_path / "around/venv/site-packages", ["repro", "pyproject.toml"])
    (inner.parent.parent / ".git").rename(tmp_path / "around/.git")  # tracked by another top level's name
    assert commit_of(inner) == ""
    module = checkout(tmp_path / "other", ["repro", "pyproject.toml"])
    (tmp_path / "other/pyproject.toml").write_text('[project]\nname = "other"\n')
    assert commit_of(module) == ""


def test_no_program_of_the_repository_runs_and_a_hooks_environment_is_ignored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = checkout(tmp_path / "project", ["repro", "pyproject.toml"])
    spy = tmp_path / "spy"
    spy.write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\n")
    spy.chmod(0o755)
    git(tmp_path / "project", "config", "core.fsmonitor", str(spy))
    (tmp_path / "hooks").mkdir()
    (tmp_path / "hooks/post-index-change").symlink_to(spy)
    git(tmp_path / "project", "config", "core.hooksPath", str(tmp_path / "hooks"))
    (tmp_path / "ran").unlink(missing_ok=True)
    checkout(tmp_path / "foreign", ["repro"])
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "foreign/.git"))
    assert len(commit_of(module)) == 12
    assert not (tmp_path / "ran").exists()
