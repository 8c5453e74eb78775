"""Encoding, averaging and scoring against the obvious way to do them."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from statistics import median

import numpy as np

from repro.bench.common import SEED, TABLE_1, ratios, table_1_sentences, timed
from repro.encoders import zoo
from repro.encoders.recipe import WordVectorRecipe
from repro.encoders.vector_file import TextVectors
from repro.encoders.weights import resolve
from repro.encoders.word_vectors import WordVectorEncoder
from repro.errors import ReproError
from repro.evaluation.suite import Suite
from repro.tasks.sts import STS_TASKS
from repro.training.trainer import native_dtype


def matmul_peak(dtype: str, rows: int = 4096, inner: int = 384, columns: int = 1536) -> float:
    """Floating-point operations per second of a plain matrix product of the encoder's shape, the best of five."""
    import torch

    kind = getattr(torch, dtype)
    a, b = torch.randn(rows, inner, dtype=kind), torch.randn(inner, columns, dtype=kind)
    a @ b
    best = min(timed(lambda: [a @ b for _ in range(20)])[0] for _ in range(5))
    return 20 * 2 * rows * inner * columns / best


def forward_flops(lengths: np.ndarray, layers: int, width: int, inner: int) -> float:
    """Floating-point operations of a transformer forward pass over sentences of these token counts (n,)."""
    per_token = layers * (8 * width**2 + 4 * width * inner)  # four projections, two feed-forward products
    attention = 4 * layers * width * (lengths.astype(np.float64) ** 2).sum()  # QKᵀ and the weighted sum
    return float(per_token * lengths.sum() + attention)


def encode(suite: Suite, count: int | None, repeats: int) -> Iterator[str]:
    """Ours against SentenceTransformer.encode at its defaults: same weights, same sentences, CPU."""
    import torch
    from sentence_transformers import SentenceTransformer

    from repro.encoders.transformer import TransformerEncoder

    sentences = table_1_sentences(suite, count)
    distinct = list(dict.fromkeys(sentences))
    resolved = resolve(zoo.MINILM)
    theirs = SentenceTransformer(str(resolved.folder), device="cpu")
    ours = {dtype: TransformerEncoder([resolved], "cpu", dtype) for dtype in ("float32", "bfloat16")}
    yield f"{len(sentences)} sentences of Table 1, {len(distinct)} distinct; {torch.get_num_threads()} threads"
    times: dict[str, list[float]] = {}
    vectors: dict[str, np.ndarray] = {}
    for _ in range(repeats):
        for name, run in (
            ("sentence-transformers", lambda: theirs.encode(sentences)),
            ("float32", lambda: ours["float32"].encode(sentences)),
            ("bfloat16", lambda: ours["bfloat16"].encode(sentences)),
            ("sentence-transformers, distinct", lambda: theirs.encode(distinct)),
            ("float32, distinct", lambda: ours["float32"].encode(distinct)),
        ):
            seconds, vectors[name] = timed(run)
            times.setdefault(name, []).append(seconds)
    for name, seconds_each in times.items():
        yield f"{name:34} {min(seconds_each):8.1f} s at best"
    for name in ("float32", "bfloat16"):
        gap = np.abs(vectors[name] - vectors["sentence-transformers"]).max()
        yield f"{name}: {ratios(times['sentence-transformers'], times[name])}; largest difference {gap:.1e}"
    alone = ratios(times["sentence-transformers, distinct"], times["float32, distinct"])
    yield f"float32 without repeated sentences: {alone}"
    yield from _bfloat16_cells(suite, sentences, vectors)
    lengths = ours["float32"].tokens(distinct).lengths
    config = ours["float32"].model.config
    work = forward_flops(lengths, config.num_hidden_layers, config.hidden_size, config.intermediate_size)
    for dtype in ours:
        peak, reached = matmul_peak(dtype), work / min(times[dtype])
        yield f"{dtype}: {reached / 1e9:.0f} GFLOP/s, {reached / peak:.0%} of a plain matrix product's {peak / 1e9:.0f}"
    if native_dtype("cpu") != "bfloat16":
        yield "this CPU has no bfloat16 instructions (AVX512_BF16, AMX): bfloat16 is emulated and slower than float32"


