"""`repro bench memory`, `static` and `again`: what sentences of your own cost, as figures to read."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from statistics import median

from repro.bench.common import table_1_sentences, timed
from repro.encoders import zoo
from repro.errors import ReproError
from repro.evaluation.suite import Suite

PEAK = (
    "import resource, sys; from repro.cli.main import main; status = main(sys.argv[1:]); "
    "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss); sys.exit(status)"
)


def _file(folder: str, count: int) -> Path:
    path = Path(folder) / "sentences.txt"
    path.write_text("".join(f"sentence {i} of this file is about the topic {i % 997}\n" for i in range(count)))
    return path


def memory(suite: Suite, count: int | None, repeats: int) -> Iterator[str]:
    """Peak memory of `repro encode`, each run in a process and a home of its own; growth a sentence."""
    n = count or 30_000
    peaks = {size: _peak(size) for size in (n // 4, n)}
    for size, kilobytes in peaks.items():
        yield f"encode {size} sentences: peak memory {kilobytes / 1024:.0f} MB"
    (small, before), (large, after) = peaks.items()
    yield f"{(after - before) / (large - small):.2f} kB a sentence; a vector of all-MiniLM-L6-v2 is 1.54 kB"


def _peak(count: int) -> int:
    """Kilobytes."""
    with tempfile.TemporaryDirectory() as folder:
        arguments = ["encode", "all-minilm-l6-v2", str(_file(folder, count)), "-o", f"{folder}/out.npy", "--offline"]
        environment = {**os.environ, "REPRO_HOME": f"{folder}/home"}
        command = [sys.executable, "-c", PEAK, *arguments]
        run = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        if run.returncode:
            raise ReproError(f"encode failed: {run.stderr.strip().splitlines()[-1]}")
        return int(run.stdout.split()[-1])


def static(suite: Suite, count: int | None, repeats: int) -> Iterator[str]:
    """Sentences a second of token embeddings alone against the whole model, both of all-MiniLM-L6-v2."""

    sentences = list(dict.fromkeys(table_1_sentences(suite, count or 4000)))
    groups = {name: zoo.build(name) for name in ("all-minilm-l6-v2", "minilm-token-embeddings")}
    rates: dict[str, list[float]] = {name: [] for name in groups}
    for _ in range(repeats):
        for name, group in groups.items():
            rates[name].append(len(sentences) / timed(lambda: group.encode(sentences))[0])  # noqa: B023
    for name, measured in rates.items():
        yield f"{name:24} {max(measured):9,.0f} sentences a second at best"
    whole, alone = rates.values()
    yield f"token embeddings alone: {median(b / a for a, b in zip(whole, alone, strict=True)):.0f}× (median)"


def again(suite: Suite, count: int | None, repeats: int) -> Iterator[str]:
    """A first and further searches of one file: it is encoded once, a further one encodes its query alone."""
    from repro.evaluation.fitting import embed_with
    from repro.metrics.neighbours import blocks_of, top_k

    with tempfile.TemporaryDirectory() as folder:
        home, os.environ["REPRO_HOME"] = os.environ.get("REPRO_HOME"), f"{folder}/home"
        try:
            sentences = _file(folder, count or 5000).read_text().splitlines()

            def ask(query: str) -> None:
                embedded, asked = embed_with("all-minilm-l6-v2", sentences, [query], suite, "auto", "float32")
                top_k(asked, blocks_of(embedded.vectors), 5)

            first, _ = timed(lambda: ask("the topic of the first query"))
            further = median(timed(lambda: ask(f"query {number}"))[0] for number in range(repeats))  # noqa: B023
            vectors = embed_with("all-minilm-l6-v2", sentences, [], suite, "auto", "float32")[0].vectors
            product, _ = timed(lambda: top_k(vectors[:1], blocks_of(vectors), 5))
            stored = len(list(Path(folder, "home", "embeddings").glob("*.safetensors")))
        finally:
            os.environ.pop("REPRO_HOME")
            os.environ |= {"REPRO_HOME": home} if home else {}
    yield (
        f"{len(sentences)} sentences: first search {first:.2f} s, further ones {further:.2f} s, the model loaded each "
        f"time ({first / further:.1f}×); the product alone {1000 * product:.1f} ms; {stored} matrix stored"
    )
