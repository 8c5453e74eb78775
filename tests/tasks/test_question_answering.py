"""Questions and sentences: cosines, by vectors and by pairs; the files, and what is wrong in one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from repro.data.pairs import Pairs
from repro.data.readers import read_qnli
from repro.errors import ReproError
from repro.evaluation.suite import Suite
from repro.tasks import TASKS

TASK = TASKS["qnli"]
PAIRS = [Pairs("dev", ("q", "r", "s"), ("a", "b", "c"), labels=("entailment", "not_entailment", "entailment"))]


def test_vectors_and_pair_scorers_come_to_the_same() -> None:
    vectors = np.random.default_rng(0).normal(size=(6, 4)).astype(np.float32)
    sentences = TASK.sentences(PAIRS)
    row = {sentence: vector / np.linalg.norm(vector) for sentence, vector in zip(sentences, vectors, strict=True)}
    cosines = np.array([row[q] @ row[a] for q, a in zip("qrs", "abc", strict=True)])
    expected = 100 * roc_auc_score([1, 0, 1], cosines)
    assert TASK.score(PAIRS, sentences, vectors, "model").values["auc"] == pytest.approx(expected)
    assert TASK.score_pairs(PAIRS, lambda first, second: cosines).values["auc"] == pytest.approx(expected)
    assert TASK.protocol("auc") == {"metric": "auc", "sim": "cos"}


def test_the_target_is_every_split() -> None:
    mini = Suite("mini")
    assert [part.name for part in mini.load("qnli")] == ["dev"]
    assert [part.name for part in mini.load(TASK.target)] == ["train", "dev"]


def test_a_label_that_is_none_of_qnlis_is_named(tmp_path: Path) -> None:
    path = tmp_path / "dev.tsv"
    path.write_text("index\tquestion\tsentence\tlabel\n0\tq\ta\tneutral\n", encoding="utf-8")
    with pytest.raises(ReproError, match=r"dev\.tsv: line 2 has the label 'neutral', expected one of entailment, not_"):
        read_qnli(path)
    path.write_text("index\tquestion\tsentence\tlabel\n", encoding="utf-8")
    with pytest.raises(ReproError, match="has a header and no pairs"):
        read_qnli(path)
