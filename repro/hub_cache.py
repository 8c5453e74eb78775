"""What the hub's cache on this machine holds: which files, whether they are sound, and whether more have room."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
from collections.abc import Sequence
from fnmatch import fnmatch
from pathlib import Path
from typing import TYPE_CHECKING

from repro.checksums import sha256_of
from repro.revisions import Kind

if TYPE_CHECKING:
    from huggingface_hub.hf_api import RepoFile


def matches(name: str, patterns: Sequence[str], unwanted: Sequence[str]) -> bool:
    """Whether a file's name in its repository is like one of the patterns and like none that is unwanted."""
    return any(fnmatch(name, pattern) for pattern in patterns) and not any(fnmatch(name, each) for each in unwanted)


def listing(repo: str, commit: str, kind: Kind = "model") -> dict[str, int] | None:
    """Size in bytes of each file of a repository at a commit that was downloaded; None when nobody noted them down."""
    noted = _noted(repo, commit, kind)
    return None if noted is None else {file.path: file.size for file in noted}


def blob_ids(repo: str, commit: str, kind: Kind = "model") -> dict[str, str]:
    """The id of each file's git blob, which is a pointer's for large files; none where nobody noted them down."""
    return {file.path: file.blob_id for file in _noted(repo, commit, kind) or ()}


def _noted(repo: str, commit: str, kind: Kind) -> list[RepoFile] | None:
    """What the hub said of the files of a repository when it was downloaded."""
    from huggingface_hub import get_cached_repo_tree
    from huggingface_hub.errors import CachedRepoTreeNotFoundError

    try:
        return get_cached_repo_tree(repo, repo_type=kind, revision=commit)
    except CachedRepoTreeNotFoundError:
        return None


def is_cached(repo: str, name: str, commit: str, kind: Kind = "model") -> bool:
    """Whether the cache has the file."""
    from huggingface_hub import try_to_load_from_cache

    return isinstance(try_to_load_from_cache(repo, name, revision=commit, repo_type=kind), str)


def lacks(repo: str, name: str, commit: str) -> bool:
    """Whether the cache knows that the repository has no file of that name."""
    from huggingface_hub import _CACHED_NO_EXIST, try_to_load_from_cache

    return try_to_load_from_cache(repo, name, revision=commit) is _CACHED_NO_EXIST


def cache_folder() -> Path:
    """Folder of what was downloaded."""
    from huggingface_hub.constants import HF_HUB_CACHE

    return Path(HF_HUB_CACHE)


def lacking_room(repo: str, commit: str, patterns: Sequence[str], unwanted: Sequence[str], kind: Kind) -> str:
    """How much room the cache lacks for the files that are not in it; '' when there is enough, or sizes are unknown."""
    files = listing(repo, commit, kind) or {}
    missing = sum(
        size
        for name, size in files.items()
        if matches(name, patterns, unwanted) and not is_cached(repo, name, commit, kind)
    )
    folder = cache_folder()
    there = next(parent for parent in (folder, *folder.absolute().parents) if parent.exists())
    free = shutil.disk_usage(there).free
    if missing <= free:
        return ""
    return f"{missing / 1e6:.1f} MB are to be downloaded and {free / 1e6:.1f} MB are free"


def is_sound(path: Path, blob_id: str = "") -> bool:
    """Whether a file is the git blob of that id, or what that blob points to, or has the checksum it is named after.

    The cache names content by the server's ETag: 64 digits are a sha256, 40 the id of a git blob. On a mirror it may be
    anything, and two files may share one. A file of which neither is known is sound.
    """
    named = os.path.basename(os.readlink(path)) if path.is_symlink() else ""  # there are systems without links
    known = [digest for digest in (blob_id, named) if re.fullmatch("[0-9a-f]{40}|[0-9a-f]{64}", digest)]
    if not known:
        return True
    sha256 = sha256_of(path)
    pointer = f"version https://git-lfs.github.com/spec/v1\noid sha256:{sha256}\nsize {path.stat().st_size}\n"
    return sha256 in known or _blob_id(pointer.encode()) in known or _blob_id(path.read_bytes()) in known


def _blob_id(content: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()


def remove(path: Path) -> None:
    """Take a file and its content out of the cache."""
    for each in (Path(os.path.realpath(path)), path):
        each.unlink(missing_ok=True)
