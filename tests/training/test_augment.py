"""Augmentations: how much they change by formula, which words by distribution, and never without a word left."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable
from functools import partial
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import AutoTokenizer, BertConfig, BertForMaskedLM

from repro.training import augment
from tests.conftest import WORDS

DRAWS = 6000


def drawn(change: augment.Change, words: list[str], draws: int = DRAWS) -> Counter[tuple[str, ...]]:
    rng = np.random.default_rng(0)
    return Counter(tuple(change(list(words), rng)) for _ in range(draws))


def assert_uniform(counts: Counter[tuple[str, ...]], expected: set[tuple[str, ...]]) -> None:
    """All of them and no others, each as often as the others: five standard deviations of a binomial count."""
    assert set(counts) == expected
    p = 1 / len(expected)
    bound = 5 * math.sqrt(DRAWS * p * (1 - p))
    assert all(abs(count - DRAWS * p) < bound for count in counts.values())


# n words, rate, how many are changed: round(rate × n), a half up, and one word stays
@pytest.mark.parametrize(
    ("words", "rate", "count"),
    [(10, 0.1, 1), (10, 0.3, 3), (5, 0.1, 1), (4, 0.1, 0), (23, 0.2, 5), (23, 0.3, 7), (1, 0.9, 0), (2, 0.9, 1)],
)
def test_how_many_words_a_rate_changes(words: int, rate: float, count: int) -> None:
    assert augment.share(words, rate) == count
    sentence = [f"w{n}" for n in range(words)]
    for change in (augment.crop, augment.delete):
        assert len(change(sentence, np.random.default_rng(0), rate)) == words - count


def test_a_crop_is_every_contiguous_piece_of_its_length_as_often() -> None:
    words = list("abcdefgh")
    pieces = {tuple(words[start : start + 6]) for start in range(3)}
    assert_uniform(drawn(partial(augment.crop, rate=0.3), words), pieces)  # 0.3 × 8 = 2.4 are cut off


def test_deletion_leaves_every_subset_of_its_size_in_order_as_often() -> None:
    words = list("abcde")
    assert_uniform(drawn(partial(augment.delete, rate=0.4), words), set(combinations(words, 3)))
    assert_uniform(drawn(augment.delete_one, words), set(combinations(words, 4)))


SYNONYMS = {"car": ("auto", "machine"), "quick": ("fast",), "in": ("inch",)}


def test_one_word_that_has_synonyms_is_replaced_by_each_of_them_as_often() -> None:
    replace = partial(augment.replace_one, synonyms=SYNONYMS)
    counts = drawn(replace, ["A", "quick", "(Car),", "in", "town"])
    assert set(counts) == {
        ("A", "fast", "(Car),", "in", "town"),  # the punctuation and the capital of the other stay
        ("A", "quick", "(Auto),", "in", "town"),
        ("A", "quick", "(Machine),", "in", "town"),
    }
    share = counts["A", "fast", "(Car),", "in", "town"] / DRAWS
    assert share == pytest.approx(0.5, abs=5 * math.sqrt(0.25 / DRAWS))  # each word as likely, then each synonym
    assert replace(["in", "-", "town"], np.random.default_rng(0)) == ["in", "-", "town"]


# vowel signs and accents that are characters of their own belong to the word (Unicode categories Mn and Mc)
@pytest.mark.parametrize(
    ("word", "parts"),
    [
        ("(नहीं)।", ("(", "नहीं", ")।")),
        ("பூனை,", ("", "பூனை", ",")),
        ("«cafe\u0301»", ("«", "cafe\u0301", "»")),
        ("مَدْرَسَةٌ؟", ("", "مَدْرَسَةٌ", "؟")),
        ("_x1_!", ("", "_x1_", "!")),
        ("don't.", ("", "don't", ".")),
        ("...", ("", "...", "")),
        ("good\u2764\ufe0f!", ("", "good", "\u2764\ufe0f!")),  # a heart, drawn in colour by the mark behind it
        ("\u2764\ufe0f", ("", "\u2764\ufe0f", "")),
    ],
)
def test_punctuation_is_apart_from_the_word_and_marks_are_not(word: str, parts: tuple[str, str, str]) -> None:
    assert augment._parts(word) == parts


CHANGES: dict[str, augment.Change] = {
    "crop": partial(augment.crop, rate=0.9),
    "delete": partial(augment.delete, rate=0.9),
    "delete-one": augment.delete_one,
    "synonym": partial(augment.replace_one, synonyms=SYNONYMS),
}
SENTENCES = ["one", "two words", " ", "", "A quick car.", "the  blanks\tbetween words"]


@pytest.mark.parametrize("name", CHANGES)
def test_no_sentence_loses_its_last_word_and_the_seed_decides(name: str) -> None:
    change = augment.each(CHANGES[name])
    first, again, other = (change(SENTENCES * 20, np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert first == again != other
    for before, after in zip(SENTENCES * 20, first, strict=True):
        assert bool(after.split()) == bool(before.split())
    assert first[:1] == ["one"]
    assert first[2:4] == [" ", ""]


@pytest.fixture
def guesser(tiny_bert: Path) -> Callable[[float], augment.MaskedReplacement]:
    """Of a BERT whose head over the vocabulary prefers `dog`, then `red`, whatever it reads."""
    tokenizer = AutoTokenizer.from_pretrained(tiny_bert)
    config = BertConfig.from_pretrained(tiny_bert)
    model = BertForMaskedLM(config).eval()
    with torch.no_grad():
        model.cls.predictions.bias.fill_(0)
        for rank, word in enumerate(["[PAD]", "[CLS]", "dog", "red"]):
            model.cls.predictions.bias[tokenizer.convert_tokens_to_ids(word)] = 1e4 - rank
    return lambda rate: augment.MaskedReplacement(rate, model, tokenizer, 16)


def test_masked_words_become_the_likeliest_word_that_is_another(
    guesser: Callable[[float], augment.MaskedReplacement],
) -> None:
    (changed,) = guesser(0.99)(["The dog, (big) mat"], np.random.default_rng(0))
    kept = [place for place, word in enumerate(["The", "dog,", "(big)", "mat"]) if word == changed.split()[place]]
    assert len(kept) == 1  # one word always stays
    expected = ["dog", "red,", "(dog)", "dog"]
    assert [w for p, w in enumerate(changed.split()) if p not in kept] == [
        w for p, w in enumerate(expected) if p not in kept
    ]


@pytest.mark.parametrize("seed", range(8))
def test_a_mask_that_a_text_has_already_keeps_its_guess_to_itself(
    seed: int, guesser: Callable[[float], augment.MaskedReplacement], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The guesses are numbered as the masks that the model reads; a chosen word takes that of its own mask."""
    found = guesser(0.4)
    monkeypatch.setattr(
        found, "_guesses", lambda tokens: [[f"guess{n}", "other"] for n in range((tokens.ids == 4).sum())]
    )
    assert found.tokenizer.mask_token_id == 4
    sentences = ["[MASK] cat sits [MASK], red", "the dog sits", "on [MASK] mat"]
    masks, chosen = 0, 0
    for before, after in zip(sentences, found(sentences, np.random.default_rng(seed)), strict=True):
        for word, now in zip(before.split(), after.split(), strict=True):
            if now != word:
                assert now.strip("[],") == f"guess{masks}"
            chosen += now != word
            masks += now != word or "[MASK]" in word
    assert chosen == 2 + 1 + 1


def test_so_many_words_are_replaced_as_the_rate_says_as_far_as_the_model_reads(
    guesser: Callable[[float], augment.MaskedReplacement],
) -> None:
    rng = np.random.default_rng(0)
    words = [word for word in WORDS if word.isalpha() and word not in ("dog", "red")]
    sentences = [" ".join(rng.choice(words, count)) for count in (1, 3, 7, 10)] + ["", "two words"]
    changed = guesser(0.3)(sentences, np.random.default_rng(1))
    differing = [
        sum(a != b for a, b in zip(one.split(), other.split(), strict=True))
        for one, other in zip(sentences, changed, strict=True)
    ]
    assert differing == [0, 1, 2, 3, 0, 1]
    assert (
        guesser(0.3)(sentences, np.random.default_rng(1))
        == changed
        != guesser(0.3)(sentences, np.random.default_rng(2))
    )
    (long,) = guesser(0.5)([" ".join(["cat"] * 60)], np.random.default_rng(0))
    assert long.split()[14:] == ["cat"] * 46  # 16 tokens with [CLS] and [SEP]
    assert "dog" in long.split()[:14]
