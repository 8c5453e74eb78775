"""Sentences in blocks: none is lost, none is cut, next to nothing is padding."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from repro.encoders.tokens import Tokens
from repro.training.packing import fill, pack

CLS, SEP, PAD = 101, 102, 0


def sentences(lengths: list[int]) -> tuple[Tokens, list[list[int]]]:
    """(tokens with [CLS] and [SEP], the words of each): no two sentences have a word in common."""
    words, first = [], 1000
    for length in lengths:
        words.append(list(range(first, first + length)))
        first += length
    ids = [token for row in words for token in (CLS, *row, SEP)]
    starts = np.cumsum([0, *(len(row) + 2 for row in words)])
    return Tokens(np.array(ids, np.int32), starts), words


def parts(block: np.ndarray) -> list[list[int]]:
    """The sentences of a block."""
    row = block.tolist()
    assert row[0] == CLS
    assert row.count(CLS) == 1
    end = row.index(PAD) if PAD in row else len(row)
    assert set(row[end:]) <= {PAD}
    assert row[end - 1] == SEP
    text = row[1 : end - 1]
    cuts = [-1, *(i for i, token in enumerate(text) if token == SEP), len(text)]
    return [text[a + 1 : b] for a, b in pairwise(cuts)]


@pytest.mark.parametrize("seed", range(3))
def test_every_sentence_is_whole_in_one_block(seed: int) -> None:
    rng = np.random.default_rng(seed)
    lengths = [*rng.integers(1, 30, 400).tolist(), 62, 62, 1]
    tokens, words = sentences(lengths)
    blocks = pack(tokens, 64, PAD, rng)
    packed = [sentence for block in blocks for sentence in parts(block)]
    assert sorted(packed) == sorted(words)
    assert (blocks == PAD).mean() < 0.04


def test_blank_sentences_are_left_out() -> None:
    tokens, words = sentences([3, 0, 5, 0])
    packed = [sentence for block in pack(tokens, 16, PAD, np.random.default_rng(0)) for sentence in parts(block)]
    assert sorted(packed) == [words[0], words[2]]


def test_neighbours_are_drawn() -> None:
    tokens, _ = sentences([5] * 100)
    first, again, other = (pack(tokens, 32, PAD, np.random.default_rng(seed)) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_an_item_goes_where_the_least_room_is_left() -> None:
    lengths = np.array([6, 5, 4, 3, 2])
    assert fill(lengths, 10, [0, 1, 2, 3, 4]) == [[0, 2], [1, 3, 4]]
    assert fill(lengths, 10, [1, 0, 4, 3, 2]) == [[1, 3], [0, 4], [2]]
    assert fill(lengths, 10, []) == []
