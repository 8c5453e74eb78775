"""What an object of the user's own answers, as arrays: an array, a tensor or a list of either, or of lists of numbers.

Nothing is guessed: an answer that is not one vector for each sentence, or one score for each pair, is an error that
names who gave it, and the sentence or the count.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from repro.encoders.gate import checked
from repro.errors import ReproError


def there(answer: object, who: str) -> object:
    """The answer, complete: a list of what an iterator gives, which may fill one array again and again.

    ReproError for what can be no answer.
    """
    if inspect.isawaitable(answer):
        if inspect.iscoroutine(answer):
            answer.close()
        raise ReproError(f"{who} is asynchronous; hand in a function that waits for its answer, as with asyncio.run")
    if answer is None or isinstance(answer, str | bytes | Mapping):
        raise ReproError(f"{who} gave {'None' if answer is None else f'a {type(answer).__name__}'}, and no numbers")
    if isinstance(answer, Iterable) and not hasattr(answer, "__array__"):
        return [np.array(_plain(item)) if hasattr(item, "__array__") else item for item in answer]
    return answer


def vectors_of(answer: object, sentences: Sequence[str], who: str) -> np.ndarray:
    """float32 (n, d) of a complete answer for n sentences."""
    if isinstance(answer, list):
        if len(answer) != len(sentences):
            raise ReproError(f"{who}: {len(sentences)} sentences gave {len(answer)} vectors")
        rows = [_vector(row, sentence, who) for row, sentence in zip(answer, sentences, strict=True)]
        for row, sentence in zip(rows, sentences, strict=True):
            _unpacked(row, who)
            if len(row) != len(rows[0]):
                lengths = f"{len(row)} numbers, that of {sentences[0]!r} {len(rows[0])}"
                raise ReproError(f"{who}: the vector of {sentence!r} has {lengths}")
        answer = np.stack(rows) if rows else np.empty((0, 0))
    vectors = checked(_unpacked(_numbers(answer, who), who), sentences, who)[0]
    return vectors.copy()  # the array may be filled again by the next call


def scores_of(answer: object, first: Sequence[str], second: Sequence[str], who: str) -> np.ndarray:
    """float64 (n,) of a complete answer for n pairs."""
    scores = _numbers(answer if not isinstance(answer, list) else [_plain(score) for score in answer], who)
    if scores.shape != (len(first),):
        raise ReproError(f"{who}: {len(first)} pairs gave scores of shape {scores.shape}, not (n,)")
    finite = np.isfinite(scores)
    if not finite.all():
        row = int(finite.argmin())
        raise ReproError(f"{who}: the score of {first[row]!r} and {second[row]!r} is not finite")
    return scores.astype(np.float64)


def _vector(answer: object, sentence: str, who: str) -> np.ndarray:
    try:
        vector = _numbers(answer, who)
    except ReproError:
        raise ReproError(f"{who} gave a {type(answer).__name__} for {sentence!r}, and no vector of numbers") from None
    if vector.ndim != 1:
        raise ReproError(f"{who} gave an array of shape {vector.shape} for {sentence!r}, not (d,)")
    return vector


def _unpacked(numbers: np.ndarray, who: str) -> np.ndarray:
    """The numbers; ReproError where they may be bits, eight to a number."""
    if numbers.dtype in (np.int8, np.uint8):
        raise ReproError(
            f"{who}: what it gave is {numbers.dtype}, perhaps packed bits or quantised; give the numbers of the "
            "vectors, as float32"
        )
    return numbers


def _numbers(answer: object, who: str) -> np.ndarray:
    if np.ma.is_masked(answer):
        raise ReproError(f"{who}: a part of what it gave is masked, and is no number; fill it in")
    try:
        array = np.asarray(_plain(answer))
    except (TypeError, ValueError, RuntimeError) as error:
        raise ReproError(f"{who}: what it gave is no array of numbers ({error})") from None
    if array.dtype.kind not in "fiub":
        raise ReproError(f"{who}: what it gave is no array of numbers, but of {array.dtype}")
    return array


def _plain(answer: Any) -> Any:
    """A tensor of torch, on whatever device and in whatever type and graph, as an array; all else as it is."""
    if not hasattr(answer, "detach"):
        return answer
    tensor = answer.detach().cpu()
    small = tensor.dtype.is_floating_point and tensor.dtype.itemsize < 4  # of which NumPy lacks some, such as bfloat16
    return (tensor.float() if small else tensor).numpy()
