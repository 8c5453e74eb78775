"""What is fitted on top of an encoder: on whose sentences, and the maps that come of them."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from repro.checksums import sha256_of
from repro.data.corpora import CORPORA, Corpus
from repro.encoders import zoo
from repro.encoders.cache import Embedded, Embedder, EmbeddingCache
from repro.encoders.recipe import TARGET, BaseRecipe, FittedRecipe, Recipe
from repro.errors import ReproError
from repro.evaluation.suite import Suite
from repro.postprocessing.base import THESE, Transform
from repro.tasks import TASKS, WHOLE

Map = Callable[[np.ndarray], np.ndarray]  # (n, d) → (n, k)
Embed = Callable[[Sequence[str]], np.ndarray]  # sentences → (n, d) of the base


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
            own = recipe.source == TARGET
            dataset, limit = (TASKS[name].dataset, self.limit) if own else (CORPORA[name][0], None)
            derive = lambda: self.corpus(recipe.source, task).digest()  # noqa: E731
            self._digests[name] = self.suite.digest(dataset, f"corpus {name} {limit}", derive)
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
    source = (dataset or THESE) if recipe.source == TARGET else recipe.source
    transform = recipe.transform(seed, dataset)
    return _finite(transform.fit(vectors, rows, rows[corpus.pairs], source), recipe)


def _finite(transform: Transform, recipe: FittedRecipe) -> Map:
    """The map, whose results pass the gate that plain vectors have passed."""

    def mapped(vectors: np.ndarray) -> np.ndarray:
        moved = transform.transform(vectors)
        if not np.isfinite(moved).all():
            raise ReproError(f"{recipe.weights}: its map gives vectors that are not finite; it was fitted on others")
        return moved

    return mapped


def saved(recipe: FittedRecipe) -> Map:
    """The map in the file that the recipe's source names."""
    return _finite(recipe.load(_file(recipe)), recipe)


def _file(recipe: FittedRecipe) -> Path:
    path = os.path.expanduser(recipe.source)
    if not recipe.savable or not os.path.isfile(path):
        raise ReproError(
            f"{recipe.source!r} is neither {TARGET}, nor one of {', '.join(CORPORA)}, nor the file of a saved whitening"
        )
    return Path(path)


def embed(encoder: str | Recipe, sentences: Sequence[str], suite: Suite, device: str, dtype: str) -> Embedded:
    """Vectors of sentences under any recipe; a map on the `target` is fitted on these sentences, with seed 0."""
    return embed_with(encoder, sentences, [], suite, device, dtype)[0]


def embed_with(
    encoder: str | Recipe,
    sentences: Sequence[str],
    queries: Sequence[str],
    suite: Suite,
    device: str,
    dtype: str,
) -> tuple[Embedded, np.ndarray]:
    """`embed`, and the vectors (q, d) of queries under the same map, which they have no part in.

    The sentences' vectors are kept on disk, the queries' are not.
    """
    if isinstance(encoder, str):
        encoder = zoo.recipe(encoder)
    if not sentences:
        raise ReproError("there is no sentence to encode; give at least one")
    embedder = Embedder([zoo.locate(encoder.plain, suite.root, suite.offline)], device, dtype, EmbeddingCache())
    plain_ones = embedder.embed(sentences)[0]
    asked = embedder.fresh(queries) if queries else np.empty((0, plain_ones.vectors.shape[1]), np.float32)
    mapped = encoder.fitted
    if mapped is None:
        return plain_ones, asked
    base: Embed = lambda texts: embedder.embed(texts)[0].vectors  # noqa: E731
    if is_file(mapped.source):
        apply = saved(mapped)
    else:
        own = mapped.source == TARGET
        apply = fitted(mapped, Corpus.of_lines(sentences) if own else suite.corpus(mapped.source), 0, base)
    return replace(plain_ones, vectors=apply(plain_ones.vectors)), apply(asked) if queries else asked
