"""The forms in which evaluation text reaches an encoder: raw, tokens joined with blanks, and SentEval's tokens.

SentEval's script runs Moses' `tokenizer.perl -l en -no-escape` over STS and SICK, and lower-cases STS
(get_transfer_data.bash 101-103, 122-123, 162-163); what loads its files splits at white space and joins with blanks.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sacremoses import MosesTokenizer

# what Moses never leaves: a mark behind a word's letter, a full stop that ends the last word, an apostrophe inside one
_UNTOKENISED = re.compile(r"[A-Za-z][,;:!?\")]|[A-Za-z]\.$|[A-Za-z]'[A-Za-z]")
_TOKENISED = re.compile(r"[A-Za-z] [.,;:!?\")'](?= |$|[A-Za-z])")


def joined(sentence: str) -> str:
    """Its tokens, split at white space, joined with one blank."""
    return " ".join(sentence.split())


@cache  # a table asks for a data set under several tasks
def moses(sentence: str) -> str:
    """Its Moses tokens joined with one blank, as they stand in SentEval's published files."""
    tokens = _tokenizer().tokenize(sentence, escape=False)
    # the script splits a full stop from a sentence's last word whatever the word is; the port asks whether it is "U.S."
    if tokens and re.search(r"[^.]\.$", tokens[-1]):
        tokens[-1:] = [tokens[-1][:-1], "."]
    return " ".join(tokens)


@cache
def _tokenizer() -> MosesTokenizer:
    from sacremoses import MosesTokenizer

    tokenizer = MosesTokenizer("en")
    # In SentEval's files "Mr.", "Corp." and "Aug." are split in two, as without a list of abbreviations, but "No. 2" is
    # kept, as with the list of those that stand before numbers.
    tokenizer.NONBREAKING_PREFIXES = []
    return tokenizer


def are_tokenised(sentences: Iterable[str]) -> bool:
    """Whether a file's sentences are Moses tokens already, as in a SentEval folder of somebody's own.

    The tokeniser must not run twice: of "a woman 's ankle" it would make "a woman ' s ankle".
    """
    marks = False
    for sentence in sentences:
        if _UNTOKENISED.search(sentence):
            return False
        marks = marks or _TOKENISED.search(sentence) is not None
    return marks
