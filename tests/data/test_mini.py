"""The embedded data set: sizes, contract, balance, no duplicates, and hard enough for word overlap."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from repro.data import fetch, readers, registry
from repro.data.convert import NLI_HEADER
from repro.data.pairs import Pairs
from repro.encoders import zoo
from repro.evaluation.suite import Suite
from repro.metrics.correlation import spearman
from repro.tasks import sts

MINI = registry.HERE / "mini"
STS = ("sts12", "sts13", "sts14", "sts15", "sts16", "stsb-dev", "stsb", "sickr", "sickr-all")


@pytest.mark.parametrize("name", registry.datasets("mini"))
def test_every_file_holds_its_contract(name: str) -> None:
    item = registry.dataset(name, "mini")
    fetch.check(item, MINI)
    assert {source.path for source in item.contents} <= set(item.files) == {path for path, _ in item.digests}
    assert dict(fetch.damages(item, MINI)) == {}


def test_every_file_is_registered_and_the_whole_is_small() -> None:
    files = [path for path in MINI.rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) < 400_000
    known = {str(path) for item in registry.datasets("mini").values() for path in item.files} | {
        "README.md",
        "registry.csv",
        "files.csv",
        "pretraining.csv",
    }
    assert {str(path.relative_to(MINI)) for path in files} <= known


def rows(name: str) -> int:
    return sum(source.rows for source in registry.dataset(name, "mini").contents)


@pytest.mark.parametrize(
    ("name", "least"),
    [
        *((f"STS{year}", 60) for year in range(12, 17)),
        *((name, 200) for name in ("MR", "CR", "SUBJ", "MPQA", "SST", "TREC", "MRPC", "WIKISEC", "AFS")),
        ("QNLI", 80),
        ("STSB", 500),
        ("NLI", 900),
    ],
)
def test_sizes(name: str, least: int) -> None:
    assert rows(name) >= least


def test_years_have_two_subsets_and_stsb_its_three_splits() -> None:
    for year in range(12, 17):
        assert len(registry.dataset(f"STS{year}", "mini").sources) >= 2
    assert [source.rows for source in registry.dataset("STSB", "mini").sources] == [300, 100, 100]


def test_labels_are_balanced() -> None:
    for name in ("MR", "CR", "SUBJ", "MPQA"):
        assert set(Counter(Suite("mini").load(name.lower())[0].labels).values()) == {100}
    for path, largest in (("SST/binary/sentiment-train", 0.5), ("TREC/train_5500.label", 0.18)):
        reader = readers.read_sst if "SST" in path else readers.read_trec
        found = reader(MINI / "downstream" / path)
        assert max(Counter(found.labels).values()) <= largest * len(found)
    assert set(Counter(readers.read_nli(MINI / "nli/AllNLI.tsv").labels).values()) == {300}


def all_pairs() -> list[tuple[str, Pairs]]:
    tasks = [*STS[:5], "stsb-dev", "stsb"]
    found = [(task, part) for task in tasks for part in Suite("mini").load(task)]
    train = sts.StsTask("stsb-train", "STSB", ("train",))
    return [*found, ("stsb-train", train.load(MINI, registry.dataset("STSB", "mini"))[0])]


def test_no_pair_occurs_twice_in_sts_and_no_sentence_in_the_transfer_tasks() -> None:
    pairs = [frozenset(pair) for _, part in all_pairs() for pair in zip(part.first, part.second, strict=True)]
    assert len(pairs) == len(set(pairs))
    assert all(len(pair) == 2 for pair in pairs)
    for name in ("MR", "CR", "SUBJ", "MPQA"):
        sentences = Suite("mini").load(name.lower())[0].first
        assert len(sentences) == len(set(sentences))
    nli = readers.read_nli(MINI / "nli/AllNLI.tsv")
    assert len(set(zip(nli.first, nli.second, strict=True))) == 900


def test_scores_use_the_whole_range() -> None:
    gold = np.concatenate([part.gold for _, part in all_pairs()])
    assert (np.histogram(gold, bins=5, range=(0, 5))[0] > 0.08 * len(gold)).all()


def overlap(parts: list[Pairs]) -> np.ndarray:
    """Jaccard overlap of words per pair (n,)."""

    def words(text: str) -> set[str]:
        return set("".join(c if c.isalnum() else " " for c in text.lower()).split())

    sets = [(words(a), words(b)) for part in parts for a, b in zip(part.first, part.second, strict=True)]
    return np.array([len(a & b) / max(1, len(a | b)) for a, b in sets])


@pytest.mark.real
def test_an_encoder_does_well_and_word_overlap_much_worse(minilm: zoo.Group) -> None:
    for task in STS:
        parts = Suite("mini").load(task)
        sentences = sts.STS_TASKS[task].sentences(parts)
        found = (
            sts.STS_TASKS[task]
            .score(parts, sentences, minilm.encode(sentences)[0].vectors, task)
            .values["spearman-all"]
        )
        by_overlap = 100 * spearman(overlap(parts), np.concatenate([part.gold for part in parts]))
        assert 50 < found < 95, task
        assert by_overlap < found - 10, task


@pytest.mark.parametrize(
    ("reader", "content", "message"),
    [
        (readers.read_trec, "no label here\n", r"line 1 is not `CLASS:subclass question`"),
        (readers.read_sst, "no tab\n", r"line 1 has 1 columns, expected 2"),
        (readers.read_mrpc, "h\n1\t2\t3\tonly one\n", r"line 2 has 4 columns, expected 5"),
        (
            readers.read_nli,
            f"{NLI_HEADER}\na\tb\tc\td\te\tmaybe\n",
            r"line 2 has the label 'maybe', expected one of contradiction",
        ),
        (readers.read_triplets, "Sentence1,Sentence2\na,b\n", r"has no column 'Sentence3'"),
        (readers.read_triplets, "Sentence1,Sentence2,Sentence3\na,,c\n", r"line 2 has an empty Sentence2"),
        (readers.read_facets, "sentence_1,sentence_2\na,b\n", r"has no column 'regression_label'"),
        (
            readers.read_facets,
            "regression_label,sentence_1,sentence_2\n7,a,b\n",
            r"line 2 has the gold score '7'",
        ),
    ],
)
def test_a_users_file_with_something_missing_is_one_sentence(
    reader: object, content: str, message: str, tmp_path: Path
) -> None:
    path = tmp_path / "file"
    path.write_text(content)
    with pytest.raises(Exception, match=message) as caught:
        reader(path)  # type: ignore[operator]
    assert type(caught.value).__name__ == "ReproError"
    assert "\n" not in str(caught.value)


def test_latin_1_and_nel_stay_inside_a_sentence(tmp_path: Path) -> None:
    path = tmp_path / "rt-polarity.pos"
    path.write_bytes(b"caf\xe9 one\x85two\nthree\n")
    assert readers.read_sentences(path, "1").first == ("caf\u00e9 one\u0085two", "three")
