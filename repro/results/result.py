"""A measured number and where it came from."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field

import numpy as np

from repro.results.signature import Signature


@dataclass(frozen=True)
class Result:
    """One measured number, on the paper's scale (scores × 100), and its provenance. It belongs to no table."""

    metric: str
    value: float
    ci_low: float | None
    ci_high: float | None
    signature: Signature
    weights: str
    data_sha256: str
    device: str
    dtype: str
    seconds: float
    commit: str
    seeds: int = 1
    std: float | None = None
    zero_vectors: int = 0
    scores: Mapping[str, float] = field(default_factory=dict)  # every other number of the task, or one a seed
    items: tuple[str, ...] = ()  # what the task needs to compare this result with another, packed with `pack`
    versions: Mapping[str, str] = field(default_factory=dict)  # of libraries

    def to_json(self) -> dict[str, object]:
        """The fields, the signature as text."""
        return {**asdict(self), "signature": str(self.signature), "items": list(self.items)}

    @classmethod
    def from_json(cls, content: Mapping[str, object]) -> Result:
        """Inverse of `to_json`; KeyError, TypeError or ValueError for anything else."""
        fields = dict(content)
        fields["signature"] = Signature.parse(str(fields["signature"]))
        fields["items"] = tuple(fields["items"])  # type: ignore[arg-type]
        return cls(**fields)  # type: ignore[arg-type]


def pack(values: np.ndarray) -> str:
    """(n,) floats or class codes as `<f8:` or `|u1:` and base64 of that type."""
    kind = "|u1" if values.dtype == np.uint8 else "<f8"
    return f"{kind}:{base64.b64encode(values.astype(kind).tobytes()).decode('ascii')}"


def unpack(text: str) -> np.ndarray:
    """Inverse of `pack`: (n,) float64 or uint8."""
    kind, _, content = text.partition(":")
    return np.frombuffer(base64.b64decode(content), {"|u1": np.uint8, "<f8": np.float64}[kind])
