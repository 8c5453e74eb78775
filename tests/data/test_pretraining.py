"""Text for pretraining: no sentence of an evaluated set is in it, and the list says what is."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from repro.data import pretraining, registry
from repro.data.pretraining import Part
from repro.errors import ReproError
from repro.evaluation.suite import Suite

STS = ("sts12", "sts13", "sts14", "sts15", "sts16", "stsb-all", "stsb-all-senteval", "sickr-all")
WITH_TEST_SET = ("sst", "trec", "mrpc")
SCORED = (*STS, "mr", "cr", "subj", "mpqa", *WITH_TEST_SET)
MINI = registry.HERE / "mini"


@pytest.fixture(scope="module")
def text(data: Path) -> list[str]:
    return pretraining.text(data)


def in_words(sentence: str) -> str:
    """Words without case and marks, by another way than the module's."""
    return "".join(filter(str.isalnum, sentence.lower().replace("ß", "ss")))


@pytest.mark.real
def test_no_sentence_of_an_sts_or_transfer_test_set_is_in_the_text(text: list[str], data: Path) -> None:
    """Read as the tasks read what they score; of what they fit a classifier on only where folds test that too."""
    words = {in_words(sentence) for sentence in text}
    suite = Suite(own=data)
    for name in SCORED:
        parts = [part for part in suite.load(name) if name not in WITH_TEST_SET or part.name != "train"]
        assert parts
        for part in parts:
            assert [sentence for sentence in part.sentences if in_words(sentence) in words] == [], (name, part.name)


@pytest.mark.real
def test_the_text_is_what_the_list_says(text: list[str]) -> None:
    assert len(text) == sum(part.kept for part in pretraining.parts()) == len(set(map(pretraining.key, text)))
    assert "" not in map(pretraining.key, text)


def test_the_embedded_text_is_what_its_list_says() -> None:
    text = pretraining.text(MINI, "mini")
    assert len(text) == sum(part.kept for part in pretraining.parts("mini"))
    seen = {pretraining.key(sentence) for sentence in pretraining.evaluated(MINI, "mini")}
    assert not seen & set(map(pretraining.key, text))


@pytest.mark.parametrize("suite", ["paper", "mini"])
def test_parts_are_splits_that_the_registry_has(suite: str) -> None:
    for part in pretraining.parts(suite):
        sources = registry.datasets(suite)[part.dataset].contents
        assert part.part in {source.split for source in sources} or sources[0].reader == "nli"
        assert 0 < part.kept <= part.sentences
    needed = {item.name for item in pretraining.needed(suite)}
    assert {"STS12", "SICK", "MR", "SST"} <= needed


def test_a_sentence_is_known_whatever_its_case_tokens_and_marks() -> None:
    raw, moses = "A man's dog isn't here!", "a man 's dog is n't here !"
    assert pretraining.key(raw) == pretraining.key(moses) == "amansdogisnthere"
    assert pretraining.key("Straße 7") == "strasse7"
    assert pretraining.key("A man's dogs aren't here!") != pretraining.key(raw)


def test_a_part_has_no_sentence_twice_and_none_that_was_seen(tmp_path: Path) -> None:
    source = registry.datasets("mini")["TREC"].contents[0]
    path = tmp_path / source.path
    path.parent.mkdir(parents=True)
    path.write_text("DESC:def What is it ?\nDESC:def What is it?\nNUM:count How many ?\nHUM:ind Who ?\n")
    seen = {"howmany"}
    part, kept = pretraining.measure(Part("TREC", "train", 0, 0, ""), tmp_path, seen, "mini")
    assert (part.sentences, part.kept, kept) == (3, 2, ["What is it ?", "Who ?"])
    assert seen == {"whatisit", "howmany", "who"}


def test_other_data_than_the_list_counts_are_refused(tmp_path: Path) -> None:
    shutil.copytree(MINI, tmp_path / "own")
    path = tmp_path / "own/downstream/TREC/train_5500.label"
    path.write_bytes(path.read_bytes().replace(b"What", b"Whatever", 1))
    with pytest.raises(ReproError, match=r"TREC, train: .* expected .* of 139"):
        pretraining.text(tmp_path / "own", "mini")
