"""`repro fetch --save-mirror`: the folder of copies that REPRO_MIRROR reads, so that any CI has the same bytes."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from repro.data import sources
from repro.data.registry import Dataset, Source
from repro.errors import ReproError
from repro.paths import write_atomic


def public_files(items: list[Dataset]) -> dict[str, Source]:
    """The public files that data sets are made of, each URL once."""
    return {source.url: source for item in items for source in item.sources if source.url}


def is_saved(source: Source, folder: Path) -> bool:
    """Whether the mirror has the file with its checksum."""
    path = sources.mirrored(source, folder)
    return path.is_file() and hashlib.sha256(path.read_bytes()).hexdigest() == source.sha256


def save(files: list[Source], folder: Path, mirror: Path | None, offline: bool) -> Iterator[tuple[Source, str]]:
    """Put each file at `folder/<host>/<path of its URL>`, with one rename; (file, why it could not be had, or '').

    What is there with its checksum stays; `mirror`: another one to copy from.
    """
    for source in files:
        staging = Path(tempfile.mkdtemp(prefix="repro-mirror-"))
        try:
            write_atomic(sources.mirrored(source, folder), sources.read(source, staging, mirror, offline))
        except ReproError as error:
            yield source, str(error)
        else:
            yield source, ""
        finally:
            shutil.rmtree(staging, ignore_errors=True)
