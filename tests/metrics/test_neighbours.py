"""Search against sentence-transformers, FAISS and the whole matrix; the worked examples of the literature."""

from __future__ import annotations

import io
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from repro.cli.main import main
from repro.encoders import zoo
from repro.encoders.recipe import TransformerRecipe
from repro.encoders.weights import resolve
from repro.errors import NotAvailable, ReproError
from repro.metrics import neighbours
from tests.encoders.folders import save_transformer
from tests.probes.exact import averages, float32, squared_cosine


def drawn(n: int, d: int = 12, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(n, d)).astype(np.float32)


@pytest.mark.parametrize("size", [1, 7, 100, 1000])
@pytest.mark.parametrize("k", [1, 5, 30])
def test_blocks_give_what_the_whole_matrix_gives(size: int, k: int) -> None:
    queries, vectors = drawn(9, seed=1), drawn(300)
    whole = neighbours.similarities(queries, vectors)
    expected = np.argsort(-whole, axis=1, kind="stable")[:, :k]
    best, rows = neighbours.top_k(queries, neighbours.blocks_of(vectors, size), k)
    np.testing.assert_array_equal(rows, expected)
    np.testing.assert_allclose(best, np.take_along_axis(whole, expected, axis=1), atol=1e-6)


def test_it_is_sentence_transformers_and_faiss() -> None:
    import torch
    from sentence_transformers.util import semantic_search

    queries, vectors = drawn(5, seed=1), drawn(500)
    best, rows = neighbours.top_k(queries, neighbours.blocks_of(vectors, 64), 10)
    theirs = semantic_search(torch.from_numpy(queries), torch.from_numpy(vectors), top_k=10)
    assert [[hit["corpus_id"] for hit in hits] for hits in theirs] == rows.tolist()
    np.testing.assert_allclose([[hit["score"] for hit in hits] for hits in theirs], best, atol=1e-6)
    fast, same = neighbours.faiss_top_k(queries, vectors, 10)
    np.testing.assert_array_equal(same, rows)
    np.testing.assert_allclose(fast, best, atol=1e-6)


@pytest.mark.parametrize("k", [1, 10])
def test_what_is_timed_finds_what_is_scored(k: int) -> None:
    queries, vectors = neighbours.unit(drawn(230, seed=1), np.float32), neighbours.unit(drawn(300), np.float32)
    expected = neighbours.top_k(queries, [vectors], k)[1]
    np.testing.assert_array_equal(neighbours.largest_products(queries, vectors, k), expected)


def test_the_first_of_equals_comes_first() -> None:
    vectors = np.repeat(drawn(2), 50, axis=0)
    for best, rows in (
        neighbours.top_k(vectors[:1], neighbours.blocks_of(vectors, 9), 4),
        neighbours.faiss_top_k(vectors[:1], vectors, 4),  # which knows more equals than it is first asked for
    ):
        assert rows.tolist() == [[0, 1, 2, 3]]
        np.testing.assert_array_equal(best, [[1] * 4])


@pytest.mark.parametrize("block", [5, 64, 4096])
@pytest.mark.parametrize("k", [1, 10])
def test_closest_pairs_are_those_of_the_whole_matrix(monkeypatch: pytest.MonkeyPatch, block: int, k: int) -> None:
    vectors = drawn(60)
    whole = np.triu(neighbours.similarities(vectors, vectors).astype(np.float64), 1) + np.tril(np.full((60, 60), -9.0))
    expected = np.argsort(-whole, axis=None)[:k]
    monkeypatch.setattr(neighbours, "BLOCK", block)
    best, pairs = neighbours.closest_pairs(vectors, k)
    assert [60 * i + j for i, j in pairs] == expected.tolist()
    np.testing.assert_allclose(best, whole.ravel()[expected], atol=1e-6)


def exact_order(keys: dict[object, Fraction]) -> list[object]:
    """Rows or pairs by their exact cosine, from large to small, and by themselves where it is equal."""
    return sorted(sorted(keys), key=lambda key: -keys[key])  # type: ignore[type-var]


