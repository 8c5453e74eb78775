"""Encoding speed on sentences of the STS benchmark (Sentence-BERT, Table 7): it measures a machine."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from statistics import stdev

import numpy as np

from repro.errors import ReproError
from repro.metrics.base import Samples
from repro.tasks.base import Data, Encode, Scores
from repro.tasks.sts import StsData

SENTENCES = 256  # distinct ones of the test split, in order: seconds for a base model on two cores
RUNS = 5  # after one that warms up
METRICS = ("sentences-per-second",)


@dataclass(frozen=True)
class SpeedTask(StsData):
    """Sentences a second on one kind of device."""

    device: str = "cpu"  # or gpu

    @property
    def metrics(self) -> tuple[str, ...]:
        """Sentences per second, which is all there is."""
        return METRICS

    def _protocol(self, name: str) -> dict[str, str]:
        return {"metric": name, "runs": str(RUNS)}

    def sample(self, data: Data) -> list[str]:
        """The first distinct sentences."""
        return self.sentences(data)[:SENTENCES]

    def time(self, data: Data, encode: Encode) -> Scores:
        """Time `encode` on the whole sample at once, several times."""
        sentences = self.sample(data)
        encode(sentences)
        seconds = []
        for _ in range(RUNS):
            start = time.perf_counter()
            encode(sentences)
            seconds.append(time.perf_counter() - start)
        return SpeedScores(tuple(len(sentences) / s for s in seconds))

    def _score(self, data: Data, row_of: Mapping[str, int], vectors: np.ndarray, encoder: str) -> Scores:
        raise ReproError(f"{encoder}: speed is measured while encoding; its rows are those of sbert-7")

    def restore(self, data: Data, items: tuple[np.ndarray, ...]) -> Scores:
        """There is nothing to restore: what was timed is past."""
        raise ReproError(f"{self.name} is timed and has no test items")


@dataclass(frozen=True)
class SpeedScores(Scores):
    """Sentences a second of each run."""

    runs: tuple[float, ...]

    @property
    def metrics(self) -> tuple[str, ...]:
        """Sentences per second, which is all there is."""
        return METRICS

    def samples(self, name: str) -> Samples:
        """Sentences a second of each run, whose median is reported."""
        return Samples([(np.array(self.runs),)])

    @property
    def repeats(self) -> int:
        """Number of timed runs."""
        return len(self.runs)

    @property
    def std(self) -> float:
        """Standard deviation over the runs (n − 1)."""
        return stdev(self.runs)


SPEED_TASKS = {
    f"speed-{device}": SpeedTask(f"speed-{device}", "STSB", ("test",), device=device) for device in ("cpu", "gpu")
}
