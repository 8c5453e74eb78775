"""What is fitted on top of an encoder: on whose sentences, and the maps that come of them."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from repro.checksums import sha256_of
from repro.data.corpora import CORPORA, Corpus
from repro.encoders import own, zoo
from repro.encoders.cache import Embedded, Embedder, EmbeddingCache
from repro.encoders.gate import texts, zero_rows
from repro.encoders.own import Own, OwnEncoder
from repro.encoders.ready import Ready
from repro.encoders.recipe import TARGET, BaseRecipe, FittedRecipe, Recipe
from repro.errors import ReproError
from repro.evaluation.suite import Suite
from repro.postprocessing.base import THESE, Transform
from repro.tasks import TASKS

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
            defined = ", ".join(dict.fromkeys(task.dataset for task in TASKS.values() if task.target))
            raise ReproError(f"there is no fit on {scored.dataset}: {TARGET} is defined for {defined}")
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
            return self._digests.setdefault(recipe.source, sha256_of(_file(recipe)))
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

    def map(self, recipe: FittedRecipe, base: Ready, task: str, seed: int, embed: Embed) -> Map:
        """The map of a recipe over the base at hand, for the scores of a task."""
        key = (recipe, base.recipe, self.corpora.name(recipe.source, task), seed if recipe.seeded else 0)
        if key not in self._maps:
            if is_file(recipe.source):
                self._maps[key] = saved(recipe, base)
                if sha256_of(_file(recipe)) != self.corpora.digest(recipe, task):
                    raise ReproError(f"{recipe.source} was replaced while it was read; run it again")
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


def saved(recipe: FittedRecipe, base: Ready) -> Map:
    """The map in the file that the recipe's source names."""
    return _finite(recipe.load(_file(recipe), told_by(base)), recipe)


def told_by(ready: Ready) -> str:
    """What tells an encoder's vectors from another's: how they are made, and the checksum of its files. Queries under
    another prompt, and sentences cut elsewhere, may have the map of the rest."""
    made = (f"{name}:{value}" for name, value in ready.recipe.signature().items() if name not in ("prompt", "maxlen"))
    return "|".join([*made, f"files:{ready.identity[:12]}"])


def _file(recipe: FittedRecipe) -> Path:
    path = os.path.expanduser(recipe.source)
    if not recipe.savable or not os.path.isfile(path):
        raise ReproError(
            f"{recipe.source!r} is neither {TARGET}, nor one of {', '.join(CORPORA)}, nor the file of a saved whitening"
            + ("" if recipe.savable else f", which alone is read from a file, and no {recipe.name}")
        )
    return Path(path)


class Loaded:
    """An encoder by its name, map included, ready to use; its model and its map are kept from call to call.

    A map of the `target` is fitted anew on the sentences of each call, with seed 0; any other map is fitted once.
    NotAvailable where its files are not here and cannot be downloaded. torch is imported by the first call.
    """

    def __init__(self, encoder: str | Recipe, suite: Suite, device: str = "auto", dtype: str = "float32") -> None:
        self.name = str(encoder)
        if isinstance(encoder, str):
            encoder = zoo.recipe(encoder)
        self.recipe, self.device, self.dtype, self._suite = encoder, device, dtype, suite
        self._located = zoo.locate(encoder.plain, suite.root, suite.offline)
        self._embedder = Embedder([self._located], device, dtype, EmbeddingCache())
        self._map: Map | None = None

    def encode(self, sentences: Sequence[str]) -> np.ndarray:
        """float32 (n, d); row i belongs to sentence i. Nothing is kept on disk."""
        listed = texts(sentences, self.name)
        vectors = self._embedder.fresh(listed)
        of_text = dict(zip(listed, vectors, strict=True))  # a map of the target is fitted on what is encoded already

        def known(asked: Sequence[str]) -> np.ndarray:
            return np.stack([of_text[text] for text in asked]) if asked else vectors[:0]

        to_target = self.recipe.fitted is not None and self.recipe.fitted.source == TARGET
        return self._mapped(listed, known if to_target else self._embedder.fresh)(vectors)

    def embed(self, sentences: Sequence[str], queries: Sequence[str]) -> tuple[Embedded, np.ndarray]:
        """(the sentences' vectors, which are kept on disk, the queries' (q, d), which have no part in the map).

        Each distinct sentence is encoded once; the map counts repeats.
        """
        position: dict[str, int] = {}
        rows = np.array([position.setdefault(sentence, len(position)) for sentence in sentences], np.int64)
        plain = self._embedder.embed(list(position))[0]
        asked = self._embedder.fresh(queries) if queries else np.empty((0, plain.vectors.shape[1]), np.float32)
        apply = self._mapped(sentences, lambda asked: self._embedder.embed(asked)[0].vectors)
        zero = zero_rows(plain.vectors[rows])
        vectors = apply(plain.vectors)[rows]
        return replace(plain, vectors=vectors, zero_vectors=zero), apply(asked) if queries else asked

    def _mapped(self, sentences: Sequence[str], embed: Embed) -> Map:
        recipe = self.recipe.fitted
        if recipe is None:
            return lambda vectors: vectors
        if recipe.source == TARGET:
            return fitted(recipe, Corpus.of_lines(sentences), 0, embed)
        if self._map is None:
            if is_file(recipe.source):
                self._map = saved(recipe, self._located)
            else:
                self._map = fitted(recipe, self._suite.corpus(recipe.source), 0, embed)
        return self._map


def embed(encoder: str | Recipe, sentences: Sequence[str], suite: Suite, device: str, dtype: str) -> Embedded:
    """Vectors of sentences under any recipe or by any object; a map on the `target` is fitted on these sentences."""
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

    The sentences' vectors are kept on disk, the queries' and those of an object are not.
    """
    if not sentences:
        raise ReproError("there is no sentence to encode; give at least one")
    if isinstance(encoder, str) and own.is_object(encoder):
        return _by_object(own.named(encoder), sentences, queries)
    return Loaded(encoder, suite, device, dtype).embed(sentences, queries)


def _by_object(encoder: Own, sentences: Sequence[str], queries: Sequence[str]) -> tuple[Embedded, np.ndarray]:
    if not isinstance(encoder, OwnEncoder):  # a pair scorer
        raise ReproError(f"{encoder.title} scores pairs of sentences and gives no vectors")
    start = time.perf_counter()
    vectors = encoder.encode(sentences)
    embedded = Embedded(vectors, zero_rows(vectors), "own", time.perf_counter() - start)
    return embedded, encoder.encode(queries) if queries else vectors[:0]
