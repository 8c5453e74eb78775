"""Transfer tasks: SentEval's procedure written out with scikit-learn, its data rules, metrics, and the errors."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score
from sklearn.model_selection import StratifiedKFold

from repro.data import registry
from repro.data.pairs import Pairs
from repro.encoders import zoo
from repro.errors import ReproError
from repro.evaluation.suite import Suite
from repro.probes import validation
from repro.probes.base import Fit
from repro.probes.exact import EXACT
from repro.tasks import transfer
from repro.tasks.base import Data
from repro.tasks.transfer import TRANSFER_TASKS, TransferScores, TransferTask

DATASETS = ("mr", "cr", "subj", "mpqa", "sst", "trec", "mrpc")


def regression(c: float) -> LogisticRegression:
    return LogisticRegression(C=c, solver="newton-cholesky", tol=1e-10, max_iter=1000)


def folds(y: np.ndarray, k: int) -> list[tuple[np.ndarray, np.ndarray]]:
    return list(StratifiedKFold(k, shuffle=True, random_state=1111).split(np.zeros(len(y)), y))


# SentEval's three procedures (tools/validation.py@5d6dc11), one scikit-learn fit at a time
def nested_loop(x: np.ndarray, y: np.ndarray, k: int) -> tuple[float, float]:
    dev, test = [], []
    for train, held_out in folds(y, k):
        scores = []
        for t in range(-2, 4):
            inner = [
                regression(2.0**t).fit(x[train[a]], y[train[a]]).score(x[train[b]], y[train[b]])
                for a, b in folds(y[train], k)
            ]
            scores.append(round(100 * np.mean(inner), 2))
        best = regression(2.0 ** (int(np.argmax(scores)) - 2)).fit(x[train], y[train])
        dev.append(np.max(scores))
        test.append(100 * best.score(x[held_out], y[held_out]))
    return float(np.mean(dev)), float(np.mean(test))


def kfold_loop(x: np.ndarray, y: np.ndarray, train: np.ndarray, k: int) -> tuple[float, float]:
    scores = []
    xt, yt = x[train], y[train]
    for t in range(-1, 6):
        scores.append(
            round(100 * np.mean([regression(2.0**t).fit(xt[a], yt[a]).score(xt[b], yt[b]) for a, b in folds(yt, k)]), 2)
        )
    best = regression(2.0 ** (int(np.argmax(scores)) - 1)).fit(xt, yt)
    return float(np.max(scores)), 100 * float(best.score(x[~train], y[~train]))


def drawn_vectors(task: TransferTask) -> tuple[Data, list[str], np.ndarray]:
    """Vectors that know something of the label: words hashed to random directions."""
    data = Suite("mini").load(task.name)
    sentences = task.sentences(data)
    words = {word: i for i, word in enumerate(sorted({w for s in sentences for w in s.split()}))}
    directions = np.random.default_rng(5).normal(size=(len(words), 24))
    vectors = np.stack([np.mean([directions[words[w]] for w in s.split()], axis=0) for s in sentences])
    return data, sentences, vectors.astype(np.float32)


@pytest.mark.parametrize("name", ["mr", "trec", "mrpc", "sst"])
def test_scores_equal_the_written_out_procedure(name: str) -> None:
    task = replace(TRANSFER_TASKS[name], fold_count=3)
    data, sentences, vectors = drawn_vectors(task)
    found = task.score(data, sentences, vectors, "hashed").values
    index = {sentence: i for i, sentence in enumerate(sentences)}
    parts = [transfer.pair_features(part, index, vectors).astype(float) for part in data]
    labels = [np.array(part.labels) for part in data]
    if name == "mr":
        dev, test = nested_loop(parts[0], labels[0], 3)
    elif name == "sst":
        scores = [regression(2.0**t).fit(parts[0], labels[0]).score(parts[1], labels[1]) for t in range(-2, 4)]
        dev = 100 * max(scores)
        best = regression(2.0 ** (int(np.argmax(scores)) - 2)).fit(parts[0], labels[0])
        test = 100 * best.score(parts[2], labels[2])
    else:
        train = np.arange(len(labels[0]) + len(labels[1])) < len(labels[0])
        dev, test = kfold_loop(np.vstack(parts), np.concatenate(labels), train, 3)
    assert found["accuracy"] == pytest.approx(test, abs=1e-9)
    assert found["dev-accuracy"] == pytest.approx(dev, abs=0.0051)  # the loop rounds to two decimals


@pytest.mark.real
@pytest.mark.parametrize("name", DATASETS)
def test_labels_of_real_embeddings_equal_newton_cholesky(name: str, data: Path, minilm: zoo.Group) -> None:
    # the first 60 sentences of each file, for time; `make test-slow` takes all of them
    check_sampled_folds(TRANSFER_TASKS[name], data, lambda s: minilm.encode(s)[0].vectors, limit=60)


@pytest.mark.slow
@pytest.mark.real
@pytest.mark.parametrize("name", DATASETS)
def test_labels_of_whole_tasks_equal_newton_cholesky(name: str, data: Path, minilm: zoo.Group) -> None:
    check_sampled_folds(TRANSFER_TASKS[name], data, lambda s: minilm.encode(s)[0].vectors, limit=None)


def check_sampled_folds(
    task: TransferTask, root: Path, encode: Callable[[list[str]], np.ndarray], limit: int | None
) -> None:
    data = task.load(root, registry.dataset(task.dataset), limit)
    sentences = task.sentences(data)
    index = {sentence: i for i, sentence in enumerate(sentences)}
    part = data[0]  # all items, or the training set
    x = transfer.pair_features(part, index, encode(sentences))
    y = np.unique(part.labels, return_inverse=True)[1].astype(np.uint8)
    grid = EXACT.kfold if task.validation == "kfold" else EXACT.nested
    train = np.zeros(len(y), bool)
    train[folds(y, 10 if limit is None else 2)[1][0]] = True
    fits = [Fit(train, c) for c in (grid[0], grid[-1])]
    for fit, found in zip(fits, EXACT.fit_predict(x, y, fits), strict=True):
        oracle = regression(fit.penalty).fit(x[train].astype(float), y[train])
        np.testing.assert_array_equal(found, oracle.predict(x.astype(float)))


# Sizes that the corpora's papers and SentEval's README give
COUNTS = {"mr": 10662, "cr": 3775, "subj": 10000, "mpqa": 10606, "sst": 67349 + 872 + 1821, "trec": 5952, "mrpc": 5801}


@pytest.mark.real
@pytest.mark.parametrize("name", DATASETS)
def test_counts(name: str, data: Path) -> None:
    task, item = TRANSFER_TASKS[name], registry.dataset(TRANSFER_TASKS[name].dataset)
    found = task.load(data, item)
    assert sum(map(len, found)) == COUNTS[name]


def test_items_are_sorted_by_length_and_label_and_ties_keep_the_files_order() -> None:
    positive = Pairs("pos", ("b c d", "a", "e  f"), labels=("1", "1", "1"))
    negative = Pairs("neg", ("x y", "z", "", "v w"), labels=("0", "0", "0", "0"))
    found = transfer.sorted_as_senteval("all", [positive, negative])
    assert found.first == (".", "z", "a", "x y", "v w", "e f", "b c d")
    assert found.labels == ("0", "0", "1", "0", "0", "1", "1")


def subj_as_senteval(folder: Path) -> tuple[list[tuple[list[str], int]], list[np.ndarray]]:
    """SentEval's rule (subj.py, binary.py, tools/validation.py@5d6dc11): sorted items, test items of each fold."""
    items = []
    for name, label in (("objective", 1), ("subjective", 0)):
        lines = (folder / f"downstream/SUBJ/subj.{name}").read_text(encoding="latin-1").split("\n")[:-1]
        items += [(line.split(), label) for line in lines]
    items.sort(key=lambda item: (len(item[0]), item[1]))
    y = np.array([label for _, label in items])
    return items, [test for _, test in folds(y, 10)]


