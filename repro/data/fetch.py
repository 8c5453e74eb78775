"""`repro fetch`: download (or read from a mirror), check, convert, check again, put in place with one rename.

Every use holds the files against their checksums: those of files.csv, or for what comes through the hub those that were
written down beside it when it was made. What is gone or damaged is replaced, file by file.
"""

from __future__ import annotations

import csv
import logging
import os
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath

import numpy as np
from filelock import FileLock

from repro.checksums import reading_only, sha256_of
from repro.data import hub, readers, sources
from repro.data.convert import convert
from repro.data.registry import Dataset, Source
from repro.errors import NotAvailable, ReproError
from repro.paths import disk_errors, home, set_aside, sync

# In the folder of a data set from the hub, so that one rename publishes data and checksums; `sha256sum -c` reads it.
SUMS = "SHA256SUMS"
_log = logging.getLogger(__name__)


def fetch(item: Dataset, data_dir: Path, mirror: Path | None = None, offline: bool = False) -> Path:
    """Make `data_dir/<folder>` hold the data set and return that folder; a sound one is left as it is.

    Everything is built and checked in a staging folder beside it, then renamed: whatever goes wrong, the data set
    is absent or complete. A damaged file is replaced, which is logged; what is not the suite's own stays. A lock per
    data set lets two fetches run at the same time. NotAvailable says why it cannot be had.
    """
    target = data_dir / item.folder
    if is_complete(item, data_dir):
        _sweep(target)  # a fetch killed between its rename and its sweep
        return target
    if item.is_brought:
        names = ", ".join(path.name for path in item.files)
        raise NotAvailable(f"{item.name} has no fixed address: put {names} ({item.citation}) into {target}")
    try:
        with disk_errors(data_dir):
            target.parent.mkdir(parents=True, exist_ok=True)
            with FileLock(target.parent / f".{target.name}.lock"):
                _make(item, data_dir, mirror, offline)
    except OSError as error:
        where, why = error.filename or target, error.strerror or error
        raise NotAvailable(f"{item.name} cannot be fetched: {where}: {why}; move it away and fetch again") from error
    except NotAvailable:
        raise
    except ReproError as error:
        raise NotAvailable(str(error)) from error
    return target


def _make(item: Dataset, data_dir: Path, mirror: Path | None, offline: bool) -> None:
    """Build, check and publish what is missing or damaged, under the data set's lock."""
    target = data_dir / item.folder
    wrong = dict(damages(item, data_dir))
    if not wrong:  # another fetch was quicker
        return
    there = os.path.lexists(target)
    if there and not target.is_dir():
        raise NotAvailable(f"{target} is in the way of a folder; move it away and fetch again")
    _sweep(target)
    staging = Path(tempfile.mkdtemp(dir=target.parent, prefix=f".{target.name}.partial-"))
    try:
        _build(item, staging, mirror, offline)
        check(item, staging)
        _hold(item, staging)
        _publish(item, staging, data_dir, wrong)
    except ReproError as error:
        if not there:
            raise
        path, why = next(iter(wrong.items()))
        again = f"`repro fetch {item.name}` replaces it, but not now"
        raise NotAvailable(f"{data_dir / path} {why}; {again}: {error}") from error
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    if there:
        _log.warning("%s: %s; fetched again", target, ", ".join(f"{path.name} {why}" for path, why in wrong.items()))


def _sweep(target: Path) -> None:
    """Remove staging folders of fetches that were killed (under the lock, or once complete, no other is in use)."""
    for stale in target.parent.glob(f".{target.name}.partial-*"):
        shutil.rmtree(stale, ignore_errors=True)


def _build(item: Dataset, staging: Path, mirror: Path | None, offline: bool) -> None:
    if item.from_hub:
        hub.make(item, staging, offline)
        return
    contents = [sources.read(source, staging, mirror, offline) for source in item.sources]
    for path, data in convert(item.sources, contents).items():
        file = staging / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)


def _hold(item: Dataset, staging: Path) -> None:
    """Hold what was built against files.csv; write down the checksums of what no one knew beforehand."""
    with reading_only():  # nobody asks for a file of the staging folder again
        checksums = {path: sha256_of(staging / path) for path in item.files}
    for path, expected in item.digests:
        if checksums[path] != expected:
            raise ReproError(
                f"{path}: the conversion gave sha256 {checksums[path][:12]}…, expected {expected[:12]}…; "
                "install the versions of constraints.txt"
            )
    if not item.digests:
        lines = [f"{digest}  {path.name}\n" for path, digest in checksums.items()]
        (staging / item.folder / SUMS).write_text("".join(lines), encoding="utf-8")


