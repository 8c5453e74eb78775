"""Encoding speed on sentences of the STS benchmark (Sentence-BERT, Table 7): it measures a machine."""

from __future__ import annotations

import time
from dataclasses import dataclass
from statistics import median, stdev

import numpy as np

from repro.data.readers import Pairs
from repro.errors import ReproError
from repro.tasks.base import Encode, Scores
from repro.tasks.sts import StsTask

SENTENCES = 256  # distinct ones of the test split, in order: seconds for a base model on two cores
RUNS = 5  # after one that warms up


@dataclass(frozen=True)
class SpeedTask(StsTask):
    """Sentences a second on one kind of device."""

    device: str = "cpu"  # or gpu

    scores_pairs = False

    @property
    def metrics(self) -> tuple[str, ...]:
        """One."""
        return ("sentences-per-second",)

    def protocol(self, metric: str) -> dict[str, str]:
        """`metric:sentences-per-second|runs:5`."""
        return {"metric": metric, "runs": str(RUNS)}

    def sample(self, parts: list[Pairs]) -> list[str]:
        """The sentences that are encoded."""
        return self.sentences(parts)[:SENTENCES]

    def time(self, parts: list[Pairs], encode: Encode) -> SpeedScores:
        """Time `encode` on all of them at once, several times."""
        sentences = self.sample(parts)
        encode(sentences)
        seconds = []
        for _ in range(RUNS):
            start = time.perf_counter()
            encode(sentences)
            seconds.append(time.perf_counter() - start)
        return SpeedScores(tuple(len(sentences) / s for s in seconds))

    def score(  # type: ignore[override]
        self, parts: list[Pairs], sentences: list[str], vectors: np.ndarray, encoder: str
    ) -> SpeedScores:
        """Not from vectors."""
        raise ReproError(f"{encoder}: speed is measured while encoding; its rows are those of sbert-7")


@dataclass(frozen=True)
class SpeedScores(Scores):
    """Sentences a second of each run."""

    runs: tuple[float, ...]

    @property
    def values(self) -> dict[str, float]:
        """The median."""
        return {"sentences-per-second": median(self.runs)}

    @property
    def repeats(self) -> int:
        """The number of runs."""
        return len(self.runs)

    @property
    def std(self) -> float:
        """Over the runs (n − 1)."""
        return stdev(self.runs)

    def items(self, metric: str) -> tuple[np.ndarray, ...]:
        """Nothing to test with."""
        return ()

    def draws(self, metric: str, resamples: int, seed: int) -> np.ndarray | None:
        """None: no intervals."""
        return None

    def p_value(self, other: SpeedScores, metric: str, difference: np.ndarray) -> tuple[float, str]:
        """There is none."""
        raise ReproError("speed has no paired test")


SPEED_TASKS = {
    f"speed-{device}": SpeedTask(f"speed-{device}", "STSB", ("test",), device=device) for device in ("cpu", "gpu")
}
