"""Embeddings on disk: what was encoded once is not encoded again by a second task, probe, seed or table.

One safetensors file a matrix, named by a hash of the recipe, its files, device, dtype, library versions and of the
sentences; its metadata has that name and a checksum of the content, so what was altered or exchanged is noticed. Files
are written with one rename and never changed, so many processes may share the folder: what one of them encodes the
others wait for. The least recently used files go when the bound is passed.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import re
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from filelock import FileLock

from repro.encoders import zoo
from repro.encoders.described import describe
from repro.encoders.ready import Ready
from repro.errors import ReproError
from repro.numerals import real
from repro.paths import disk_errors, home, make_way, new_file, sweep_once
from repro.provenance import library_versions
from repro.sealed import say_altered
from repro.version import __version__

GIGABYTES = 4.0  # the bound, unless REPRO_CACHE_GB says another
OWN = re.compile(r"[0-9a-f]{32}\.safetensors")
logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Embedded:
    """float32 (n, d) vectors and how they came about; `seconds` is 0 where they were read from disk."""

    vectors: np.ndarray
    zero_vectors: int
    device: str
    seconds: float


@dataclass(frozen=True)
class Entry:
    """One stored matrix."""

    encoder: str
    shape: tuple[int, int]
    bytes: int
    used: float  # seconds since the epoch


class EmbeddingCache:
    """Matrices below `folder`, `bound` bytes of them at most (the newest one is kept even if it is larger)."""

    def __init__(self, folder: Path | None = None, bound: int | None = None) -> None:
        self.folder = folder or home() / "embeddings"
        self.bound = _bound() if bound is None else bound
        self._writable = True

    def get(self, key: str) -> Embedded | None:
        """The stored matrix, or None when there is none; one that was altered or exchanged is none, which is said."""
        from safetensors import SafetensorError, safe_open

        path = self._path(key)
        try:
            if os.path.lexists(path) and not path.is_file():
                raise ValueError("a folder, a pipe or a broken link")
            with safe_open(path, framework="numpy") as file:
                about = file.metadata() or {}
                embedded = Embedded(file.get_tensor("vectors"), int(about["zero_vectors"]), about["device"], 0.0)
            if about["sha256"] != _checksum(key, about["encoder"], embedded):
                raise ValueError("altered")
        except FileNotFoundError:
            return None
        except (OSError, SafetensorError, KeyError, ValueError):
            say_altered(path, f"the stored embeddings {path} were altered or are damaged; they are computed again")
            return None
        with suppress(OSError):  # where nothing may be written
            os.utime(path)  # the most recently used one
        return embedded

    def put(self, key: str, encoder: str, embedded: Embedded) -> None:
        """Store a matrix, then drop the least recently used beyond the bound; where that cannot be, it is said once."""
        from safetensors.numpy import save_file

        about = {"encoder": encoder, "zero_vectors": str(embedded.zero_vectors), "device": embedded.device}
        about |= {"sha256": _checksum(key, encoder, embedded)}
        path = self._path(key)
        try:
            make_way(path)
            with new_file(path) as unfinished:
                save_file({"vectors": np.ascontiguousarray(embedded.vectors)}, unfinished, metadata=about)
            with disk_errors(path):
                self._evict(keep=path)
        except ReproError as error:
            if self._writable:
                logger.warning("the embeddings are not stored: %s", error)
            self._writable = False

    @contextmanager
    def lock(self, name: str) -> Iterator[None]:
        """Held by one process at a time for each name; by all at once where nothing may be written."""
        lock = FileLock(self.folder / f"{name}.lock")
        with suppress(OSError):
            self.folder.mkdir(parents=True, exist_ok=True)
            lock.acquire()
        try:
            yield
        finally:
            lock.release()

    def _path(self, key: str) -> Path:
        return self.folder / f"{key}.safetensors"

    def _own(self) -> Iterator[Path]:
        """The files of this suite's naming; what else is in the folder is somebody's."""
        return (path for path in self.folder.glob("*") if OWN.fullmatch(path.name) and path.is_file())

    def _evict(self, keep: Path) -> None:
        used = 0
        for path, (_, size) in _states(self._own()).items():
            used += size
            if used > self.bound and path != keep:
                path.unlink(missing_ok=True)

    def entries(self) -> list[Entry]:
        """What is stored, the most recently used first; files that are not whole are left out."""
        from safetensors import SafetensorError, safe_open

        entries = []
        for path, (age, size) in _states(self._own()).items():
            try:
                with safe_open(path, framework="numpy") as file:
                    rows, columns = file.get_slice("vectors").get_shape()
                    encoder = (file.metadata() or {})["encoder"]
            except (OSError, SafetensorError, KeyError, ValueError):
                continue
            entries.append(Entry(encoder, (rows, columns), size, time.time() - age))
        return entries

    def clear(self) -> int:
        """Remove every stored matrix, and nothing that is not of this suite's naming; the number of them."""
        sweep_once(self.folder)
        removed = 0
        with disk_errors(self.folder):
            for path in self._own():
                path.unlink(missing_ok=True)
                removed += 1
        return removed