def holds_subj(root: Path, suite: str) -> None:
    task = TRANSFER_TASKS["subj"]
    (part,) = task.load(root, registry.dataset("SUBJ", suite))
    items, expected = subj_as_senteval(root)
    assert [(line.split(), int(label)) for line, label in zip(part.first, part.labels, strict=True)] == items
    found = [test for _, test in validation.folds_of(np.array(part.labels), 10)]
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_array_equal(one, other)


def test_objective_sentences_come_after_subjective_ones_of_their_length() -> None:
    holds_subj(registry.HERE / "mini", "mini")


@pytest.mark.real
def test_subjs_folds_are_sentevals(data: Path) -> None:
    holds_subj(data, "paper")


def test_pairs_are_sorted_by_both_lengths() -> None:
    pairs = Pairs("p", ("a b", "a", "a"), ("c", "c d", "c"), labels=("0", "1", "0"))
    found = transfer.sorted_as_senteval("all", [pairs])
    assert list(zip(found.first, found.second, found.labels, strict=True)) == [
        ("a", "c", "0"),
        ("a", "c d", "1"),
        ("a b", "c", "0"),
    ]


def test_pair_features() -> None:
    vectors = np.array([[1.0, -2.0], [3.0, 0.5]], np.float32)
    found = transfer.pair_features(Pairs("p", ("u",), ("v",), labels=("1",)), {"u": 0, "v": 1}, vectors)
    np.testing.assert_allclose(found, [[2.0, 2.5, 3.0, -1.0]])


# accuracies on the grid → position: the first of those that are equal to a hundredth of a percent
@pytest.mark.parametrize(
    ("accuracies", "expected"),
    [([0.8, 0.9, 0.9], 1), ([0.9, 0.90001, 0.8], 0), ([0.9, 0.9002, 0.8], 1), ([0.5] * 6, 0)],
)
def test_ties(accuracies: list[float], expected: int) -> None:
    assert validation.best(np.array(accuracies)) == expected


