"""The hub of models and data sets: whether it answers, and downloads from it, each file held against its checksum.

Everything goes through huggingface_hub's own client, so that proxies, HF_ENDPOINT, HF_HUB_OFFLINE, HF_TOKEN and the
cache mean here what they mean to that library. Whatever goes wrong in it becomes one NotAvailable sentence.
"""

from __future__ import annotations

import errno
import glob
import logging
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from repro import hub_patience, progress
from repro.byte_counts import counting
from repro.errors import NotAvailable, ReproError
from repro.hub_cache import blob_ids, cache_folder, is_sound, lacking_room, listing, matches, remove
from repro.revisions import Kind, is_commit

# Else the client asks the hub which agents to name in its headers, before it looks into its cache alone (--offline).
os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
# Every file here can be had by plain HTTP; where the Xet store cannot be reached, its client tries for minutes.
os.environ.setdefault("HF_HUB_DISABLE_XET", "1")

_NAMES = {
    "model": ("the weights", "are", "the model hub", ""),
    "dataset": ("the data set", "is", "the hub", "datasets/"),
}
_TIMEOUTS = (2.0, 5.0, 5.0, 2.0)  # seconds to connect, read, write, and to wait for a connection
_RETRIES = 3  # of the first question: the client waits 1, 2 and 4 seconds, or as long as Retry-After says
_LONGEST_PAUSE = 300  # seconds that Retry-After may ask for; a run that waits longer looks dead
_DOWN = (500, 502, 503, 504)
_log = logging.getLogger(__name__)
Answer = TypeVar("Answer")


def refuse_settings() -> None:
    """ReproError for a variable of the client that is no number, which would end the client's own import."""
    for name in ("HF_HUB_ETAG_TIMEOUT", "HF_HUB_DOWNLOAD_TIMEOUT"):
        text = os.environ.get(name, "1")
        try:
            int(text)
        except ValueError:
            raise ReproError(f"{name} is {text!r}, expected a number of seconds; correct or unset it") from None


def hub_answers() -> bool:
    """Whether the hub answers within seconds, through the proxies that its client uses; asked once a process."""
    return not _silence()


@cache
def _silence() -> str:
    """Why the hub is not asked for anything, to stand after `the hub`; '' when it answers."""
    from huggingface_hub import constants
    from huggingface_hub.utils import http_backoff  # type: ignore[attr-defined]

    if constants.HF_HUB_OFFLINE:
        return "is not asked (HF_HUB_OFFLINE is set)"
    try:
        settings: dict[str, Any] = {"follow_redirects": False, "timeout": _TIMEOUTS}
        http_backoff("HEAD", constants.ENDPOINT, max_retries=_RETRIES, retry_on_exceptions=(), **settings)
    except Exception as error:  # the client's own kinds, or a ValueError or ImportError for a proxy that it cannot use
        status = _status(error)
        if status == 429:
            return "refuses so many requests (429)"
        if status is not None:
            return f"is down (it answers {status})" if status in _DOWN else ""
        plain = type(error).__name__ in ("ConnectError", "ConnectTimeout", "ReadTimeout") and "SSL" not in str(error)
        return "cannot be reached" + ("" if plain else f" ({_short(error)}; check HF_ENDPOINT and the proxy)")
    return ""


def head(repo: str, branch: str | None = None) -> str:
    """The commit of a repository's branch, or main, as the hub has it now; NotAvailable when the hub cannot say."""
    return _resolved(repo, branch, "model") if hub_answers() else _unreachable(repo, "model")


def _unreachable(repo: str, kind: Kind) -> str:
    raise NotAvailable(f"the commit of {repo} cannot be asked for: {_NAMES[kind][2]} {_silence()}")


def _resolved(repo: str, revision: str | None, kind: Kind) -> str:
    """The commit of a branch."""
    from huggingface_hub import HfApi

    with _downloads(repo, False, kind):
        commit = _persistently(lambda: HfApi().repo_info(repo, repo_type=kind, revision=revision).sha)
        if not is_commit(commit):
            raise KeyError("sha")
        return commit


