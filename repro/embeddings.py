"""Embeddings on disk: what was encoded once is not encoded again by a second task, probe, seed or table.

One safetensors file a matrix, named by a hash of the recipe, its weights, device, dtype, library versions and of the
sentences. Files are written with one rename and never changed, so two processes may share the folder and a killed one
leaves nothing that could be read. The least recently used files go when the bound is passed.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from repro import __version__
from repro.encoders import zoo
from repro.encoders.recipe import describe
from repro.errors import ReproError
from repro.files import home, write_atomic
from repro.provenance import library_versions

GIGABYTES = 4.0  # the bound, unless REPRO_CACHE_GB says another


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

    path: Path
    encoder: str
    shape: tuple[int, int]
    bytes: int
    used: float  # seconds since the epoch


class EmbeddingCache:
    """Matrices below `folder`, `bound` bytes of them at most (the newest one is kept even if it is larger)."""

    def __init__(self, folder: Path | None = None, bound: int | None = None) -> None:
        self.folder = folder or home() / "embeddings"
        self.bound = _bound() if bound is None else bound

    def get(self, key: str) -> Embedded | None:
        """The stored matrix, or None when it is not there or not whole."""
        from safetensors import SafetensorError, safe_open

        path = self._path(key)
        try:
            with safe_open(path, framework="numpy") as file:
                about = file.metadata() or {}
                found = Embedded(file.get_tensor("vectors"), int(about["zero_vectors"]), about["device"], 0.0)
            os.utime(path)  # the most recently used one
        except (FileNotFoundError, SafetensorError, KeyError, ValueError):
            return None
        return found

    def put(self, key: str, encoder: str, found: Embedded) -> None:
        """Store a matrix, then drop the least recently used ones beyond the bound."""
        from safetensors.numpy import save

        about = {"encoder": encoder, "zero_vectors": str(found.zero_vectors), "device": found.device}
        write_atomic(self._path(key), save({"vectors": np.ascontiguousarray(found.vectors)}, metadata=about))
        self._evict(keep=self._path(key))

    def _path(self, key: str) -> Path:
        return self.folder / f"{key}.safetensors"

    def _evict(self, keep: Path) -> None:
        used = 0
        for path, (_, size) in _states(self.folder.glob("*.safetensors")).items():
            used += size
            if used > self.bound and path != keep:
                path.unlink(missing_ok=True)

    def entries(self) -> list[Entry]:
        """What is stored, the most recently used first; files that are not whole are left out."""
        from safetensors import SafetensorError, safe_open

        found = []
        for path, (age, size) in _states(self.folder.glob("*.safetensors")).items():
            try:
                with safe_open(path, framework="numpy") as file:
                    rows, columns = file.get_slice("vectors").get_shape()
                    encoder = (file.metadata() or {})["encoder"]
            except (FileNotFoundError, SafetensorError, KeyError, ValueError):
                continue
            found.append(Entry(path, encoder, (rows, columns), size, time.time() - age))
        return found

    def clear(self) -> int:
        """Remove everything; the number of files removed."""
        paths = [path for path in self.folder.glob("*") if path.is_file()]
        for path in paths:
            path.unlink(missing_ok=True)
        return len(paths)


def _bound() -> int:
    text = os.environ.get("REPRO_CACHE_GB", str(GIGABYTES))
    try:
        bound = float(text)
    except ValueError:
        bound = -1.0
    if not 0 <= bound < float("inf"):
        raise ReproError(f"REPRO_CACHE_GB is {text!r}; give the bound in gigabytes, such as 4")
    return int(bound * 1e9)


def _states(paths: Iterable[Path]) -> dict[Path, tuple[float, int]]:
    """{path: (seconds since last use, bytes)}, the most recently used first; files that have just gone are left out."""
    found = {}
    for path in paths:
        with suppress(FileNotFoundError):
            status = path.stat()
            found[path] = (time.time() - status.st_mtime, status.st_size)
    return dict(sorted(found.items(), key=lambda item: item[1]))


def _title(member: zoo.Ready) -> str:
    """What `repro cache` shows."""
    return "|".join([member.recipe.weights, *(f"{k}:{v}" for k, v in member.recipe.signature().items())])


def _digest(sentences: Sequence[str]) -> str:
    return hashlib.sha256("\n".join(map(json.dumps, sentences)).encode()).hexdigest()


class Embedder:
    """Encoders over one backbone that look on disk first; the model is loaded when something has to be encoded."""

    def __init__(self, members: Sequence[zoo.Ready], device: str, dtype: str, cache: EmbeddingCache) -> None:
        self.members, self.device, self.dtype, self.cache = list(members), device, dtype, cache
        self._group: zoo.Group | None = None

    def embed(self, sentences: Sequence[str], progress: bool = False) -> list[Embedded]:
        """One Embedded a member, in order; rows of `vectors` belong to `sentences`."""
        keys = [self._key(member, _digest(sentences)) for member in self.members]
        stored = [self.cache.get(key) for key in keys]
        found = [item for item in stored if item is not None]
        if len(found) == len(keys):
            return found
        start = time.perf_counter()
        self._group = self._group or zoo.Group(self.members, self.device, self.dtype)
        encoded = self._group.encode(sentences, progress)
        seconds = (time.perf_counter() - start) / len(keys)
        found = [Embedded(item.vectors, item.zero_vectors, self._group.device, seconds) for item in encoded]
        for key, member, item in zip(keys, self.members, found, strict=True):
            self.cache.put(key, _title(member), item)
        return found

    def embed_one(self, number: int, progress: bool, sentences: Sequence[str]) -> np.ndarray:
        """The vectors (n, d) of one member; when they are not on disk, all members' are made."""
        stored = self.cache.get(self._key(self.members[number], _digest(sentences)))
        return (stored or self.embed(sentences, progress)[number]).vectors

    def _key(self, member: zoo.Ready, content: str) -> str:
        parts = {
            "recipe": describe(member.recipe),
            "weights": member.sha256,
            "sentences": content,
            "device": zoo.device_of(member, self.device),
            "dtype": self.dtype,
            "versions": library_versions(),
            "version": __version__,
        }
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:32]
