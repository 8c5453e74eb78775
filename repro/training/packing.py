"""Sentences side by side in blocks of one length, so that next to nothing is computed on padding.

A block is [CLS] s [SEP] s [SEP] …: whole sentences, as RoBERTa's FULL-SENTENCES (Liu et al. 2019, §4.2). There they are
neighbours in a document; here they are drawn, since most sources have no documents.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from repro.encoders.tokens import Tokens


def fill(lengths: np.ndarray, room: int, order: Iterable[int]) -> list[list[int]]:
    """Which items of those lengths (n,), each at most `room`, share a block.

    Each in its turn goes to the block with the least room that takes it, or opens a new one (best fit).
    """
    blocks: list[list[int]] = []
    with_room: list[list[int]] = [[] for _ in range(room + 1)]  # blocks by how much room they have
    available = 0  # bit r is set where there are blocks with room for r
    for item in order:
        length = int(lengths[item])
        if fitting := available >> length:
            left = length + (fitting & -fitting).bit_length() - 1  # the lowest bit that is set
            block = with_room[left].pop()
            if not with_room[left]:
                available ^= 1 << left
        else:
            block, left = len(blocks), room
            blocks.append([])
        blocks[block].append(item)
        with_room[left - length].append(block)
        available |= 1 << (left - length)
    return blocks


def pack(sentences: Tokens, length: int, padding: int, rng: np.random.Generator) -> np.ndarray:
    """All sentences, of [CLS] … [SEP] and at most `length` tokens each, in blocks (n, length) int32.

    `rng` draws which are neighbours; sentences without a word are left out.
    """
    lengths = sentences.lengths - 1  # [CLS] stands once, before the first
    order = rng.permutation(len(sentences))
    blocks = fill(lengths, length - 1, order[lengths[order] > 1].tolist())
    packed = np.full((len(blocks), length), padding, np.int32)
    for block, items in zip(packed, blocks, strict=True):
        block[0] = sentences.ids[sentences.starts[items[0]]]
        row = np.concatenate([sentences.ids[sentences.starts[item] + 1 : sentences.starts[item + 1]] for item in items])
        block[1 : len(row) + 1] = row
    return packed