def _bfloat16_cells(suite: Suite, sentences: list[str], vectors: dict[str, np.ndarray]) -> Iterator[str]:
    row = {sentence: i for i, sentence in enumerate(sentences)}
    worst = 0.0
    for name in (*TABLE_1, "sickr"):
        parts = suite.load(name)
        asked = STS_TASKS[name].sentences(parts)
        if not all(sentence in row for sentence in asked):
            yield "bfloat16 cells: compared on the whole of Table 1 only"
            return
        rows = [row[sentence] for sentence in asked]
        score = partial(STS_TASKS[name].score, parts, asked)
        scores = [score(vectors[dtype][rows], dtype).values for dtype in ("float32", "bfloat16")]
        worst = max(worst, abs(scores[0]["spearman-all"] - scores[1]["spearman-all"]))
    yield f"bfloat16: largest difference of a Table 1 cell {worst:.3f}"


def glove(suite: Suite, count: int | None, repeats: int) -> Iterator[str]:
    """Averaging speed once the vectors are loaded, against one np.mean a sentence. Vectors are drawn at random."""
    sentences = table_1_sentences(suite, count)
    words = sorted({word for sentence in sentences for word in sentence.split()})
    rng = np.random.default_rng(SEED)
    vectors = rng.standard_normal((len(words), 300)).astype(np.float32)
    for tokens in ("whitespace", "sbert"):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "random.txt"
            lines = (f"{word} {' '.join(f'{x:.5f}' for x in row)}" for word, row in zip(words, vectors, strict=True))
            path.write_text("\n".join(lines) + "\n", encoding="utf-8")
            encoder = WordVectorEncoder(WordVectorRecipe(str(path), tokens=tokens), TextVectors(path))
            loading, _ = timed(lambda: encoder.encode(sentences))  # noqa: B023
            ours = median(timed(lambda: encoder.encode(sentences))[0] for _ in range(repeats))  # noqa: B023
        table = dict(zip(words, vectors, strict=True))
        loop, _ = timed(lambda: [np.mean([table[w] for w in s.split()], axis=0) for s in sentences])  # noqa: B023
        yield (
            f"{tokens}: {len(sentences) / ours:,.0f} sentences a second, {loop / ours:.1f}× a loop over sentences "
            f"({len(words)} words read in {loading - ours:.1f} s)"
        )


def score(suite: Suite, count: int | None, repeats: int) -> Iterator[str]:
    """Table 1's seven sets scored with 1,000 bootstrap resamples, against SciPy on each resample."""
    from scipy.stats import spearmanr

    if count is not None:
        raise ReproError("bench score works on whole test sets; leave --sentences out")
    rng = np.random.default_rng(SEED)
    scorings = []
    for task in (STS_TASKS[name] for name in (*TABLE_1[:-1], "sickr")):
        parts = suite.load(task.name)
        sentences = task.sentences(parts)
        vectors = rng.standard_normal((len(sentences), 384)).astype(np.float32)
        scorings.append(partial(task.score, parts, sentences, vectors, "random"))

    def ours() -> None:
        for score in scorings:
            scores = score()
            assert len(scores.values) == len(scores.metrics)
            scores.draws("spearman-all", 1000, SEED)

    def scipy_loop(resamples: int) -> None:
        for score in scorings:
            x, y = score().samples("spearman-all").joined()
            for _ in range(resamples):
                chosen = rng.integers(0, len(x), len(x))
                spearmanr(x[chosen], y[chosen])

    seconds = median(timed(ours)[0] for _ in range(repeats))
    loop = 20 * timed(lambda: scipy_loop(50))[0]
    yield f"seven sets, six scores each, 1,000 resamples: {seconds:.2f} s, {loop / seconds:.1f}× SciPy on each resample"
