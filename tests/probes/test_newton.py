"""One logistic regression alone, against scikit-learn's newton-cholesky and the condition of its optimum."""

import warnings

import numpy as np
import pytest
from scipy.linalg import LinAlgWarning, helmert
from scipy.special import softmax
from sklearn.linear_model import LogisticRegression
from sklearn.svm import SVC

from repro.errors import ReproError
from repro.probes import newton
from repro.probes.base import Fit
from repro.probes.exact import fit_predict
from repro.probes.newton import _optimum, classify
from tests.conftest import drawn


def with_ones(features: np.ndarray) -> np.ndarray:
    return np.hstack([features.astype(np.float64), np.ones((len(features), 1))])


def plain(d: int) -> np.ndarray:
    """The penalty of d weights and a constant."""
    return np.append(np.ones(d), 0)


def oracle(features: np.ndarray, labels: np.ndarray, train: np.ndarray, c: float) -> np.ndarray:
    model = LogisticRegression(C=c, solver="newton-cholesky", tol=1e-12, max_iter=1000)
    with warnings.catch_warnings():
        warnings.simplefilter("error", LinAlgWarning)  # its Hessian is singular, it says so and turns to lbfgs
        model.fit(features[train].astype(np.float64), labels[train])
    return np.asarray(model.predict(features.astype(np.float64)))


@pytest.mark.parametrize("classes", [2, 3, 6])
@pytest.mark.parametrize("c", [1e-3, 0.25, 8.0, 1e6])
@pytest.mark.parametrize(("n", "d"), [(600, 20), (120, 200)])
def test_labels_equal_newton_cholesky(classes: int, c: float, n: int, d: int) -> None:
    features, labels = drawn(classes, n, d)
    train = np.arange(n) % 5 != 0
    found = classify(with_ones(features), plain(d), labels, classes, Fit(train, c))
    np.testing.assert_array_equal(found, oracle(features, labels, train, c))


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("scale", [1e-3, 1e3, 1e5])
def test_separable_items_with_next_to_no_penalty_have_an_optimum(classes: int, scale: float) -> None:
    """A scale s makes C to C s². Probabilities of right classes are one to float64 here, those of wrong ones are not
    zero."""
    features, labels = drawn(classes, 120, 200)
    train = np.arange(120) % 5 != 0
    found = classify(with_ones(features.astype(np.float64) * scale), plain(200), labels, classes, Fit(train, 8.0))
    np.testing.assert_array_equal(found, oracle(features, labels, train, 8.0 * scale**2))


def massive(size: float) -> tuple[np.ndarray, np.ndarray]:
    """|u − v| and u * v of 600 pairs whose first dimension is massive, as GPT-2's; three classes."""
    rng = np.random.default_rng(0)
    u, v = rng.standard_normal((600, 16)), rng.standard_normal((600, 16))
    value = (u * v).sum(axis=1) + 2 * rng.standard_normal(600)
    u[:, 0], v[:, 0] = size + 0.3 * size * u[:, 0], size + 0.3 * size * v[:, 0]
    return np.hstack([np.abs(u - v), u * v]), np.digitize(value, np.quantile(value, [1 / 3, 2 / 3]))


@pytest.mark.parametrize("size", [300, 1000, 3000])
@pytest.mark.parametrize("c", [0.25, 8.0])
def test_at_the_optimum_weights_are_the_items_by_what_they_are_wrong(size: float, c: float) -> None:
    """W = C Xᵀ (Y − P), and every class is as probable as it is frequent, where the gradient is zero. Scikit-learn's
    Hessian of three classes is singular here: it has one weight vector a class."""
    features, labels = massive(size)
    features -= features.mean(axis=0)
    x, basis = with_ones(features), helmert(3)
    weights = _optimum(x, plain(32), labels, basis, c) @ basis  # (d + 1, K)
    residual = np.eye(3)[labels] - softmax(x @ weights, axis=1)
    unit = np.linalg.norm(features, axis=0)[:, None]  # a rounding error of x @ residual is of this size
    np.testing.assert_allclose(features.T @ residual / unit, weights[:-1] / c / unit, atol=1e-11)
    np.testing.assert_allclose(residual.sum(axis=0), 0, atol=1e-9)


