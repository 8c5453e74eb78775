"""What the command line says about a run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from repro.evaluation.suite import Suite
from repro.metrics.bootstrap import RESAMPLES, SEED

DTYPES = {"float32": "fp32", "bfloat16": "bf16"}  # as signatures have them
Say = Callable[[str], None]


@dataclass(frozen=True)
class Options:
    """What is run, on what, and how."""

    suite: Suite = field(default_factory=Suite)
    rows: tuple[str, ...] = ()
    tasks: tuple[str, ...] = ()
    device: str = "auto"
    dtype: str = "float32"
    limit: int | None = None  # items of each file
    seeds: int | None = None  # trainings of each trained row, in place of the row's own number
    sample: int | None = None  # examples of each training set
    force: bool = False
    resamples: int = RESAMPLES
    seed: int = SEED

    @property
    def variant(self) -> str:
        """Suffix of the output files, so that a cut or low-precision run never overwrites the full one."""
        cuts = {"limit": self.limit, "sample": self.sample, "seeds": self.seeds}
        parts = "".join(f".{name}-{value}" for name, value in cuts.items() if value)
        return parts + (f".{self.dtype}" if self.dtype != "float32" else "")