@pytest.mark.parametrize("k", [1, 5, 40, 200])
@pytest.mark.parametrize("size", [1, 7, 64, 4096])
def test_cosines_that_are_equal_in_exact_arithmetic_keep_their_order(
    size: int, k: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    exact = averages(200, seed=3)
    vectors, queries = float32(exact), [0, 1, 150]
    expected = [exact_order({row: squared_cosine(exact[q], exact[row]) for row in range(200)})[:k] for q in queries]
    best, rows = neighbours.top_k(vectors[queries], neighbours.blocks_of(vectors, size), k)
    assert rows.tolist() == expected
    assert (np.diff(best) <= 0).all()
    assert (np.diff(best) == 0).any() == (k > 1)
    fast, same = neighbours.faiss_top_k(vectors[queries], vectors, k)
    assert same.tolist() == expected
    np.testing.assert_array_equal(fast, best)
    monkeypatch.setattr(neighbours, "BLOCK", size)
    few = exact[:50]
    pairs = exact_order({(i, j): squared_cosine(few[i], few[j]) for i in range(50) for j in range(i + 1, 50)})
    assert list(map(tuple, neighbours.closest_pairs(vectors[:50], k)[1])) == pairs[:k]


def test_many_equals_are_not_kept() -> None:
    nearest = neighbours._Nearest(5)
    for start in range(0, 100_000, 10_000):
        nearest.add(np.full(10_000, 0.5), np.arange(start, start + 10_000))
        assert len(nearest.values) == 5
    noise = np.random.default_rng(0).uniform(-1e-9, 1e-9, 100_000)  # not equal in float64
    nearest.add(0.5 + noise, np.arange(100_000, 200_000))
    assert len(nearest.values) < 200
    assert nearest.first()[1].tolist() == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("scale", [1e-30, 1e30])
def test_length_does_not_count(scale: float) -> None:
    queries, vectors = drawn(3, seed=1), drawn(50)
    expected = neighbours.top_k(queries, [vectors], 4)[1]
    np.testing.assert_array_equal(neighbours.top_k(queries, [vectors * np.float32(scale)], 4)[1], expected)


def test_an_empty_index_and_a_lonely_sentence() -> None:
    for found in (lambda: neighbours.top_k(drawn(1), [], 3), lambda: neighbours.faiss_top_k(drawn(1), drawn(0), 3)):
        with pytest.raises(ReproError, match="the index is empty; give it at least one sentence"):
            found()
    with pytest.raises(ReproError, match="1 sentences make no pair"):
        neighbours.closest_pairs(drawn(1), 1)


# (model, pairs and cosines): the first example of sentence-transformers' documentation
EXAMPLES = [
    ("The cat sits outside", "The dog plays in the garden", 0.4579),
    ("A man is playing guitar", "A woman watches TV", 0.1759),
    ("The new movie is awesome", "The new movie is so great", 0.9283),
]


def test_the_documented_example_of_a_paraphrase_model() -> None:
    recipe = TransformerRecipe("sentence-transformers/paraphrase-distilroberta-base-v1")
    try:
        resolve(recipe, offline=True)
    except NotAvailable:
        pytest.skip("its weights come from the hub and are not on this machine")
    first, second, expected = zip(*EXAMPLES, strict=True)
    vectors = zoo.build(recipe, device="cpu").encode([*first, *second])[0].vectors
    np.testing.assert_allclose(np.diag(neighbours.similarities(vectors[:3], vectors[3:])), expected, atol=5e-4)


@pytest.mark.real
def test_the_same_example_from_the_command_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], minilm: zoo.Group
) -> None:
    pairs = tmp_path / "pairs.tsv"
    pairs.write_text("".join(f"{a}\t{b}\n" for a, b, _ in EXAMPLES))
    assert main(["similarity", "all-minilm-l6-v2", "--pairs", str(pairs), "--offline"]) == 0
    lines = [line.split("\t") for line in capsys.readouterr().out.splitlines()]
    assert [line[1:] for line in lines] == [[a, b] for a, b, _ in EXAMPLES]
    values = [float(line[0]) for line in lines]
    assert np.argsort(values).tolist() == [1, 0, 2]  # the order that the paraphrase model gives
    assert main(["similarity", "all-minilm-l6-v2", EXAMPLES[2][0], EXAMPLES[2][1], "--offline"]) == 0
    assert float(capsys.readouterr().out) == pytest.approx(values[2], abs=1e-4)
    corpus = tmp_path / "corpus.txt"
    corpus.write_text("".join(f"{a}\n{b}\n" for a, b, _ in EXAMPLES))
    assert main(["similarity", "all-minilm-l6-v2", "--closest", str(corpus), "-k", "1", "--offline"]) == 0
    assert capsys.readouterr().out.split("\t")[1:] == [EXAMPLES[2][0], EXAMPLES[2][1] + "\n"]
    for extra in ([], ["--faiss"]):
        found = ["search", "all-minilm-l6-v2", str(corpus), "a film", "an instrument", "-k", "2", "--offline", *extra]
        assert main(found) == 0
        lines = [line.split("\t") for line in capsys.readouterr().out.splitlines()]
        assert [line[0] for line in lines] == ["a film"] * 2 + ["an instrument"] * 2
        assert lines[2][2] == "A man is playing guitar"
    whitened = "all-minilm-l6-v2,post=whitening,k=2"
    assert main(["similarity", whitened, "--matrix", str(corpus), "--offline"]) == 0
    matrix = np.array([line.split("\t") for line in capsys.readouterr().out.splitlines()], float)
    np.testing.assert_allclose(np.diag(matrix), 1, atol=1e-4)