@pytest.mark.parametrize("size", [300, 1000, 3000])
def test_the_exact_probe_solves_what_one_massive_dimension_leaves(size: float) -> None:
    """Once refused. Chance is a third; the same items without the massive dimension score within a few points."""
    features, labels = massive(size)
    train = np.arange(600) < 400
    fits = [Fit(train, c) for c in (0.25, 1.0, 8.0)]
    rest = np.delete(features, [0, 16], axis=1)
    with_it = (fit_predict(features, labels, fits) == labels)[:, ~train].mean(axis=1)
    np.testing.assert_allclose(with_it, (fit_predict(rest, labels, fits) == labels)[:, ~train].mean(axis=1), atol=0.06)
    assert (with_it > 0.6).all()


@pytest.mark.parametrize("scale", [1e7, 1e9, 1e12, 1e25])
def test_three_classes_that_are_not_separable_are_solved_at_any_scale(scale: float) -> None:
    """Without a penalty to speak of the optimum is that of C = 10⁸ on the items as they are."""
    rng = np.random.default_rng(0)
    features, labels = rng.standard_normal((600, 20)), rng.integers(0, 3, 600)
    train = np.arange(600) % 5 != 0
    found = fit_predict(features * scale, labels, [Fit(train, 1.0)])[0]
    np.testing.assert_array_equal(found, oracle(features, labels, train, 1e8))


@pytest.mark.parametrize("scale", [1e5, 1e9, 1e12, 1e18, 1e25, 1e36])
@pytest.mark.filterwarnings("error::RuntimeWarning")
def test_without_a_penalty_to_speak_of_separable_items_have_the_widest_margin(scale: float) -> None:
    """The limit of logistic regression as C grows is the support vector machine (Rosset, Zhu and
    Hastie 2003)."""
    features, labels = drawn(2, 120, 200)
    features = features.astype(np.float64)
    train = np.arange(120) % 5 != 0
    margins = SVC(kernel="linear", C=1e12, tol=1e-10).fit(features[train], labels[train]).decision_function(features)
    found = fit_predict(features * scale, labels, [Fit(train, 1.0)])[0]
    np.testing.assert_array_equal(found[train], labels[train])
    clear = abs(margins) > 0.02  # of the margin
    assert clear.sum() > 115
    np.testing.assert_array_equal(found[clear], (margins > 0)[clear])


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("rank", [50, 180])
@pytest.mark.parametrize("scale", [1.0, 1e3, 1e4, 2e4, 1e5, 1e7, 1e12])
def test_features_that_hang_together_have_the_labels_of_their_directions(classes: int, rank: int, scale: float) -> None:
    """In the others no item moves with a weight, and beside the loss the penalty has no digits."""
    rng = np.random.default_rng(0)
    directions = rng.standard_normal((1000, rank))
    labels = (directions[:, :8] @ rng.standard_normal((8, classes)) + 3 * rng.standard_normal((1000, classes))).argmax(
        1
    )
    features = directions @ rng.standard_normal((rank, 200)) / np.sqrt(50)
    u, s, _ = np.linalg.svd(features, full_matrices=False)
    train = np.arange(1000) % 5 != 0
    found = fit_predict(features * scale, labels, [Fit(train, 2.0)])[0]
    expected = oracle((u * s)[:, :rank], labels, train, min(2 * scale**2, 1e9))  # beyond which nothing moves
    np.testing.assert_array_equal(found, expected)


def test_a_fit_that_ends_with_the_steps_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(newton, "STEPS", 3)
    features, labels = drawn(2, 120, 200)
    with pytest.raises(ReproError, match="the exact probe has not converged; are the features of sane size"):
        classify(with_ones(features), plain(200), labels, 2, Fit(np.ones(120, bool), 8.0))
