"""Synonyms from WordNet (Fellbaum 1998): which single words stand in one synset with others."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path

from repro.data.readers import read_synsets

DATASET = "WORDNET"
FILES = ("data.noun", "data.verb", "data.adj", "data.adv")
Synonyms = Mapping[str, tuple[str, ...]]


def synonyms(synsets: Iterable[str]) -> Synonyms:
    """Lower-case word → all others that share a synset with it, sorted; phrases are left out."""
    others: dict[str, set[str]] = {}
    for synset in synsets:
        words = {word.lower() for word in synset.split(" ") if "_" not in word}
        for word in words:
            others.setdefault(word, set()).update(words - {word})
    return {word: tuple(sorted(others[word])) for word in sorted(others) if others[word]}


def read(folder: Path) -> Synonyms:
    """The synonyms of the four files of a folder; ReproError names file and line of what is no synset."""
    return synonyms(synset for name in FILES for synset in read_synsets(folder / name).first)


def digest(known: Synonyms) -> str:
    """Hex sha256 of words and synonyms."""
    return hashlib.sha256(json.dumps(known, sort_keys=True).encode()).hexdigest()
