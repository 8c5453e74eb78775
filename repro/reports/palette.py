"""Colours and marks of figures and pages, told apart also in grey and by those who see few colours.

The colours are Okabe and Ito's ("Color Universal Design", 2008).
"""

from __future__ import annotations

from typing import NamedTuple


class Look(NamedTuple):
    """How a kind of row is drawn, in matplotlib's terms."""

    colour: str
    mark: str
    line: str


# by what became of the encoder
KINDS = {
    "plain": Look("#000000", "o", "-"),
    "whitening": Look("#0072B2", "s", "--"),
    "flow": Look("#D55E00", "^", ":"),
    "calibration": Look("#CC79A7", "v", "--"),
    "trained": Look("#009E73", "D", "-."),
}
MARKS = ("o", "s", "^", "D", "v", "P", "X")  # of rows of one kind
