"""Checksums of models from the hub, kept after their files have gone: what was measured on them is still found."""

from __future__ import annotations

import hashlib
from contextlib import suppress
from pathlib import Path

from repro.errors import ReproError
from repro.paths import home, write_atomic
from repro.sealed import seal, unseal


def remember(weights: str, revision: str, identity: str) -> None:
    """Keep the checksum over all files of a model at a commit; where nothing may be written, it is not kept."""
    if recall(weights, revision) != identity:
        with suppress(ReproError):
            write_atomic(_path(weights, revision), seal({"name": f"{weights}@{revision}", "identity": identity}))


def recall(weights: str, revision: str) -> str:
    """The checksum that was kept, or ''."""
    try:
        stored = unseal(_path(weights, revision).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return ""
    return str(stored["identity"]) if stored.get("name") == f"{weights}@{revision}" else ""


def _path(weights: str, revision: str) -> Path:
    name = hashlib.sha256(f"{weights}@{revision}".encode()).hexdigest()[:32]
    return home() / "encoders" / f"{name}.json"
