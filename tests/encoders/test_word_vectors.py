"""Averages of word vectors: the tokenisations, sums that no order changes, unknown words, and where files are."""

import os
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import spearmanr

from repro.data.pairs import Pairs
from repro.data.readers import read_sick
from repro.encoders import word_vectors
from repro.encoders.recipe import WordVectorRecipe
from repro.encoders.vector_file import TextVectors
from repro.encoders.word_vectors import WordVectorEncoder, forms, vectors_path
from repro.errors import NotAvailable
from repro.tasks import sts

TEXT = "cat 1 0 0\ndog 0 1 0\nThe 0 0 1\nthe 0 0 2\n. . 9 9 9\n's 4 4 4\n"


def encoder(folder: Path, text: str = TEXT, **settings: object) -> WordVectorEncoder:
    path = folder / "vectors.txt"
    path.write_text(text, encoding="utf-8")
    return WordVectorEncoder(WordVectorRecipe(str(path), **settings), TextVectors(path))  # type: ignore[arg-type]


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

    from repro.encoders.word_vectors import sbert_stop_words

    assert sbert_stop_words() == set(ENGLISH_STOP_WORDS)


@pytest.mark.real
@pytest.mark.parametrize("tokens", ["whitespace", "sbert"])
def test_sparse_averages_equal_a_loop_on_real_vectors(tokens: str, fixtures: Path, data: Path) -> None:
    path = fixtures / "glove.840B.300d.sick.txt"
    pairs = read_sick(data / "downstream/SICK" / "SICK_trial.txt")
    found = WordVectorEncoder(WordVectorRecipe(str(path), tokens=tokens), TextVectors(path)).encode(pairs.first)
    table = {line.split(" ")[0]: np.array(line.split(" ")[1:], float) for line in path.read_text().splitlines()}
    for sentence, vector in zip(pairs.first, found, strict=True):
        words = [next((f for f in forms(token, tokens) if f in table), None) for token in sentence.split()]
        np.testing.assert_allclose(vector, np.mean([table[word] for word in words if word], axis=0), atol=1e-5)


def test_absent_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(NotAvailable, match=r"glove.6B.300d.txt are not on this machine; put the file into"):
        vectors_path(WordVectorRecipe("glove.6B.300d.txt"), tmp_path)


def test_a_name_that_is_no_file_costs_its_own_rows_and_opens_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    os.mkfifo(tmp_path / "pipe.txt")
    (tmp_path / "folder.txt").mkdir()
    for name, message in (
        ("pipe.txt", "pipe.txt is a pipe or a device"),
        ("folder.txt", "folder.txt is a folder and not a file"),
        ("n" * 300 + ".txt", "name too long"),
        ("a\0b.txt", "null byte"),
        ("\ud800.txt", "surrogates not allowed"),
    ):
        with pytest.raises(NotAvailable, match=rf"(?i){message}"):
            vectors_path(WordVectorRecipe(str(tmp_path / name)), tmp_path)

    def homeless(path: Path) -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "expanduser", homeless)
    with pytest.raises(NotAvailable, match=r"~/x.txt: the home folder is not known; write the path without ~"):
        vectors_path(WordVectorRecipe("~/x.txt"), tmp_path)


def test_a_file_of_the_data_folder_is_found_beside_a_folder_of_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "glove.txt").mkdir()
    (tmp_path / "data/vectors").mkdir(parents=True)
    (tmp_path / "data/vectors/glove.txt").write_text(TEXT)
    assert vectors_path(WordVectorRecipe("glove.txt"), tmp_path / "data") == tmp_path / "data/vectors/glove.txt"


@pytest.mark.parametrize("sentences", [["unknown"], [""], ["", "unknown words", ""], []])
def test_without_a_known_word_there_are_zeros_of_the_files_dimension(sentences: list[str], tmp_path: Path) -> None:
    found = encoder(tmp_path)
    vectors = found.encode(sentences)
    assert (vectors.shape, vectors.dtype, vectors.any()) == ((len(sentences), 3), np.float32, False)
    assert found.zero_vectors == len(sentences)
    np.testing.assert_array_equal(found.encode(["cat"]), [[1, 0, 0]])


def words_file(folder: Path, vectors: np.ndarray) -> Path:
    path = folder / "drawn.txt"
    path.write_text("".join(f"w{i} {' '.join(map(repr, row.tolist()))}\n" for i, row in enumerate(vectors)))
    return path


def test_the_order_of_words_changes_no_bit(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    vectors = (rng.normal(size=(40, 9)) * 10.0 ** rng.integers(-8, 8, (40, 9))).astype(np.float32)
    path = words_file(tmp_path, vectors)
    bags = [rng.integers(0, 40, rng.integers(2, 30)) for _ in range(300)]
    sentences = [" ".join(f"w{i}" for i in rng.permutation(bag)) for bag in (*bags, *bags)]
    found = WordVectorEncoder(WordVectorRecipe(str(path), tokens="whitespace"), TextVectors(path)).encode(sentences)
    np.testing.assert_array_equal(found[:300], found[300:])
    exact = [[float(sum(map(Fraction, column)) / len(bag)) for column in vectors[bag].T.tolist()] for bag in bags]
    np.testing.assert_allclose(found[:300], np.array(exact, np.float32), rtol=2e-7)  # one roundoff


def test_blocks_of_sentences_are_put_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sentences = ["cat dog", "dog", "unknown", "cat", "cat dog", "the cat"]
    expected = encoder(tmp_path, tokens="whitespace").encode(sentences)
    monkeypatch.setattr(word_vectors, "BLOCK", 2)
    np.testing.assert_array_equal(encoder(tmp_path, tokens="whitespace").encode(sentences), expected)


def spearman_in_float64(vectors: Path, pairs: Pairs, tokens: str) -> float:
    """SICK-R's ρ × 100 from averages and cosines in float64, rounded to 12 digits, where exact ties are ties."""
    table = {line.split(" ")[0]: np.array(line.split(" ")[1:], float) for line in vectors.read_text().splitlines()}

    def average(sentence: str) -> np.ndarray:
        words = [next((f for f in forms(token, tokens) if f in table), None) for token in sentence.split()]
        return np.asarray(np.mean([table[word] for word in sorted(filter(None, words))], axis=0))

    first, second = (np.array([average(s) for s in side]) for side in (pairs.first, pairs.second))
    lengths = np.linalg.norm(first, axis=1) * np.linalg.norm(second, axis=1)
    return 100 * float(spearmanr(np.round((first * second).sum(axis=1) / lengths, 12), pairs.gold).statistic)


@pytest.mark.real
@pytest.mark.parametrize(("tokens", "expected"), [("sbert", 54.79), ("whitespace", 54.25)])
def test_sickr_of_glove_is_that_of_a_computation_in_float64(
    tokens: str, expected: float, fixtures: Path, data: Path
) -> None:
    path = fixtures / "glove.840B.300d.sick.txt"
    pairs = read_sick(data / "downstream/SICK" / "SICK_test_annotated.txt")
    sentences = sts.STS_TASKS["stsb"].sentences([pairs])
    vectors = WordVectorEncoder(WordVectorRecipe(str(path), tokens=tokens), TextVectors(path)).encode(sentences)
    found = sts.STS_TASKS["stsb"].score([pairs], sentences, vectors, "glove").values["spearman-all"]
    assert found == pytest.approx(spearman_in_float64(path, pairs, tokens), abs=2e-4)
    assert round(found, 2) == expected