def _checksum(key: str, encoder: str, embedded: Embedded) -> str:
    vectors = np.ascontiguousarray(embedded.vectors)
    about = [key, encoder, embedded.zero_vectors, embedded.device, str(vectors.dtype), vectors.shape]
    state = hashlib.sha256(json.dumps(about).encode())
    state.update(vectors.data)
    return state.hexdigest()


def _bound() -> int:
    text = os.environ.get("REPRO_CACHE_GB") or str(GIGABYTES)
    try:
        bound = real(text)
    except ValueError:
        bound = -1.0
    if not 0 <= bound < float("inf"):
        raise ReproError(f"REPRO_CACHE_GB is {text!r}; give the bound in gigabytes, such as 4")
    return int(bound * 1e9)


def _states(paths: Iterable[Path]) -> dict[Path, tuple[float, int]]:
    """{path: (seconds since last use, bytes)}, the most recently used first; files that have just gone are left out."""
    states = {}
    for path in paths:
        with suppress(FileNotFoundError):
            status = path.stat()
            states[path] = (time.time() - status.st_mtime, status.st_size)
    return dict(sorted(states.items(), key=lambda item: item[1]))


def _title(member: Ready) -> str:
    """What `repro cache` shows."""
    return "|".join([member.recipe.weights, *(f"{k}:{v}" for k, v in member.recipe.signature().items())])


def _digest(sentences: Sequence[str]) -> str:
    return hashlib.sha256("\n".join(map(json.dumps, sentences)).encode()).hexdigest()


class Embedder:
    """Encoders over one backbone that look on disk first; the model is loaded when something has to be encoded."""

    def __init__(self, members: Sequence[Ready], device: str, dtype: str, cache: EmbeddingCache) -> None:
        self.members, self.device, self.dtype, self.cache = list(members), device, dtype, cache
        self._group: zoo.Group | None = None
        self._failed: ReproError | None = None  # why it gives no vector, whatever the sentences

    def embed(self, sentences: Sequence[str]) -> list[Embedded]:
        """One Embedded a member, in order; rows of `vectors` belong to `sentences`."""
        sweep_once(self.cache.folder)
        content = _digest(sentences)
        keys = [self._key(member, content) for member in self.members]
        stored = self._stored(keys)
        if stored is not None:
            return stored
        backbone = [repr(self.members[0].backbone), self.members[0].identity, self.device, self.dtype, content]
        with self.cache.lock(hashlib.sha256(json.dumps(backbone).encode()).hexdigest()[:32]):
            return self._stored(keys) or self._encode(keys, sentences)

    def _stored(self, keys: Sequence[str]) -> list[Embedded] | None:
        stored = [self.cache.get(key) for key in keys]
        there = [item for item in stored if item is not None]
        return there if len(there) == len(keys) else None

    def fresh(self, sentences: Sequence[str]) -> np.ndarray:
        """The vectors (n, d) of the first member, encoded now and not stored."""
        return self._loaded().encode(sentences)[0].vectors

    def _loaded(self) -> zoo.Group:
        if self._failed is not None:
            raise self._failed
        try:
            self._group = self._group or zoo.Group(self.members, self.device, self.dtype)
        except ReproError as error:
            self._failed = error
            raise
        return self._group

    def _encode(self, keys: Sequence[str], sentences: Sequence[str]) -> list[Embedded]:
        start = time.perf_counter()
        group = self._loaded()
        try:
            encoded = group.encode(sentences)
        except ReproError as error:
            if group.backbone.late:  # the file is at fault, and not these sentences
                self._failed = error
            raise
        seconds = (time.perf_counter() - start) / len(keys)
        embedded = [Embedded(item.vectors, item.zero_vectors, group.device, seconds) for item in encoded]
        for key, member, item in zip(keys, self.members, embedded, strict=True):
            self.cache.put(key, _title(member), item)
        return embedded

    def embed_one(self, number: int, sentences: Sequence[str]) -> np.ndarray:
        """The vectors (n, d) of one member; when they are not on disk, all members' are made."""
        stored = self.cache.get(self._key(self.members[number], _digest(sentences)))
        return (stored or self.embed(sentences)[number]).vectors

    def _key(self, member: Ready, content: str) -> str:
        parts = {
            "recipe": describe(member.recipe),
            "files": member.identity,
            "sentences": content,
            "device": member.device(self.device).partition(":")[0],  # cuda, cuda:0 and cuda:1 are as good
            "dtype": self.dtype,
            "versions": library_versions(),
            "version": __version__,
        }
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:32]
