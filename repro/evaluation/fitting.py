"""What is fitted on top of an encoder: on whose sentences, and the maps that come of them."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from repro.checksums import sha256_of
from repro.data.corpora import CORPORA, Corpus
from repro.encoders import zoo
from repro.encoders.cache import Embedded, Embedder, EmbeddingCache
from repro.encoders.recipe import TARGET, BaseRecipe, FittedRecipe, FlowedRecipe, Recipe, WhitenedRecipe
from repro.errors import ReproError
from repro.evaluation.suite import Suite
from repro.postprocessing import whitening
from repro.tasks import TASKS, WHOLE

Map = Callable[[np.ndarray], np.ndarray]  # (n, d) → (n, k)
Embed = Callable[[Sequence[str]], np.ndarray]  # sentences → (n, d) of the base


# the STS years of a flow's target, whose pairs the published code reads three times an epoch (`FlowedRecipe.passes`)
THRICE = ("STS12", "STS13", "STS14", "STS15", "STS16")


class Corpora:
    """The sentences that maps are fitted on, read when they are first asked for."""

    def __init__(self, suite: Suite, limit: int | None = None) -> None:
        self.suite, self.limit = suite, limit
        self._corpora: dict[str, Corpus] = {}
        self._digests: dict[str, str] = {}

    def name(self, source: str, task: str) -> str:
        """The source, or for `target` the task that has every pair of the scored task's data set in the same text."""
        if source != TARGET:
            return source
        scored = TASKS[task]
        if not scored.target:
            raise ReproError(f"there is no fit on {scored.dataset}: {TARGET} is defined for {', '.join(WHOLE)}")
        return scored.target

    def corpus(self, source: str, task: str) -> Corpus:
        """Of a source; for `target` every pair of the task's data set. NotAvailable when it cannot be had."""
        name = self.name(source, task)
        if name not in self._corpora:
            self._corpora[name] = self._target(name) if source == TARGET else self.suite.corpus(source)
        return self._corpora[name]

    def _target(self, task: str) -> Corpus:
        parts = self.suite.load(task, self.limit)
        return Corpus.of_pairs((part.first, part.second) for part in parts)

    def digest(self, recipe: FittedRecipe, task: str) -> str:
        """Hex sha256 of what the recipe's map is fitted on where that task is scored."""
        if is_file(recipe.source):
            return sha256_of(_file(recipe))
        name = self.name(recipe.source, task)
        if name not in self._digests:
            corpus = self.corpus(recipe.source, task)
            state = hashlib.sha256("\n".join(map(json.dumps, corpus.sentences)).encode())
            state.update(corpus.pairs.astype("<i8").tobytes())
            self._digests[name] = state.hexdigest()
        return self._digests[name]


def is_file(source: str) -> bool:
    """Whether a source names the file of a saved fit."""
    return source != TARGET and source not in CORPORA


class Maps:
    """Fitted maps of one run, each fitted once."""

    def __init__(self, corpora: Corpora) -> None:
        self.corpora = corpora
        self._maps: dict[tuple[FittedRecipe, BaseRecipe, str, int], Map] = {}

    def map(self, recipe: FittedRecipe, base: BaseRecipe, task: str, seed: int, embed: Embed) -> Map:
        """The map of a recipe, whose base has been resolved to `base`, for the scores of a task."""
        key = (recipe, base, self.corpora.name(recipe.source, task), seed if recipe.seeded else 0)
        if key not in self._maps:
            if is_file(recipe.source):
                self._maps[key] = saved(recipe)
            else:
                corpus = self.corpora.corpus(recipe.source, task)
                self._maps[key] = fitted(recipe, corpus, seed, embed, TASKS[task].dataset)
        return self._maps[key]


