"""Commands on sentences of your own: similarity, search, and the fit of a whitening."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from repro.cli.bar import listening
from repro.cli.general import read_by, suite_of
from repro.errors import ReproError

if TYPE_CHECKING:
    import numpy as np


def _vectors(arguments: argparse.Namespace, sentences: list[str]) -> np.ndarray:
    from repro.evaluation.fitting import embed

    suite = suite_of(arguments)
    with listening():
        return embed(arguments.encoder, sentences, suite, arguments.device, arguments.dtype).vectors


def _shown(cosine: float) -> str:
    """Four decimals; what rounds to nothing has no sign."""
    return f"{round(float(cosine), 4) + 0.0:.4f}"


def _distinct(lines: list[str]) -> tuple[list[str], list[int]]:
    """(each line once, its first row): a map of the target counts repeats, what is ranked has none."""
    rows: dict[str, int] = {}
    for row, line in enumerate(lines):
        rows.setdefault(line, row)
    return list(rows), list(rows.values())


def similarity(arguments: argparse.Namespace) -> int:
    """Cosines: of two sentences, of each line's pair, of all lines with all, or of the closest pairs of lines."""
    from repro.data.lines import cells_of, own_lines
    from repro.metrics import neighbours
    from repro.metrics.correlation import unit

    if arguments.k is not None and not arguments.closest:
        raise ReproError("-k is how many of the closest pairs are shown; it goes with --closest")
    forms = [bool(arguments.sentences), arguments.pairs, arguments.matrix, arguments.closest]
    if sum(form not in (False, None) for form in forms) != 1:
        raise ReproError("similarity wants two sentences, or one file with --pairs, --matrix or --closest")
    if arguments.matrix:
        vectors = _vectors(arguments, own_lines(arguments.matrix))
        for block in neighbours.blocks_of(vectors):
            for row in neighbours.similarities(block, vectors):
                print("\t".join(map(_shown, row)))
        return 0
    if arguments.closest:
        lines = own_lines(arguments.closest)
        sentences, first_rows = _distinct(lines)
        if len(sentences) < 2:
            often = f", {len(lines)} times" if len(lines) > 1 else ""
            raise ReproError(f"{arguments.closest} has one sentence{often}; pairs need two different ones")
        best, pairs = neighbours.closest_pairs(_vectors(arguments, lines)[first_rows], arguments.k or 10)
        for value, (first, second) in zip(best, pairs, strict=True):
            print(f"{_shown(value)}\t{sentences[first]}\t{sentences[second]}")
        return 0
    if arguments.pairs:
        rows = [(row[0], row[1]) for row in cells_of(arguments.pairs, own_lines(arguments.pairs), 2, exactly=True)]
        if not rows:
            raise ReproError(f"{arguments.pairs} holds blank lines alone; give it two sentences a line, a tab between")
    elif len(arguments.sentences) == 2:
        rows = [(arguments.sentences[0], arguments.sentences[1])]
    else:
        raise ReproError(f"similarity wants two sentences, not {len(arguments.sentences)}; --matrix reads more")
    vectors = unit(_vectors(arguments, [sentence for row in rows for sentence in row]))
    for row, value in zip(rows, (vectors[::2] * vectors[1::2]).sum(axis=1), strict=True):
        print(_shown(value) + (f"\t{row[0]}\t{row[1]}" if arguments.pairs else ""))
    return 0


def find(arguments: argparse.Namespace) -> int:
    """The sentences of a file that are nearest to each query: query, cosine, sentence."""
    from repro.data.lines import own_lines
    from repro.evaluation.fitting import embed_with
    from repro.metrics import neighbours
    from repro.metrics.correlation import at_least

    if arguments.query_file and arguments.query_file == arguments.file == Path("-"):
        raise ReproError("- is standard input, for the sentences or for the queries; give a file for one of the two")
    queries = [*arguments.queries, *(own_lines(arguments.query_file) if arguments.query_file else [])]
    if not queries:
        raise ReproError("there is no query; give one after the file, or a file of them with --query-file")
    lines = own_lines(arguments.file)
    sentences, first_rows = _distinct(lines)
    suite = suite_of(arguments)
    with listening():
        embedded, asked = embed_with(arguments.encoder, lines, queries, suite, arguments.device, arguments.dtype)
    vectors = embedded.vectors[first_rows]
    if arguments.faiss:
        best, rows = neighbours.faiss_top_k(asked, vectors, arguments.k)
    else:
        best, rows = neighbours.top_k(asked, neighbours.blocks_of(vectors), arguments.k)
    for query, values, nearest in zip(queries, best, rows, strict=True):
        for value, row in zip(values, nearest, strict=True):
            if at_least(value, arguments.threshold):
                print(f"{query}\t{_shown(value)}\t{sentences[row]}")
    return 0


def fit(arguments: argparse.Namespace) -> int:
    """Fit a whitening on a file of sentences and save it."""
    from repro.data.lines import own_lines
    from repro.encoders import zoo
    from repro.evaluation.fitting import told_by
    from repro.paths import output_file
    from repro.postprocessing.whitening import Whitening

    output_file(arguments.output, read_by(arguments))
    name = f"{arguments.encoder},post=whitening,source={arguments.output}"
    if zoo.split(name)[1][-1] != f"source={arguments.output}":
        raise ReproError(f"{arguments.output} could not be named as source=; choose a path without a comma")
    recipe = zoo.recipe(arguments.encoder)
    if recipe.fitted:
        raise ReproError(f"{arguments.encoder} is fitted already; name the encoder without post=")
    suite = suite_of(arguments)
    vectors = _vectors(arguments, own_lines(arguments.file))
    whitening = Whitening(arguments.k).fit(vectors, source=str(arguments.file))
    whitening.save(arguments.output, told_by(zoo.locate(recipe.plain, suite.root, suite.offline)))
    d, k = whitening.kernel.shape
    print(f"wrote {arguments.output}: {d} → {k} dimensions, fitted on {whitening.count} sentences; use it as {name}")
    return 0
