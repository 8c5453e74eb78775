"""`repro fetch`: download (or read from a mirror), check, convert, check again, put in place with one rename."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterable
from pathlib import Path, PurePosixPath
from urllib.parse import urlparse

import numpy as np
from filelock import FileLock

from repro.data import hub, labelled, readers
from repro.data.convert import convert
from repro.data.registry import Dataset, Source, contracts
from repro.errors import NotAvailable, ReproError
from repro.files import disk_errors, sha256_file


def fetch(item: Dataset, data_dir: Path, mirror: Path | None = None, offline: bool = False) -> Path:
    """Make `data_dir/<folder>` hold the data set and return that folder; a complete one is left as it is.

    Everything is built and checked in a staging folder beside it, then renamed: whatever goes wrong, the data set
    is absent or complete. A lock per data set lets two fetches run at the same time.
    """
    target = data_dir / item.folder
    if is_complete(item, data_dir):
        _sweep(target)  # a fetch killed between its rename and its sweep
        return target
    if item.sources[0].format == "user":
        names = ", ".join(path.name for path, _, _ in contracts(item))
        raise NotAvailable(f"{item.name} has no fixed address: put {names} ({item.citation}) into {target}")
    with disk_errors(data_dir):
        target.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(target.parent / f".{target.name}.lock")
        with lock:
            if is_complete(item, data_dir):
                return target
            _sweep(target)
            staging = Path(tempfile.mkdtemp(dir=target.parent, prefix=f".{target.name}.partial-"))
            try:
                _build(item, staging, mirror, offline)
                check(item, staging)
                _place(staging / item.folder, target)
            finally:
                shutil.rmtree(staging, ignore_errors=True)
    return target


def _sweep(target: Path) -> None:
    """Remove staging folders of fetches that were killed (under the lock, or once complete, no other is in use)."""
    for stale in target.parent.glob(f".{target.name}.partial-*"):
        shutil.rmtree(stale, ignore_errors=True)


def _build(item: Dataset, staging: Path, mirror: Path | None, offline: bool) -> None:
    if item.sources[0].format == "hub-nli":
        contents = [hub.all_nli(offline)]
    elif item.sources[0].format == "hub-simcse":
        contents = [hub.simcse(source.path.name, offline) for source in item.sources]
    else:
        contents = [_source_bytes(source, staging, mirror, offline) for source in item.sources]
    for path, data in convert(item.sources, contents).items():
        file = staging / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)
        file.chmod(0o644)


def _place(built: Path, target: Path) -> None:
    if target.exists():  # a fetch never leaves an incomplete folder: this one is somebody's own
        raise ReproError(f"{target} exists but lacks some of its files; move it away and fetch again")
    built.chmod(0o755)
    os.replace(built, target)


def _source_bytes(source: Source, staging: Path, mirror: Path | None, offline: bool) -> bytes:
    if mirror is not None:
        url = urlparse(source.url)
        path = mirror / url.netloc / url.path.lstrip("/")
        if not path.is_file():
            raise ReproError(f"{path} is missing from the mirror; it should be a copy of {source.url}")
    elif offline:
        raise ReproError(f"{source.url} is not fetched yet; run without --offline or give --mirror DIR")
    else:
        path = _download(source, staging)
    found = sha256_file(path)
    if found != source.sha256:
        raise ReproError(
            f"{path}: expected sha256 {source.sha256[:12]}…, found {found[:12]}… ({path.stat().st_size} bytes); "
            f"the file is truncated or altered, get it again from {source.url}"
        )
    return path.read_bytes()


def _download(source: Source, folder: Path) -> Path:
    import pooch
    import requests

    name = PurePosixPath(urlparse(source.url).path).name
    getter = pooch.create(
        path=folder / "downloads",
        base_url="",
        registry={name: None},
        urls={name: source.url},
        retry_if_failed=2,
    )
    pooch.get_logger().setLevel("ERROR")
    try:
        return Path(getter.fetch(name, downloader=pooch.HTTPDownloader(progressbar=True, timeout=30)))
    except (requests.RequestException, ValueError) as error:
        raise ReproError(
            f"cannot download {source.url} ({type(error).__name__}); "
            "check the network, or name a folder of copies with --mirror DIR or REPRO_MIRROR"
        ) from error


def is_complete(item: Dataset, data_dir: Path) -> bool:
    """Whether every file of the data set is there (the rename makes that the same as: was checked)."""
    return all((data_dir / path).is_file() for path, _, _ in contracts(item))


def check(item: Dataset, data_dir: Path) -> None:
    """Hold each file against the registry's row count and label balance; ReproError names file and difference."""
    for path, rows, labels in contracts(item):
        file = data_dir / path
        found_rows, found_labels = describe(file)
        if found_rows != rows:
            raise ReproError(f"{path}: expected {rows} rows, found {found_rows}")
        if found_labels != labels:
            raise ReproError(f"{path}: expected the label balance {labels}, found {found_labels}")


def describe(path: Path) -> tuple[int, str]:
    """(row count, label balance) of a data file, read with the same readers as the tasks use."""
    name, folder = path.name, path.parent
    if name.startswith("STS.input."):
        return _graded(readers.read_sts_subset(folder, name[len("STS.input.") : -len(".txt")]).gold)
    if folder.name == "STSBenchmark":
        return _graded(readers.read_stsb(folder, path.stem[len("sts-") :]).gold)
    if folder.name == "SICK":
        split = {file: split for split, file in readers.SICK_FILES.items()}[name]
        return _labelled(readers.read_sick(folder, split).labels)
    if folder.name == "argument-bws":
        return _graded(np.concatenate([part.gold for part in labelled.read_bws(path)]))
    if folder.name == "argument-similarity":
        return _graded(np.array([score for _, _, score in labelled.read_argument_pairs(path)]))
    if folder.name == "wikipedia-sections" or name == labelled.SIMCSE_TRIPLETS:
        return len(labelled.read_triplets(path)), ""
    if folder.name in labelled.BINARY_FILES:
        label = str(int(name == labelled.BINARY_FILES[folder.name][0]))
        return _labelled(labelled.read_sentences(path, label).labels)
    by_folder = {
        "binary": labelled.read_sst,
        "TREC": labelled.read_trec,
        "MRPC": labelled.read_mrpc,
        "nli": labelled.read_nli,
        "nli-sample": labelled.read_nli,
    }
    if folder.name in by_folder:
        return _labelled(by_folder[folder.name](path).labels)
    return len(readers.read_lines(path)), ""


def _labelled(labels: tuple[str, ...]) -> tuple[int, str]:
    return len(labels), balance(labels)


def _graded(gold: np.ndarray) -> tuple[int, str]:
    return len(gold), balance(np.floor(gold + 0.5).astype(int).tolist())


def balance(labels: Iterable[object]) -> str:
    """Rows per label in the registry's notation, `0:34 1:94`."""
    counts = Counter(labels)
    return " ".join(f"{label}:{counts[label]}" for label in sorted(counts, key=str))
