"""Plain sentences to fit a whitening or a flow on."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from repro.data import labelled, readers


def _nli(folder: Path) -> list[str]:
    """Both sentences of every pair, all splits and repeats: as the published code counts them (eng/eval.py:89-93)."""
    pairs = labelled.read_nli(folder / "AllNLI.tsv")
    return [*pairs.first, *pairs.second]


def _wiki(folder: Path) -> list[str]:
    return readers.read_lines(folder / "wiki.txt")


# name: (data set, reader of its folder)
CORPORA: dict[str, tuple[str, Callable[[Path], list[str]]]] = {
    "nli": ("NLI", _nli),
    "nli-sample": ("NLI-SAMPLE", _nli),
    "wiki-sample": ("WIKI-SAMPLE", _wiki),
}
