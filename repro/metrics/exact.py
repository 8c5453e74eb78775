"""The `exact` probe: L2-regularised logistic regression, solved to its optimum for many folds and penalties together.

The objective is scikit-learn's, C Σ loss + ½‖W‖² with a free intercept: binary problems have one weight vector, others
one a class. All problems share the features, so logits, gradients and Hessian products of a whole batch are single
matrix products. Newton's method, its steps by conjugate gradients preconditioned with one Cholesky factor a penalty,
that of the problem on all the data, whose optimum is also the start.

Letters: n items, d features and a constant, P problems, K outputs a problem (1 where there are two classes).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.linalg import cho_factor, cho_solve
from scipy.special import expit, softmax

from repro.errors import ReproError

COLUMNS = 256  # of the matrix products, problems × outputs: wide enough for BLAS, small enough for memory
TOLERANCE = 1e-20  # squared Newton decrement over the objective
STEPS = 40


@dataclass(frozen=True)
class Problem:
    """One fit: the items it may see, a boolean (n,), and its inverse penalty C."""

    train: np.ndarray
    c: float


def fit_predict(features: np.ndarray, labels: np.ndarray, problems: list[Problem]) -> np.ndarray:
    """Predicted class of every item under every problem: (P, n), values from `labels`.

    `features` (n, d) of any float type, computed in float64; `labels` (n,). Raises ReproError for features that are
    not finite and for a problem whose items are all of one class.
    """
    if not np.isfinite(features).all():
        raise ReproError(f"the features of item {int((~np.isfinite(features)).any(axis=1).argmax())} are not finite")
    classes, y = np.unique(labels, return_inverse=True)  # (K',), (n,)
    for number, problem in enumerate(problems):
        if len(np.unique(y[problem.train])) < len(classes):
            raise ReproError(f"fit {number} sees {len(np.unique(y[problem.train]))} of {len(classes)} classes")
    if len(classes) < 2:
        raise ReproError(f"all {len(labels)} items have the label {classes[0]}; a probe needs two classes")
    x = np.hstack([np.asarray(features, np.float64), np.ones((len(features), 1))])  # (n, d + 1)
    target = y[:, None].astype(np.float64) if len(classes) == 2 else np.eye(len(classes))[y]  # (n, K)
    outputs = target.shape[1]
    starts = _starts(x, target, sorted({problem.c for problem in problems}))
    predicted = np.empty((len(problems), len(x)), dtype=classes.dtype)
    width = max(1, COLUMNS // outputs)
    for begin in range(0, len(problems), width):
        batch = problems[begin : begin + width]
        weights = _Batch(x, target, batch, starts).solve()  # (d + 1, P, K)
        logits = np.einsum("nd,dpk->npk", x, weights, optimize=True)  # (n, P, K)
        chosen = (logits[:, :, 0] > 0).astype(int) if outputs == 1 else logits.argmax(axis=2)  # (n, P)
        predicted[begin : begin + width] = classes[chosen].T
    return predicted


@dataclass(frozen=True)
class _Start:
    """For one C: the optimum on all the data and, for each output, the Cholesky factor of its Hessian block there."""

    weights: np.ndarray  # (d + 1, K)
    factors: list[tuple[np.ndarray, bool]]


def _starts(x: np.ndarray, target: np.ndarray, penalties: list[float]) -> dict[float, _Start]:
    everything = np.ones(len(x), dtype=bool)
    outputs = target.shape[1]
    spread = 0.25 if outputs == 1 else (1 / outputs) * (1 - 1 / outputs)  # of the probabilities at zero weights
    gram = x.T @ x  # (d + 1, d + 1)
    found: dict[float, _Start] = {}
    for c in penalties:
        first = cho_factor(_with_penalty(c * spread * gram))
        rough = _Start(np.zeros((x.shape[1], outputs)), [first] * outputs)
        weights = _Batch(x, target, [Problem(everything, c)], {c: rough}).solve()[:, 0]  # (d + 1, K)
        probability = _probabilities((x @ weights)[:, None])[:, 0]  # (n, K)
        curvature = probability * (1 - probability)  # (n, K)
        factors = [cho_factor(_with_penalty(c * (x.T * curvature[:, k]) @ x)) for k in range(outputs)]
        found[c] = _Start(weights, factors)
    return found


def _with_penalty(hessian: np.ndarray) -> np.ndarray:
    """Add the penalty's identity; the intercept, last, has none but a trace that keeps the factor positive."""
    diagonal = np.ones(len(hessian))
    diagonal[-1] = 1e-10
    return hessian + np.diag(diagonal)


def _probabilities(logits: np.ndarray) -> np.ndarray:
    """(n, P, K) logits → probabilities of the outputs."""
    return np.asarray(expit(logits) if logits.shape[2] == 1 else softmax(logits, axis=2))