def file(repo: str, name: str, revision: str | None, offline: bool, kind: Kind = "model") -> Path:
    """One file of a repository, from the cache or downloaded; NotAvailable when it can be had from neither."""
    folder = snapshot(repo, revision, [glob.escape(name)], offline, kind)
    if not (folder / name).is_file():
        raise NotAvailable(f"{_NAMES[kind][0]} {repo} cannot be had: {name} is not in it at {folder.name}")
    return folder / name


def snapshot(
    repo: str,
    revision: str | None,
    patterns: Sequence[str],
    offline: bool,
    kind: Kind = "model",
    unwanted: Sequence[str] = (),
) -> Path:
    """Folder with the files of a repository that match a pattern and no unwanted one; its name is the commit.

    Each of them has the checksum that the hub gave for it. NotAvailable when they are neither in the cache nor can be
    downloaded.
    """
    from huggingface_hub import snapshot_download

    with _downloads(repo, offline, kind) as local:
        if not local and not is_commit(revision):
            revision = _resolved(repo, revision, kind)

        def get() -> Path:
            short = "" if local else lacking_room(repo, str(revision), patterns, unwanted, kind)
            if short:
                raise OSError(errno.ENOSPC, short)
            with progress.step(0, progress.BYTES) as step:
                folder = snapshot_download(
                    repo,
                    repo_type=kind,
                    revision=revision,
                    allow_patterns=list(patterns),
                    ignore_patterns=list(unwanted),
                    local_files_only=local,
                    tqdm_class=counting(step),
                )
            return Path(folder)

        try:
            folder = _persistently(get, lambda: listing(repo, str(revision), kind) is not None)
        except OSError as error:
            if error.errno != errno.ENOSPC:
                raise
            short = lacking_room(repo, str(revision), patterns, unwanted, kind)
            raise OSError(errno.ENOSPC, short or os.strerror(errno.ENOSPC)) from error
        there = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}
        wanted = {name: path for name, path in there.items() if matches(name, patterns, unwanted)}
        _hold(wanted, repo, folder.name, kind, local, get)
        return folder


def _persistently(ask: Callable[[], Answer], answered: Callable[[], bool] = lambda: False) -> Answer:
    """Ask again where the client does not: after a reset, and on a busy or broken hub's first answers.

    `answered`: whether the hub has said what the repository is; files the client asks for again by itself.
    """
    for attempt in range(_RETRIES):
        try:
            return ask()
        except Exception as error:
            pause = _pause(_cause(error), attempt, answered())
            if pause is None:
                raise
            _log.warning("%s; asking the hub again in %d s", _short(error), pause)
            time.sleep(pause)
    return ask()


def _pause(error: BaseException, attempt: int, answered: bool) -> int | None:
    """Seconds to wait before another try, those of Retry-After where the hub says so; None: there is to be none."""
    status = _status(error)
    if type(error).__name__ in ("ReadError", "RemoteProtocolError"):
        return int(2**attempt)
    if answered or (status != 429 and status not in _DOWN):
        return None
    after = str(error.response.headers.get("Retry-After", ""))  # type: ignore[attr-defined]
    seconds = int(after) if after.isdecimal() else int(2**attempt)
    return seconds if seconds <= _LONGEST_PAUSE else None


def sizes(repo: str, revision: str | None, kind: Kind = "model") -> tuple[str, dict[str, int]]:
    """(commit, size in bytes of each file) of a repository, as the hub says; NotAvailable when it cannot be asked."""
    from huggingface_hub import HfApi
    from huggingface_hub.hf_api import RepoFile

    if not hub_answers():
        _unreachable(repo, kind)
    commit = revision if is_commit(revision) else _resolved(repo, revision, kind)
    known = listing(repo, commit, kind)
    if known is None:
        with _downloads(repo, False, kind):
            entries = _persistently(
                lambda: list(HfApi().list_repo_tree(repo, recursive=True, revision=commit, repo_type=kind))
            )
            known = {entry.path: entry.size for entry in entries if isinstance(entry, RepoFile)}
    return commit, known


