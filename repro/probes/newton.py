"""One logistic regression to its optimum, by Newton's method with whole Hessians in float64: for features that leave
the digits of float32, in which `exact` solves many together, nothing to work with.

The objective is that of `exact`. Its float64 has digits left where others' has none, for three reasons: probabilities
are those of the wrong classes, which however small have all their digits (1 − p of the right one would not); the
equations of a step are scaled to a diagonal of ones; and the one direction in which the loss of K classes does not
change, all logits together, is left out of the problem, since at the optimum the K weights of a feature sum to zero.
"""

from __future__ import annotations

from contextlib import suppress

import numpy as np

from repro.errors import ReproError
from repro.probes.base import Fit

STEPS = 200  # where items are separable, each takes the losses down by a factor of e
TOLERANCE = 1e-20  # squared Newton decrement over the objective
RESTING = 1e-16  # the same, where it shrinks no more: what is left is rounding
FAR = 1e-12  # the same, from where on the objective has digits to choose a step's length by
SHORTEST = 1e-9  # of a step's lengths
FLAT = (1e-10, 1e-12, 1e-14)  # curvatures of a direction, of the largest, below which it may be left out
ROUGH = 0.5  # of a gradient, that a step's equations may be off by where it is believed


def classify(x: np.ndarray, ridge: np.ndarray, y: np.ndarray, classes: int, fit: Fit) -> np.ndarray:
    """Class (n,) of every item at the optimum of one problem.

    `x` (n, d + 1) float64, its last column ones; `ridge` (d + 1,): the penalty on the square of each weight, 0 of the
    last; `y` (n,) from 0 to `classes` - 1.
    Raises ReproError where the optimum is not found.
    """
    from scipy.linalg import helmert

    # logits are x @ weights @ basis: (0, z) of two classes, orthonormal outputs that sum to zero of more
    basis = np.array([[0.0, 1.0]]) if classes == 2 else helmert(classes)  # (K', K)
    weights = _optimum(x[fit.train], ridge, y[fit.train], basis, fit.penalty)  # (d + 1, K')
    return np.asarray((x @ weights @ basis).argmax(axis=1))


def _optimum(x: np.ndarray, ridge: np.ndarray, y: np.ndarray, basis: np.ndarray, c: float) -> np.ndarray:
    """Weights (d + 1, K') at the least C Σ loss + ½ Σ ridge W²."""
    toward = basis.T[None] - basis.T[y][:, None]  # (n, K, K') what a wrong class adds to the gradient
    ridge = np.repeat(ridge, len(basis))  # ((d + 1) K',)
    weights = np.zeros((x.shape[1], len(basis)))
    losses, wrong = _losses(x @ weights @ basis, y)  # (n,), (n, K)
    value, before = c * losses.sum(), np.inf
    for _ in range(STEPS):
        mean = np.einsum("nk,nka->na", wrong, toward)  # (n, K')
        gradient = c * (x.T @ mean).ravel() + ridge * weights.ravel()  # ((d + 1) K',)
        spread = np.einsum("nk,nka,nkb->nab", wrong, toward, toward) - mean[:, :, None] * mean[:, None]  # (n, K', K')
        hessian = c * _blocks(x, spread) + np.diag(ridge)
        unit = 1 / np.sqrt(np.maximum(np.diag(hessian), np.finfo(np.float64).tiny))  # ((d + 1) K',)
        try:
            step = unit * _solved(hessian * unit[:, None] * unit, unit * gradient)
        except (np.linalg.LinAlgError, ValueError):  # no range
            break
        decrement = gradient @ step
        if decrement <= TOLERANCE * value or before / 2 < decrement <= RESTING * value:
            if _small(unit * (hessian @ step - gradient), unit * gradient):  # else it says nothing of the distance
                return weights
            break
        length = 1.0
        while True:
            tried = weights - length * step.reshape(weights.shape)
            losses, wrong = _losses(x @ tried @ basis, y)
            lower = c * losses.sum() + ridge @ tried.ravel() ** 2 / 2
            if lower <= value or decrement <= FAR * value or length < SHORTEST:
                break
            length /= 2
        weights, value, before = tried, lower, decrement
    raise ReproError("the exact probe has not converged; are the features of sane size?")


def _solved(equations: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Of a matrix with a diagonal of ones, which is as good as singular where features hang together.

    In such directions no item moves with a weight, and the penalty has no digits beside the loss. The weights that
    steps begin from are at the optimum there, so a step leaves them out, unless the gradient says otherwise.
    """
    from scipy.linalg import cho_factor, cho_solve, eigh

    with suppress(np.linalg.LinAlgError):
        factor = cho_factor(equations)
        if (factor[0].diagonal() ** 2).min() > FLAT[0]:
            return np.asarray(cho_solve(factor, right))
    values, vectors = eigh(equations)
    along = vectors.T @ right  # ((d + 1) K',)
    kept = next(
        (rest for rest in (values > flat * values[-1] for flat in FLAT) if _small(along[~rest], along)), values > 0
    )
    return np.asarray(vectors[:, kept] @ (along[kept] / values[kept]))


def _small(left: np.ndarray, whole: np.ndarray) -> bool:
    return bool(np.linalg.norm(left) <= ROUGH * np.linalg.norm(whole))


def _losses(logits: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(n, K) logits and right classes → cross-entropy (n,) and probabilities of the wrong classes (n, K), 0 of the
    right one."""
    from scipy.special import logsumexp

    items = np.arange(len(y))
    ahead = logits - logits[items, y, None]  # (n, K)
    ahead[items, y] = -np.inf
    loss = np.logaddexp(0, logsumexp(ahead, axis=1))  # (n,)
    return loss, np.exp(ahead - loss[:, None])


def _blocks(x: np.ndarray, spread: np.ndarray) -> np.ndarray:
    """Σ over items of spread ⊗ x xᵀ: ((d + 1) K', (d + 1) K'), outputs the faster index."""
    d, k = x.shape[1], spread.shape[1]
    whole = np.empty((d, k, d, k))
    for a in range(k):
        for b in range(a + 1):
            whole[:, a, :, b] = x.T @ (spread[:, a, b, None] * x)
            whole[:, b, :, a] = whole[:, a, :, b]
    return whole.reshape(d * k, d * k)
