"""Discrete augmentations of a sentence (SimCSE Table 1): crop, delete words, replace words.

A word is what stands between blanks. Each function takes the words of a sentence and a generator of random numbers, and
leaves at least one word. How many words a rate changes is a formula (`share`), which ones is drawn.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from repro.encoders.tokens import Tokens, tokenize
from repro.encoders.word_vectors import sbert_stop_words

Change = Callable[[list[str], np.random.Generator], list[str]]  # of one sentence's words
Augmentation = Callable[[Sequence[str], np.random.Generator], list[str]]  # of a batch of sentences


def share(words: int, rate: float) -> int:
    """How many of so many words a rate changes: the nearest integer, a half rounded up, and never all of them."""
    return max(0, min(int(rate * words + 0.5), words - 1))


def crop(words: list[str], rng: np.random.Generator, rate: float) -> list[str]:
    """A contiguous piece, shorter by `share`, each of the possible ones as likely ("crop k %: keep 100 − k %")."""
    kept = len(words) - share(len(words), rate)
    start = int(rng.integers(len(words) - kept + 1))
    return words[start : start + kept]


def delete(words: list[str], rng: np.random.Generator, rate: float) -> list[str]:
    """Without `share` words, each set of that many as likely ("word deletion k %")."""
    return _without(words, share(len(words), rate), rng)


def delete_one(words: list[str], rng: np.random.Generator) -> list[str]:
    """Without one word, each as likely; one that stands alone stays."""
    return _without(words, min(1, len(words) - 1), rng)


def _without(words: list[str], count: int, rng: np.random.Generator) -> list[str]:
    lost = set(_places(len(words), count, rng))
    return [word for place, word in enumerate(words) if place not in lost]


def _places(words: int, count: int, rng: np.random.Generator) -> list[int]:
    """So many different places of words, in order."""
    return np.sort(rng.choice(words, count, replace=False)).tolist() if count else []


def replace_one(words: list[str], rng: np.random.Generator, synonyms: Mapping[str, Sequence[str]]) -> list[str]:
    """With one word replaced by a synonym, each word that has some as likely, and of them each as likely.

    `synonyms` are those of lower-case words. Function words have none here: WordNet knows them as other things (`in` as
    the inch). Punctuation at the word stays, and so does its capital.
    """
    cores = [_parts(word)[1] for word in words]
    known = [place for place, core in enumerate(cores) if _of(core, synonyms)]
    if not known:
        return words
    place = int(rng.choice(known))
    before, core, after = _parts(words[place])
    synonym = str(rng.choice(_of(core, synonyms)))
    if core[0].isupper():
        synonym = synonym[0].upper() + synonym[1:]
    return [*words[:place], before + synonym + after, *words[place + 1 :]]


def _of(core: str, synonyms: Mapping[str, Sequence[str]]) -> Sequence[str]:
    lower = core.lower()
    return () if lower in sbert_stop_words() else synonyms.get(lower, ())


def _parts(word: str) -> tuple[str, str, str]:
    """Punctuation before a word, the word, punctuation after it; what is punctuation alone is a word."""
    inside = [place for place, character in enumerate(word) if character.isalnum() or character == "_"]
    if not inside:
        return "", word, ""
    start, end = inside[0], inside[-1] + 1
    while end < len(word) and unicodedata.category(word[end]).startswith("M"):
        end += 1  # vowel signs and accents of the last letter, that are characters of their own
    return word[:start], word[start:end], word[end:]


def each(change: Change) -> Augmentation:
    """The augmentation of a batch that changes one sentence after the other; one without a word stays as it is."""

    def changed(sentences: Sequence[str], rng: np.random.Generator) -> list[str]:
        split = [sentence.split() for sentence in sentences]
        return [
            " ".join(change(words, rng)) if words else sentence
            for words, sentence in zip(split, sentences, strict=True)
        ]

    return changed


class MaskedReplacement:
    """Replace `share` words of each sentence by what BERT puts in their places ("MLM k %").

    [MASK] stands where the word stood, its punctuation beside it, and the most likely whole word that is another takes
    its place. Words beyond `length` tokens stay. `model` has transformers' BertForMaskedLM's parts.

    Letters: B sentences, T tokens, m of them masked, V words in the vocabulary.
    """

    def __init__(self, rate: float, model: Any, tokenizer: Any, length: int | None) -> None:
        self.rate, self.model, self.tokenizer, self.length = rate, model, tokenizer, length
        tokens = tokenizer.convert_ids_to_tokens(list(range(model.config.vocab_size)))
        self.vocabulary = [token or "" for token in tokens]
        # neither special, nor the piece of a word, nor punctuation
        whole = torch.tensor([token.isalnum() for token in self.vocabulary])  # (V,)
        self.barred = ~whole.to(model.device)

    def __call__(self, sentences: Sequence[str], rng: np.random.Generator) -> list[str]:
        """The sentences with other words in their places."""
        split = [sentence.split() for sentence in sentences]
        chosen = [_places(len(words), share(len(words), self.rate), rng) for words in split]
        hidden, owned = [], []
        for words, places in zip(split, chosen, strict=True):
            masked = list(words)
            for place in places:
                before, _, after = _parts(words[place])
                masked[place] = before + self.tokenizer.mask_token + after
            hidden.append(" ".join(masked))
            # a text may have masks of its own: which word each mask belongs to
            marks = [word.count(self.tokenizer.mask_token) for word in masked]
            owned.append([place for place, count in enumerate(marks) for _ in range(count)])
        tokens = tokenize(self.tokenizer, hidden, self.length)
        guesses = iter(self._guesses(tokens))
        for row, (words, places, owners) in enumerate(zip(split, chosen, owned, strict=True)):
            ids = tokens.ids[tokens.starts[row] : tokens.starts[row + 1]]
            read = int((ids == self.tokenizer.mask_token_id).sum())
            for place, (best, second) in zip(owners[:read], guesses, strict=False):
                if place in places:
                    before, core, after = _parts(words[place])
                    words[place] = before + (second if best.lower() == core.lower() else best) + after
        return [" ".join(words) for words in split]

    @torch.no_grad()
    def _guesses(self, tokens: Tokens) -> list[list[str]]:
        """The two most likely whole words for each mask, masks in their order: (m, 2)."""
        padded, filled, _ = tokens.pad(self.tokenizer.pad_token_id or 0)
        ids = torch.from_numpy(padded).to(self.model.device)  # (B, T)
        mask = torch.from_numpy(filled).to(self.model.device).long()  # (B, T)
        output = self.model.bert(input_ids=ids, attention_mask=mask).last_hidden_state  # (B, T, d)
        logits: Tensor = self.model.cls(output[ids == self.tokenizer.mask_token_id])  # (m, V)
        likely = logits.masked_fill(self.barred, -torch.inf).topk(2).indices.tolist()  # (m, 2)
        return [[self.vocabulary[token] for token in pair] for pair in likely]
