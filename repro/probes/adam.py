"""The `senteval-adam` probe: SentEval's own classifier, a linear layer trained with Adam and early stopping.

What it does, from SentEval (tools/classifier.py@5d6dc11): batches of 64 in an order drawn anew each epoch, mean
cross-entropy, Adam at its defaults with the penalty as weight decay on weights and bias; after every 4 epochs the
accuracy on the watched items; the best model is kept; once 5 checks in all, not in a row, have brought nothing, the
next such check ends the fit; 200 epochs at most. Every fit starts from the same seed: the same weights, and for the
same number of items the same order. So fits that differ in the penalty alone see the same batches, and fits of the
same size take their steps at the same time: both go through one product.

Letters: n items, d features and a constant, G groups of fits (one training set each), R penalties, K classes,
B items in a batch.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import numpy as np
from threadpoolctl import threadpool_limits

from repro import progress
from repro.probes.base import Fit, Probe, coded
from repro.probes.optimizer import Adam, initial_weights, with_constant

SEED = 1111
BATCH, EPOCHS_PER_CHECK, MAX_EPOCHS, TENACITY, WATCHED = 64, 4, 200, 5, 0.05
GROUPS = 5  # trained side by side: more would not stay in the cache


def fit_predict(
    features: np.ndarray,
    labels: np.ndarray,
    fits: Sequence[Fit],
    seed: int = SEED,
    epochs_per_check: int = EPOCHS_PER_CHECK,
    max_epochs: int = MAX_EPOCHS,
) -> np.ndarray:
    """Predicted class of every item under every fit: (P, n), values from `labels`; computed in float32.

    Raises ReproError as `coded` does.
    """
    classes, y = coded(features, labels, fits)
    x = with_constant(features)  # (n, d + 1)
    y = y.astype(np.float32) if len(classes) == 2 else y  # 0 and 1 enter the gradient as numbers
    predicted = np.empty((len(fits), len(x)), dtype=classes.dtype)

    def run(side_by_side: list[_Group]) -> None:
        start = initial_weights(features.shape[1], len(classes), seed)
        weights = _train(x, y, start, side_by_side, epochs_per_check, max_epochs)  # (G, R, d + 1, K)
        for group, of_group in zip(side_by_side, weights, strict=True):
            for (number, _), solution in zip(group.fits, of_group, strict=True):
                predicted[number] = classes[(x @ solution).argmax(axis=1)]
                step.advance()

    # numpy lets go of the interpreter while it computes; the products are too small for threads of their own
    with threadpool_limits(1), progress.step(len(fits), "fits") as step, ThreadPoolExecutor(os.cpu_count()) as workers:
        list(workers.map(run, _groups(fits, seed)))
    return predicted


class _Group:
    """Fits on one training set that differ in the penalty alone."""

    def __init__(self, fit: Fit, seed: int) -> None:
        self.rng = np.random.RandomState(seed)
        self.train = np.flatnonzero(fit.train)
        if fit.watch is None:
            order = self.rng.permutation(len(self.train))
            cut = int(WATCHED * len(order))
            self.watch, self.train = self.train[order[:cut]], self.train[order[cut:]]
        else:
            self.watch = np.flatnonzero(fit.watch)
        self.fits: list[tuple[int, float]] = []  # (position among all fits, penalty)


def _groups(fits: Sequence[Fit], seed: int) -> list[list[_Group]]:
    """Fits of one training set together, training sets of one size (and as many penalties) side by side."""
    by_set: dict[tuple[bytes, bytes | None], _Group] = {}
    for number, fit in enumerate(fits):
        key = fit.train.tobytes(), None if fit.watch is None else fit.watch.tobytes()
        if key not in by_set:
            by_set[key] = _Group(fit, seed)
        by_set[key].fits.append((number, fit.penalty))
    by_size: dict[tuple[int, int, bool], list[_Group]] = {}
    for (_, watched), group in by_set.items():
        by_size.setdefault((len(group.train), len(group.fits), watched is None), []).append(group)
    return [same[i : i + GROUPS] for same in by_size.values() for i in range(0, len(same), GROUPS)]


def _train(
    x: np.ndarray, y: np.ndarray, start: np.ndarray, groups: list[_Group], epochs_per_check: int, max_epochs: int
) -> np.ndarray:
    """(G, R, d + 1, K) weights of the best check of each fit; each begins with `start` (d + 1, K)."""
    penalties = np.array([[penalty for _, penalty in group.fits] for group in groups], np.float32)  # (G, R)
    state = _Classifiers(start, penalties)
    best = np.zeros((*penalties.shape, *start.shape), np.float32)
    best_accuracy, fruitless = np.full(penalties.shape, -1.0), np.zeros(penalties.shape, int)
    running = np.ones(penalties.shape, bool)
    rows = np.arange(len(groups))  # of the groups that still run
    rng = groups[0].rng  # all of one size: one order serves them
    for _ in range(0, max_epochs + 1, epochs_per_check):
        trains = np.stack([groups[g].train for g in rows])  # (G, m)
        for _ in range(epochs_per_check):
            order = trains[:, rng.permutation(trains.shape[1])]
            for begin in range(0, order.shape[1], BATCH):
                batch = order[:, begin : begin + BATCH]  # (G, B)
                state.step(x[batch], y[batch])
        for place, g in enumerate(rows):
            watch, weights = groups[g].watch, state.weights[:, place].transpose(2, 1, 0)  # (R, d + 1, K)
            accuracy = ((x[watch] @ weights).argmax(axis=2) == y[watch]).mean(axis=1)  # (R,)
            better = running[g] & (accuracy > best_accuracy[g])
            best[g, better], best_accuracy[g, better] = weights[better], accuracy[better]
            idle = running[g] & ~better
            running[g] &= ~(idle & (fruitless[g] >= TENACITY))
            fruitless[g] += idle
        keep = np.asarray(running[rows].any(axis=1))
        if not keep.any():
            break
        if not keep.all():
            rows = rows[keep]
            state.keep(keep)
    return best


class _Classifiers(Adam):
    """Weights of G × R fits, (K, G, d + 1, R); a step updates all of them in place."""

    def __init__(self, start: np.ndarray, penalties: np.ndarray) -> None:
        self.penalties = penalties[:, None, :]  # (G, 1, R)
        shape = (start.shape[1], len(penalties), start.shape[0], penalties.shape[1])
        super().__init__(np.array(np.broadcast_to(start.T[:, None, :, None], shape)))

    def keep(self, chosen: np.ndarray) -> None:
        """Drop the groups outside `chosen` (G,) bool."""
        self.penalties, self.weights = self.penalties[chosen], self.weights[:, chosen]
        self.mean, self.square = self.mean[:, chosen], self.square[:, chosen]

    def step(self, x: np.ndarray, y: np.ndarray) -> None:
        """One step on `x` (G, B, d + 1) with classes `y` (G, B)."""
        gradient = self.penalties * self.weights  # (K, G, d + 1, R)
        back = x.transpose(0, 2, 1)  # (G, d + 1, B)
        if len(self.weights) == 2:
            # softmax depends on the difference of the two logits alone, and one gradient is minus the other
            logits = x @ (self.weights[1] - self.weights[0])  # (G, B, R)
            one = back @ ((np.tanh(logits / 2) / 2 + (0.5 - y[:, :, None])) / x.shape[1]).astype(np.float32, copy=False)
            gradient[0] -= one
            gradient[1] += one
        else:
            wrong = x @ self.weights  # (K, G, B, R)
            wrong -= wrong.max(axis=0)
            np.exp(wrong, out=wrong)
            wrong /= wrong.sum(axis=0)
            wrong -= (np.arange(len(wrong))[:, None, None] == y)[..., None]
            wrong /= x.shape[1]
            gradient += back @ wrong
        self.update(gradient)


ADAM = Probe("senteval-adam", fit_predict, nested=(1e-5, 1e-4, 1e-3, 1e-2), kfold=(1e-5, 1e-4, 1e-3, 1e-2))
# for SNLI alone: a check after each epoch, 16 of them at most, and next to no penalty (snli.py, validation.py)
SNLI_ADAM = Probe("senteval-adam", partial(fit_predict, epochs_per_check=1, max_epochs=15), nested=(1e-9,), kfold=())
