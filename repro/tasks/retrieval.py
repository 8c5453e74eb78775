"""Retrieval: second sentences are the index, first ones the queries, and the partner of a query is its right answer.

BERT-whitening's README ("Semantic retrieve with FAISS") measures MRR@10, milliseconds a query and the memory of the
index on Quora's question pairs, where duplicates are right answers. That file is the user's to bring; the same is
measured on STS-B, where the pairs with a gold score of 4 and more (mostly equivalent, Cer et al. 2017) are right: 8,019
distinct second sentences of all its 8,628 pairs are the index, and 1,925 first ones have a right answer among them.

The README's search is approximate (FAISS IVF, nlist 1024, nprobe 5): it misses neighbours. Here it is exact.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from repro.data.pairs import Pairs
from repro.errors import ReproError
from repro.metrics.base import Samples
from repro.metrics.correlation import unit
from repro.metrics.neighbours import blocks_of, largest_products, top_k
from repro.metrics.ranking import reciprocal_ranks
from repro.tasks.base import Data, Scores
from repro.tasks.sts import StsData

K = 10  # neighbours of a query
EQUIVALENT = 4.0  # gold score of a right answer, at least
DUPLICATE = "1"  # label of one
QUERIES = 1_000  # that are timed, the first ones
RUNS = 5  # after one that warms up


def right(part: Pairs) -> np.ndarray:
    """Which second sentences are right answers of the first ones, bool (n,)."""
    return part.gold >= EQUIVALENT if len(part.gold) else np.array(part.labels) == DUPLICATE


@dataclass(frozen=True)
class Retrieval(StsData):
    """An index of distinct sentences, and queries. `whole`: the task that has every sentence of the data set."""

    whole: str = ""

    @property
    def target(self) -> str:
        """The task whose pairs, queries and index alike, a map of the `target` is fitted on (the README's code)."""
        return self.whole

    def index(self, data: Data) -> list[str]:
        """The distinct second sentences, in order of first occurrence."""
        return list(dict.fromkeys(sentence for part in data for sentence in part.second))

    def answers(self, data: Data) -> dict[str, set[str]]:
        """The right answers of each query that has some; ReproError where none has."""
        answers: dict[str, set[str]] = {}
        for part in data:
            for row in np.flatnonzero(right(part)):
                answers.setdefault(part.first[row], set()).add(part.second[row])
        if not answers:
            raise ReproError(f"{self.dataset}: none of its pairs is a right answer; raise --limit")
        return answers

    def _protocol(self, name: str) -> dict[str, str]:
        return {"metric": name, "index": "second", "text": self.text}


@dataclass(frozen=True)
class RetrievalTask(Retrieval):
    """How early the right answer is found by cosine, and the size of what is searched.

    Of equal cosines the sentence that the data have first comes first. A query that stands in the index finds itself,
    which is a right answer only where the data pair it with itself, as one of STS-B's 1,925 queries.
    """

    @property
    def metrics(self) -> tuple[str, ...]:
        """The mean reciprocal rank, and the memory of the index."""
        return RetrievalScores.metrics

    def _protocol(self, name: str) -> dict[str, str]:
        answers = "duplicate" if self.dataset == "QUORA" else f"gold>={EQUIVALENT:g}"
        how = {"sim": "cos", "search": "exact", "right": answers}
        return super()._protocol(name) | (how if name == "mrr-at-10" else {"values": "float32"})

    def _score(self, data: Data, row_of: Mapping[str, int], vectors: np.ndarray, encoder: str) -> Scores:
        index, answers = self.index(data), self.answers(data)
        place = {sentence: number for number, sentence in enumerate(index)}
        searched = vectors[[row_of[sentence] for sentence in index]]  # (n, d)
        queries = vectors[[row_of[query] for query in answers]]  # (q, d)
        found = np.concatenate([top_k(part, blocks_of(searched), K)[1] for part in blocks_of(queries)])  # (q, K)
        ranks = reciprocal_ranks(found, [{place[answer] for answer in of} for of in answers.values()])
        return RetrievalScores(ranks, np.array(searched.shape))

    def restore(self, data: Data, items: tuple[np.ndarray, ...]) -> Scores:
        """From the reciprocal ranks and the shape of the index."""
        return RetrievalScores(*items)


@dataclass(frozen=True, eq=False)
class RetrievalScores(Scores):
    """1 / rank (q,) of each query's right answer, 0 beyond the first ten, and the shape (2,) of the index, (n, d)."""

    reciprocal: np.ndarray
    shape: np.ndarray

    metrics = ("mrr-at-10", "index-gb")

    def samples(self, name: str) -> Samples:
        """The reciprocal ranks, or the number of vectors and that of their dimensions."""
        return Samples([(self.reciprocal,) if name == "mrr-at-10" else (self.shape[:1], self.shape[1:])])

    def items(self, name: str) -> tuple[np.ndarray, ...]:
        """All there is."""
        return self.reciprocal, self.shape


@dataclass(frozen=True)
class SearchTask(Retrieval):
    """Milliseconds a query of an exact search among all vectors of the index, on one thread.

    Of 1,000 queries, a hundred at a time; the index and the queries are in memory and of unit length.
    """

    times_search: ClassVar[bool] = True

    @property
    def metrics(self) -> tuple[str, ...]:
        """The one time."""
        return SearchTimes.metrics

    def _protocol(self, name: str) -> dict[str, str]:
        return super()._protocol(name) | {"search": "exact", "queries": str(QUERIES), "runs": str(RUNS)}

    def _score(self, data: Data, row_of: Mapping[str, int], vectors: np.ndarray, encoder: str) -> Scores:
        asked = list(dict.fromkeys(sentence for part in data for sentence in part.first))[:QUERIES]
        queries = unit(vectors[[row_of[sentence] for sentence in asked]], np.float32)  # (q, d)
        searched = unit(vectors[[row_of[sentence] for sentence in self.index(data)]], np.float32)  # (n, d)
        seconds = []
        with _one_thread():
            for _ in range(1 + RUNS):
                start = time.perf_counter()
                largest_products(queries, searched, min(K, len(searched)))
                seconds.append(time.perf_counter() - start)
        return SearchTimes(1000 * np.array(seconds[1:]) / len(asked))

    def restore(self, data: Data, items: tuple[np.ndarray, ...]) -> Scores:
        """From the milliseconds a query of each run."""
        return SearchTimes(*items)


@contextmanager
def _one_thread() -> Iterator[None]:
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


@dataclass(frozen=True, eq=False)
class SearchTimes(Scores):
    """Milliseconds a query (r,), of each run."""

    milliseconds: np.ndarray

    metrics = ("search-milliseconds",)

    def samples(self, name: str) -> Samples:
        """Of each run, of which the median is reported; what the runs differ in shows in its interval."""
        return Samples([(self.milliseconds,)])

    def items(self, name: str) -> tuple[np.ndarray, ...]:
        """Those of each run."""
        return (self.milliseconds,)


_STSB = ("train", "dev", "test")
RETRIEVAL_TASKS: dict[str, Retrieval] = {
    task.name: task
    for task in (
        RetrievalTask("retrieval-stsb", "STSB", _STSB, whole="stsb-all"),
        SearchTask("search-stsb", "STSB", _STSB, whole="stsb-all"),
        RetrievalTask("retrieval-quora", "QUORA", whole="retrieval-quora"),
        SearchTask("search-quora", "QUORA", whole="retrieval-quora"),
    )
}