def fitted(recipe: FittedRecipe, corpus: Corpus, seed: int, embed: Embed, dataset: str = "") -> Map:
    """The map fitted on a corpus; `dataset` is whose it is where that is the recipe's `target`.

    Of what is embedded each distinct sentence is held once; a fit adds blocks of it and no second copy.
    """
    position: dict[str, int] = {}
    rows = np.array([position.setdefault(sentence, len(position)) for sentence in corpus.sentences], np.int64)
    vectors = embed(list(position))
    target = recipe.source == TARGET
    source = (dataset or "these sentences") if target else recipe.source
    if isinstance(recipe, WhitenedRecipe):
        blocks = (vectors[rows[i : i + whitening.BLOCK]] for i in range(0, len(rows), whitening.BLOCK))
        return _finite(whitening.fit(blocks, recipe.k, source).apply, recipe)
    from repro.postprocessing import flow  # torch: not for those who only plan

    assert isinstance(recipe, FlowedRecipe)
    passes = recipe.passes or (3 if target and dataset in THRICE else 1)
    return _finite(flow.fit(vectors, rows[corpus.pairs], replace(recipe, passes=passes), seed, source).apply, recipe)


def _finite(apply: Map, recipe: FittedRecipe) -> Map:
    """The map, whose results pass the gate that plain vectors have passed."""

    def mapped(vectors: np.ndarray) -> np.ndarray:
        found = apply(vectors)
        if not np.isfinite(found).all():
            raise ReproError(f"{recipe.weights}: its map gives vectors that are not finite; it was fitted on others")
        return found

    return mapped


def saved(recipe: FittedRecipe) -> Map:
    """The whitening in the file that the recipe's source names."""
    path = _file(recipe)
    loaded = whitening.load(path)
    k = loaded.kernel.shape[1]
    if isinstance(recipe, WhitenedRecipe) and recipe.k not in (None, k):
        raise ReproError(f"{path} keeps {k} dimensions, not k = {recipe.k}")
    return _finite(loaded.apply, recipe)


def _file(recipe: FittedRecipe) -> Path:
    path = os.path.expanduser(recipe.source)
    if not isinstance(recipe, WhitenedRecipe) or not os.path.isfile(path):
        raise ReproError(
            f"{recipe.source!r} is neither {TARGET}, nor one of {', '.join(CORPORA)}, nor the file of a saved whitening"
        )
    return Path(path)


def embed(
    name: str | Recipe, sentences: Sequence[str], suite: Suite, device: str, dtype: str, progress: bool = False
) -> Embedded:
    """Vectors of sentences under any recipe; a map on the `target` is fitted on these sentences, with seed 0."""
    return embed_with(name, sentences, [], suite, device, dtype, progress)[0]


def embed_with(
    name: str | Recipe,
    sentences: Sequence[str],
    queries: Sequence[str],
    suite: Suite,
    device: str,
    dtype: str,
    progress: bool = False,
) -> tuple[Embedded, np.ndarray]:
    """`embed`, and the vectors (q, d) of queries under the same map, which they have no part in.

    The sentences' vectors are kept on disk, the queries' are not.
    """
    recipe = zoo.recipe(name) if isinstance(name, str) else name
    if not sentences:
        raise ReproError("there is no sentence to encode; give at least one")
    embedder = Embedder([zoo.locate(recipe.plain, suite.root, suite.offline)], device, dtype, EmbeddingCache())
    plain_ones = embedder.embed(sentences, progress)[0]
    asked = embedder.fresh(queries) if queries else np.empty((0, plain_ones.vectors.shape[1]), np.float32)
    if not isinstance(recipe, FittedRecipe):
        return plain_ones, asked
    base: Embed = lambda texts: embedder.embed(texts, progress)[0].vectors  # noqa: E731
    if is_file(recipe.source):
        apply = saved(recipe)
    else:
        own = recipe.source == TARGET
        apply = fitted(recipe, Corpus.of_lines(sentences) if own else suite.corpus(recipe.source), 0, base)
    return replace(plain_ones, vectors=apply(plain_ones.vectors)), apply(asked) if queries else asked
