"""`repro bench probe`: both classifiers against the procedures that they replace, on real embeddings."""

from __future__ import annotations

import copy
import resource
import warnings
from collections.abc import Iterator

import numpy as np

from repro.bench.common import timed
from repro.encoders import zoo
from repro.encoders.cache import Embedder, EmbeddingCache
from repro.errors import ReproError
from repro.evaluation.suite import Suite
from repro.probes.adam import ADAM, BATCH, EPOCHS_PER_CHECK, MAX_EPOCHS, SEED, TENACITY, WATCHED
from repro.probes.base import Fit
from repro.probes.validation import folds_of
from repro.tables.columns import TRANSFER as TASKS
from repro.tasks import transfer
from repro.tasks.transfer import TRANSFER_TASKS

ENCODER = "all-minilm-l6-v2"


def probe(suite: Suite, count: int | None, repeats: int) -> Iterator[str]:
    """The exact probe on MR and on all seven tasks; senteval-adam on the inner fits of MR's first fold."""
    if count is not None:
        raise ReproError("bench probe works on whole data sets; leave --sentences out")
    embedder = Embedder([zoo.locate(zoo.MINILM)], "auto", "float32", EmbeddingCache())
    loaded = {name: suite.load(name) for name in TASKS}
    sentences = {name: TRANSFER_TASKS[name].sentences(data) for name, data in loaded.items()}
    vectors = {name: embedder.embed(texts)[0].vectors for name, texts in sentences.items()}

    def score(name: str) -> float:
        return TRANSFER_TASKS[name].score(loaded[name], sentences[name], vectors[name], ENCODER).values["accuracy"]

    times: dict[str, float] = {}
    ours = 0.0
    for name in TASKS:
        runs = [timed(lambda: score(name)) for _ in range(repeats)]  # noqa: B023
        times[name], ours = min(seconds for seconds, _ in runs), runs[0][1] if name == "mr" else ours
    each = ", ".join(f"{name} {seconds:.1f}" for name, seconds in times.items())
    yield f"exact, seven tasks of {ENCODER} once encoded: {sum(times.values()):.1f} s ({each})"
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    yield f"peak memory so far, model and embeddings included: {memory:.2f} GB"

    index = {sentence: i for i, sentence in enumerate(sentences["mr"])}
    (part,) = loaded["mr"]
    x = transfer.pair_features(part, index, vectors["mr"])
    y = np.unique(part.labels, return_inverse=True)[1]
    yield from _adam(x, y)
    seconds, (theirs, fits, unconverged) = timed(lambda: scikit_learn_procedure(x, y))
    yield (
        f"exact on MR: {times['mr']:.1f} s, accuracy {ours:.2f}; SentEval's procedure with scikit-learn: "
        f"{seconds:.1f} s for {fits} fits, {unconverged} of them not converged, accuracy {theirs:.2f}; "
        f"{seconds / times['mr']:.1f}×"
    )


def scikit_learn_procedure(x: np.ndarray, y: np.ndarray, folds: int = 10) -> tuple[float, int, int]:
    """(accuracy × 100, fits, those that did not converge) of SentEval's InnerKFoldClassifier with usepytorch off.

    LogisticRegression is called as validation.py@5d6dc11 calls it: C and random_state, all else at its default.
    """
    from sklearn.linear_model import LogisticRegression

    unconverged = fits = 0
    results = []

    def fit(c: float, rows: np.ndarray) -> LogisticRegression:
        nonlocal fits, unconverged
        model = LogisticRegression(C=c, random_state=SEED).fit(x[rows], y[rows])
        fits, unconverged = fits + 1, unconverged + int(model.n_iter_[0] >= model.max_iter)
        return model

    grid = [2.0**t for t in range(-2, 4)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for train, test in folds_of(y, folds):
            scores = []
            for c in grid:
                inner = [fit(c, train[a]).score(x[train[b]], y[train[b]]) for a, b in folds_of(y[train], folds)]
                scores.append(round(100 * float(np.mean(inner)), 2))
            results.append(fit(grid[int(np.argmax(scores))], train).score(x[test], y[test]))
    return 100 * float(np.mean(results)), fits, unconverged


def _adam(x: np.ndarray, y: np.ndarray) -> Iterator[str]:
    train = next(folds_of(y, 10))[0]
    fits = []
    for penalty in ADAM.nested:
        for learn, watch in folds_of(y[train], 10):
            masks = [np.isin(np.arange(len(y)), train[rows]) for rows in (learn, watch)]
            fits.append(Fit(masks[0], penalty, masks[1]))
    ours, labels = timed(lambda: ADAM.fit_predict(x, y, fits))
    theirs, expected = timed(lambda: np.stack([plain_senteval_classifier(x, y, fit)[0] for fit in fits]))
    yield (
        f"senteval-adam, {len(fits)} inner fits of MR: {ours:.1f} s, plain PyTorch {theirs:.1f} s, "
        f"{theirs / ours:.1f}×; {100 * (labels == expected).mean():.3f} % of the labels are the same"
    )


def plain_senteval_classifier(
    features: np.ndarray, labels: np.ndarray, fit: Fit, seed: int = SEED
) -> tuple[np.ndarray, np.ndarray]:
    """(predictions (n,), logits (n, K)) of one fit: the steps of `senteval-adam` one by one, as PyTorch writes them."""
    import torch
    from torch import nn

    rng = np.random.RandomState(seed)
    torch.manual_seed(seed)
    x, y = torch.from_numpy(features), torch.from_numpy(labels)
    model = nn.Linear(features.shape[1], int(labels.max()) + 1)
    optimizer = torch.optim.Adam(model.parameters(), weight_decay=fit.penalty)
    train = np.flatnonzero(fit.train)
    if fit.watch is None:
        order = rng.permutation(len(train))
        cut = int(WATCHED * len(train))
        watch, train = train[order[:cut]], train[order[cut:]]
    else:
        watch = np.flatnonzero(fit.watch)
    best, best_accuracy, fruitless, epoch, stop = model, -1.0, 0, 0, False
    while not stop and epoch <= MAX_EPOCHS:
        for _ in range(EPOCHS_PER_CHECK):
            permutation = rng.permutation(len(train))
            for start in range(0, len(train), BATCH):
                batch = train[permutation[start : start + BATCH]]
                optimizer.zero_grad()
                loss = nn.functional.cross_entropy(model(x[batch]), y[batch])
                loss.backward()  # type: ignore[no-untyped-call]
                optimizer.step()
        epoch += EPOCHS_PER_CHECK
        accuracy = (model(x[watch]).argmax(dim=1) == y[watch]).float().mean().item()
        if accuracy > best_accuracy:
            best, best_accuracy = copy.deepcopy(model), accuracy
        else:
            stop = fruitless >= TENACITY
            fruitless += 1
    logits = best(x).detach().numpy()
    return logits.argmax(axis=1), logits
