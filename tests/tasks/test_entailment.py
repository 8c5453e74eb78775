"""SICK-E and SNLI: order, labels, text and features as SentEval has them, and what is wrong in their files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from repro.bench.probes import plain_senteval_classifier
from repro.data import readers, registry
from repro.data.pairs import Pairs, digest
from repro.errors import NotAvailable, ReproError
from repro.evaluation.suite import Suite
from repro.probes.adam import ADAM, SNLI_ADAM
from repro.probes.base import Fit
from repro.probes.exact import EXACT
from repro.tasks import TASKS
from repro.tasks.base import Data
from repro.tasks.entailment import ENTAILMENT_TASKS, SICK_CLASSES, SNLI_CLASSES

MINI = Suite("mini")
SNLI = registry.dataset("SNLI", "mini")
Item = tuple[str, str, int]


def items(part: Pairs) -> list[Item]:
    """The pairs, and their labels as numbers."""
    return list(zip(part.first, part.second, map(int, part.labels), strict=True))


def tokens(*sentences: str) -> tuple[int, ...]:
    return tuple(len(sentence.split()) for sentence in sentences)


def test_sicke_is_sorted_and_numbered_as_senteval_does() -> None:
    """sick.py: label2id, then sorted by (length of A, length of B, id); the text is that of SICK-R in this form."""
    files = ("SICK_train.txt", "SICK_trial.txt", "SICK_test_annotated.txt")
    data, texts = MINI.load("sicke"), MINI.load("sickr-all-senteval")
    assert [part.name for part in data] == ["train", "dev", "test"]
    for part, text, file in zip(data, texts, files, strict=True):
        labels = readers.read_sick(MINI.root / "downstream/SICK" / file).labels
        numbers = [{"CONTRADICTION": 0, "NEUTRAL": 1, "ENTAILMENT": 2}[label] for label in labels]
        expected = sorted(
            zip(text.first, text.second, numbers, strict=True),
            key=lambda item: (*tokens(item[0], item[1]), item[2]),
        )
        assert items(part) == expected
    assert any(sentence != sentence.lower() for sentence in data[0].first)  # STS-B is lower-cased, SICK is not


def drawn(data: Data, d: int = 5) -> tuple[list[str], np.ndarray]:
    """The sentences, and vectors (n, d) float32 that mean nothing."""
    sentences = list(dict.fromkeys(sentence for part in data for sentence in part.sentences))
    return sentences, np.random.default_rng(0).normal(size=(len(sentences), d)).astype(np.float32)


def sides(part: Pairs, sentences: Sequence[str], vectors: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    row = dict(zip(sentences, vectors, strict=True))
    u, v = (np.stack([row[sentence] for sentence in side]) for side in (part.first, part.second))
    return u, v


def test_sicke_is_scikit_learns_regression_on_differences_and_products() -> None:
    data = MINI.load("sicke")
    sentences, vectors = drawn(data)
    features = []
    for part in data:
        u, v = sides(part, sentences, vectors)
        features.append(np.hstack([abs(u - v), u * v]).astype(float))
    labels = [[int(label) for label in part.labels] for part in data]
    models = [
        LogisticRegression(C=2.0**power, tol=1e-10, max_iter=10_000).fit(features[0], labels[0])
        for power in range(-2, 4)
    ]
    best = models[int(np.argmax([round(100 * model.score(features[1], labels[1]), 2) for model in models]))]
    found = TASKS["sicke"].score(data, sentences, vectors, "drawn").values
    assert found["accuracy"] == pytest.approx(100 * best.score(features[2], labels[2]))
    assert found["dev-accuracy"] == pytest.approx(100 * best.score(features[1], labels[1]))


def test_snlis_features_are_both_vectors_their_product_and_their_difference() -> None:
    data = MINI.load("snli-adam")
    sentences, vectors = drawn(data, 2)
    task = replace(ENTAILMENT_TASKS["snli-adam"], probe=ADAM)  # the schedule that plain PyTorch has below
    features = []
    for part in data:
        u, v = sides(part, sentences, vectors)
        features.append(np.hstack([u, v, u * v, abs(u - v)]))  # snli.py
    split = np.repeat([0, 1, 2], [len(part) for part in data])
    labels = np.array([int(label) for part in data for label in part.labels])
    accuracies = []
    for penalty in ADAM.nested:
        fit = Fit(split == 0, penalty, split == 1)
        predicted, _ = plain_senteval_classifier(np.concatenate(features), labels, fit)
        accuracies.append([100 * (predicted == labels)[split == place].mean() for place in (1, 2)])
    dev, test = max(accuracies, key=lambda pair: pair[0])
    found = task.score(data, sentences, vectors, "drawn").values
    assert (found["dev-accuracy"], found["accuracy"]) == pytest.approx((dev, test))


def write(root: Path, split: str, first: str, second: str, labels: str) -> Path:
    """The three files of a split, their lines divided by slashes; the first of them."""
    folder = root / "downstream/SNLI"
    folder.mkdir(parents=True, exist_ok=True)
    for side, text in (("s1", first), ("s2", second), ("labels", labels)):
        (folder / f"{side}.{split}").write_text("".join(f"{line}\n" for line in text.split("/")), encoding="utf-8")
    return folder / f"s1.{split}"


def test_snli_is_sorted_by_hypotheses_first_and_by_the_names_of_labels(tmp_path: Path) -> None:
    """snli.py: sorted by (length of s2, length of s1, name), then numbered, which is another order of the classes."""
    write(tmp_path, "train", "a b/a/c/d", "x/x y/x/x", "neutral/entailment/neutral/contradiction")
    for split in ("dev", "test"):
        write(tmp_path, split, "a", "b", "neutral")
    rows = {"s1.train": 4, "s1.dev": 1, "s1.test": 1}
    item = replace(SNLI, sources=tuple(replace(source, rows=rows.get(source.path.name, 0)) for source in SNLI.sources))
    train, *_ = ENTAILMENT_TASKS["snli-adam"].load(tmp_path, item)
    assert items(train) == [("d", "x", 2), ("c", "x", 1), ("a b", "x", 1), ("a", "x y", 0)]


def test_snlis_files_are_latin_1_and_belong_together(tmp_path: Path) -> None:
    path = write(tmp_path, "dev", "a café/b", "x/y", "neutral/entailment")
    found = readers.read_snli(path)
    assert found.first == ("a cafÃ©", "b")
    assert found.labels == ("neutral", "entailment")
    write(tmp_path, "dev", "a/b", "x", "neutral/entailment")
    with pytest.raises(ReproError, match=r"s1\.dev has 2 premises, but beside it are 1 hypotheses and 2 labels"):
        readers.read_snli(path)
    path.with_name("s2.dev").unlink()
    with pytest.raises(ReproError, match=r"s2\.dev is missing; put the published file in its place"):
        readers.read_snli(path)
    write(tmp_path, "dev", "a", "x", "-")
    with pytest.raises(ReproError, match=r"labels\.dev: line 1 has the label '-', expected one of contradiction, ent"):
        readers.read_snli(path)


def test_a_byte_order_mark_changes_nothing_of_snli(tmp_path: Path) -> None:
    texts = "a café/b", "x’s/y", "neutral/entailment"
    plain = readers.read_snli(write(tmp_path, "dev", *texts))
    marked = readers.read_snli(write(tmp_path, "dev", *(f"\ufeff{text}" for text in texts)))
    assert (marked.first, marked.second, marked.labels) == (plain.first, plain.second, plain.labels)
    assert digest([marked]) == digest([plain])


@pytest.mark.parametrize("missing", ["s1.train", "s2.dev", "labels.test"])
def test_every_file_of_snli_is_the_users_to_bring(missing: str, tmp_path: Path) -> None:
    item = registry.dataset("SNLI")
    for path in item.files:
        if path.name != missing:
            (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / path).write_text("a\n", encoding="utf-8")
    why = Suite(own=tmp_path).why_missing("SNLI")
    assert f"SNLI/{missing} is missing from your own folder; put {missing} in its place (Bowman et al. 2015: s1," in why
    assert not Suite().can_fetch("SNLI")
    assert not item.public


def test_a_part_of_snli_is_refused(tmp_path: Path) -> None:
    """The labelled pairs of SNLI 1.0: 549,367, 9,842 and 9,824 (its README; stanfordnlp/snli on the hub)."""
    counts = {source.split: source.rows for source in registry.dataset("SNLI").sources if source.reader == "snli"}
    assert counts == {"train": 549_367, "dev": 9_842, "test": 9_824}
    for split in counts:
        write(tmp_path, split, "a/b", "x/y", "neutral/entailment")
    with pytest.raises(ReproError, match=r"SNLI s1\.train: expected 549367 items, found 2"):
        Suite(own=tmp_path).load("snli-adam")


def test_without_its_files_snli_says_whose_they_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REPRO_HOME", str(tmp_path))
    why = r"downstream/SNLI/s1\.train is missing; it is yours to bring \(Bowman et al\. 2015: s1, s2 and labels of"
    with pytest.raises(NotAvailable, match=why):
        Suite().at_rest().load("snli-adam")


def test_a_judgement_that_is_none_is_named(tmp_path: Path) -> None:
    item = registry.dataset("SICK", "mini")
    for source in item.sources:
        text = (MINI.root / source.path).read_text(encoding="utf-8")
        (tmp_path / source.path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / source.path).write_text(text.replace("ENTAILMENT", "YES"), encoding="utf-8")
    with pytest.raises(ReproError, match="train pairs have the label 'YES', expected one of CONTRADICTION, NEUTRAL, E"):
        TASKS["sicke"].load(tmp_path, item)


def test_signatures_and_penalties() -> None:
    sick = {"metric": "accuracy", "probe": "exact", "cv": "split", "seed": "1111", "text": "senteval"}
    assert TASKS["sicke"].protocol("accuracy") == sick
    assert TASKS["sicke-adam"].protocol("accuracy") == sick | {"probe": "senteval-adam"}
    snli = {"probe": "senteval-adam", "features": "u,v,prod,diff", "penalty": "1e-9"}
    assert TASKS["snli-adam"].protocol("accuracy").items() >= snli.items()
    probes = {name: task.probe for name, task in ENTAILMENT_TASKS.items()}
    assert probes == {"sicke": EXACT, "sicke-adam": ADAM, "snli-adam": SNLI_ADAM}
    assert TASKS["sicke"].source == TASKS["sicke-adam"].source != TASKS["sickr-all-senteval"].source
    assert len(SICK_CLASSES) == len(SNLI_CLASSES) == 3
