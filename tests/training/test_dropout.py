from __future__ import annotations

import pytest
import torch
from torch import nn

from repro.training.contrastive import LEAST
from repro.training.dropout import Dropout, use_cheap_dropout


@pytest.mark.parametrize("p", [0.1, 0.5, 0.9])
def test_share_scale_and_gradient_are_those_of_dropout(p: float) -> None:
    torch.manual_seed(0)
    x = torch.ones(400, 501, requires_grad=True)
    y = Dropout(p)(x)
    kept = y != 0
    # p to the nearest 1/65536; 4 standard deviations of the share of 200,400 draws
    assert float(1 - kept.float().mean()) == pytest.approx(p, abs=4 * (p * (1 - p) / x.numel()) ** 0.5 + 1 / 65536)
    assert y[kept].unique().item() == pytest.approx(1 / (1 - p), rel=1e-4)
    assert y.mean().item() == pytest.approx(1, abs=0.02)
    y.sum().backward()
    torch.testing.assert_close(x.grad, y.detach())


@pytest.mark.parametrize("p", [LEAST, 1 - LEAST])
def test_the_probabilities_that_a_recipe_may_name_drop_some_and_keep_some(p: float) -> None:
    torch.manual_seed(0)
    kept = Dropout(p)(torch.ones(1 << 20)) != 0
    assert 0 < kept.float().mean() < 1


def test_masks_follow_the_seed_and_differ_from_call_to_call() -> None:
    x, layer = torch.ones(7, 5), Dropout(0.5)
    torch.manual_seed(3)
    first, second = layer(x), layer(x)
    torch.manual_seed(3)
    assert torch.equal(layer(x), first)
    assert not torch.equal(first, second)


def test_neighbouring_elements_are_independent() -> None:
    torch.manual_seed(0)
    kept = (Dropout(0.5)(torch.ones(1 << 18)) != 0).double()
    for lag in range(1, 9):  # four elements share 64 random bits
        assert abs(float(torch.corrcoef(torch.stack([kept[:-lag], kept[lag:]]))[0, 1])) < 0.01


def test_evaluation_and_zero_leave_the_input_alone() -> None:
    x = torch.randn(3, 4)
    assert Dropout(0.3).eval()(x) is x
    assert Dropout(0.0)(x) is x


def test_modules_are_replaced_wherever_they_are() -> None:
    model = nn.Sequential(nn.Linear(2, 2), nn.ModuleDict({"inner": nn.Dropout(0.2)}), nn.Dropout(0.4))
    use_cheap_dropout(model)
    assert [module.p for module in model.modules() if isinstance(module, Dropout)] == [0.2, 0.4]
    assert not any(isinstance(module, nn.Dropout) for module in model.modules())