def _publish(item: Dataset, staging: Path, data_dir: Path, wrong: dict[PurePosixPath, str]) -> None:
    """Put what was built in place: the whole folder where there is none, else each file that is wrong."""
    built, target = staging / item.folder, data_dir / item.folder
    for file in built.iterdir():
        sync(file)
    sync(built)
    if not os.path.lexists(target):
        os.replace(built, target)
        sync(target.parent)
        return
    unknown = not item.digests and not _recorded(item, data_dir)  # perhaps files that somebody put there by hand
    names = [path.name for path in wrong] if item.digests else [*(path.name for path in item.files), SUMS]
    for name in names:
        _make_way(target / name, keep=unknown)
        os.replace(built / name, target / name)
    sync(target)


def _make_way(path: Path, keep: bool) -> None:
    """Move away what a rename would not or should not replace: a folder that is not empty, a file of unknown origin."""
    folder = path.is_dir() and not path.is_symlink()
    if folder and not any(path.iterdir()):
        path.rmdir()
    elif folder or (keep and os.path.lexists(path)):
        _log.warning("%s is not a file of the suite's; moved to %s", path, set_aside(path).name)


def is_complete(item: Dataset, data_dir: Path) -> bool:
    """Whether every file of the data set is there and holds its checksum."""
    return not any(damages(item, data_dir))


def damages(item: Dataset, data_dir: Path) -> Iterator[tuple[PurePosixPath, str]]:
    """(file, what is wrong with it: missing, empty, altered …) of a data set below a data folder.

    Of what is the user's to bring only whether it is there.
    """
    known = dict(item.digests) or (_recorded(item, data_dir) if item.from_hub else None)
    home()  # what is wrong with that is no file's fault
    for path in item.files:
        file = data_dir / path
        if not os.path.lexists(file):
            yield path, "is missing"
        elif not file.is_file():
            yield path, "is not a file"
        elif known is not None and (why := _difference(file, known.get(path, ""))):
            yield path, why


def _difference(file: Path, expected: str) -> str:
    if file.stat().st_size == 0:
        return "is empty"
    if not expected:
        return f"has no checksum in {SUMS}"
    try:
        return "" if sha256_of(file) == expected else "is altered"
    except ReproError:
        return "cannot be read"


def _recorded(item: Dataset, data_dir: Path) -> dict[PurePosixPath, str]:
    """The checksums that were written down when a data set from the hub was made; none when that file is damaged."""
    sums = data_dir / item.folder / SUMS
    if not sums.is_file():
        return {}
    try:
        pairs = [line.split("  ", 1) for line in sums.read_text(encoding="utf-8").splitlines()]
        return {item.folder / name: digest for digest, name in pairs}
    except (OSError, ValueError):
        return {}


def check(item: Dataset, data_dir: Path) -> None:
    """Hold each file against the registry's row count and label balance; ReproError names file and difference."""
    for source in item.contents:
        rows, labels = describe(data_dir / source.path, source)
        if rows != source.rows:
            raise ReproError(f"{source.path}: expected {source.rows} rows, found {rows}")
        if labels != source.labels:
            raise ReproError(f"{source.path}: expected the label balance {source.labels}, found {labels}")


def describe(path: Path, source: Source) -> tuple[int, str]:
    """(row count, label balance) of a data file, read with the same reader as the tasks use."""
    if source.reader == "triplets":
        return _csv_rows(path), ""
    pairs = readers.read(path, source)
    if len(pairs.gold):
        return len(pairs), balance(np.floor(pairs.gold + 0.5).astype(int).tolist())
    return len(pairs), balance(pairs.labels)


def _csv_rows(path: Path) -> int:
    """Rows below the header that are not blank, read one by one: 1.8 million triplets would fill the memory."""
    with path.open(encoding="utf-8", newline="") as file:
        return sum(1 for row in csv.reader(file) if row) - 1


def balance(labels: Iterable[object]) -> str:
    """Rows per label in the registry's notation, `0:34 1:94`."""
    counts = Counter(labels)
    return " ".join(f"{label}:{counts[label]}" for label in sorted(counts, key=str))
