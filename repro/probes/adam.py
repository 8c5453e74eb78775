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

import numpy as np
from threadpoolctl import threadpool_limits

from repro import progress
from repro.probes.base import Fit, Probe, coded

SEED = 1111
BATCH, EPOCHS_PER_CHECK, MAX_EPOCHS, TENACITY, WATCHED = 64, 4, 200, 5, 0.05
RATE, BETA1, BETA2, EPSILON = 1e-3, 0.9, 0.999, 1e-8  # torch.optim.Adam's defaults
GROUPS = 5  # trained side by side: more would not stay in the cache


def fit_predict(features: np.ndarray, labels: np.ndarray, fits: Sequence[Fit], seed: int = SEED) -> np.ndarray:
    """Predicted class of every item under every fit: (P, n), values from `labels`; computed in float32.

    Raises ReproError as `coded` does.
    """
    classes, y = coded(features, labels, fits)
    x = np.empty((len(features), features.shape[1] + 1), np.float32)  # (n, d + 1)
    x[:, :-1], x[:, -1] = features, 1
    y = y.astype(np.float32) if len(classes) == 2 else y  # 0 and 1 enter the gradient as numbers
    predicted = np.empty((len(fits), len(x)), dtype=classes.dtype)

    def run(side_by_side: list[_Group]) -> None:
        weights = _train(x, y, len(classes), side_by_side, seed)  # (G, R, d + 1, K)
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


def initial_weights(inputs: int, classes: int, seed: int) -> np.ndarray:
    """(inputs + 1, classes) float32: what nn.Linear(inputs, classes) holds after torch.manual_seed(seed), bias last."""
    import torch

    generator, bound = torch.Generator().manual_seed(seed), inputs**-0.5
    weight = torch.empty(classes, inputs).uniform_(-bound, bound, generator=generator)
    bias = torch.empty(classes).uniform_(-bound, bound, generator=generator)
    return np.vstack([weight.numpy().T, bias.numpy()])


def _train(x: np.ndarray, y: np.ndarray, classes: int, groups: list[_Group], seed: int) -> np.ndarray:
    """(G, R, d + 1, K) weights of the best check of each fit."""
    penalties = np.array([[penalty for _, penalty in group.fits] for group in groups], np.float32)  # (G, R)
    state = _Adam(initial_weights(x.shape[1] - 1, classes, seed), penalties)
    best = np.zeros((*penalties.shape, x.shape[1], classes), np.float32)
    best_accuracy, fruitless = np.full(penalties.shape, -1.0), np.zeros(penalties.shape, int)
    running = np.ones(penalties.shape, bool)
    rows = np.arange(len(groups))  # of the groups that still run
    rng = groups[0].rng  # all of one size: one order serves them
    for _ in range(0, MAX_EPOCHS + 1, EPOCHS_PER_CHECK):
        trains = np.stack([groups[g].train for g in rows])  # (G, m)
        for _ in range(EPOCHS_PER_CHECK):
            order = trains[:, rng.permutation(trains.shape[1])]
            for start in range(0, order.shape[1], BATCH):
                batch = order[:, start : start + BATCH]  # (G, B)
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


class _Adam:
    """Weights of G × R fits, (K, G, d + 1, R), and their moments; a step updates all of them in place."""

    def __init__(self, start: np.ndarray, penalties: np.ndarray) -> None:
        self.penalties = penalties[:, None, :]  # (G, 1, R)
        shape = (start.shape[1], len(penalties), start.shape[0], penalties.shape[1])
        self.weights = np.array(np.broadcast_to(start.T[:, None, :, None], shape))
        self.mean, self.square = np.zeros_like(self.weights), np.zeros_like(self.weights)
        self.steps = 0

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

    def update(self, gradient: np.ndarray) -> None:
        """Adam (Kingma and Ba 2015, Algorithm 1), `gradient` serving as scratch."""
        self.steps += 1
        scale = np.float32(RATE / (1 - BETA1**self.steps))
        correction = np.float32((1 - BETA2**self.steps) ** -0.5)
        change = gradient - self.mean
        change *= np.float32(1 - BETA1)
        self.mean += change
        gradient *= gradient
        gradient *= np.float32(1 - BETA2)
        self.square *= np.float32(BETA2)
        self.square += gradient
        np.sqrt(self.square, out=change)
        change *= correction
        change += np.float32(EPSILON)
        np.divide(self.mean, change, out=change)
        change *= scale
        self.weights -= change


ADAM = Probe("senteval-adam", fit_predict, nested=(1e-5, 1e-4, 1e-3, 1e-2), kfold=(1e-5, 1e-4, 1e-3, 1e-2))
