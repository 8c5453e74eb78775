"""Cells, signatures and the store: one JSON file per measured number, written with one rename."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np

from repro.errors import ReproError
from repro.files import write_atomic

# Fields of a signature that decide whether two scores may be compared; the others describe the encoder.
PROTOCOL_FIELDS = ("task", "suite", "agg", "corr", "sim", "metric", "probe", "cv", "seed", "data", "limit", "v")


def signature(task: str, fields: Mapping[str, str]) -> str:
    """`sts12|agg:all|corr:spearman|…`: everything that decides a score, in sacreBLEU's manner."""
    return "|".join([task, *(f"{name}:{value}" for name, value in fields.items() if value)])


def protocol_of(text: str) -> dict[str, str]:
    """The protocol part of a signature: what may not differ between the rows of a column."""
    task, *fields = text.split("|")
    named = {"task": task, **dict(part.split(":", 1) for part in fields)}
    return {name: named[name] for name in PROTOCOL_FIELDS if name in named}


def check_comparable(signatures: Sequence[str]) -> None:
    """ReproError when scores were computed under different protocols; it names the first difference."""
    first, *rest = [protocol_of(signature) for signature in signatures] or [{}]
    for other in rest:
        for name in first.keys() | other.keys():
            if first.get(name) != other.get(name):
                raise ReproError(
                    f"these scores are not comparable: {name} is {first.get(name, 'unset')} in one "
                    f"and {other.get(name, 'unset')} in the other"
                )


@dataclass(frozen=True)
class Cell:
    """One measured number of a table and where it came from. Scores are × 100."""

    table: str
    row: str
    column: str
    metric: str
    value: float
    ci_low: float | None
    ci_high: float | None
    signature: str
    encoder: str
    weights: str
    data_sha256: str
    device: str
    dtype: str
    seconds: float
    commit: str
    seeds: int = 1
    std: float | None = None
    zero_vectors: int = 0
    scores: dict[str, float] = field(default_factory=dict)  # every other number of the task
    items: tuple[str, ...] = ()  # what the task needs to compare this cell with another, packed with `pack`
    versions: dict[str, str] = field(default_factory=dict)


def pack(values: np.ndarray) -> str:
    """(n,) floats or class codes as `<f8:` or `|u1:` and base64 of that type."""
    kind = "|u1" if values.dtype == np.uint8 else "<f8"
    return f"{kind}:{base64.b64encode(values.astype(kind).tobytes()).decode('ascii')}"


def unpack(text: str) -> np.ndarray:
    """Inverse of `pack`: (n,) float64 or uint8."""
    kind, _, content = text.partition(":")
    return np.frombuffer(base64.b64decode(content), {"|u1": np.uint8, "<f8": np.float64}[kind])


class Store:
    """Cells on disk below `folder`, one file each, named by a hash of what decides the number."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path(self, table: str, key: dict[str, object]) -> Path:
        """Where the cell of that key is or will be."""
        digest = hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()[:32]
        return self.folder / table / f"{digest}.json"

    def get(self, table: str, key: dict[str, object]) -> Cell | None:
        """The stored cell, or None when it is not there (or is not readable as a cell)."""
        try:
            found = json.loads(self.path(table, key).read_text(encoding="utf-8"))["cell"]
            return Cell(**{**found, "items": tuple(found["items"])})
        except (FileNotFoundError, ValueError, KeyError, TypeError):
            return None

    def put(self, table: str, key: dict[str, object], cell: Cell) -> None:
        """Write the cell with one rename: readers and other runs see all of it or nothing."""
        text = json.dumps({"key": key, "cell": asdict(cell)}, indent=1, sort_keys=True)
        write_atomic(self.path(table, key), text + "\n")
