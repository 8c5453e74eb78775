"""The flow: its inverse, its log-determinant and its likelihood against what they must be; and what it may not do."""

from __future__ import annotations

import math
import tracemalloc
from itertools import product

import numpy as np
import pytest
import torch

from repro.data.corpora import neighbours
from repro.errors import ReproError
from repro.postprocessing import flow
from repro.postprocessing.flow import Flow
from repro.postprocessing.glow import Glow
from repro.postprocessing.settings import FlowSettings

KINDS = list(product(("additive", "affine"), ("reversal", "linear"), (1, 2, 3)))


def settings(**changed: object) -> FlowSettings:
    return FlowSettings(**{"width": 8, **changed})  # type: ignore[arg-type]


def fitted(vectors: np.ndarray, chosen: FlowSettings, seed: int = 0) -> Flow:
    return Flow(chosen, seed).fit(vectors)


def drawn(n: int = 512, d: int = 12) -> np.ndarray:
    """float32 (n, d), correlated, not Gaussian."""
    rng = np.random.default_rng(0)
    return (np.tanh(rng.normal(size=(n, d)) @ rng.normal(size=(d, d)) / 2) + 0.3).astype(np.float32)


@pytest.mark.parametrize(("coupling", "mixing", "levels"), KINDS)
@pytest.mark.parametrize("d", [12, 13])
def test_the_inverse_gives_the_vectors_back(coupling: str, mixing: str, levels: int, d: int) -> None:
    vectors = drawn(d=d)
    network = fitted(vectors, settings(coupling=coupling, mixing=mixing, levels=levels, epochs=3)).network
    with torch.no_grad():
        x = torch.from_numpy(vectors)
        np.testing.assert_allclose(network.inverse(network(x)[0]), x, atol=1e-4)


@pytest.mark.parametrize(("coupling", "mixing", "levels"), KINDS)
def test_the_log_determinant_is_that_of_the_jacobian(coupling: str, mixing: str, levels: int) -> None:
    vectors = drawn(d=9)
    network = fitted(vectors, settings(coupling=coupling, mixing=mixing, levels=levels, epochs=3)).network.double()
    for row in torch.from_numpy(vectors[:5]).double():
        jacobian = torch.autograd.functional.jacobian(lambda x: network(x[None])[0][0], row)
        expected = torch.linalg.slogdet(jacobian).logabsdet
        assert float(network(row[None])[1][0].detach()) == pytest.approx(float(expected), abs=1e-8)


def test_the_likelihood_of_a_known_gaussian() -> None:
    """Independent normals: on average log p(x) is minus their entropy, Σ log(σ √(2πe))."""
    rng = np.random.default_rng(0)
    deviations = np.linspace(0.2, 3, 8)
    vectors = (rng.normal(size=(8_000, 8)) * deviations + 5).astype(np.float32)
    network = fitted(vectors, settings(epochs=2)).network
    with torch.no_grad():
        average = float(network.log_likelihood(torch.from_numpy(vectors)).mean())
    entropy = float(np.log(deviations * math.sqrt(2 * math.pi * math.e)).sum())
    assert average == pytest.approx(-entropy, abs=0.05)


def test_training_raises_the_likelihood_and_a_seed_decides_all() -> None:
    vectors = drawn(2048)
    start, end = (fitted(vectors, settings(epochs=epochs)) for epochs in (0.5, 6))
    x = torch.from_numpy(vectors)
    with torch.no_grad():
        assert end.network.log_likelihood(x).mean() > start.network.log_likelihood(x).mean() + 0.1
    again, other = (fitted(vectors, settings(epochs=6), seed).transform(vectors) for seed in (0, 1))
    np.testing.assert_array_equal(end.transform(vectors), again)
    assert np.abs(other - again).max() > 1e-3


def test_dimensions_that_do_not_vary_are_left_out() -> None:
    vectors = drawn()
    constant = np.concatenate([np.full((len(vectors), 1), 0.7, np.float32), vectors], axis=1)
    with_a_constant = fitted(constant, settings())
    assert list(with_a_constant.kept) == list(range(1, 13))
    np.testing.assert_array_equal(with_a_constant.transform(constant), fitted(vectors, settings()).transform(vectors))


