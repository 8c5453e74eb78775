"""AdamW, step by step, against its formula in NumPy."""

from __future__ import annotations

from copy import deepcopy

import numpy as np
import pytest
import torch

from repro.training.optimizer import adamw


def by_hand(
    weights: np.ndarray, gradients: np.ndarray, learning_rate: float, decay: float, epsilon: float, correct: bool
) -> np.ndarray:
    """The weights after each gradient (steps, n) in float64: Kingma and Ba's Algorithm 1, decay apart from the moments.

    Without correction: google-research/bert optimization.py, AdamWeightDecayOptimizer.
    """
    m, v, steps = np.zeros_like(weights), np.zeros_like(weights), []
    for t, g in enumerate(gradients, 1):
        m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g * g
        first, second = (m / (1 - 0.9**t), v / (1 - 0.999**t)) if correct else (m, v)
        weights = weights - learning_rate * (first / (np.sqrt(second) + epsilon) + decay * weights)
        steps.append(weights)
    return np.array(steps)


@pytest.mark.parametrize("correct", [True, False])
@pytest.mark.parametrize(("decay", "epsilon"), [(0.0, 1e-8), (0.01, 1e-6)])
def test_every_step_is_that_of_the_formula(correct: bool, decay: float, epsilon: float) -> None:
    rng = np.random.default_rng(0)
    start, gradients = rng.normal(size=5), rng.normal(size=(200, 5))
    parameter = torch.nn.Parameter(torch.from_numpy(start.astype(np.float32)))
    optimizer = adamw([parameter], 1e-2, decay, epsilon, correct)
    expected = by_hand(start, gradients, 1e-2, decay, epsilon, correct)
    for step, gradient in enumerate(gradients):
        parameter.grad = torch.from_numpy(gradient.astype(np.float32))
        optimizer.step()
        np.testing.assert_allclose(parameter.detach().numpy(), expected[step], atol=2e-5)


def test_without_correction_the_first_step_is_three_times_as_large() -> None:
    sizes = []
    for correct in (True, False):
        parameter = torch.nn.Parameter(torch.zeros(1))
        parameter.grad = torch.ones(1)
        adamw([parameter], 1.0, 0.0, 0.0, correct).step()
        sizes.append(-parameter.item())
    assert sizes == pytest.approx([1.0, 0.1 / np.sqrt(0.001)], rel=1e-5)


def test_groups_keep_their_own_decay() -> None:
    decayed, plain = (torch.nn.Parameter(torch.ones(3)) for _ in range(2))
    groups = [{"params": [decayed], "weight_decay": 0.5}, {"params": [plain], "weight_decay": 0.0}]
    optimizer = adamw(groups, 0.1, 0.9, 1e-6, False)
    for parameter in (decayed, plain):
        parameter.grad = torch.zeros(3)
    optimizer.step()
    assert decayed.detach().tolist() == pytest.approx([0.95] * 3)
    assert plain.detach().tolist() == [1.0] * 3


def test_a_saved_state_goes_on_where_it_was() -> None:
    parameters = [torch.nn.Parameter(torch.ones(3)) for _ in range(2)]
    straight, resumed = (adamw([parameter], 0.1, 0.0, 1e-6, False) for parameter in parameters)
    for gradient in (0.3, -0.2):
        for parameter, optimizer in zip(parameters, (straight, resumed), strict=True):
            parameter.grad = torch.full((3,), gradient)
            optimizer.step()
        state, resumed = deepcopy(resumed.state_dict()), adamw([parameters[1]], 0.1, 0.0, 1e-6, False)
        resumed.load_state_dict(state)
    assert parameters[0].tolist() == parameters[1].tolist()