def scores(predicted: list[int], gold: list[int]) -> TransferScores:
    n = len(gold)
    return TransferScores(np.array(predicted, np.uint8), np.array(gold, np.uint8), np.full(n, 1 / n), 71.0, f1=True)


def test_accuracy_and_f1() -> None:
    found = scores([1, 1, 0, 0, 1, 0], [1, 0, 0, 1, 1, 0])
    assert found.values["accuracy"] == pytest.approx(400 / 6)
    assert found.values["f1"] == pytest.approx(100 * f1_score(found.gold, found.predicted))
    assert found.values["dev-accuracy"] == 71.0


def test_bootstrap_of_accuracy_has_the_binomial_spread() -> None:
    rng = np.random.default_rng(0)
    gold = rng.integers(0, 2, 1000)
    found = scores(np.where(rng.random(1000) < 0.8, gold, 1 - gold).tolist(), gold.tolist())
    draws = found.draws("accuracy", 2000, 3)
    assert draws is not None
    p = found.values["accuracy"] / 100
    assert draws.std() == pytest.approx(100 * np.sqrt(p * (1 - p) / 1000), rel=0.05)  # closed form; 2,000 draws
    assert found.draws("dev-accuracy", 10, 3) is None


def test_stored_predictions_give_the_scores_again() -> None:
    task = replace(TRANSFER_TASKS["mrpc"], fold_count=3)
    data, sentences, vectors = drawn_vectors(task)
    found = task.score(data, sentences, vectors, "hashed")
    again = task.restore(data, found.items("f1"))
    assert {"dev-accuracy": found.dev, **again.values} == found.values
    assert found.items("dev-accuracy") == ()


@pytest.mark.parametrize("name", ["mr", "mr-adam"])
def test_random_labels_score_at_chance(name: str) -> None:
    rng = np.random.default_rng(2)
    labels = tuple(rng.permutation(["0", "1"] * 500).tolist())
    data = [Pairs("all", tuple(f"s{i}" for i in range(1000)), labels=labels)]
    task = replace(TRANSFER_TASKS[name], fold_count=3)
    found = task.score(data, list(data[0].first), rng.normal(size=(1000, 10)).astype(np.float32), "noise")
    assert abs(found.values["accuracy"] - 50) < 5  # three standard deviations of 1,000 coin tosses


def test_permuted_rows_give_the_same_accuracy() -> None:
    task = TRANSFER_TASKS["sst"]
    data, sentences, vectors = drawn_vectors(task)
    train, *others = data
    other = [train.take(np.random.default_rng(1).permutation(len(train))), *others]
    expected = task.score(data, sentences, vectors, "hashed").values
    assert task.score(other, sentences, vectors, "hashed").values == expected


def write(folder: Path, **files: str) -> Path:
    folder.mkdir(parents=True)
    for name, text in files.items():
        (folder / name.replace("_", ".", 1)).write_text(text)
    return folder


def test_simcses_subj_of_twenty_sentences_is_refused(tmp_path: Path) -> None:
    write(tmp_path / "downstream/SUBJ", subj_subjective="i feel\n" * 10, subj_objective="it is\n" * 10)
    with pytest.raises(ReproError, match=r"SUBJ subj.subjective: expected 5000 items, found 10; this is the truncated"):
        Suite(own=tmp_path).load("subj")


def test_an_empty_file_is_named(tmp_path: Path) -> None:
    write(tmp_path / "downstream/CR", custrev_pos="good\n" * 2407, custrev_neg="")
    with pytest.raises(ReproError, match=r"custrev.neg is empty; get the file again"):
        Suite(own=tmp_path).load("cr")


def made(labels: list[str]) -> tuple[Data, list[str], np.ndarray]:
    sentences = [f"s{i}" for i in range(len(labels))]
    data = [Pairs("all", tuple(sentences), labels=tuple(labels))]
    return data, sentences, np.random.default_rng(0).normal(size=(len(labels), 3)).astype(np.float32)


def test_what_cannot_be_scored_is_one_sentence() -> None:
    task = TRANSFER_TASKS["mr"]
    data, sentences, vectors = made(["0"] * 30 + ["1"] * 7)
    with pytest.raises(ReproError, match="enc, mr: the smallest class has 7 items, too few for 10 folds"):
        task.score(data, sentences, vectors, "enc")
    data, sentences, vectors = made(["0"] * 30)
    with pytest.raises(ReproError, match="enc, mr: all 30 items are of one class; a probe needs two"):
        task.score(data, sentences, vectors, "enc")
    vectors[3] = np.nan
    with pytest.raises(ReproError, match="enc: the vector of 's3' is not finite"):
        task.score(data, sentences, vectors, "enc")


def test_the_signature_keeps_probes_and_metrics_apart() -> None:
    found = {name: TRANSFER_TASKS[name].protocol("accuracy") for name in ("mr", "mr-adam", "trec")}
    assert found["mr"] == {"metric": "accuracy", "probe": "exact", "cv": "nested10", "seed": "1111"}
    assert found["mr-adam"]["probe"] == "senteval-adam"
    assert found["trec"]["cv"] == "kfold10"
