"""`repro bench fit` and `repro bench search`: fitting a whitening and a flow, and exact search, as figures to read."""

from __future__ import annotations

import resource
import time
from collections.abc import Iterator

import numpy as np

from repro.bench.common import table_1_sentences, timed
from repro.encoders import zoo
from repro.encoders.recipe import FlowedRecipe
from repro.evaluation.suite import Suite
from repro.metrics.neighbours import closest_pairs, top_k
from repro.postprocessing.whitening import Whitening

SEED = 12
BLOCK = 10_000
QUERIES = 16


def fit(suite: Suite, count: int | None, repeats: int) -> Iterator[str]:
    """Whitening on 100,000 × 768 against one float64 product and one eigh; a flow on 60,000 × 384."""
    from repro.postprocessing.flow import Flow

    rng = np.random.default_rng(SEED)
    n = count or 100_000
    vectors = rng.standard_normal((n, 768), dtype=np.float32)
    wide = vectors.astype(np.float64)

    def product_and_eigh() -> None:
        np.linalg.eigh(wide.T @ wide)

    ratio = []
    for _ in range(repeats):
        ours, theirs = timed(lambda: Whitening().fit(vectors))[0], timed(product_and_eigh)[0]
        ratio.append(ours / theirs)
        yield f"whitening on {n} × 768: {ours:.2f} s; float64 XᵀX and eigh alone: {theirs:.2f} s; {ratio[-1]:.2f}×"
    yield f"whitening: {np.median(ratio):.2f}× product and eigh (median of {repeats}), {min(ratio):.2f}× at best"
    n = count or 60_000
    recipe = FlowedRecipe(zoo.MINILM)
    seconds, _ = timed(lambda: Flow(recipe).fit(vectors[:n, :384]))
    yield f"flow on {n} × 384, one epoch ({recipe.signature()['flow']}): {seconds:.1f} s"


def search(suite: Suite, count: int | None, repeats: int) -> Iterator[str]:
    """The closest pair among 10,000 sentences, encoding included; then time and memory against n random vectors."""

    sentences = list(dict.fromkeys(table_1_sentences(suite, None)))[: count or 10_000]
    for dtype in ("float32", "bfloat16"):
        group = zoo.Group([zoo.locate(zoo.MINILM)], "auto", dtype)
        encoding, vectors = timed(lambda: group.encode(sentences)[0].vectors)  # noqa: B023
        pairing, (best, pairs) = timed(lambda: closest_pairs(vectors, 1))  # noqa: B023
        yield (
            f"{len(sentences)} sentences, {dtype} on {group.device}: encoded in {encoding:.1f} s, closest pair in "
            f"{pairing:.2f} s, {encoding + pairing:.1f} s in all ({best[0]:.4f}: {sentences[pairs[0, 0]]!r}, "
            f"{sentences[pairs[0, 1]]!r})"
        )
    queries = np.random.default_rng(SEED).standard_normal((QUERIES, 384), dtype=np.float32)
    for n in (10_000, 30_000, 100_000, 300_000, 1_000_000):
        seconds = min(searched(queries, n) for _ in range(repeats))
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        each = f"{1e6 * seconds / n:.2f} µs a vector"
        yield f"n = {n:9}: {seconds:6.2f} s for {QUERIES} queries, {each}; peak memory {peak:.0f} MB"


def searched(queries: np.ndarray, n: int) -> float:
    """Seconds to search n random vectors, without what it takes to draw them."""
    vectors = Drawn(n)
    seconds, _ = timed(lambda: top_k(queries, vectors, 10))
    return seconds - vectors.seconds


class Drawn:
    """n random vectors of 384 dimensions, in blocks that are drawn when asked for; `seconds` is what that took."""

    def __init__(self, n: int) -> None:
        self.n, self.seconds = n, 0.0

    def __iter__(self) -> Iterator[np.ndarray]:
        for start in range(0, self.n, BLOCK):
            began = time.perf_counter()
            rng = np.random.default_rng([SEED, start])
            block = rng.standard_normal((min(BLOCK, self.n - start), 384), dtype=np.float32)
            self.seconds += time.perf_counter() - began
            yield block
