"""Results on disk: one sealed JSON file each, named by a hash of its key, written with one rename."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Mapping
from pathlib import Path

from repro import sealed
from repro.errors import ReproError
from repro.paths import locked, make_way, write_atomic
from repro.results.result import Result
from repro.sealed import say_altered, seal

logger = logging.getLogger(__name__)
Key = Mapping[str, object]  # what decides a number; see keys.py


class Store:
    """Results below `folder`, and those of this process, which count also where nothing can be written.

    `replacing`: what is put takes the place of what is there.
    """

    def __init__(self, folder: Path, replacing: bool = False) -> None:
        self.folder, self.replacing = folder, replacing
        self.fresh: dict[str, Result] = {}  # by digest of the key
        self._writable = True

    def path(self, key: Key) -> Path:
        """Where the result of that key is or will be."""
        return self.folder / f"{digest(key)}.json"

    def get(self, key: Key) -> Result | None:
        """The result of that key, or None; one that was altered or exchanged on disk is none, and that is said."""
        return self.fresh.get(digest(key)) or self._stored(key)

    def _stored(self, key: Key) -> Result | None:
        path = self.path(key)
        try:
            stored = sealed.read(path)
            if stored["key"] != json.loads(json.dumps(key)) or not isinstance(stored["result"], dict):
                raise ValueError("of another key")
            return Result.from_json(stored["result"])
        except (FileNotFoundError, NotADirectoryError):
            return None
        except (OSError, ValueError, KeyError, TypeError):
            say_altered(path, f"the stored result {path} was altered or is damaged; it is computed again")
            return None

    def remember(self, key: Key, result: Result) -> None:
        """Keep a result for this process alone."""
        self.fresh[digest(key)] = result

    def put(self, key: Key, result: Result) -> None:
        """Keep a result: readers and other runs see all of its file or nothing.

        Where another run has stored the same meanwhile, that one stays and is the one of this process too: tables that
        share a cell show one number. Where nothing can be written that is said, once, and the run goes on.
        """
        self.remember(key, result)
        path = self.path(key)
        try:
            with locked(path):
                there = None if self.replacing else self._stored(key)
                if there is not None:
                    self.remember(key, there)
                else:
                    make_way(path)
                    write_atomic(path, seal({"key": key, "result": result.to_json()}))
        except ReproError as error:
            if self._writable:
                logger.warning("results are not stored, the next run computes them again: %s", error)
            self._writable = False


def digest(key: Key) -> str:
    """32 hex digits that stand for a key."""
    return hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()[:32]
