"""What is fitted on top of an encoder: on whose sentences, and the maps that come of them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from repro.data.corpora import CORPORA
from repro.embeddings import Embedded, Embedder, EmbeddingCache
from repro.encoders import whitening, zoo
from repro.encoders.recipe import TARGET, BaseRecipe, FittedRecipe, FlowedRecipe, Recipe, WhitenedRecipe, plain
from repro.errors import ReproError
from repro.files import sha256_file
from repro.suite import Suite
from repro.tasks import WHOLE

Map = Callable[[np.ndarray], np.ndarray]  # (n, d) → (n, k)
Embed = Callable[[Sequence[str]], np.ndarray]  # sentences → (n, d) of the base


class Corpora:
    """The sentences that maps are fitted on, read when they are first asked for."""

    def __init__(self, suite: Suite, limit: int | None = None) -> None:
        self.suite, self.limit = suite, limit
        self._sentences: dict[str, list[str]] = {}
        self._digests: dict[str, str] = {}

    def sentences(self, source: str, dataset: str) -> list[str]:
        """Of a source, repeats counted; for `target` those of the data set. NotAvailable when they cannot be had."""
        name = dataset if source == TARGET else source
        if name not in self._sentences:
            self._sentences[name] = self._read(source, dataset)
        return self._sentences[name]

    def _read(self, source: str, dataset: str) -> list[str]:
        if source != TARGET:
            return self.suite.corpus(source)
        if dataset not in WHOLE:
            raise ReproError(f"there is no fit on {dataset}: {TARGET} is defined for {', '.join(WHOLE)}")
        return WHOLE[dataset].all_sentences(self.suite.load(WHOLE[dataset].name, self.limit))

    def digest(self, recipe: FittedRecipe, dataset: str) -> str:
        """Hex sha256 of what the recipe's map is fitted on."""
        if is_file(recipe.source):
            return sha256_file(Path(recipe.source).expanduser())
        name = dataset if recipe.source == TARGET else recipe.source
        if name not in self._digests:
            text = "\n".join(map(json.dumps, self.sentences(recipe.source, dataset)))
            self._digests[name] = hashlib.sha256(text.encode()).hexdigest()
        return self._digests[name]


def is_file(source: str) -> bool:
    """Whether a source names the file of a saved fit."""
    return source != TARGET and source not in CORPORA


class Maps:
    """Fitted maps of one run, each fitted once."""

    def __init__(self, corpora: Corpora) -> None:
        self.corpora = corpora
        self._maps: dict[tuple[FittedRecipe, BaseRecipe, str, int], Map] = {}

    def map(self, recipe: FittedRecipe, base: BaseRecipe, dataset: str, seed: int, embed: Embed) -> Map:
        """The map of a recipe whose base has been resolved to `base`."""
        key = (recipe, base, dataset if recipe.source == TARGET else "", seed if recipe.seeded else 0)
        if key not in self._maps:
            if is_file(recipe.source):
                self._maps[key] = saved(recipe)
            else:
                self._maps[key] = fitted(recipe, self.corpora.sentences(recipe.source, dataset), seed, embed)
        return self._maps[key]


def fitted(recipe: FittedRecipe, sentences: list[str], seed: int, embed: Embed) -> Map:
    """The map fitted on these sentences, repeats counted."""
    distinct = list(dict.fromkeys(sentences))
    position = {sentence: row for row, sentence in enumerate(distinct)}
    rows = np.array([position[sentence] for sentence in sentences])
    vectors = embed(distinct)
    if isinstance(recipe, WhitenedRecipe):
        blocks = (vectors[rows[i : i + whitening.BLOCK]] for i in range(0, len(rows), whitening.BLOCK))
        return whitening.fit(blocks, recipe.k, recipe.source).apply
    from repro.encoders import flow  # torch: not for those who only plan

    assert isinstance(recipe, FlowedRecipe)
    return flow.fit(vectors[rows], recipe, seed).apply


def saved(recipe: FittedRecipe) -> Map:
    """The whitening in the file that the recipe's source names."""
    path = Path(recipe.source).expanduser()
    if not isinstance(recipe, WhitenedRecipe) or not path.is_file():
        raise ReproError(
            f"{recipe.source!r} is neither {TARGET}, nor one of {', '.join(CORPORA)}, nor the file of a saved whitening"
        )
    found = whitening.load(path)
    if recipe.k is not None and recipe.k != found.kernel.shape[1]:
        raise ReproError(f"{path} keeps {found.kernel.shape[1]} dimensions, not k = {recipe.k}")
    return found.apply


def embed(
    name: str | Recipe, sentences: Sequence[str], suite: Suite, device: str, dtype: str, progress: bool = False
) -> Embedded:
    """Vectors of sentences under any recipe; a map on the `target` is fitted on these sentences, with seed 0."""
    recipe = zoo.recipe(name) if isinstance(name, str) else name
    if not sentences:
        raise ReproError("there is no sentence to encode; give at least one")
    embedder = Embedder([zoo.locate(plain(recipe), suite.root, suite.offline)], device, dtype, EmbeddingCache())
    found = embedder.embed(sentences, progress)[0]
    if not isinstance(recipe, FittedRecipe):
        return found
    base: Embed = lambda texts: embedder.embed(texts, progress)[0].vectors  # noqa: E731
    if is_file(recipe.source):
        apply = saved(recipe)
    else:
        own = list(sentences) if recipe.source == TARGET else suite.corpus(recipe.source)
        apply = fitted(recipe, own, 0, base)
    return Embedded(apply(found.vectors), found.zero_vectors, found.device, found.seconds)
