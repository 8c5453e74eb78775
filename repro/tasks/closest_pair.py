"""The closest pair among 10,000 sentences: how long a bi-encoder takes to find it, and how long a cross-encoder would.

Sentence-BERT §1: a model that reads both sentences at once runs n (n − 1) / 2 = 49,995,000 times, 65 hours on a V100;
SBERT encodes 10,000 sentences in about 5 seconds and compares their vectors in about 0.01.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from repro.errors import ReproError
from repro.metrics.base import Samples
from repro.metrics.neighbours import closest_pairs
from repro.tasks.base import Data, Encode, Scores, Similarity
from repro.tasks.sts import StsData

COUNT = 10_000  # sentences
PAIRS = COUNT * (COUNT - 1) // 2
SIZES = (1_000, 3_162, COUNT)  # growth is seen on
WARM = 64  # sentences, or pairs, before the clock starts
RUNS, PAIRS_A_RUN = 16, 64  # of the cross-encoder
SEED = 12  # of the pairs that are drawn


@dataclass(frozen=True)
class ClosestPairTask(StsData):
    """What both kinds of encoder have in common: the sentences, and a device."""

    device: str = "cpu"  # or gpu

    def sample(self, data: Data) -> list[str]:
        """The first 10,000 distinct sentences, or all where there are fewer."""
        return self.sentences(data)[:COUNT]

    def _score(self, data: Data, row_of: Mapping[str, int], vectors: np.ndarray, encoder: str) -> Scores:
        raise ReproError(f"{encoder}: the closest pair is timed while encoding; its rows are those of sbert-65h")


@dataclass(frozen=True)
class BiEncoderTask(ClosestPairTask):
    """Seconds to encode all sentences, to search the vectors for the closest pair, and both."""

    keeps_items: ClassVar[bool] = True  # growth with n

    @property
    def metrics(self) -> tuple[str, ...]:
        """Encoding, search, and both."""
        return BiEncoderTimes.metrics

    def _protocol(self, name: str) -> dict[str, str]:
        return {"metric": name, "first": str(COUNT)}

    def time(self, data: Data, encode: Encode) -> Scores:
        """Encode and search the first 1,000, 3,162 and 10,000 sentences, each from its text anew."""
        sentences = self.sample(data)
        encode(sentences[:WARM])
        rows = []
        for n in dict.fromkeys(min(size, len(sentences)) for size in SIZES):
            start = time.perf_counter()
            vectors = encode(sentences[:n])
            encoded = time.perf_counter()
            closest_pairs(vectors, 1)
            rows.append((float(n), encoded - start, time.perf_counter() - encoded))
        return BiEncoderTimes(*np.array(rows).T)

    def restore(self, data: Data, items: tuple[np.ndarray, ...]) -> Scores:
        """From n, and the seconds of encoding and of searching n sentences."""
        return BiEncoderTimes(*items)


@dataclass(frozen=True)
class BiEncoderTimes(Scores):
    """For each n (s,) the seconds that encoding and searching n sentences took, (s,) each."""

    sizes: np.ndarray
    encoding: np.ndarray
    search: np.ndarray

    metrics = ("encode-seconds", "search-seconds", "closest-pair-seconds")

    def samples(self, name: str) -> Samples:
        """The seconds at the largest n."""
        seconds = {"encode-seconds": self.encoding, "search-seconds": self.search}.get(
            name, self.encoding + self.search
        )
        return Samples([(seconds[-1:],)])

    def items(self, name: str) -> tuple[np.ndarray, ...]:
        """All times, for the figure."""
        return (self.sizes, self.encoding, self.search) if name == "closest-pair-seconds" else ()


@dataclass(frozen=True)
class CrossEncoderTask(ClosestPairTask):
    """Pairs a second of a cross-encoder on drawn pairs of the sentences, and the hours that all pairs would take."""

    scores_pairs: ClassVar[bool] = True

    @property
    def metrics(self) -> tuple[str, ...]:
        """Pairs a second, and hours for all of them."""
        return CrossEncoderTimes.metrics

    def _protocol(self, name: str) -> dict[str, str]:
        return {"metric": name, "first": str(COUNT), "pairs": str(RUNS * PAIRS_A_RUN), "seed": str(SEED)}

    def time_pairs(self, data: Data, similarity: Similarity) -> Scores:
        """Score 16 × 64 pairs, drawn from all pairs of different sentences."""
        sentences = self.sample(data)
        if len(sentences) < 2:
            raise ReproError(f"{self.dataset}: {len(sentences)} sentences make no pair; raise --limit")
        rng = np.random.default_rng(SEED)
        drawn = np.array([rng.choice(len(sentences), 2, replace=False) for _ in range(RUNS * PAIRS_A_RUN)])
        first, second = ([sentences[row] for row in column] for column in drawn.T)
        similarity(first[:WARM], second[:WARM])
        seconds = []
        for part in range(0, len(first), PAIRS_A_RUN):
            start = time.perf_counter()
            similarity(first[part : part + PAIRS_A_RUN], second[part : part + PAIRS_A_RUN])
            seconds.append((time.perf_counter() - start) / PAIRS_A_RUN)
        return CrossEncoderTimes(np.array(seconds))

    def restore(self, data: Data, items: tuple[np.ndarray, ...]) -> Scores:
        """From the seconds a pair of each run."""
        return CrossEncoderTimes(*items)


@dataclass(frozen=True)
class CrossEncoderTimes(Scores):
    """Seconds a pair (r,), the mean of each run."""

    seconds: np.ndarray

    metrics = ("pairs-per-second", "hours-for-all-pairs")

    def samples(self, name: str) -> Samples:
        """Seconds a pair of each run, or the hours that all pairs take at that rate."""
        return Samples([(self.seconds if name == "pairs-per-second" else self.seconds * PAIRS / 3600,)])

    def items(self, name: str) -> tuple[np.ndarray, ...]:
        """The seconds of each run."""
        return (self.seconds,)


DEVICES = ("cpu", "gpu")
_ALL = ("train", "dev", "test")
CLOSEST_PAIR_TASKS: dict[str, ClosestPairTask] = {
    **{f"closest-pair-{d}": BiEncoderTask(f"closest-pair-{d}", "STSB", _ALL, device=d) for d in DEVICES},
    **{f"all-pairs-{d}": CrossEncoderTask(f"all-pairs-{d}", "STSB", _ALL, device=d) for d in DEVICES},
}
