"""Word vectors: the three file forms, the tokenisations, and what a damaged file says."""

import gzip
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from repro.data.readers import read_sick
from repro.encoders.glove import WordVectorEncoder, forms, read_vectors, vectors_path
from repro.encoders.recipe import WordVectorRecipe
from repro.errors import NotAvailable, ReproError

TEXT = "cat 1 0 0\ndog 0 1 0\nThe 0 0 1\nthe 0 0 2\n. . 9 9 9\n's 4 4 4\n"


def encoder(folder: Path, text: str = TEXT, **settings: object) -> WordVectorEncoder:
    path = folder / "vectors.txt"
    path.write_text(text, encoding="utf-8")
    return WordVectorEncoder(WordVectorRecipe(str(path), **settings), path)  # type: ignore[arg-type]


@pytest.mark.parametrize("suffix", [".txt", ".gz", ".zip"])
def test_text_gzip_and_zip_read_alike(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"vectors{suffix}"
    if suffix == ".txt":
        path.write_text(TEXT)
    elif suffix == ".gz":
        path.write_bytes(gzip.compress(TEXT.encode()))
    else:
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("glove.txt", TEXT)
    found = dict(read_vectors(path, {"dog", ". .", "absent"}))
    assert {word: vector.tolist() for word, vector in found.items()} == {"dog": [0, 1, 0], ". .": [9, 9, 9]}


def test_word2vecs_header_is_skipped(tmp_path: Path) -> None:
    path = tmp_path / "vectors.vec"
    path.write_text("2 3\ncat 1 0 0\ndog 0 1 0\n")
    assert [word for word, _ in read_vectors(path, {"cat", "dog"})] == ["cat", "dog"]


# (sentence, tokens, lowercase, expected mean)
MEANS = [
    ("The cat", "whitespace", False, [0.5, 0, 0.5]),
    ("The cat", "whitespace", True, [0.5, 0, 1]),
    ("the cat, dog", "whitespace", False, [0, 0.5, 1]),  # "cat," is not known as written
    ("the cat, dog", "sbert", False, [0.5, 0.5, 0]),  # stop word dropped, comma stripped
    ("The CAT", "sbert", False, [0.5, 0, 0.5]),  # "The" is known as written before it can be a stop word
    ("nothing known", "sbert", False, [0, 0, 0]),
    ("", "whitespace", False, [0, 0, 0]),
]


@pytest.mark.parametrize(("sentence", "tokens", "lowercase", "expected"), MEANS)
def test_means(sentence: str, tokens: str, lowercase: bool, expected: list[float], tmp_path: Path) -> None:
    found = encoder(tmp_path, tokens=tokens, lowercase=lowercase).encode([sentence, "dog cat", sentence])
    np.testing.assert_allclose(found, [expected, [0.5, 0.5, 0], expected], atol=1e-7)
    assert found.dtype == np.float32


def test_sentences_without_a_known_word_are_counted_repeats_included(tmp_path: Path) -> None:
    found = encoder(tmp_path)
    found.encode(["cat", "unknown", "unknown", ""])
    assert found.zero_vectors == 3


def test_later_sentences_may_bring_new_words(tmp_path: Path) -> None:
    found = encoder(tmp_path, tokens="whitespace")
    first = found.encode(["cat"])
    np.testing.assert_array_equal(found.encode(["cat", "dog"]), [first[0], [0, 1, 0]])


@settings(max_examples=100, deadline=None)
@given(st.text(alphabet="catdogTHE.,'s! ", max_size=30))
def test_sberts_tokenisation_equals_sentence_transformers(sentence: str) -> None:
    from sentence_transformers.sentence_transformer.modules.tokenizer.whitespace import WhitespaceTokenizer

    vocabulary = ["cat", "dog", "The", "the", "'s", ".", "a", "go", "do", "THE"]
    theirs = WhitespaceTokenizer(vocab=vocabulary).tokenize(sentence)
    ours = (next((f for f in forms(token, "sbert") if f in vocabulary), None) for token in sentence.split())
    assert [word for word in ours if word is not None] == [vocabulary[i] for i in theirs]


def test_stop_words_equal_sentence_transformers() -> None:
    from sentence_transformers.sentence_transformer.modules.tokenizer.word import ENGLISH_STOP_WORDS

    from repro.encoders.glove import sbert_stop_words

    assert sbert_stop_words() == set(ENGLISH_STOP_WORDS)


@pytest.mark.real
@pytest.mark.parametrize("tokens", ["whitespace", "sbert"])
def test_sparse_averages_equal_a_loop_on_real_vectors(tokens: str, fixtures: Path, data: Path) -> None:
    path = fixtures / "glove.840B.300d.sick.txt"
    pairs = read_sick(data / "downstream/SICK", "trial")
    found = WordVectorEncoder(WordVectorRecipe(str(path), tokens=tokens), path).encode(pairs.first)
    table = {line.split(" ")[0]: np.array(line.split(" ")[1:], float) for line in path.read_text().splitlines()}
    for sentence, vector in zip(pairs.first, found, strict=True):
        words = [next((f for f in forms(token, tokens) if f in table), None) for token in sentence.split()]
        np.testing.assert_allclose(vector, np.mean([table[word] for word in words if word], axis=0), atol=1e-5)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("cat 1 0 0\ndog 1\n", r"line 2 has 1 values, expected 3"),
        ("cat 1 0 0\ndog 1 x 0\n", r"line 2: could not convert string to float: 'x'"),
    ],
)
def test_a_broken_row_is_named(text: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(ReproError, match=message):
        encoder(tmp_path, text).encode(["cat dog"])


def test_damaged_archives_and_absent_files_are_named(tmp_path: Path) -> None:
    for name, content in (("a.zip", b"PK\x03\x04"), ("b.gz", gzip.compress(TEXT.encode())[:20])):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(ReproError, match=rf"{name} is damaged"):
            list(read_vectors(tmp_path / name, {"cat"}))
    with pytest.raises(NotAvailable, match=r"glove.6B.300d.txt are not on this machine; put the file into"):
        vectors_path(WordVectorRecipe("glove.6B.300d.txt"), tmp_path)
