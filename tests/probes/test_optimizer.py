"""Adam's steps and a linear layer's first weights, against PyTorch's."""

import numpy as np
import torch
from torch import nn

from repro.probes.optimizer import Adam, initial_weights, with_constant


def test_steps_are_pytorchs() -> None:
    rng = np.random.default_rng(0)
    start = rng.normal(size=(4, 3)).astype(np.float32)
    adam, parameter = Adam(start.copy()), nn.Parameter(torch.from_numpy(start.copy()))
    optimizer = torch.optim.Adam([parameter])
    for size in (1.0, 1e-4, 10.0, 0.0, 1e-9):
        gradient = (size * rng.normal(size=(4, 3))).astype(np.float32)
        parameter.grad = torch.from_numpy(gradient.copy())
        optimizer.step()
        adam.update(gradient)
        np.testing.assert_allclose(adam.weights, parameter.detach().numpy(), rtol=1e-6)


def test_initial_weights_are_those_of_a_seeded_linear_layer() -> None:
    torch.manual_seed(7)
    layer = nn.Linear(5, 3)
    expected = np.vstack([layer.weight.detach().numpy().T, layer.bias.detach().numpy()])
    np.testing.assert_array_equal(initial_weights(5, 3, 7), expected)


def test_the_constant_comes_last() -> None:
    found = with_constant(np.array([[0.5, 2.0]]))
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, [[0.5, 2.0, 1.0]])
