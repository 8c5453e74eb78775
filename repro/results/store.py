"""Cells, signatures and the store: one JSON file per measured number, written with one rename."""

from __future__ import annotations

import base64
import hashlib
import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np

from repro import sealed
from repro.errors import ReproError
from repro.paths import make_way, write_atomic
from repro.sealed import say_altered, seal

logger = logging.getLogger(__name__)

# Fields of a signature that describe the system; all others are the protocol's, and two scores may be compared only
# where those are equal. A field that nobody has listed here therefore keeps scores apart.
SYSTEM_FIELDS = frozenset(
    {
        *("pool", "layers", "maxlen", "norm", "prompt", "tokens", "case", "dtype", "seeds"),
        *("fit", "whiten", "flow", "flowepochs", "flowlr", "flowdecay", "flowbatch", "flowpasses", "flowinit"),
        *("batching", "weights", "on"),
        *("train", "obj", "epochs", "batch", "lr", "adam", "warmup", "clip", "decay", "select", "sample"),
        *("head", "temp", "trainlen"),
    }
)


def signature(task: str, fields: Mapping[str, str]) -> str:
    """`sts12|agg:all|corr:spearman|…`: everything that decides a score, in sacreBLEU's manner."""
    return "|".join([task, *(f"{name}:{value}" for name, value in fields.items() if value)])


def protocol_of(text: str) -> dict[str, str]:
    """The protocol part of a signature: what may not differ between the rows of a column."""
    return {name: value for name, value in _fields(text).items() if name not in SYSTEM_FIELDS}


def system_of(text: str) -> dict[str, str]:
    """The part of a signature that describes the system."""
    return {name: value for name, value in _fields(text).items() if name in SYSTEM_FIELDS}


def _fields(text: str) -> dict[str, str]:
    task, *fields = text.split("|")
    return {"task": task, **dict(part.partition(":")[::2] for part in fields)}


def difference(first: Mapping[str, str], other: Mapping[str, str]) -> str:
    """The first difference between parts of two signatures, in words; '' when they are equal."""
    for name in sorted(first.keys() | other.keys()):
        if first.get(name) != other.get(name):
            return f"{name} is {first.get(name, 'unset')} in one and {other.get(name, 'unset')} in the other"
    return ""


def check_comparable(signatures: Sequence[str]) -> None:
    """ReproError when scores were computed under different protocols; it names the first difference."""
    first, *rest = [protocol_of(signature) for signature in signatures] or [{}]
    for other in rest:
        if why := difference(first, other):
            raise ReproError(f"these scores are not comparable: {why}")


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
        self._writable = True

    def path(self, table: str, key: dict[str, object]) -> Path:
        """Where the cell of that key is or will be."""
        digest = hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()[:32]
        return self.folder / table / f"{digest}.json"

    def get(self, table: str, key: dict[str, object]) -> Cell | None:
        """The stored cell, or None when there is none; one that was altered or exchanged is none, and that is said."""
        path = self.path(table, key)
        try:
            stored = sealed.read(path)
            content = stored["cell"]
            if stored["key"] != json.loads(json.dumps(key)) or not isinstance(content, dict):
                raise ValueError("of another key")
            return Cell(**{**content, "items": tuple(content["items"])})
        except (FileNotFoundError, NotADirectoryError):
            return None
        except (OSError, ValueError, KeyError, TypeError):
            say_altered(path, f"the stored result {path} was altered or is damaged; it is computed again")
            return None

    def put(self, table: str, key: dict[str, object], cell: Cell) -> None:
        """Write the cell with one rename: readers and other runs see all of it or nothing."""
        path = self.path(table, key)
        make_way(path)
        write_atomic(path, seal({"key": key, "cell": asdict(cell)}))

    def keep(self, table: str, key: dict[str, object], cell: Cell) -> None:
        """`put`; where nothing can be written that is said, once, and the run goes on."""
        try:
            self.put(table, key, cell)
        except ReproError as error:
            if self._writable:
                logger.warning("results are not stored, the next run computes them again: %s", error)
            self._writable = False
