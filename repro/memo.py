"""What takes long to derive from files that seldom change, kept from run to run: digests of data, sums of figures.

A key holds everything that decides the text that is kept under it, the suite's own code included, so an entry is never
out of date: what changed has another key. Entries are sealed; one that was altered is derived again. Whoever only plans
writes none: what a plan derived is written by the run that follows it, with `keep`.
"""

from __future__ import annotations

import hashlib
import json
from functools import cache
from pathlib import Path

from repro import sealed
from repro.errors import ReproError
from repro.paths import home, make_way, write_atomic

Key = dict[str, object]  # JSON-ready
_derived: dict[str, tuple[Key, str]] = {}  # in this process and not yet on disk, by the name of their file


def recall(key: Key) -> str | None:
    """The text kept under that key, or None."""
    name = _name(key)
    if name in _derived:
        return _derived[name][1]
    try:
        content = sealed.read(_folder() / name)
    except (OSError, ValueError):
        return None
    text = content.get("text")
    return text if content.get("key") == key and isinstance(text, str) else None


def remember(key: Key, text: str) -> None:
    """Keep a text for this process, and for those after it once `keep` is called."""
    _derived[_name(key)] = key, text


def keep() -> None:
    """Write what was derived in this process; where nothing can be written it is derived again another time."""
    for name, (key, text) in list(_derived.items()):
        path = _folder() / name
        try:
            make_way(path)
            write_atomic(path, sealed.seal({"key": key, "text": text}))
        except ReproError:
            return
        del _derived[name]


@cache
def code() -> str:
    """Hex sha256 over the suite's modules and its registry: what is derived from files hangs on how they are read."""
    package = Path(__file__).parent
    state = hashlib.sha256()
    for path in sorted([*package.rglob("*.py"), *package.glob("data/*.csv")]):
        state.update(f"{path.relative_to(package)}\n".encode())
        state.update(path.read_bytes())
    return state.hexdigest()


def _folder() -> Path:
    return home() / "memo"


def _name(key: Key) -> str:
    return f"{hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()[:32]}.json"
