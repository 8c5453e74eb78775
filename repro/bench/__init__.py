"""`repro bench`: ratios measured in one process on one machine. Nothing is asserted; speed is for people to read."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from repro.evaluation.suite import Suite

# what is timed -> its module, each of which is loaded when it is asked for
BENCHES = {
    "encode": "encoding",
    "glove": "encoding",
    "score": "encoding",
    "probe": "probes",
    "train": "training",
    "mlm": "masking",
    "fit": "postprocessing",
    "search": "postprocessing",
    "memory": "own_sentences",
    "static": "own_sentences",
    "again": "own_sentences",
}


def bench(name: str) -> Callable[[Suite, int | None, int], Iterator[str]]:
    """The bench of that name, of BENCHES: (data, number of sentences, repeats) → lines."""
    found: Callable[[Suite, int | None, int], Iterator[str]] = getattr(
        import_module(f"repro.bench.{BENCHES[name]}"), name
    )
    return found