def by_hand(model: Glow, first: torch.Tensor, second: torch.Tensor, rate: float) -> list[torch.Tensor]:
    """The weights after one step, after bohanli/BERT-flow's run_siamese.py and optimization_bert_flow.py.

    loss_a + loss_b, its gradient clipped to norm 1, m = 0.1 g, v = 0.001 g², w − lr (m / (√v + 1e-6) + 0.01 w).
    """
    d = first.shape[1]
    loss = sum(-model.log_likelihood(side).mean() / (math.log(2) * d) for side in (first, second))
    gradients = torch.autograd.grad(loss, list(model.parameters()))  # type: ignore[arg-type]
    norm = math.sqrt(sum(float(g.square().sum()) for g in gradients))
    clipped = [g / max(1.0, norm) for g in gradients]
    return [
        w - rate * (0.1 * g / ((0.001 * g.square()).sqrt() + 1e-6) + 0.01 * w)
        for w, g in zip(model.parameters(), clipped, strict=True)
    ]


@pytest.mark.parametrize("actnorm", ["data", "drawn"])
def test_a_step_is_that_of_the_published_code(actnorm: str) -> None:
    """Also that actnorms start from the first sides alone: a step on other actnorms would be another."""
    vectors = drawn(64)
    recipe = settings(actnorm=actnorm, learning_rate=1e-3)  # 32 pairs, one epoch: one step
    stepped = fitted(vectors, recipe).network
    order = np.random.default_rng([0, 0]).permutation(32)
    first, second = (torch.from_numpy(vectors[neighbours(64)[order, side]]) for side in (0, 1))
    start = Glow(12, recipe, 0)
    with torch.no_grad():
        start(first)
    for ours, theirs in zip(stepped.parameters(), by_hand(start, first, second, 1e-3), strict=True):
        np.testing.assert_allclose(ours.detach(), theirs.detach(), atol=2e-5)


def test_actnorms_start_from_the_first_sides_or_are_drawn() -> None:
    vectors = drawn(64) + np.tile(np.array([[0.0], [5.0]], np.float32), (32, 1))  # the second sides are elsewhere
    first = fitted(vectors, settings(learning_rate=1e-9, weight_decay=0)).network.levels[0][0]  # type: ignore[index]
    np.testing.assert_allclose(first.bias.detach(), -vectors[::2].mean(axis=0), atol=1e-5)
    limit = math.sqrt(6 / 13)  # TensorFlow's glorot_uniform for the shape (1, 1, 1, 12)
    start = Glow(12, settings(actnorm="drawn"), 0).levels[0][0]  # type: ignore[index]
    for values in (start.bias, start.log_scale):
        assert limit / 2 < float(values.detach().abs().max()) <= limit


def test_where_the_first_sides_do_not_vary_actnorms_start_from_both() -> None:
    """As of a file of one question with many answers."""
    vectors = drawn(128)
    vectors[::2] = vectors[0]
    whole = settings(learning_rate=1e-9, weight_decay=0, batch_size=64)  # a batch reads all of it
    first = fitted(vectors, whole).network.levels[0][0]  # type: ignore[index]
    np.testing.assert_allclose(first.bias.detach(), -vectors.mean(axis=0), atol=1e-5)


def test_dimensions_that_set_no_scale_are_said() -> None:
    """As of sparse vectors: three dimensions are zero but in a few rows, which the first batch does not read."""
    vectors = drawn(2048)
    vectors[:, :3] *= np.random.default_rng(1).random((2048, 3)) < 0.004
    with pytest.raises(
        ReproError, match=r"[123] of 12 dimensions do not vary among the first 64 sentences of STSB that"
    ):
        Flow(settings()).fit(vectors, source="STSB")
    assert np.isfinite(Flow(settings(actnorm="drawn")).fit(vectors).transform(vectors)).all()


# (pairs, batch, epochs, passes, steps): int(pairs · passes / batch · epochs), run_siamese.py; 4.2 → 4, 0.15 · 3 → 0
@pytest.mark.parametrize(
    ("pairs", "batch", "epochs", "passes", "steps"),
    [
        (64, 32, 1, 1, 2),
        (100, 32, 1, 1, 3),
        (100, 32, 1, 3, 9),
        (900, 32, 0.15, 1, 4),
        (100, 32, 2, 1, 6),
        (96, 32, 0.15, 1, 0),
    ],
)
def test_how_many_steps_there_are_and_which_pairs_they_read(
    pairs: int, batch: int, epochs: float, passes: int, steps: int
) -> None:
    recipe = settings(batch_size=batch, epochs=epochs, passes=passes)
    batches = list(flow._batches(pairs, recipe, 0))
    assert [len(rows) for rows in batches] == [batch] * steps
    read = np.bincount(np.concatenate([*batches, np.empty(0, np.int64)]), minlength=pairs)
    whole = int(epochs) * passes
    assert read.max(initial=0) <= max(1, whole)
    if whole:
        assert read.sum() == steps * batch > whole * pairs - batch
        assert not np.array_equal(batches[0], np.arange(batch))


