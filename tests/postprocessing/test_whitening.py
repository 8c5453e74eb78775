"""Whitening: what it promises on the vectors it was fitted on, and the published formula written down again."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from repro.data import registry
from repro.encoders import zoo
from repro.errors import ReproError
from repro.postprocessing.whitening import BLOCK, Moments, Whitening
from repro.tasks import TASKS

TASK = TASKS["stsb"]


def drawn(n: int = 3000, d: int = 24, offset: float = 0.0) -> np.ndarray:
    """float32 (n, d) with correlated dimensions whose variances span six orders of magnitude."""
    rng = np.random.default_rng(0)
    mixed = rng.normal(size=(n, d)) * np.logspace(0, -3, d) @ np.linalg.qr(rng.normal(size=(d, d)))[0]
    return (mixed + offset).astype(np.float32)


def published(vectors: np.ndarray, k: int | None) -> np.ndarray:
    """x ↦ (x − μ) W, W = U Λ^(−1/2) from the SVD of the covariance, k columns, unit length (Su et al., §3.2-3.3)."""
    mean = vectors.mean(axis=0, keepdims=True)
    u, s, _ = np.linalg.svd(np.cov(vectors.T))
    whitened = (vectors - mean) @ (u @ np.diag(1 / np.sqrt(s)))[:, :k]
    return whitened / np.linalg.norm(whitened, axis=1, keepdims=True)


@pytest.mark.parametrize("k", [None, 8])
@pytest.mark.parametrize("offset", [0.0, 10.0])
def test_whitened_vectors_of_the_fitting_set_have_zero_mean_and_identity_covariance(
    k: int | None, offset: float
) -> None:
    vectors = drawn(offset=offset)
    whitened = Whitening(k).fit(vectors).whiten(vectors)
    assert whitened.dtype == np.float32
    assert whitened.shape == (3000, k or 24)
    np.testing.assert_allclose(whitened.mean(axis=0, dtype=np.float64), 0, atol=1e-3)
    np.testing.assert_allclose(np.cov(whitened.T), np.eye(k or 24), atol=1e-3)


@pytest.mark.real
@pytest.mark.long
def test_scores_on_real_embeddings_are_those_of_the_published_formula(data: Path) -> None:
    parts = TASK.load(data, registry.dataset("STSB"))
    sentences = TASK.sentences(parts)
    vectors = zoo.build("minilm-first-last-avg", device="cpu").encode(sentences)[0].vectors
    for k in (None, 256):
        ours = Whitening(k).fit(vectors).transform(vectors)
        np.testing.assert_allclose(np.linalg.norm(ours, axis=1), 1, atol=1e-5)
        theirs = published(vectors.astype(np.float64), k)
        scores = [TASK.score(parts, sentences, vectors, "").values["spearman-all"] for vectors in (ours, theirs)]
        assert scores[0] == pytest.approx(scores[1], abs=1e-3)
        whole = Whitening(k).fit(vectors).whiten(vectors)
        np.testing.assert_allclose(np.cov(whole.T), np.eye(whole.shape[1]), atol=1e-3)


def test_one_pass_over_blocks_gives_the_moments_of_the_whole() -> None:
    vectors = drawn(offset=50.0).astype(np.float64)
    moments = Moments(24)
    for block in (vectors[:0], *np.array_split(vectors, 7), vectors[:0]):  # an empty one changes nothing
        moments.add(block)
    np.testing.assert_allclose(moments.mean, vectors.mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(moments.covariance, np.cov(vectors.T), atol=1e-12)


def test_the_first_k_dimensions_are_those_of_the_largest_variance() -> None:
    whole, cut = Whitening().fit(drawn()), Whitening(5).fit(drawn())
    np.testing.assert_array_equal(cut.kernel, whole.kernel[:, :5])
    assert (np.diff(whole.eigenvalues) <= 0).all()


def test_directions_without_variance_are_left_out_by_rule() -> None:
    vectors = drawn(d=10)
    twice = np.concatenate([vectors, vectors[:, :3]], axis=1)  # rank 10 of 13
    whitening = Whitening().fit(twice)
    assert whitening.kernel.shape == (13, 10)
    np.testing.assert_allclose(np.cov(whitening.whiten(twice).T), np.eye(10), atol=1e-3)
    with pytest.raises(ReproError, match=r"k = 11 is above the rank 10 of the covariance of 3000 sentences; lower k"):
        Whitening(11).fit(twice)


@pytest.mark.parametrize(
    ("n", "k", "message"),
    [
        (0, None, "0 sentences are too few"),
        (24, None, "24 sentences are too few to whiten 24 dimensions"),
        (25, None, "25 sentences are too few to whiten 24 dimensions"),
        (25, 24, "25 sentences are too few to whiten 24 of 24 dimensions"),
        (9, 8, "9 sentences are too few to whiten 8 of 24 dimensions"),
        (3, 8, "3 sentences are too few to whiten 8 of 24 dimensions"),
    ],
)
def test_too_few_sentences(n: int, k: int | None, message: str) -> None:
    with pytest.raises(ReproError, match=message):
        Whitening(k).fit(drawn()[:n])


@pytest.mark.parametrize("noise", [0, 1e-7])  # the rounding of other batches
@pytest.mark.parametrize(("different", "k"), [(8, None), (8, 7), (25, None), (2, 1)])
def test_repeats_are_no_more_sentences(different: int, k: int | None, noise: float) -> None:
    """Without the refusal every cosine of two of n vectors would be −1 / (n − 1), whatever they are."""
    vectors = np.repeat(drawn()[:different], 10, axis=0)
    vectors = vectors * (1 + noise * np.random.default_rng(0).standard_normal(vectors.shape).astype(np.float32))
    held_once = drawn()[:different], np.repeat(np.arange(different), 10)
    message = f"{10 * different} sentences, of which {different} have different vectors, are too few to whiten"
    for fitted in ((vectors,), held_once):
        with pytest.raises(ReproError, match=message):
            Whitening(k).fit(*fitted)


def test_one_dimension_has_no_cosines() -> None:
    """Each would be 1 or −1: of k = 1, and of vectors that differ in one direction."""
    line = np.outer(np.arange(40, dtype=np.float32), [1, 2, 3]).astype(np.float32)
    for whitening, vectors in ((Whitening(1), drawn()), (Whitening(), line)):
        with pytest.raises(ReproError, match="would be whitened to one dimension, in which every cosine is 1 or −1"):
            whitening.fit(vectors)


def test_a_few_sentences_that_lie_in_fewer_directions_are_enough_for_these() -> None:
    """Of 20 vectors in 5 dimensions of 24 the whitened cosines are those of the 5 alone."""
    few = drawn(20, d=5)
    padded = np.concatenate([few, np.zeros((20, 19), np.float32)], axis=1)
    cosines = (found := Whitening().fit(few).transform(few)) @ found.T
    np.testing.assert_allclose((own := Whitening().fit(padded).transform(padded)) @ own.T, cosines, atol=1e-5)
    assert cosines[~np.eye(20, dtype=bool)].std() > 0.1


def spoilt(value: float) -> np.ndarray:
    vectors = drawn()
    vectors[7, 3] = value
    return vectors


@pytest.mark.parametrize(
    ("vectors", "k", "message"),
    [
        (np.tile(drawn(1), (60, 1)), None, "the vectors of a file are all equal, their covariance has rank 0"),
        (np.tile(drawn(1, offset=0.1), (6000, 1)), 8, "the vectors of a file are all equal, their covariance has rank"),
        (np.zeros((60, 24), np.float32), None, "rank 0"),
        (np.empty((60, 0), np.float32), None, "rank 0"),
        (spoilt(np.nan), None, "a vector of a file is not finite"),
        (spoilt(np.inf), 8, "a vector of a file is not finite"),
        (drawn(), 0, "k 0 must be at least 1"),
        (drawn(), -3, "k -3 must be at least 1"),
        (drawn(), float("nan"), "k nan must be at least 1"),
        (drawn(), 10**30, f"k = {10**30} is above the rank 24"),
    ],
)
def test_what_cannot_be_whitened(vectors: np.ndarray, k: int | None, message: str) -> None:
    with pytest.raises(ReproError, match=message):
        Whitening(k).fit(vectors, source="a file")


@pytest.mark.parametrize("scale", [1e-30, 1e-25, 1e25, 1e30])
def test_vectors_of_any_size_are_whitened_alike(scale: float) -> None:
    vectors = np.random.default_rng(0).normal(size=(200, 12)).astype(np.float32)
    expected = Whitening(5).fit(vectors).transform(vectors)
    scaled = vectors * np.float32(scale)
    np.testing.assert_allclose(np.abs(Whitening(5).fit(scaled).transform(scaled)), np.abs(expected), atol=1e-5)


def test_repeated_sentences_count_as_often_as_they_occur() -> None:
    """Twice as many rows as one block has, of vectors that are held once."""
    vectors = drawn(500)
    rows = np.random.default_rng(1).integers(0, 500, 2 * BLOCK)
    held_once, repeated = Whitening(8).fit(vectors, rows), Whitening(8).fit(vectors[rows])
    assert held_once.count == repeated.count == 2 * BLOCK
    np.testing.assert_array_equal(held_once.transform(vectors), repeated.transform(vectors))


def test_a_fit_is_saved_and_loaded(tmp_path: Path) -> None:
    path = tmp_path / "fit.safetensors"
    fitted = Whitening(8).fit(drawn(), source="nli")
    fitted.save(path)
    loaded = Whitening.load(path)
    np.testing.assert_array_equal(loaded.transform(drawn()), fitted.transform(drawn()))
    assert (loaded.count, loaded.source) == (3000, "nli")
    with pytest.raises(ReproError, match="is of 24 dimensions, the vectors have 7"):
        loaded.transform(drawn(d=7))
    path.write_bytes(b"no such thing")
    with pytest.raises(
        ReproError,
        match=r"fit\.safetensors is not a saved whitening, or not one of this version; write it with `repro fit`",
    ):
        Whitening.load(path)


def changed(path: Path, name: str, value: np.ndarray) -> None:
    """The saved file with another tensor in it, everything else as it was."""
    from safetensors import safe_open
    from safetensors.numpy import save_file

    with safe_open(path, framework="numpy") as file:
        tensors, about = {key: file.get_tensor(key) for key in file.keys()}, file.metadata()  # noqa: SIM118
    save_file(tensors | {name: value}, path, about)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda path: path.write_bytes(path.read_bytes()[:-1] + bytes([path.read_bytes()[-1] ^ 1])),  # a bit
        lambda path: path.write_bytes(path.read_bytes().replace(b"nli", b"abc")),
        lambda path: path.write_bytes(path.read_bytes()[:-100]),
        lambda path: path.write_bytes(path.read_bytes() + b"more"),
        lambda path: path.write_bytes(b""),
        lambda path: path.write_bytes(b"\xff" * 200),
        lambda path: (path.unlink(), path.mkdir()),
        lambda path: (path.unlink(), os.mkfifo(path)),
        lambda path: changed(path, "kernel", np.zeros((24, 9))),
        lambda path: changed(path, "kernel", np.zeros(24)),
        lambda path: changed(path, "mean", np.full(24, np.nan)),
        lambda path: changed(path, "eigenvalues", np.zeros(0)),
    ],
)
def test_a_file_that_is_not_as_it_was_written_is_refused(spoil: Callable[[Path], object], tmp_path: Path) -> None:
    path = tmp_path / "fit.safetensors"
    Whitening(8).fit(drawn(), source="nli").save(path)
    spoil(path)
    with pytest.raises(ReproError, match=r"fit\.safetensors is (not a saved whitening|damaged).*`repro fit`"):
        Whitening.load(path)
