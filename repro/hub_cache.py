"""What the hub's cache on this machine holds: which files, whether they are sound, and whether more have room."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
from collections.abc import Sequence
from fnmatch import fnmatch
from pathlib import Path

from repro.checksums import sha256_of
from repro.revisions import Kind


def matches(name: str, patterns: Sequence[str], unwanted: Sequence[str]) -> bool:
    """Whether a file's name in its repository is like one of the patterns and like none that is unwanted."""
    return any(fnmatch(name, pattern) for pattern in patterns) and not any(fnmatch(name, each) for each in unwanted)


def listing(repo: str, commit: str, kind: Kind = "model") -> dict[str, int] | None:
    """Size in bytes of each file of a repository at a commit that was downloaded; None when nobody noted them down."""
    from huggingface_hub import get_cached_repo_tree
    from huggingface_hub.errors import CachedRepoTreeNotFoundError

    try:
        return {entry.path: entry.size for entry in get_cached_repo_tree(repo, repo_type=kind, revision=commit)}
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


def is_sound(path: Path) -> bool:
    """Whether a file has the checksum after which the cache names its content; True where that has another name.

    A name of 64 digits is a sha256, one of 40 the id of a git blob. On systems without links there is no such name.
    """
    name = os.path.basename(os.readlink(path)) if path.is_symlink() else ""
    if re.fullmatch("[0-9a-f]{64}", name):
        return sha256_of(path) == name
    if re.fullmatch("[0-9a-f]{40}", name):
        content = path.read_bytes()
        return hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest() == name
    return True


def remove(path: Path) -> None:
    """Take a file and its content out of the cache."""
    for each in (Path(os.path.realpath(path)), path):
        each.unlink(missing_ok=True)
