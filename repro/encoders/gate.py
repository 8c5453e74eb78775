"""The gate that every vector passes, whatever it came from and wherever it goes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Set

import numpy as np

from repro.errors import ReproError


def texts(sentences: object, encoder: str) -> list[str]:
    """What an encoder is given, as a list; ReproError, naming the encoder, for what are no sentences."""
    if isinstance(sentences, str):
        raise ReproError(f"{encoder}: encode wants a list of sentences; put {sentences!r} into one")
    table = getattr(sentences, "ndim", 1) != 1  # of which one would get the names of the columns, or rows
    if table or isinstance(sentences, bytes | Mapping | Set) or not isinstance(sentences, Iterable):
        raise ReproError(f"{encoder}: encode wants a list of sentences, and this is {type(sentences).__name__}")
    listed = list(sentences)
    for place, text in enumerate[object](listed):
        if not isinstance(text, str):
            what = f"{text!r:.80}, a {type(text).__name__}"
            raise ReproError(f"{encoder}: encode wants texts, and entry {place} is {what}; leave it out")
    return listed


def checked(vectors: np.ndarray, sentences: Sequence[str], encoder: str) -> tuple[np.ndarray, int]:
    """(vectors as float32 (n, d), how many are zero: sentences without a known word or token).

    Raises ReproError naming the encoder, and the sentence whose vector is not finite, or out of float32's range.
    """
    given = vectors
    with np.errstate(over="ignore"):  # it is said below, with the sentence
        vectors = np.asarray(given, np.float32)
    if vectors.ndim != 2 or len(vectors) != len(sentences) or (len(vectors) and not vectors.shape[1]):
        raise ReproError(f"{encoder}: {len(sentences)} sentences gave vectors of shape {vectors.shape}, not (n, d)")
    finite = np.isfinite(vectors).all(axis=1)  # (n,)
    if not finite.all():
        row = int(finite.argmin())
        what = "is beyond float32" if np.isfinite(given[row]).all() else "is not finite"
        raise ReproError(f"{encoder}: the vector of {sentences[row]!r} {what}")
    if given.dtype.itemsize > vectors.dtype.itemsize:
        small = too_small(given)
        if small.any():
            raise ReproError(f"{encoder}: the vector of {sentences[int(small.argmax())]!r} is too small for float32")
    return vectors, zero_rows(vectors)


def too_small(vectors: np.ndarray) -> np.ndarray:
    """Which of the vectors (n, d) float64 have numbers, and none that float32 has all digits of, (n,) bool."""
    largest = np.abs(vectors).max(axis=1, initial=0)  # (n,)
    return np.asarray((largest > 0) & (largest < np.finfo(np.float32).tiny))


def zero_rows(vectors: np.ndarray) -> int:
    """How many of the vectors (n, d) are zero."""
    return int((~vectors.any(axis=1)).sum())
