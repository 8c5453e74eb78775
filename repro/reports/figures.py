"""Figures beside a table: which files there are, and which are on disk already; drawing takes longer than the rest."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

from repro import memo
from repro.reports.plots import Plot

FORMS = ("svg", "png")
NAMES = ("geometry", "spectra", "dimensions", "growth-cpu", "growth-gpu")
SUFFIXES = tuple(f".{name}.{form}" for name in NAMES for form in FORMS)  # of the files of a table


def files(plot: Plot, csv_path: Path) -> Iterator[tuple[Path, bytes]]:
    """(path, content) of a figure in every form, beside the table's CSV.

    A file that is there and was drawn here from the same numbers by the same code is not drawn again.
    """
    paths = {form: csv_path.with_suffix(f".{plot.name}.{form}") for form in FORMS}
    drawn = _kept(plot, paths) or _drawn(plot)
    yield from ((paths[form], content) for form, content in drawn.items())


def _drawn(plot: Plot) -> dict[str, bytes]:
    from repro.reports.drawing import draw

    contents = draw(plot, FORMS)
    memo.remember(_key(plot), _sums(contents))
    memo.keep()
    return contents


def _kept(plot: Plot, paths: Mapping[str, Path]) -> dict[str, bytes] | None:
    """The files as they are on disk; None unless all of them are those that were drawn of this plot."""
    text = memo.recall(_key(plot))
    if text is None or not all(path.is_file() for path in paths.values()):
        return None
    contents = {form: path.read_bytes() for form, path in paths.items()}
    return contents if text == _sums(contents) else None


def _key(plot: Plot) -> dict[str, Any]:
    content = json.dumps(asdict(plot))
    return {"plot": _sha256(content.encode()), "code": memo.code(), "matplotlib": version("matplotlib")}


def _sums(contents: Mapping[str, bytes]) -> str:
    return json.dumps({form: _sha256(content) for form, content in contents.items()})


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
