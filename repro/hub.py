"""The hub of models and data sets: whether it answers, downloads from it, and the commits that are pinned.

Everything goes through huggingface_hub's own client, so that proxies, HF_ENDPOINT, HF_HUB_OFFLINE, HF_TOKEN and the
cache mean here what they mean to that library. Whatever goes wrong in it becomes one NotAvailable sentence.
"""

from __future__ import annotations

import json
import logging
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Literal

from filelock import FileLock

from repro.errors import NotAvailable, ReproError
from repro.paths import disk_errors, home, set_aside, write_atomic

# Else the client asks the hub which agents to name in its headers, before it looks into its cache alone (--offline).
os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")

Kind = Literal["model", "dataset"]
_NAMES = {
    "model": ("the weights", "are", "the model hub", ""),
    "dataset": ("the data set", "is", "the hub", "datasets/"),
}
_COMMIT = re.compile(r"[0-9a-f]{40}")
_TIMEOUTS = (2.0, 5.0, 5.0, 2.0)  # seconds to connect, read, write, and to wait for a connection
_DOWN = (500, 502, 503, 504)
_log = logging.getLogger(__name__)


def hub_answers() -> bool:
    """Whether the hub answers within seconds, through the proxies that its client uses; asked once a process."""
    return not _silence()


@cache
def _silence() -> str:
    """Why the hub is not asked for anything, to stand after `the hub`; '' when it answers."""
    from huggingface_hub import constants, get_session

    if constants.HF_HUB_OFFLINE:
        return "is not asked (HF_HUB_OFFLINE is set)"
    try:
        response = get_session().head(constants.ENDPOINT, follow_redirects=False, timeout=_TIMEOUTS)
    except Exception as error:  # the client's own kinds, or a ValueError or ImportError for a proxy that it cannot use
        plain = type(error).__name__ in ("ConnectError", "ConnectTimeout", "ReadTimeout") and "SSL" not in str(error)
        return "cannot be reached" + ("" if plain else f" ({_short(error)})")
    return f"is down (it answers {response.status_code})" if response.status_code in _DOWN else ""


def file(repo: str, name: str, revision: str | None, offline: bool, kind: Kind = "model") -> Path:
    """One file of a repository, from the cache or downloaded; NotAvailable when it can be had from neither."""
    from huggingface_hub import hf_hub_download

    with _downloads(repo, offline, kind) as local:
        return Path(hf_hub_download(repo, name, repo_type=kind, revision=revision, local_files_only=local))


def snapshot(
    repo: str,
    revision: str | None,
    patterns: Sequence[str],
    offline: bool,
    kind: Kind = "model",
    unwanted: Sequence[str] = (),
) -> Path:
    """Folder with the files of a repository that match a pattern and no unwanted one; its name is the commit.

    NotAvailable when they are neither in the cache nor can be downloaded.
    """
    from huggingface_hub import snapshot_download

    with _downloads(repo, offline, kind) as local:
        folder = snapshot_download(
            repo,
            repo_type=kind,
            revision=revision,
            allow_patterns=list(patterns),
            ignore_patterns=list(unwanted),
            local_files_only=local,
        )
        return Path(folder)


@contextmanager
def _downloads(repo: str, offline: bool, kind: Kind) -> Iterator[bool]:
    """Gives whether the cache alone is to be used; what is raised inside becomes NotAvailable."""
    from huggingface_hub.errors import LocalEntryNotFoundError
    from huggingface_hub.utils.tqdm import disable_progress_bars

    if not os.isatty(2):
        disable_progress_bars()
    what, verb, hub, prefix = _NAMES[kind]
    local = offline or not hub_answers()
    try:
        yield local
    except LocalEntryNotFoundError as error:
        if not local:
            raise NotAvailable(f"{what} {repo} cannot be downloaded: {_why(error, prefix + repo)}") from error
        why = "--offline was given" if offline else f"{hub} {_silence()}"
        raise NotAvailable(f"{what} {repo} {verb} not on this machine and {why}") from None
    except Exception as error:
        raise NotAvailable(f"{what} {repo} cannot be downloaded: {_why(error, prefix + repo)}") from error


def _why(error: BaseException, page: str) -> str:
    """What went wrong in the hub's client and what to do about it."""
    from huggingface_hub import constants, errors

    while isinstance(error, errors.LocalEntryNotFoundError) and error.__cause__ is not None:
        error = error.__cause__  # the client wraps what kept it from asking the hub
    status = getattr(getattr(error, "response", None), "status_code", None)
    if isinstance(error, errors.GatedRepoError):
        return f"it is gated; accept its terms at {constants.ENDPOINT}/{page} and set HF_TOKEN"
    if isinstance(error, errors.RevisionNotFoundError):
        return "the hub has no such revision of it any more; name another one"
    if isinstance(error, errors.RepositoryNotFoundError):
        return "the hub has no such repository, or it is private; check the name, or set HF_TOKEN"
    if isinstance(error, errors.EntryNotFoundError):
        return "the hub has no such file in it; check the name and the revision"
    if isinstance(error, errors.HFValidationError):
        return "that is no hub id (owner/name)"
    if status in (401, 403):
        return f"the hub refuses it ({status}); set HF_TOKEN to a token that may read it"
    if status == 429:
        return "the hub refuses so many requests (429); wait a while, or set HF_TOKEN"
    if status is not None:
        return f"the hub answers {status}; try again later"
    if type(error).__module__.startswith("httpx"):
        return f"the connection failed ({_short(error)}); check the network and the proxy, then run it again"
    if isinstance(error, OSError) and error.errno is not None:
        where = error.filename or constants.HF_HUB_CACHE
        return f"{where}: {os.strerror(error.errno)}; make room there, or name another folder as HF_HOME"
    if isinstance(error, OSError | RuntimeError) and not isinstance(error, errors.FileMetadataError):
        return f"the download broke off ({_short(error)}); run it again"
    return f"{constants.ENDPOINT} does not answer as a hub ({type(error).__name__}); check HF_ENDPOINT and the proxy"


def _short(error: BaseException) -> str:
    """Kind and first line of an error."""
    first = str(error).strip().split("\n")[0]
    return type(error).__name__ + (f": {first}" if first else "")


def pinned_revision(name: str) -> str | None:
    """The commit recorded when this hub id was first downloaded, or None."""
    return (_read_pins() or {}).get(name)


def pin(name: str, revision: str) -> None:
    """Record the commit of what was downloaded for the first time; one that is recorded already stays.

    NotAvailable when the home cannot be written: what is not pinned could be another model tomorrow.
    """
    if pinned_revision(name):
        return
    path = _pins_file()
    try:
        with disk_errors(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            with FileLock(path.with_name(f".{path.name}.lock")):
                pins = _read_pins()
                if pins is None:
                    aside = set_aside(path)
                    _log.warning("%s could not be read as pinned revisions; moved to %s", path, aside.name)
                content = {name: revision, **(pins or {})}
                write_atomic(path, json.dumps(content, indent=1, sort_keys=True) + "\n")
    except (ReproError, OSError) as error:
        raise NotAvailable(f"the revision of {name} cannot be recorded: {error}") from error


def _pins_file() -> Path:
    return home() / "revisions.json"


def _read_pins() -> dict[str, str] | None:
    """Commits by hub id; what is no commit is left out. None when something is there that cannot be read."""
    path = _pins_file()
    if not path.is_file():
        return None if os.path.lexists(path) else {}
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return None
    if not isinstance(found, dict):
        return None
    return {name: commit for name, commit in found.items() if isinstance(commit, str) and _COMMIT.fullmatch(commit)}
