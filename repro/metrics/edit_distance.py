"""The edit distance of two sequences (Levenshtein 1966): the fewest insertions, deletions and substitutions."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def edit_distance(first: Sequence[str], second: Sequence[str]) -> int:
    """Of the items of two sequences, such as words; each insertion, deletion and substitution counts one.

    Wagner and Fischer's table (1974), a row at a time. Within a row an insertion adds one to the entry before it, so
    with the place taken away from each entry the row is a running minimum.
    """
    codes = {item: code for code, item in enumerate(dict.fromkeys([*first, *second]))}
    columns = np.array([codes[item] for item in second], np.int64)  # (m,)
    place = np.arange(len(columns) + 1)
    row = place.copy()  # (m + 1,): distances of what was read of `first` to each beginning of `second`
    for count, item in enumerate(first, 1):
        kept_or_replaced = row[:-1] + (columns != codes[item])
        row = np.concatenate([[count], np.minimum(row[1:] + 1, kept_or_replaced)])
        row = np.minimum.accumulate(row - place) + place
    return int(row[-1])
