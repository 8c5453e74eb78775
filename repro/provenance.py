"""What ran: the commit of the code and the versions of the libraries."""

from __future__ import annotations

import os
import subprocess
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from repro.version import __version__


@cache
def git_commit() -> str:
    """Commit of the code that runs, `+` when files differ from it; empty outside a checkout of this project."""
    return commit_of(Path(__file__).resolve())


def commit_of(module: Path) -> str:
    """The same for a module of the package: of the repository whose top level is the project's and that tracks it.

    Whatever else lies around an installed package is somebody else's, and git is not even asked about it.
    """
    top = module.parent.parent
    project = top / "pyproject.toml"
    if not (top / ".git").exists() or not project.is_file() or 'name = "repro"' not in project.read_text("utf-8"):
        return ""
    try:
        _git(top, "ls-files", "--error-unmatch", "--", str(module.relative_to(top)), project.name)
        return _git(top, "describe", "--always", "--abbrev=12", "--exclude=*", "--dirty=+").strip()
    except (OSError, subprocess.SubprocessError):
        return ""


def _git(top: Path, *arguments: str) -> str:
    """Output of a git command that writes nothing and starts no program that the repository's configuration names."""
    quiet = ["-c", "core.fsmonitor=false", "-c", f"core.hooksPath={os.devnull}"]
    others = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}  # a hook's GIT_DIR
    run = subprocess.run(
        ["git", "--no-optional-locks", *quiet, *arguments],
        cwd=top,
        env=others,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return run.stdout


@cache
def library_versions() -> dict[str, str]:
    """Versions of the libraries that a number may depend on."""
    versions = {"repro": __version__}
    for name in ("torch", "transformers", "tokenizers", "numpy", "scipy", "scikit-learn"):
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            continue
    return versions
