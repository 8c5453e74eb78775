"""SentEval's three ways to choose a penalty and test a classifier (tools/validation.py@5d6dc11).

`nested`: k folds, in each of them k folds again that choose the penalty. `kfold`: k folds on the training set choose
it, one fit is tested. `fixed_split`: the dev set chooses it. Among penalties of equal mean accuracy, rounded to a
hundredth of a percent as SentEval does, the first of the grid wins: the strongest regularisation for `exact`, the
weakest for `senteval-adam`. Dev accuracy is the chosen penalty's on what chose it; accuracies are from 0 to 1.

Letters: n items, d features, P fits. Features (n, d), labels (n,), and masks of items (n,) bool, go to all three; each
raises ReproError where a class has too few items for the folds, or the probe cannot be fitted (`probes.base.coded`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from repro.errors import ReproError
from repro.probes.base import Fit, Probe

SEED = 1111  # of both fold makers in validation.py


def nested(probe: Probe, features: np.ndarray, labels: np.ndarray, folds: int) -> tuple[float, np.ndarray]:
    """(dev accuracy, the mean over folds; predicted label (n,) of each item by the fold that did not see it)."""
    outer = list(folds_of(labels, folds))
    within = [list(folds_of(labels[train], folds)) for train, _ in outer]
    inner = [
        Fit(_mask(labels, train[learn]), penalty, _mask(labels, train[watch]))
        for (train, _), splits in zip(outer, within, strict=True)
        for penalty in probe.nested
        for learn, watch in splits
    ]
    accuracy = _watched(inner, labels, probe.fit_predict(features, labels, inner))
    means = accuracy.reshape(folds, len(probe.nested), folds).mean(axis=2)  # (outer fold, penalty)
    chosen = [best(row) for row in means]
    final = [Fit(_mask(labels, train), probe.nested[i]) for (train, _), i in zip(outer, chosen, strict=True)]
    by_fold = probe.fit_predict(features, labels, final)  # (outer fold, n)
    predicted = np.empty_like(labels)
    for (_, test), labels_of_fold in zip(outer, by_fold, strict=True):
        predicted[test] = labels_of_fold[test]
    return float(np.mean([row[i] for row, i in zip(means, chosen, strict=True)])), predicted


def kfold(
    probe: Probe, features: np.ndarray, labels: np.ndarray, train: np.ndarray, folds: int
) -> tuple[float, np.ndarray]:
    """(dev accuracy by cross-validation on the items of `train`; label (n,) that a fit on all of these predicts)."""
    rows = np.flatnonzero(train)
    splits = list(folds_of(labels[rows], folds))
    fits = [
        Fit(_mask(labels, rows[learn]), penalty, _mask(labels, rows[watch]))
        for penalty in probe.kfold
        for learn, watch in splits
    ]
    accuracy = _watched(fits, labels, probe.fit_predict(features, labels, fits))
    means = accuracy.reshape(len(probe.kfold), folds).mean(axis=1)
    chosen = best(means)
    predicted = probe.fit_predict(features, labels, [Fit(train, probe.kfold[chosen])])[0]
    return float(means[chosen]), predicted


def fixed_split(
    probe: Probe, features: np.ndarray, labels: np.ndarray, train: np.ndarray, dev: np.ndarray
) -> tuple[float, np.ndarray]:
    """(dev accuracy; predicted label (n,)). The final fit is watched by the dev set too, so it is the chosen one."""
    fits = [Fit(train, penalty, dev) for penalty in probe.nested]
    predicted = probe.fit_predict(features, labels, fits)
    accuracy = _watched(fits, labels, predicted)
    chosen = best(accuracy)
    return float(accuracy[chosen]), predicted[chosen]


def best(accuracies: np.ndarray) -> int:
    """Position of the highest accuracy, rounded to a hundredth of a percent; the first of those that tie."""
    return int(np.round(100 * accuracies, 2).argmax())


def folds_of(labels: np.ndarray, folds: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """(train, test) positions of SentEval's folds; ReproError when a class has fewer items than there are folds."""
    from sklearn.model_selection import StratifiedKFold  # half a second, which a table of stored cells need not pay

    counts = np.unique(labels, return_counts=True)[1]
    if counts.min() < folds:
        raise ReproError(
            f"the smallest class has {counts.min()} items, too few for {folds} folds; "
            "use the whole data set or a larger --limit"
        )
    splitter = StratifiedKFold(folds, shuffle=True, random_state=SEED)
    return iter(splitter.split(np.zeros(len(labels)), labels))


def _watched(fits: Sequence[Fit], labels: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """Accuracy (P,) of each fit on the items that watch it."""
    return np.array([(row[f.watch] == labels[f.watch]).mean() for f, row in zip(fits, predicted, strict=True)])


def _mask(labels: np.ndarray, rows: np.ndarray) -> np.ndarray:
    mask = np.zeros(len(labels), bool)
    mask[rows] = True
    return mask
