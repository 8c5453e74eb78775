"""What a probe is: a classifier on frozen features, fitted on many folds and penalties in one call."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from repro.errors import ReproError


@dataclass(frozen=True)
class Fit:
    """One fit: the items that it learns from, its penalty, and the items whose accuracy may tell it when to stop.

    `penalty` is C, the inverse strength of the L2 penalty, for `exact`, and the weight decay for `senteval-adam`.
    `watch` None means that a twentieth of the training items is set aside (SentEval's validation_split); `exact` stops
    at the optimum and does not look at it.
    """

    train: np.ndarray  # (n,) bool
    penalty: float
    watch: np.ndarray | None = None  # (n,) bool


FitPredict = Callable[[np.ndarray, np.ndarray, Sequence[Fit]], np.ndarray]


@dataclass(frozen=True)
class Probe:
    """A classifier, and the penalties that SentEval tries with it, in that order.

    `fit_predict(features (n, d), labels (n,), fits)` gives the predicted label of every item under each of P fits,
    (P, n).
    """

    name: str
    fit_predict: FitPredict
    nested: tuple[float, ...]  # penalties of nested cross-validation and of the fixed split
    kfold: tuple[float, ...]  # penalties of cross-validation on the training set


def coded(features: np.ndarray, labels: np.ndarray, fits: Sequence[Fit]) -> tuple[np.ndarray, np.ndarray]:
    """The K classes (K,) of the labels (n,), sorted, and the position of each item's class among them (n,).

    Raises ReproError for features that are not finite, a single class, and a fit that does not see every class.
    """
    finite = np.isfinite(features).all(axis=1)
    if not finite.all():
        raise ReproError(f"the features of item {int(finite.argmin())} are not finite")
    classes, codes = np.unique(labels, return_inverse=True)
    if len(classes) < 2:
        raise ReproError(f"all {len(labels)} items are of one class; a probe needs two")
    for number, fit in enumerate(fits):
        seen = np.bincount(codes[fit.train], minlength=len(classes))
        if not seen.all():
            classes_seen = np.count_nonzero(seen)
            raise ReproError(f"fit {number} learns from {classes_seen} of {len(classes)} classes; it needs all of them")
    return classes, codes