def _hold(
    files: Mapping[str, Path], repo: str, commit: str, kind: Kind, local: bool, get: Callable[[], object]
) -> None:
    """Hold files of the cache, by name, against the hub's checksums, and refuse after a second try."""

    def wrong() -> list[Path]:
        noted = blob_ids(repo, commit, kind)
        return [path for name, path in files.items() if not is_sound(path, noted.get(name, ""))]

    first = wrong()
    if first and local:
        cure = "`repro fetch --weights`" if kind == "model" else "`repro fetch`"
        raise NotAvailable(f"{first[0]} does not have the checksum that the hub gave; {cure} replaces it")
    for path in first:
        remove(path)
    if first:
        _log.warning("%s: %s had not the hub's checksum; downloaded again", repo, ", ".join(p.name for p in first))
        get()
    for path in wrong() if first else ():
        remove(path)
        raise OSError(f"{path.name} came twice with other bytes than the hub's checksum says")


@contextmanager
def _downloads(repo: str, offline: bool, kind: Kind) -> Iterator[bool]:
    """Gives whether the cache alone is to be used; what is raised inside becomes NotAvailable."""
    from huggingface_hub.errors import IncompleteSnapshotError, LocalEntryNotFoundError
    from huggingface_hub.utils.tqdm import disable_progress_bars

    disable_progress_bars()
    what, verb, hub, prefix = _NAMES[kind]
    local = offline or not hub_answers()
    try:
        with nullcontext() if local else hub_patience.bounded():
            yield local
    except NotAvailable:
        raise
    except LocalEntryNotFoundError as error:
        if not local:
            raise NotAvailable(f"{what} {repo} cannot be downloaded: {_why(error, prefix + repo)}") from error
        why = "--offline was given" if offline else f"{hub} {_silence()}"
        there = "not whole" if isinstance(error, IncompleteSnapshotError) else "not"
        cure = "`repro fetch --weights`" if kind == "model" else "`repro fetch`"
        raise NotAvailable(
            f"{what} {repo} {verb} {there} on this machine and {why}; {cure} gets them where the hub can be reached"
        ) from None
    except Exception as error:
        raise NotAvailable(f"{what} {repo} cannot be downloaded: {_why(error, prefix + repo)}") from error


def forget() -> None:
    """Ask the hub anew whether it answers."""
    _silence.cache_clear()
    hub_patience.forget()


def _cause(error: BaseException) -> BaseException:
    """What kept the client from asking the hub, which it wraps."""
    from huggingface_hub.errors import LocalEntryNotFoundError

    while isinstance(error, LocalEntryNotFoundError) and error.__cause__ is not None:
        error = error.__cause__
    return error


def _status(error: BaseException) -> int | None:
    """What the hub answered, where it answered at all."""
    status: int | None = getattr(getattr(error, "response", None), "status_code", None)
    return status


def _why(error: BaseException, page: str) -> str:
    """What went wrong in the hub's client and what to do about it."""
    from huggingface_hub import constants, errors

    error = _cause(error)
    status = _status(error)
    if isinstance(error, ReproError):
        return f"{error}; check the network and the proxy, then run it again"
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
        where = error.filename or cache_folder()
        return f"{where}: {error.strerror}; make room there, or name another folder as HF_HOME"
    if isinstance(error, UnicodeEncodeError):
        return "HF_TOKEN holds a character that no token has; set it anew"
    if isinstance(error, OSError | RuntimeError) and not isinstance(error, errors.FileMetadataError):
        return f"the download broke off ({_short(error)}); run it again"
    return f"{constants.ENDPOINT} does not answer as a hub ({type(error).__name__}); check HF_ENDPOINT and the proxy"


def _short(error: BaseException) -> str:
    """Kind and first line of an error."""
    first = str(error).strip().split("\n")[0]
    return type(error).__name__ + (f": {first}" if first else "")
