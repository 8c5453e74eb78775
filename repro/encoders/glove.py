"""Averaged word vectors (GloVe and others in its text format)."""

from __future__ import annotations

import gzip
import io
import string
import zipfile
from collections.abc import Iterable, Iterator, Sequence, Set
from contextlib import contextmanager
from functools import cache
from itertools import chain
from pathlib import Path
from typing import IO

import numpy as np
from scipy import sparse

from repro.encoders.recipe import WordVectorRecipe
from repro.errors import NotAvailable, ReproError
from repro.files import home

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


def vectors_path(recipe: WordVectorRecipe, data_dir: Path | None = None) -> Path:
    """The file of word vectors: a path as given, else looked up by name below `vectors/` of the data folders."""
    direct = Path(recipe.weights).expanduser()
    if direct.is_file():
        return direct
    roots = [root / "vectors" for root in (data_dir, home() / "data") if root is not None]
    for root in roots:
        for found in (root / recipe.weights, root / direct.stem / recipe.weights):
            if found.is_file():
                return found
    raise NotAvailable(f"the word vectors {recipe.weights} are not on this machine; put the file into {roots[0]}")


class WordVectorEncoder:
    """Mean of the known words' vectors; a sentence without one gets the zero vector and is counted."""

    def __init__(self, recipe: WordVectorRecipe, path: Path) -> None:
        self.recipe = recipe
        self.path = path
        self.zero_vectors = 0  # sentences of the last `encode` without a known word
        self._column: dict[str, int] = {}  # token → row of `_matrix`, -1: no form of it is known
        self._word: dict[str, int] = {}  # word of the file → row of `_matrix`
        self._matrix = np.zeros((0, 0), np.float32)  # (words, d)

    def encode(self, sentences: Sequence[str]) -> np.ndarray:
        """float32 (n, d): one sparse (distinct, words) matrix of shares times the (words, d) vectors."""
        place: dict[str, int] = {}
        order = [place.setdefault(sentence, len(place)) for sentence in sentences]  # each distinct sentence once
        tokens = [(sentence.lower() if self.recipe.lowercase else sentence).split() for sentence in place]
        self._learn(set(chain.from_iterable(tokens)).difference(self._column))
        lengths = np.fromiter(map(len, tokens), np.int64, len(tokens))  # (n,)
        flat = map(self._column.__getitem__, chain.from_iterable(tokens))
        columns = np.fromiter(flat, np.int64, int(lengths.sum()))  # (tokens,)
        rows = np.repeat(np.arange(len(tokens)), lengths)  # (tokens,)
        known = columns >= 0
        counts = np.bincount(rows[known], minlength=len(tokens))  # (n,)
        self.zero_vectors = int((counts == 0)[order].sum())
        shares = np.repeat(1.0 / np.maximum(counts, 1), counts).astype(np.float32)
        starts = np.concatenate([[0], np.cumsum(counts)])
        bag = sparse.csr_array((shares, columns[known], starts), shape=(len(tokens), len(self._matrix)))
        vectors: np.ndarray = bag @ self._matrix  # (distinct, d)
        return vectors if len(place) == len(order) else vectors[order]

    def _learn(self, tokens: Iterable[str]) -> None:
        """Read, in one pass over the file, the vectors of every form that these new tokens may ask for."""
        new = {token: forms(token, self.recipe.tokens) for token in tokens}
        wanted = {form for tried in new.values() for form in tried} - self._word.keys()
        if wanted:
            rows = [self._matrix] if self._matrix.size else []
            for word, vector in read_vectors(self.path, wanted):
                if word not in self._word:  # the first of two rows for one word counts
                    self._word[word] = len(self._word)
                    rows.append(vector[None])
            if rows:
                self._matrix = np.concatenate(rows)
        for token, tried in new.items():
            self._column[token] = next((self._word[form] for form in tried if form in self._word), -1)


def read_vectors(path: Path, wanted: Set[str]) -> Iterator[tuple[str, np.ndarray]]:
    """Stream (word, float32 (d,)) of the wanted words from a text, .gz or .zip file; word2vec's header line is skipped.

    The first line sets d. ReproError names file and line where a row has another width or a value is not a number.
    """
    dimension = 0
    with _open(path) as file:
        for number, line in enumerate(file, 1):
            if not dimension:
                dimension = len(line.split()) - 1
                if dimension == 1:  # word2vec's "rows dimension"
                    dimension = 0
                    continue
            word, _, rest = line.rstrip("\r\n ").partition(" ")
            if word not in wanted and rest.count(" ") == dimension - 1:
                continue
            cells = line.rstrip("\r\n ").rsplit(" ", dimension)  # a few words of 840B hold blanks themselves
            if len(cells) != dimension + 1:
                raise ReproError(f"{path}: line {number} has {len(cells) - 1} values, expected {dimension}")
            if cells[0] in wanted:
                try:
                    yield cells[0], np.array(cells[1:], dtype=np.float32)
                except ValueError as error:
                    raise ReproError(f"{path}: line {number}: {error}") from None


@contextmanager
def _open(path: Path) -> Iterator[IO[str]]:
    try:
        if path.suffix == ".zip":
            with zipfile.ZipFile(path) as archive:
                names = [name for name in archive.namelist() if not name.endswith("/")]
                if len(names) != 1:
                    raise ReproError(
                        f"{path} holds {len(names)} files ({', '.join(names[:4])}); unpack it and name one"
                    )
                with archive.open(names[0]) as raw:
                    yield io.TextIOWrapper(raw, encoding="utf-8", newline="\n")
        elif path.suffix == ".gz":
            with gzip.open(path, "rt", encoding="utf-8", newline="\n") as file:
                yield file
        else:
            with path.open(encoding="utf-8", newline="\n") as file:
                yield file
    except (zipfile.BadZipFile, gzip.BadGzipFile, EOFError, UnicodeDecodeError) as error:
        raise ReproError(f"{path} is damaged or not a file of word vectors ({error})") from error