def test_a_file_is_encoded_once_and_queries_leave_nothing(
    tmp_path: Path, tiny_sbert: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "corpus.txt").write_text("".join(f"a cat {i}\n" for i in range(40)))
    encoded: list[int] = []
    real = zoo.Group.encode

    def counted(self: zoo.Group, sentences: list[str]) -> list[zoo.Encoded]:
        encoded.append(len(sentences))
        return real(self, sentences)

    monkeypatch.setattr(zoo.Group, "encode", counted)
    for query in ("a dog", "a bird", "a bird"):
        assert main(["search", str(tiny_sbert), str(tmp_path / "corpus.txt"), query, "--offline"]) == 0
    assert encoded == [40, 1, 1, 1]
    assert len(list((tmp_path / "home" / "embeddings").glob("*.safetensors"))) == 1


def test_a_query_has_no_part_in_the_fit(tmp_path: Path, tiny_sbert: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "corpus.txt").write_text("".join(f"{'cat ' * (i % 7)} dog {i}\n" for i in range(40)))
    whitened = f"{tiny_sbert},post=whitening,k=4"
    seen = []
    for queries in (["a cat"], ["a cat", "another one", "and a third"]):
        assert main(["search", whitened, str(tmp_path / "corpus.txt"), *queries, "--offline"]) == 0
        seen.append([line for line in capsys.readouterr().out.splitlines() if line.startswith("a cat\t")])
    assert seen[0] == seen[1]


VECTORS = "cat 1 0\ndog 3 4\n"
PAIRS = "cat\tdog\ncat\tcat dog\n"
COSINES = ["0.6000", "0.7071"]  # 3/5, and 1/√2 of (1, 0) with (2, 2)


