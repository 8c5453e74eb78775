"""The trained regressor against the same procedure in plain PyTorch, and its labels against the formula."""

import math

import numpy as np
import pytest
import torch
from scipy.stats import pearsonr
from torch import nn

from repro.errors import ReproError
from repro.probes import relatedness
from repro.probes.relatedness import Graded, fit_predict, shares


# Tai, Socher and Manning 2015, section 4.2: p_i = y − ⌊y⌋ for i = ⌊y⌋ + 1, ⌊y⌋ − y + 1 for i = ⌊y⌋, else 0
@pytest.mark.parametrize(
    ("score", "expected"),
    [
        (1, [1, 0, 0, 0, 0]),
        (1.25, [0.75, 0.25, 0, 0, 0]),
        (3.6, [0, 0, 0.4, 0.6, 0]),
        (4, [0, 0, 0, 1, 0]),
        (5, [0, 0, 0, 0, 1]),
        (0, [0, 0, 0, 0, 0]),  # STS-B's lowest: of no class
        (0.4, [0.4, 0, 0, 0, 0]),
    ],
)
def test_shares_of_a_score(score: float, expected: list[float]) -> None:
    np.testing.assert_allclose(shares(np.array([score])), [expected], atol=1e-12)


def test_shares_are_the_formulas_and_their_mean_class_is_the_score() -> None:
    scores = np.random.default_rng(0).uniform(0, 5, 200).round(2)
    expected = np.zeros((200, 5))
    for row, score in zip(expected, scores, strict=True):
        for place in range(1, 6):
            if place == math.floor(score) + 1:
                row[place - 1] = score - math.floor(score)
            elif place == math.floor(score):
                row[place - 1] = math.floor(score) - score + 1
    np.testing.assert_allclose(shares(scores), expected, atol=1e-12)
    inside = scores >= 1
    np.testing.assert_allclose(expected[inside] @ relatedness.CLASSES, scores[inside])


def graded(n: int, seed: int, d: int = 6) -> Graded:
    """Pairs whose scores follow from their features, with some noise."""
    rng = np.random.default_rng(seed)
    features = rng.normal(size=(n, d)).astype(np.float32)
    return Graded(features, np.clip(2.5 + features[:, 0] + features[:, 1] + 0.5 * rng.normal(size=n), 0, 5))


def in_plain_pytorch(train: Graded, dev: Graded, test: np.ndarray, last: int = 1000) -> tuple[float, np.ndarray, int]:
    """(dev Pearson, test scores, epochs) of tools/relatedness.py@5d6dc11, written as PyTorch's manual has trainings."""
    torch.manual_seed(1111)
    order = np.random.RandomState(1111)
    model = nn.Sequential(nn.Linear(train.features.shape[1], 5), nn.Softmax(dim=1))
    optimizer = torch.optim.Adam(model.parameters())
    x, y = torch.from_numpy(train.features), torch.from_numpy(shares(train.gold)).float()

    def score(features: np.ndarray) -> np.ndarray:
        with torch.no_grad():
            return np.asarray(model(torch.from_numpy(features)).double() @ torch.arange(1.0, 6.0, dtype=torch.float64))

    best, best_test, fruitless, epochs = -1.0, np.empty(0), 0, 0
    while epochs <= last:
        for _ in range(50):
            rows = torch.from_numpy(order.permutation(len(x)))
            for begin in range(0, len(x), 64):
                batch = rows[begin : begin + 64]
                optimizer.zero_grad()
                nn.functional.mse_loss(model(x[batch]), y[batch]).backward()  # type: ignore[no-untyped-call]
                optimizer.step()
        epochs += 50
        reached = pearsonr(score(dev.features), dev.gold).statistic
        if reached > best:
            best, best_test = reached, score(test)
        else:
            fruitless += 1
            if fruitless == 4:
                break
    return best, best_test, epochs


# dev pairs that say nothing end the training early; those that do let it go on to the last epoch
@pytest.mark.parametrize(("noise", "last", "epochs"), [(0, 150, 200), (20, 1000, 300)])
def test_the_procedure_is_that_of_plain_pytorch(
    noise: float, last: int, epochs: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relatedness, "MAX_EPOCHS", last)
    train, dev, test = graded(100, 1), graded(60, 2), graded(50, 3)
    dev.gold[:] += noise * np.random.default_rng(5).normal(size=60)
    pearson, found = fit_predict(train, dev, test.features)
    expected_pearson, expected, trained = in_plain_pytorch(train, dev, test.features, last)
    assert trained == epochs
    assert pearson == pytest.approx(expected_pearson, abs=1e-6)
    np.testing.assert_allclose(found, expected, atol=2e-4)  # hundreds of steps in float32
    assert pearsonr(found, test.gold).statistic > 0.7


def test_a_gradient_is_autograds() -> None:
    rng = np.random.default_rng(4)
    x, target = rng.normal(size=(7, 4)), shares(rng.uniform(0, 5, 7))
    weights = rng.normal(size=(4, 5))
    leaf = torch.from_numpy(weights).requires_grad_()
    nn.functional.mse_loss(torch.softmax(torch.from_numpy(x) @ leaf, dim=1), torch.from_numpy(target)).backward()  # type: ignore[no-untyped-call]
    assert leaf.grad is not None
    np.testing.assert_allclose(relatedness._gradient(weights, x, target), leaf.grad.numpy(), atol=1e-8)


def test_the_seed_and_the_order_decide_and_the_same_ones_repeat(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(relatedness, "MAX_EPOCHS", 100)
    train, dev, test = graded(80, 1), graded(30, 2), graded(20, 3).features
    (first, found), (again, repeated) = (fit_predict(train, dev, test) for _ in range(2))
    assert first == again
    np.testing.assert_array_equal(found, repeated)
    assert (fit_predict(train, dev, test, seed=3)[1] != found).any()
    turned = Graded(train.features[::-1], train.gold[::-1])
    assert (fit_predict(turned, dev, test)[1] != found).any()


def test_scores_lie_between_the_classes_whatever_the_gold_scores(monkeypatch: pytest.MonkeyPatch) -> None:
    train = Graded(graded(64, 1).features, np.zeros(64))
    train.gold[:3] = 5
    monkeypatch.setattr(relatedness, "MAX_EPOCHS", 100)
    _, found = fit_predict(train, graded(30, 2), graded(40, 3).features)
    assert (found >= 1).all()  # SentEval#83
    assert (found <= 5).all()


def test_vectors_that_are_all_alike_are_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(relatedness, "MAX_EPOCHS", 100)
    alike = Graded(np.ones((20, 3), np.float32), np.linspace(0, 5, 20))
    with pytest.raises(ReproError, match="the regressor gives all dev pairs one score"):
        fit_predict(alike, alike, alike.features)


def test_sentevals_settings() -> None:
    # tools/relatedness.py@5d6dc11: batch_size, epochs a check, maxepoch, and the count that ends it; sick.py: seed
    found = (relatedness.BATCH, relatedness.EPOCHS_PER_CHECK, relatedness.MAX_EPOCHS, relatedness.TENACITY)
    assert found == (64, 50, 1000, 3)
    assert relatedness.SEED == 1111
