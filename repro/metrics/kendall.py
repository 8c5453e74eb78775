"""Kendall's τ-b of samples that hold each of n pairs a number of times, in O(n log n): built once for many samples.

Which pairs are concordant does not depend on the counts, so all that is sorted is sorted once. Letters: n pairs,
u in the upper and l in the lower halves of a level's blocks.
"""

from __future__ import annotations

import numpy as np


class WeightedKendall:
    """τ-b (Kendall 1945) of two variables given as groups (n,) of values that count as equal, counted from 0.

    Two pairs are discordant when the one with the larger value of one variable has the smaller of the other. They are
    counted bit by bit, as in a merge sort: of two different groups of the second variable the highest bit that differs
    says which is larger, and groups that agree above that bit form a block. Within a block, ordered by the first
    variable, cumulative counts of the upper half say how many of them precede each pair of the lower half.
    """

    def __init__(self, first: np.ndarray, second: np.ndarray) -> None:
        if first.max() < second.max():  # τ is symmetric; fewer groups have fewer bits
            first, second = second, first
        self.order = np.lexsort((second, first))  # (n,); all that follows is in this order
        self.first, self.second = first[self.order], second[self.order]
        self.joint = np.unique(self.first * (second.max() + 1) + self.second, return_inverse=True)[1]  # (n,)
        self.levels = [self._level(bit) for bit in range(int(second.max()).bit_length())]

    def _level(self, bit: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """(upper pairs (u,), lower pairs (l,), start (l,), end (l,)) of the blocks of one bit.

        Of the upper pairs of its block, those from `start` to `end` precede a lower one. Among ties in the first
        variable the lower ones come first, so that none of them precedes another.
        """
        block = self.second >> (bit + 1)
        order = np.argsort(block.astype(np.min_scalar_type(block.max())), kind="stable")  # of small types a radix sort
        upper = (self.second[order] >> bit & 1).astype(bool)
        before = np.concatenate([[0], np.cumsum(upper)])  # (n + 1,) upper pairs before each place
        places = np.flatnonzero(~upper)
        begins = np.concatenate([[0], np.cumsum(np.bincount(block))])  # place of each block
        start, end = before[begins[block[order[places]]]], before[places]
        kept = end > start
        return order[upper], order[places[kept]], start[kept], end[kept]

    def __call__(self, counts: np.ndarray) -> float:
        """τ-b of a sample that holds pair i `counts[i]` times, (n,) float64; NaN where a variable is constant in it."""
        counts = counts[self.order]
        discordant = 0.0
        for upper, lower, start, end in self.levels:
            before = np.concatenate([[0.0], np.cumsum(counts[upper])])  # (u + 1,)
            discordant += float(counts[lower] @ (before[end] - before[start]))
        every = _pairs(counts.sum())
        tied_first, tied_second, tied_both = (
            _pairs(np.bincount(groups, weights=counts)).sum() for groups in (self.first, self.second, self.joint)
        )
        score = every - tied_first - tied_second + tied_both - 2 * discordant
        scale = np.sqrt((every - tied_first) * (every - tied_second))
        return float(np.clip(score / scale, -1, 1)) if scale > 0 else float("nan")


def _pairs(size: np.ndarray) -> np.ndarray:
    """Number of pairs within groups of these sizes."""
    return np.asarray(size * (size - 1) / 2)
