"""The `exact` probe: L2-regularised logistic regression, solved to its optimum for many folds and penalties together.

The objective is scikit-learn's, C Σ loss + ½‖W‖² with a free intercept: binary problems have one weight vector, others
one a class. All problems share the features, so logits, gradients and Hessian products of a whole batch are single
matrix products. Newton's method; its steps come from conjugate gradients in float32, preconditioned with the inverse
Hessian of the same penalty on all training items, whose optimum is also the start. Gradients are float64, so what a
step lacks in precision the next one mends, and the optimum has all its digits.

Letters: n items, d features and a constant, P problems, K outputs a problem (1 where there are two classes).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from threadpoolctl import threadpool_limits

from repro import progress
from repro.probes.base import Fit, Probe, coded
from repro.probes.newton import classify

COLUMNS = 256  # of the matrix products, problems × outputs: wide enough for BLAS, small enough for memory
SMALL = 10**6  # numbers in the features; below that BLAS's threads wait for each other longer than they compute
TOLERANCE = 1e-20  # squared Newton decrement over the objective
ROUGHLY = 1e-5  # the same, for the weights that fits start from
STEPS, HALVINGS = 60, 30
USUAL = 6  # binary places before the point, of a column that is as good as one of ones
ROUGH = 0.5  # of a gradient, that a step's equations may be off by where it is believed


def fit_predict(features: np.ndarray, labels: np.ndarray, fits: Sequence[Fit]) -> np.ndarray:
    """Predicted class of every item under every fit: (P, n), values from `labels`.

    `features` (n, d) of any float type, computed in float64; `labels` (n,). Raises ReproError as `coded` and `classify`
    do.
    """
    classes, y = coded(features, labels, fits)
    features = features.astype(np.float64)  # a copy
    constant = features.max(axis=0) == features.min(axis=0)  # (d,)
    features -= features.mean(axis=0)  # which the free intercept takes up
    features[:, constant] = 0  # not the rounding error of its mean
    if len(features) < features.shape[1]:  # items span few directions: rotate the others away, the penalty stays
        features = np.linalg.qr(features.T).R.T  # (n, n)
    x = np.empty((len(features), features.shape[1] + 1))  # (n, d + 1)
    x[:, :-1], x[:, -1] = features, 1
    del features  # of a size with x
    ridge = _scaled(x)
    target = y[:, None].astype(np.float64) if len(classes) == 2 else np.eye(len(classes))[y]  # (n, K)
    data = _Data(x, x.astype(np.float32), target, ridge)
    predicted = np.empty((len(fits), len(x)), dtype=classes.dtype)
    width = max(1, COLUMNS // target.shape[1])
    beyond = np.errstate(over="ignore", invalid="ignore")  # of float32's range nothing is solved
    with beyond, threadpool_limits(1 if x.size < SMALL else None), progress.step(len(fits), "fits") as step:
        starts = _starts(data, fits)
        for begin in range(0, len(fits), width):
            batch = fits[begin : begin + width]
            solved = np.zeros(len(batch), bool)
            if starts is not None:
                weights, solved = _Batch(data, batch, starts).solve()
                logits = data.times(weights)  # (n, P, K)
                chosen = (logits[:, :, 0] > 0).astype(int) if target.shape[1] == 1 else logits.argmax(axis=2)  # (n, P)
                predicted[begin : begin + width] = classes[chosen].T
            for place in np.flatnonzero(~solved).tolist():  # float32 had no digits for these
                predicted[begin + place] = classes[classify(x, ridge, y, len(classes), batch[place])]
            step.advance(len(batch))
    return predicted


def _scaled(x: np.ndarray) -> np.ndarray:
    """Divide huge columns of x (n, d + 1), in place, by powers of two; the penalty (d + 1,) of each weight, which then
    says what it said. So float32 has the digits of the other columns too. The last, of ones, has none."""
    power = np.frexp(np.maximum(x.max(axis=0), -x.min(axis=0)))[1]
    scale = np.ldexp(1.0, np.where(power > USUAL, power, 0))
    x /= scale
    scale[-1] = np.inf
    return np.asarray(scale**-2.0)


@dataclass(frozen=True)
class _Data:
    """Features with their constant, in both precisions, what the outputs should be, and what weights cost."""

    x: np.ndarray  # (n, d + 1) float64
    x32: np.ndarray  # (n, d + 1) float32
    target: np.ndarray  # (n, K)
    ridge: np.ndarray  # (d + 1,), 1 where a column is as it was given, 0 of the constant

    def times(self, vectors: np.ndarray) -> np.ndarray:
        """(d + 1, P, K) → (n, P, K), in the precision of `vectors`."""
        x = self.x32 if vectors.dtype == np.float32 else self.x
        return np.asarray(x @ vectors.reshape(len(vectors), -1)).reshape(len(x), *vectors.shape[1:])

    def back(self, values: np.ndarray) -> np.ndarray:
        """(n, P, K) → (d + 1, P, K), in the precision of `values`."""
        x = self.x32 if values.dtype == np.float32 else self.x
        return np.asarray(x.T @ values.reshape(len(values), -1)).reshape(x.shape[1], *values.shape[1:])


@dataclass(frozen=True)
class _Start:
    """For one C: weights to start from and, for each output, the inverse of a Hessian block that is like the others."""

    weights: np.ndarray  # (d + 1, K)
    inverses: list[np.ndarray]  # K of (d + 1, d + 1) float32


def _starts(data: _Data, fits: Sequence[Fit]) -> dict[float, _Start] | None:
    """About the optimum on every item that some fit learns from, with C scaled to the fits' number of items.

    Each penalty starts where the one before it ended: along the grid neither weights nor Hessians change by much. None
    where a Hessian has no inverse in the digits that there are.
    """
    pool = np.logical_or.reduce([fit.train for fit in fits])
    share = float(np.mean([fit.train.sum() for fit in fits])) / pool.sum()
    penalties = sorted({fit.penalty for fit in fits})
    x, outputs = data.x32[pool], data.target.shape[1]
    spread = 0.25 if outputs == 1 else (1 / outputs) * (1 - 1 / outputs)  # of the probabilities at zero weights
    gram = x.T @ x  # (d + 1, d + 1)
    by_penalty = {}
    try:
        start = _Start(
            np.zeros((x.shape[1], outputs)), [_inverse(penalties[0] * share * spread * gram, data.ridge)] * outputs
        )
        for c in penalties:
            weights, _ = _Batch(data, [Fit(pool, c)], {c: start}, share).solve(ROUGHLY)  # (d + 1, 1, K)
            probability = _probabilities(data.times(weights)[pool, 0][:, None])[:, 0]  # (pool, K)
            root = np.sqrt(probability * (1 - probability)).astype(np.float32)
            halves = (root[:, k, None] * x for k in range(outputs))  # of the Hessian blocks
            start = by_penalty[c] = _Start(
                weights[:, 0], [_inverse(c * share * (half.T @ half), data.ridge) for half in halves]
            )
    except (np.linalg.LinAlgError, ValueError):  # float32 has no digits for the smallest directions, or no range
        return None
    return by_penalty


def _inverse(hessian: np.ndarray, ridge: np.ndarray) -> np.ndarray:
    """Of a loss's Hessian with the penalty's added; the intercept, last, has but a trace of it."""
    from scipy.linalg import cho_factor, cho_solve  # a quarter of a second, which only a fit need pay

    diagonal = ridge.copy()
    diagonal[-1] = 1e-6 * max(1.0, float(hessian[-1, -1]))
    whole = hessian.astype(np.float64) + np.diag(diagonal)
    return np.asarray(cho_solve(cho_factor(whole), np.eye(len(whole)))).astype(np.float32)


def _apart(vectors: np.ndarray) -> np.ndarray:
    """(d + 1, P, K) without what all outputs share, which does not change a multinomial loss: at the optimum it is
    nothing, weights begin without it, and of a gradient it is a rounding error."""
    return vectors - vectors.mean(axis=2, keepdims=True) if vectors.shape[2] > 1 else vectors


def _probabilities(logits: np.ndarray) -> np.ndarray:
    """(n, P, K) logits → probabilities of the outputs."""
    from scipy.special import expit, softmax

    return np.asarray(expit(logits) if logits.shape[2] == 1 else softmax(logits, axis=2))


class _Batch:
    """Problems solved together; vectors of weights are (d + 1, P, K), of items (n, P, K)."""

    def __init__(self, data: _Data, fits: Sequence[Fit], starts: dict[float, _Start], share: float = 1.0) -> None:
        self.data = data
        self.mask = np.stack([fit.train for fit in fits], axis=1)[:, :, None]  # (n, P, 1)
        penalties = np.array([fit.penalty for fit in fits])
        self.c = share * penalties[:, None]  # (P, 1)
        self.ridge = data.ridge[:, None, None]  # (d + 1, 1, 1)
        self.starts = [(start, penalties == c) for c, start in starts.items() if c in penalties]
        self.weights = np.stack([starts[fit.penalty].weights for fit in fits], axis=1)

    def solve(self, tolerance: float = TOLERANCE) -> tuple[np.ndarray, np.ndarray]:
        """(weights at the optimum of each problem, which are there (P,)); a step that would lengthen a gradient is
        halved."""
        most = self.c[:, 0] * self.mask[:, :, 0].sum(axis=0)  # (P,) which the objective seldom is above
        logits = self.data.times(self.weights)
        gradient, probability = self.gradient(logits, self.weights)
        for _ in range(STEPS):
            step = self.newton_step(gradient, probability)
            decrement = (gradient * step).sum(axis=(0, 2))  # (P,)
            busy = decrement > tolerance * most
            if not busy.any():
                busy = decrement > tolerance * self.objective(logits)
            if not busy.any():
                return self.weights, self.solves(step, gradient, probability)
            move, length = self.data.times(step), (gradient**2).sum(axis=(0, 2))
            scale = busy.astype(np.float64)  # solved problems rest: their gradients are rounding errors
            for _ in range(HALVINGS):
                tried = logits - scale[:, None] * move, self.weights - scale[:, None] * step
                gradient, probability = self.gradient(*tried)
                worse = busy & ((gradient**2).sum(axis=(0, 2)) > length)
                if not worse.any():
                    break
                scale[worse] /= 2
            logits, self.weights = tried
        return self.weights, ~busy & self.solves(step, gradient, probability)  # of a solved one, all is as it was

    def objective(self, logits: np.ndarray) -> np.ndarray:
        """C Σ loss + ½‖W‖² of each problem at its weights, (P,)."""
        from scipy.special import logsumexp

        right = (self.data.target[:, None] * logits).sum(axis=2)  # (n, P)
        whole = np.logaddexp(0, logits[:, :, 0]) if logits.shape[2] == 1 else logsumexp(logits, axis=2)
        loss = (self.mask[:, :, 0] * (whole - right)).sum(axis=0)
        return np.asarray(self.c[:, 0] * loss + (self.ridge * self.weights**2).sum(axis=(0, 2)) / 2)

    def gradient(self, logits: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(gradient of each objective, probabilities)."""
        probability = _probabilities(logits)
        wrong = self.mask * (probability - self.data.target[:, None])
        return _apart(self.c * self.data.back(wrong) + self.ridge * weights), probability

    def newton_step(self, gradient: np.ndarray, probability: np.ndarray) -> np.ndarray:
        """Hessian⁻¹ × gradient by preconditioned conjugate gradients in float32; float64 out."""
        size = np.maximum(np.sqrt((gradient**2).sum(axis=(0, 2))), 1e-300)[:, None]  # (P, 1): keeps float32 in range
        residual = (gradient / size).astype(np.float32)
        curvature = (self.c * self.mask).astype(np.float32)
        probability = probability.astype(np.float32)
        curvature = curvature * probability * (1 - probability if residual.shape[2] == 1 else 1)  # (n, P, K)
        step = np.zeros_like(residual)
        direction = ready = self.precondition(residual)
        strength = (residual * ready).sum(axis=(0, 2))  # (P,)
        goal = strength * 1e-5
        active = strength > 0
        for _ in range(60):
            curved = self.hessian(direction, probability, curvature)
            bend = (direction * curved).sum(axis=(0, 2))
            active &= bend > 0
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
        return np.asarray(step * size)

    def solves(self, step: np.ndarray, gradient: np.ndarray, probability: np.ndarray) -> np.ndarray:
        """Whether Hessian × step is the gradient, at least roughly, (P,). Where float32 has no digits left it is not:
        then a short step says nothing of the distance to the optimum."""
        curvature = self.c * self.mask * probability * (1 - probability if step.shape[2] == 1 else 1)  # (n, P, K)
        left = gradient - self.hessian(step, probability, curvature)
        return np.asarray((left**2).sum(axis=(0, 2)) <= ROUGH**2 * (gradient**2).sum(axis=(0, 2)))

    def hessian(self, vectors: np.ndarray, probability: np.ndarray, curvature: np.ndarray) -> np.ndarray:
        """Product of each problem's Hessian with its vectors, in their precision."""
        moved = self.data.times(vectors)
        if moved.shape[2] > 1:
            moved -= np.einsum("npk,npk->np", probability, moved)[:, :, None]
        moved *= curvature
        return np.asarray(self.data.back(moved) + self.ridge.astype(vectors.dtype) * vectors)

    def precondition(self, vectors: np.ndarray) -> np.ndarray:
        """The inverse Hessian blocks, each problem with those of its penalty.

        For what all outputs share the blocks are not like the Hessian, and act on the rest.
        """
        rest, out = _apart(vectors), np.empty_like(vectors)
        for start, mine in self.starts:
            for k, inverse in enumerate(start.inverses):
                out[:, mine, k] = inverse @ rest[:, mine, k]
        return _apart(out)


EXACT = Probe(
    "exact",
    fit_predict,
    nested=tuple(2.0**t for t in range(-2, 4)),  # tools/validation.py:61, 204
    kfold=tuple(2.0**t for t in range(-1, 6)),  # tools/validation.py:130
)
