"""SentEval's regressor: graded pairs as a distribution over classes that a softmax layer is trained to give.

What it does, from SentEval (sick.py, tools/relatedness.py@5d6dc11): a score is spread over the two classes of 1 to 5
around it; a linear layer with softmax learns these shares by their mean squared error, in batches of 64 in an order
drawn anew each epoch, with Adam at its defaults and no penalty; what it predicts is the mean class. After every 50
epochs Pearson's r on the dev pairs; the best model is kept; once 3 checks in all, not in a row, have brought nothing,
the next such check ends the fit; after 1,000 epochs no other 50 begin.

The squared error of a softmax is not convex in the weights, so what comes out depends on this procedure: there is no
optimum that a second probe could solve for, as `exact` does for the classifier.

Letters: n pairs, d features and a constant, K classes, B pairs in a batch.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from threadpoolctl import threadpool_limits

from repro import progress
from repro.errors import ReproError
from repro.metrics.correlation import pearson
from repro.probes.optimizer import Adam, initial_weights, with_constant

SEED = 1111
CLASSES = np.arange(1, 6)  # (K,) of SICK; SentEval takes the same ones for STS-B
BATCH, EPOCHS_PER_CHECK, MAX_EPOCHS, TENACITY = 64, 50, 1000, 3


@dataclass(frozen=True, eq=False)
class Graded:
    """Pairs as features (n, d), and their gold scores (n,)."""

    features: np.ndarray
    gold: np.ndarray


def shares(gold: np.ndarray) -> np.ndarray:
    """Scores (n,) as shares of the classes (n, K): k + 1 − y of class k and y − k of class k + 1 for k ≤ y < k + 1.

    So that the mean class is the score (Tai, Socher and Manning 2015, section 4.2). Below 1 there is no lower class:
    of STS-B's scores from 0 to 1 class 1 has the share y, and nothing the rest. SentEval does the same, which is why it
    never predicts less than 1 (facebookresearch/SentEval#83).
    """
    distance = np.abs(np.asarray(gold, np.float64)[:, None] - CLASSES)  # (n, K)
    return np.asarray(np.maximum(1 - distance, 0))


def fit_predict(train: Graded, dev: Graded, test: np.ndarray, seed: int = SEED) -> tuple[float, np.ndarray]:
    """(Pearson's r on the dev pairs, predicted scores (m,) float64 of the test features (m, d)); fitted in float32.

    The order of the training pairs decides the batches. ReproError where the dev pairs never get different predictions.
    """
    x, target = with_constant(train.features), shares(train.gold).astype(np.float32)  # (n, d + 1), (n, K)
    watched = with_constant(dev.features)
    adam = Adam(initial_weights(train.features.shape[1], len(CLASSES), seed))  # (d + 1, K)
    rng = np.random.RandomState(seed)
    best: np.ndarray | None = None
    best_pearson, fruitless = -1.0, 0
    checks = range(0, MAX_EPOCHS + 1, EPOCHS_PER_CHECK)
    with threadpool_limits(1), progress.step(len(checks), "checks") as step:  # too small for threads of BLAS
        for _ in checks:
            for _ in range(EPOCHS_PER_CHECK):
                order = rng.permutation(len(x))
                for begin in range(0, len(x), BATCH):
                    batch = order[begin : begin + BATCH]  # (B,)
                    adam.update(_gradient(adam.weights, x[batch], target[batch]))
            step.advance()
            reached = pearson(_predicted(adam.weights, watched), dev.gold)
            if reached > best_pearson:  # never for NaN
                best, best_pearson = adam.weights.copy(), reached
            elif fruitless >= TENACITY:
                break
            else:
                fruitless += 1
    if best is None:
        raise ReproError("the regressor gives all dev pairs one score; do their vectors differ?")
    return best_pearson, _predicted(best, with_constant(test))


def _gradient(weights: np.ndarray, x: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Of the mean over pairs and classes of (softmax(x W) − target)², (d + 1, K)."""
    probability = _softmax(x @ weights)  # (B, K)
    wrong = (probability - target) * np.float32(2 / target.size)
    wrong = probability * (wrong - (probability * wrong).sum(axis=1, keepdims=True))
    return np.asarray(x.T @ wrong)


def _predicted(weights: np.ndarray, x: np.ndarray) -> np.ndarray:
    """(n,) float64: the mean class."""
    return np.asarray(_softmax(x @ weights).astype(np.float64) @ CLASSES)


def _softmax(logits: np.ndarray) -> np.ndarray:
    """(n, K) → (n, K), in place."""
    logits -= logits.max(axis=1, keepdims=True)
    np.exp(logits, out=logits)
    logits /= logits.sum(axis=1, keepdims=True)
    return logits