def test_a_fit_holds_no_second_copy_of_the_vectors() -> None:
    vectors = np.random.default_rng(0).normal(size=(80_000, 64)).astype(np.float32)
    pairs = np.concatenate([neighbours(len(vectors))] * 4)  # each sentence stands in four pairs
    tracemalloc.start()
    Flow(settings(epochs=0.01)).fit(vectors, pairs=pairs)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 0.9 * vectors.nbytes + pairs.nbytes


def test_a_flow_that_diverges_says_so() -> None:
    message = r"the flow diverged: its loss is (nan|inf) at step \d+; lower its learning rate"
    with pytest.raises(ReproError, match=message):
        fitted(drawn(), settings(learning_rate=10, epochs=50))


def spoilt(value: float) -> np.ndarray:
    vectors = drawn()
    vectors[100, 3] = value
    return vectors


@pytest.mark.parametrize(
    ("vectors", "changed", "message"),
    [
        (drawn(1), {}, "1 sentences are too few to fit a flow: STSB has 0 pairs, a step reads 32"),
        (drawn(2), {"batch_size": 2}, "2 sentences are too few to fit a flow: STSB has 1 pairs, a step reads 2"),
        (drawn(62), {}, "62 sentences are too few to fit a flow: STSB has 31 pairs, a step reads 32"),
        (drawn(20), {"batch_size": 2}, "20 different sentences are too few to fit a flow: STSB needs at least 32"),
        (drawn(512), {"batch_size": 257}, "STSB has 256 pairs, a step reads 257"),
        (drawn(512), {"epochs": 0.1}, "0.1 epochs of the 256 pairs of STSB make no step; raise epochs"),
        (np.tile(drawn(1), (64, 1)), {}, "the vectors of STSB are all equal, their covariance has rank 0"),
        (np.zeros((64, 12), np.float32), {}, "the vectors of STSB are all equal, their covariance has rank 0"),
        (np.empty((64, 0), np.float32), {}, "the vectors of STSB are all equal, their covariance has rank 0"),
        (spoilt(np.nan), {}, "a vector of STSB is not finite"),
        (spoilt(np.inf), {}, "a vector of STSB is not finite"),
        (drawn(), {"levels": 4}, "a flow of 4 levels needs 16 dimensions, these have 12"),
    ],
)
def test_what_cannot_be_fitted(vectors: np.ndarray, changed: dict[str, object], message: str) -> None:
    with pytest.raises(ReproError, match=message):
        Flow(settings(**changed)).fit(vectors, source="STSB")


@pytest.mark.parametrize("name", ["levels", "depth", "width", "batch_size", "passes"])
@pytest.mark.parametrize("value", [0, -1, 10**30, math.nan, math.inf])
def test_whole_numbers_out_of_bounds(name: str, value: float) -> None:
    with pytest.raises(ReproError, match=f"a flow's {name} must be at least [12] and at most .*, not"):
        settings(**{name: value})


@pytest.mark.parametrize("name", ["epochs", "learning_rate"])
@pytest.mark.parametrize("value", [0.0, -1.0, 1e30, math.nan, math.inf])
def test_numbers_that_must_be_positive(name: str, value: float) -> None:
    with pytest.raises(ReproError, match=f"a flow's {name} must be positive and at most"):
        settings(**{name: value})


@pytest.mark.parametrize("value", [-0.1, 1e30, math.nan, math.inf])
def test_decay_out_of_bounds(value: float) -> None:
    with pytest.raises(ReproError, match="a flow's weight_decay must be at least 0 and at most 10, not"):
        settings(weight_decay=value)


@pytest.mark.parametrize("name", ["coupling", "mixing", "actnorm"])
def test_names_that_are_none(name: str) -> None:
    with pytest.raises(ReproError, match=f"a flow's {name} is [a-z]+ or [a-z]+, not 'cubic'"):
        settings(**{name: "cubic"})