class _Batch:
    """Problems solved together; vectors of weights are (d + 1, P, K), of items (n, P, K)."""

    def __init__(self, x: np.ndarray, target: np.ndarray, problems: list[Problem], starts: dict[float, _Start]) -> None:
        self.x, self.target = x, target
        self.mask = np.stack([problem.train for problem in problems], axis=1)[:, :, None]  # (n, P, 1)
        self.c = np.array([problem.c for problem in problems])[:, None]  # (P, 1)
        self.ridge = np.ones((x.shape[1], 1, 1))
        self.ridge[-1] = 0  # the intercept is not penalised
        self.starts = {c: starts[c] for c in np.unique(self.c)}
        self.weights = np.stack([starts[problem.c].weights for problem in problems], axis=1)

    def solve(self) -> np.ndarray:
        """Weights at the optimum of each problem; a step that would raise an objective is halved."""
        logits = self.times(self.weights)
        value = self.objective(logits, self.weights)  # (P,)
        for _ in range(STEPS):
            probability = _probabilities(logits)
            wrong = probability - self.target[:, None]
            gradient = self.c * self.back(self.mask * wrong) + self.ridge * self.weights
            step = self.newton_step(gradient, probability)
            if ((gradient * step).sum(axis=(0, 2)) <= TOLERANCE * np.maximum(value, 1)).all():
                break
            scale, move = np.ones(len(value)), self.times(step)
            for _ in range(30):
                tried = self.objective(logits - scale[:, None] * move, self.weights - scale[:, None] * step)
                worse = tried > value + 1e-12 * np.maximum(value, 1)
                if not worse.any():
                    break
                scale[worse] /= 2
            self.weights = self.weights - scale[:, None] * step
            logits = logits - scale[:, None] * move
            value = self.objective(logits, self.weights)
        return self.weights

    def newton_step(self, gradient: np.ndarray, probability: np.ndarray) -> np.ndarray:
        """Hessian⁻¹ × gradient by preconditioned conjugate gradients."""
        step = np.zeros_like(gradient)
        residual = gradient.copy()
        direction = ready = self.precondition(residual)
        strength = (residual * ready).sum(axis=(0, 2))  # (P,)
        goal = strength * 1e-4
        active = strength > 0  # (P,) solved problems rest: a quotient of two rounding errors would blow up
        for _ in range(60):
            curved = self.hessian(direction, probability)
            bend = (direction * curved).sum(axis=(0, 2))
            length = np.divide(strength, bend, out=np.zeros_like(strength), where=active)
            step += length[:, None] * direction
            residual -= length[:, None] * curved
            ready = self.precondition(residual)
            following = (residual * ready).sum(axis=(0, 2))
            active &= following > goal
            if not active.any():
                break
            keep = np.divide(following, strength, out=np.zeros_like(strength), where=active)
            direction = active[:, None] * (ready + keep[:, None] * direction)
            strength = following
        return step

    def hessian(self, vectors: np.ndarray, probability: np.ndarray) -> np.ndarray:
        """Product of each problem's Hessian with its vectors."""
        moved = self.times(vectors)
        if moved.shape[2] == 1:
            moved *= probability * (1 - probability)
        else:
            moved = probability * (moved - (probability * moved).sum(axis=2, keepdims=True))
        # the floor gives curvature to the one flat direction, all intercepts of a multinomial problem together
        return np.asarray(self.c * self.back(self.mask * moved) + np.maximum(self.ridge, 1e-8) * vectors)

    def precondition(self, vectors: np.ndarray) -> np.ndarray:
        """The full-data Hessian blocks' inverses, each problem with those of its penalty."""
        out = np.empty_like(vectors)
        for c, start in self.starts.items():
            mine = self.c[:, 0] == c
            for k, factor in enumerate(start.factors):
                out[:, mine, k] = cho_solve(factor, vectors[:, mine, k])
        return out

    def objective(self, logits: np.ndarray, weights: np.ndarray) -> np.ndarray:
        """C × summed log loss over each problem's own items + ½‖W‖²: (P,)."""
        if logits.shape[2] == 1:
            each = np.logaddexp(0, logits[:, :, 0]) - self.target * logits[:, :, 0]  # (n, P)
        else:
            top = logits.max(axis=2)
            each = top + np.log(np.exp(logits - top[:, :, None]).sum(axis=2))
            each -= (logits * self.target[:, None]).sum(axis=2)
        loss = (each * self.mask[:, :, 0]).sum(axis=0)
        return np.asarray(self.c[:, 0] * loss + 0.5 * (self.ridge * weights**2).sum(axis=(0, 2)))

    def times(self, vectors: np.ndarray) -> np.ndarray:
        """(d + 1, P, K) → (n, P, K)."""
        return np.asarray(self.x @ vectors.reshape(len(vectors), -1)).reshape(len(self.x), *vectors.shape[1:])

    def back(self, values: np.ndarray) -> np.ndarray:
        """(n, P, K) → (d + 1, P, K)."""
        return np.asarray(self.x.T @ values.reshape(len(values), -1)).reshape(self.x.shape[1], *values.shape[1:])
