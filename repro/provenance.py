"""What ran: the commit of the code and the versions of the libraries."""

from __future__ import annotations

import subprocess
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from repro import __version__


@cache
def git_commit() -> str:
    """Commit of the code that runs, `+` when files differ from it; empty outside a checkout."""
    here = Path(__file__).parent
    try:
        run = subprocess.run(
            ["git", "describe", "--always", "--abbrev=12", "--exclude=*", "--dirty=+"],
            cwd=here,
            capture_output=True,
            text=True,
            check=True,
        )
    except (OSError, subprocess.CalledProcessError):
        return ""
    return run.stdout.strip()


@cache
def library_versions() -> dict[str, str]:
    """Versions of the libraries that a number may depend on."""
    found = {"repro": __version__}
    for name in ("torch", "transformers", "tokenizers", "numpy", "scipy", "scikit-learn"):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found
