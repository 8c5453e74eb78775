"""Which commit of a model or data set of the hub is meant, so that everybody reads the same bytes.

The commit that a recipe names, which for the papers' models is the one that public code names (revisions.csv); else the
one of the lock file in REPRO_LOCK; else the one that was pinned here at the first download (<home>/revisions.json). A
lock file and the pins have one form, {"owner/name": commit}; a branch of a repository is "owner/name@branch".
"""

from __future__ import annotations

import csv
import json
import logging
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeGuard

from filelock import FileLock

from repro.errors import NotAvailable, ReproError
from repro.paths import disk_errors, home, path_from, set_aside, write_atomic

Kind = Literal["model", "dataset"]
VARIABLE = "REPRO_LOCK"
_COMMIT = re.compile(r"[0-9a-f]{40}")
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Public:
    """A commit that public code names."""

    id: str
    kind: str  # model or dataset
    revision: str
    source: str


with (Path(__file__).parent / "revisions.csv").open(encoding="utf-8", newline="") as _file:
    PUBLIC: dict[str, Public] = {line["id"]: Public(**line) for line in csv.DictReader(_file)}


def is_commit(revision: object) -> TypeGuard[str]:
    """Whether a revision is a full commit, and no branch, tag or short form, which may be another one tomorrow."""
    return isinstance(revision, str) and bool(_COMMIT.fullmatch(revision))


def commit_of(name: str, revision: str | None) -> str | None:
    """The commit of a repository where it is known, else the branch that was named, None for main.

    ReproError for what is no revision, which the hub might take for main, and where a lock file says another commit
    than the recipe or what was downloaded here.
    """
    if revision is not None and revision.strip() in ("", ".", ".."):
        raise ReproError(f"{revision!r} is no revision of {name}; name a branch, a tag or a commit, or leave it out")
    key = _key(name, revision)
    locked = locks().get(key)
    if is_commit(revision):
        _agree(key, locked, revision, "the suite, or the command, names")
        return revision
    pinned = pins().get(key)
    _agree(key, locked, pinned, f"{_path()} pins")
    return locked or pinned or revision


def _key(name: str, revision: str | None) -> str:
    return name if revision is None or is_commit(revision) else f"{name}@{revision}"


def _agree(key: str, locked: str | None, other: str | None, who: str) -> None:
    if locked and other and locked != other:
        raise ReproError(
            f"{path_from(VARIABLE)} locks {key} at {locked}, but {who} {other}; take a lock file of the same version "
            f"of the suite, name another home with REPRO_HOME, or unset {VARIABLE}"
        )


def locks() -> dict[str, str]:
    """What the lock file in REPRO_LOCK says; ReproError where it cannot be read or does not hold commits."""
    path = path_from(VARIABLE)
    if path is None:
        return {}
    commits = _read(path) if path.is_file() else None
    if commits is None:
        raise ReproError(f"{path} (from {VARIABLE}) is no lock file; `repro fetch --lock FILE` writes one")
    for name, commit in commits.items():
        if not is_commit(commit):
            raise ReproError(f"{path} (from {VARIABLE}): {commit!r} is no commit of {name}; write the file again")
    return commits


def pins() -> dict[str, str]:
    """The commits that were recorded at the first download, by hub id; what is no commit is left out."""
    return {name: commit for name, commit in (_read(_path()) or {}).items() if is_commit(commit)}


def pin(name: str, commit: str, revision: str | None = None) -> None:
    """Record the commit of what was downloaded for the first time; one that is recorded already stays.

    NotAvailable when the home cannot be written: what is not pinned could be another model tomorrow.
    """
    key = _key(name, revision)
    if key in pins():
        return
    path = _path()
    try:
        with disk_errors(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            with FileLock(path.with_name(f".{path.name}.lock")):
                if _read(path) is None and os.path.lexists(path):
                    aside = set_aside(path)
                    _log.warning("%s could not be read as pinned revisions; moved to %s", path, aside.name)
                write_atomic(path, _text({key: commit, **pins()}))
    except (ReproError, OSError) as error:
        raise NotAvailable(f"the revision of {name} cannot be recorded: {error}") from error


def everything() -> dict[str, str]:
    """Every commit that is fixed here, by hub id: what a lock file shares."""
    return {**pins(), **locks(), **{name: public.revision for name, public in PUBLIC.items()}}


def write_lock(path: Path) -> None:
    """Write them to a lock file, sorted by id."""
    write_atomic(path, _text(everything()))


def _text(commits: dict[str, str]) -> str:
    return json.dumps(commits, indent=1, sort_keys=True) + "\n"


def _path() -> Path:
    return home() / "revisions.json"


def _read(path: Path) -> dict[str, Any] | None:
    """What is said of each hub id; None when there is no such file or no JSON object in it."""
    if not path.is_file():
        return None
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return None
    return content if isinstance(content, dict) else None