@pytest.mark.parametrize("mark", ["", "\ufeff"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_a_text_reads_alike_in_every_form_and_from_standard_input(
    mark: str, end: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    vectors, pairs = tmp_path / "vectors.txt", tmp_path / "pairs.tsv"
    vectors.write_bytes((mark + VECTORS.replace("\n", end)).encode())
    content = (mark + PAIRS.replace("\n", end)).encode()
    pairs.write_bytes(content)
    for name in (str(pairs), "-"):
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(content)))
        assert main(["similarity", f"{vectors},tokens=whitespace", "--pairs", name, "--offline"]) == 0
        assert [line.split("\t")[0] for line in capsys.readouterr().out.splitlines()] == COSINES


def test_blank_lines_are_sentences_and_unknown_words_are_zeros(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "vectors.txt").write_text(VECTORS)
    (tmp_path / "own.txt").write_text("\ncat\n\nbird\n")
    given = [f"{tmp_path / 'vectors.txt'},tokens=whitespace", str(tmp_path / "own.txt")]
    assert main(["encode", *given, "-o", str(tmp_path / "out.npy"), "--offline"]) == 0
    assert "4 × 2 float32, 3 without a known word" in capsys.readouterr().out
    np.testing.assert_array_equal(np.load(tmp_path / "out.npy"), [[0, 0], [1, 0], [0, 0], [0, 0]])
    (tmp_path / "own.txt").write_text("bird\nfish\n")
    assert main(["encode", *given, "-o", str(tmp_path / "out.npy"), "--offline"]) == 0
    np.testing.assert_array_equal(np.load(tmp_path / "out.npy"), np.zeros((2, 2)))


def test_a_sentence_without_a_token_is_at_a_right_angle_to_all_others(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A byte-level model adds no tokens of its own, so that an empty sentence has none."""
    model = str(save_transformer(tmp_path / "model", "gpt2"))
    text, pairs = tmp_path / "own.txt", tmp_path / "pairs.tsv"
    text.write_text("the cat\n\nit is\n")
    pairs.write_text("\tthe cat\n\t\n")

    def printed(command: str, *arguments: str) -> list[list[str]]:
        assert main([command, model, *arguments, "--offline", "--device", "cpu"]) == 0
        return [line.split("\t") for line in capsys.readouterr().out.splitlines()]

    assert printed("similarity", "", "the cat") == [["0.0000"]]
    assert [line[0] for line in printed("similarity", "--pairs", str(pairs))] == ["0.0000", "0.0000"]
    matrix = printed("similarity", "--matrix", str(text))
    assert [line[1] for line in matrix] == matrix[1] == ["0.0000"] * 3
    assert {tuple(line[1:]): line[0] for line in printed("similarity", "--closest", str(text))}[
        "the cat", ""
    ] == "0.0000"
    assert {line[2]: line[1] for line in printed("search", str(text), "it is")}[""] == "0.0000"
    assert [line[1] for line in printed("search", str(text), "")] == ["0.0000"] * 3
    assert "1 without a known word" in printed("encode", str(text), "-o", str(tmp_path / "out.npy"))[0][0]
    assert np.load(tmp_path / "out.npy").any(axis=1).tolist() == [True, False, True]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("fit {vectors} {unknown} -o {out}", "are all equal, their covariance has rank 0"),
        ("encode {vectors},post=whitening {unknown} -o {out}", "rank 0"),
        ("encode {vectors},post=flow {unknown} -o {out}", "are all equal, their covariance has rank 0"),
        ("similarity {vectors},post=whitening --matrix {unknown}", "rank 0"),
    ],
)
def test_a_fit_on_unknown_words_alone_is_refused(
    arguments: str, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    places = {"vectors": tmp_path / "vectors.txt", "unknown": tmp_path / "unknown.txt", "out": tmp_path / "out"}
    places["vectors"].write_text(VECTORS)
    places["unknown"].write_text("".join(f"bird{i} fish\n" for i in range(80)))
    assert main([part.format(**places) for part in arguments.split()] + ["--offline"]) == 2
    said = capsys.readouterr().err
    assert message in said
    assert said.count("\n") == 1
    assert not places["out"].exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("search {model} {empty} query", "empty.txt is empty; give it at least one sentence"),
        ("search {model} {dir}/none.txt query", "none.txt is not a file"),
        ("search {model} {corpus}", "no query"),
        ("similarity {model} one", "two sentences"),
        ("similarity {model} --pairs {corpus}", "line 1 has 1 columns, expected 2"),
        ("similarity {model},post=whitening --matrix {corpus}", "too few to whiten 16 dimensions"),
        ("similarity {model},post=whitening,source=nowhere --matrix {corpus}", "nor the file of a saved whitening"),
        ("similarity {model},pooling=pooler {sentence} {sentence}", "has no trained pooler"),
    ],
)
def test_bad_input_is_one_sentence(
    tmp_path: Path, tiny_sbert: Path, capsys: pytest.CaptureFixture[str], arguments: str, message: str
) -> None:
    (tmp_path / "empty.txt").write_text("")
    (tmp_path / "corpus.txt").write_text("a cat\na dog\n")
    places = {"empty": tmp_path / "empty.txt", "corpus": tmp_path / "corpus.txt", "dir": tmp_path, "sentence": "cat"}
    from tests.conftest import save_tiny_bert

    model = save_tiny_bert(tmp_path / "model", pooler=False)
    capsys.readouterr()  # saving it may draw a bar
    given = [part.format(model=model, **places) for part in arguments.split()]
    assert main([*given, "--offline", "--device", "cpu"]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
