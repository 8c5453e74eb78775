"""The flow: its inverse, its log-determinant and its likelihood against what they must be; and what it may not do."""

from __future__ import annotations

import math
from itertools import product

import numpy as np
import pytest
import torch

from repro.encoders import flow
from repro.encoders.recipe import FlowedRecipe, TransformerRecipe
from repro.errors import ReproError

BASE = TransformerRecipe("owner/model")
KINDS = list(product(("additive", "affine"), ("reversal", "linear"), (1, 2, 3)))


def settings(**changed: object) -> FlowedRecipe:
    return FlowedRecipe(BASE, **{"width": 8, **changed})  # type: ignore[arg-type]


def drawn(n: int = 512, d: int = 12) -> np.ndarray:
    """float32 (n, d), correlated, not Gaussian."""
    rng = np.random.default_rng(0)
    return (np.tanh(rng.normal(size=(n, d)) @ rng.normal(size=(d, d)) / 2) + 0.3).astype(np.float32)


@pytest.mark.parametrize(("coupling", "mixing", "levels"), KINDS)
@pytest.mark.parametrize("d", [12, 13])
def test_the_inverse_gives_the_vectors_back(coupling: str, mixing: str, levels: int, d: int) -> None:
    vectors = drawn(d=d)
    found = flow.fit(vectors, settings(coupling=coupling, mixing=mixing, levels=levels, epochs=3), 0).flow
    with torch.no_grad():
        x = torch.from_numpy(vectors)
        np.testing.assert_allclose(found.inverse(found(x)[0]), x, atol=1e-4)


@pytest.mark.parametrize(("coupling", "mixing", "levels"), KINDS)
def test_the_log_determinant_is_that_of_the_jacobian(coupling: str, mixing: str, levels: int) -> None:
    vectors = drawn(d=9)
    found = flow.fit(vectors, settings(coupling=coupling, mixing=mixing, levels=levels, epochs=3), 0).flow.double()
    for row in torch.from_numpy(vectors[:5]).double():
        jacobian = torch.autograd.functional.jacobian(lambda x: found(x[None])[0][0], row)
        expected = torch.linalg.slogdet(jacobian).logabsdet
        assert float(found(row[None])[1][0].detach()) == pytest.approx(float(expected), abs=1e-8)


def test_the_likelihood_of_a_known_gaussian() -> None:
    """Independent normals: on average log p(x) is minus their entropy, Σ log(σ √(2πe))."""
    rng = np.random.default_rng(0)
    deviations = np.linspace(0.2, 3, 8)
    vectors = (rng.normal(size=(8_000, 8)) * deviations + 5).astype(np.float32)
    found = flow.fit(vectors, settings(epochs=2), 0).flow
    with torch.no_grad():
        average = float(found.log_likelihood(torch.from_numpy(vectors)).mean())
    entropy = float(np.log(deviations * math.sqrt(2 * math.pi * math.e)).sum())
    assert average == pytest.approx(-entropy, abs=0.05)


def test_training_raises_the_likelihood_and_a_seed_decides_all() -> None:
    vectors = drawn(2048)
    start, end = (flow.fit(vectors, settings(epochs=epochs), 0) for epochs in (0.5, 6))
    x = torch.from_numpy(vectors)
    with torch.no_grad():
        assert end.flow.log_likelihood(x).mean() > start.flow.log_likelihood(x).mean() + 0.1
    again, other = (flow.fit(vectors, settings(epochs=6), seed).apply(vectors) for seed in (0, 1))
    np.testing.assert_array_equal(end.apply(vectors), again)
    assert np.abs(other - again).max() > 1e-3


def test_dimensions_that_do_not_vary_are_left_out() -> None:
    vectors = drawn()
    constant = np.concatenate([np.full((len(vectors), 1), 0.7, np.float32), vectors], axis=1)
    found = flow.fit(constant, settings(), 0)
    assert list(found.kept) == list(range(1, 13))
    np.testing.assert_array_equal(found.apply(constant), flow.fit(vectors, settings(), 0).apply(vectors))


def test_a_flow_that_diverges_says_so() -> None:
    vectors = drawn()
    vectors[100, 3] = np.inf
    with pytest.raises(
        ReproError, match=r"the flow diverged: its loss is (nan|inf) at step \d+; lower its learning rate"
    ):
        flow.fit(vectors, settings(), 0)


def test_what_cannot_be_fitted() -> None:
    with pytest.raises(ReproError, match="1 sentences are too few to fit a flow"):
        flow.fit(drawn(1), settings(), 0)
    with pytest.raises(ReproError, match="a flow of 4 levels needs 16 dimensions, these have 12"):
        flow.fit(drawn(), settings(levels=4), 0)
    with pytest.raises(ReproError, match="coupling is additive or affine"):
        settings(coupling="cubic")
