"""Training sets: read from their files, with the mistakes that files have."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest

from repro.data import registry
from repro.errors import NotAvailable, ReproError
from repro.evaluation.suite import Suite
from repro.training import data as sets
from repro.training.data import Examples

HEADER = "split\tdataset\tfilename\tsentence1\tsentence2\tlabel\n"


def test_the_nli_sample_is_the_published_one_byte_for_byte(mirror: Path, fixtures: Path, data: Path) -> None:
    """From five public files; the fixture was made by others from the same ones."""
    built = (data / "nli-sample/AllNLI.tsv").read_bytes()
    assert built == gzip.decompress((fixtures / "AllNLI.sample.tsv.gz").read_bytes())


@pytest.mark.parametrize(
    ("name", "count", "columns", "classes"),
    [
        *[("nli-sample", 36703, 2, 3), ("stsb", 5749, 2, 0)],  # counts: the data's own pages
        ("wiki-sample", 11914, 2, 0),  # whole lines of the public file
        ("wiki-sample-next", 11913, 2, 0),
        ("nli-sample-triplets", 3768, 3, 0),
        # as the tables' notes say
        *[("nli-sample-entailment", 12426, 2, 0), ("nli-sample-neutral", 11987, 2, 0)],
        *[("nli-sample-contradiction", 12290, 2, 0), ("nli-sample-quadruples", 2762, 4, 0)],
    ],
)
def test_real_training_sets(data: Path, name: str, count: int, columns: int, classes: int) -> None:
    found = sets.read(name, data / registry.dataset(sets.SETS[name][0]).folder)
    assert (len(found), len(found.columns), found.classes) == (count, columns, classes)


@pytest.mark.parametrize(("name", "count", "columns"), [("nli", 720, 2), ("stsb", 300, 2), ("wikisec", 120, 3)])
def test_embedded_training_sets(name: str, count: int, columns: int) -> None:
    found = Suite("mini").examples(name)
    assert (len(found), len(found.columns)) == (count, columns)


# what is made of the hypotheses of a premise, which are numbered and named by their label
FROM_NLI = {
    "triplets": [("p", "e1", "c1"), ("p", "e2", "c2")],
    "quadruples": [("p", "e1", "c1", "n1")],
    "entailment": [("p", "e1"), ("p", "e2"), ("q", "e3")],
    "neutral": [("p", "n1"), ("q", "n2")],
    "contradiction": [("p", "c1"), ("p", "c2"), ("p", "c3"), ("r", "c4")],
    "pairs": [tuple(pair.split()) for pair in ("p e1", "p c1", "p e2", "q e3", "p n1", "q n2", "p c2", "p c3", "r c4")],
}


@pytest.mark.parametrize("name", FROM_NLI)
@pytest.mark.parametrize("source", ["nli", "nli-sample"])
def test_hypotheses_of_a_premise_are_taken_in_order_each_once(tmp_path: Path, source: str, name: str) -> None:
    labels = {"e": "entailment", "c": "contradiction", "n": "neutral"}
    lines = [f"train\tSNLI\tx\t{p}\t{h}\t{labels[h[0]]}" for p, h in FROM_NLI["pairs"]]
    (tmp_path / "AllNLI.tsv").write_text(HEADER + "\n".join([*lines, "dev\tSNLI\tx\tq\tc9\tcontradiction"]) + "\n")
    found = sets.read(f"{source}-{name}", tmp_path)
    assert list(zip(*found.columns, strict=True)) == FROM_NLI[name]
    assert found.labels is None


def test_a_sentence_is_paired_with_one_of_those_after_it(tmp_path: Path) -> None:
    sentences = [f"sentence {number}" for number in range(500)]
    (tmp_path / "wiki.txt").write_text("\n".join([*sentences[:250], " ", *sentences[250:]]) + "\n")
    first, second = sets.read("wiki-sample-next", tmp_path).columns
    assert (first, second) == (tuple(sentences[:-1]), tuple(sentences[1:]))
    found = sets.read("wiki-sample-next3", tmp_path)
    ahead = [int(b.split()[1]) - int(a.split()[1]) for a, b in zip(*found.columns, strict=True)]
    assert found.columns[0] == tuple(sentences[:-1])
    counts = np.bincount(ahead, minlength=4)
    assert (counts[0], counts.sum(), len(counts)) == (0, 499, 4)
    # five standard deviations of a binomial count of 499 draws
    assert np.abs(counts[1:] - 499 / 3).max() < 5 * (499 * 2 / 9) ** 0.5
    assert sets.read("wiki-sample-next3", tmp_path).digest() == found.digest()  # drawn once and for all


def test_simcse_s_own_files(tmp_path: Path) -> None:
    wiki, triplets = tmp_path / "wiki", tmp_path / "nli-triplets"
    wiki.mkdir()
    triplets.mkdir()
    (wiki / "wiki1m_for_simcse.txt").write_text("one\n \ntwo\n")
    (wiki / "notes.txt").write_text("somebody's\n")
    (triplets / "nli_for_simcse.csv").write_text('sent0,sent1,hard_neg\n"a, b",c,d\n')
    assert sets.read("wiki", wiki).columns == (("one", "two"), ("one", "two"))  # a positive is the sentence itself
    assert sets.read("simcse-nli", triplets).columns == (("a, b",), ("c",), ("d",))


def test_labels_are_sbert_s_classes_and_gold_scores() -> None:
    nli, stsb = Suite("mini").examples("nli"), Suite("mini").examples("stsb")
    assert nli.labels is not None
    assert stsb.labels is not None
    assert nli.labels.dtype == np.int64
    assert set(nli.labels) == {0, 1, 2}  # contradiction, entailment, neutral, as in basic_training_nli.py @239fc1b7
    assert stsb.labels.dtype == np.float32
    assert (stsb.labels.min(), stsb.labels.max()) == (0, 5)


def test_a_sample_is_drawn_without_repetition_in_order_and_by_seed() -> None:
    whole = Suite("mini").examples("stsb")
    found = whole.sample(50, seed=0)
    pairs = list(zip(*whole.columns, strict=True))
    places = [pairs.index(pair) for pair in zip(*found.columns, strict=True)]
    assert len(found) == 50
    assert len(set(places)) == 50
    assert places == sorted(places)
    assert found.digest() == whole.sample(50, seed=0).digest() != whole.sample(50, seed=1).digest()
    assert whole.sample(10_000, seed=0) is whole


def test_the_digest_sees_texts_and_labels() -> None:
    made = Examples((("a", "b"), ("c", "d")), np.array([0.0, 1.0], np.float32))
    others = [
        Examples((("a", "b"), ("c", "x")), made.labels),
        Examples(made.columns, np.array([0.0, 2.0], np.float32)),
    ]
    assert made.digest() not in {other.digest() for other in others}


@pytest.mark.parametrize(
    ("name", "file", "content", "message"),
    [
        (
            "nli",
            "AllNLI.tsv",
            HEADER + "train\tSNLI\tx\ta\tb\tmaybe\n",
            "line 2 has the label 'maybe', expected one of",
        ),
        ("nli", "AllNLI.tsv", "a\tb\n", "the first line is not AllNLI's header"),
        ("nli", "AllNLI.tsv", HEADER + "dev\tSNLI\tx\ta\tb\tneutral\n", "no pair of the split 'train'"),
        ("nli", "AllNLI.tsv", HEADER + "train\tSNLI\ta\n", "line 2 has 3 columns, expected 6"),
        (
            "stsb",
            "sts-train.csv",
            "g\tf\ty\t1\t5.4\ta\tb\n",
            "line 1 has the gold score '5.4', expected a number from 0 to 5",
        ),
        (
            "stsb",
            "sts-train.csv",
            "g\tf\ty\t1\t-1\ta\tb\n",
            "line 1 has the gold score '-1', expected a number from 0 to 5",
        ),
        ("wikisec", "train.csv", "Sentence1,Sentence2,Sentence3\na,b,\n", "line 2 has an empty Sentence3"),
        ("wikisec", "train.csv", "Sentence1,Sentence2\na,b\n", "has no column 'Sentence3'"),
    ],
)
def test_a_wrong_file_is_named_with_its_line(tmp_path: Path, name: str, file: str, content: str, message: str) -> None:
    (tmp_path / file).write_text(content)
    with pytest.raises(ReproError, match=file) as error:
        sets.read(name, tmp_path)
    assert message in str(error.value)


NLI_PAIR = "train\tSNLI\tx\tp\th\tentailment\n"
# a training set, the content of its file, and how many examples there must be at the least
TOO_FEW = [
    ("stsb", "\n\n", 0, 1),
    ("wiki-sample", "\n", 0, 2),
    ("wiki-sample", "\n \n\t\n", 0, 2),
    ("wiki-sample", "alone\n", 1, 2),
    ("wiki-sample-next", "\n\n", 0, 2),
    ("wiki-sample-next", "alone\n", 0, 2),
    ("wiki-sample-next3", "one\ntwo\n", 1, 2),
    ("nli-entailment", HEADER + NLI_PAIR, 1, 2),
    ("wikisec", "Sentence1,Sentence2,Sentence3\n", 0, 1),
    ("nli-anli", "sent0,sent1,hard_neg\n\n", 0, 1),
    ("qqp", "\n", 0, 2),
    ("paranmt", "a\tb\n", 1, 2),
]


@pytest.mark.parametrize(("name", "content", "count", "least"), TOO_FEW)
def test_a_set_without_examples_or_without_a_negative_is_refused(
    name: str, content: str, count: int, least: int, tmp_path: Path
) -> None:
    _, file, _ = sets.SETS[name]
    (tmp_path / file).write_text(content)
    message = rf"{file} has too few examples to train {name} on \({count}, at least {least}\); put the whole file"
    with pytest.raises(ReproError, match=message):
        sets.read(name, tmp_path)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("nli", HEADER + NLI_PAIR),  # its class is to be told
        ("nli-anli", "sent0,sent1,hard_neg\na,b,c\n"),  # it has its negative
        ("stsb", "g\tf\ty\t1\t5\ta\tb\n"),
    ],
)
def test_one_example_is_enough_where_it_needs_no_other(name: str, content: str, tmp_path: Path) -> None:
    _, file, _ = sets.SETS[name]
    (tmp_path / file).write_text(content)
    assert len(sets.read(name, tmp_path)) == 1


def test_what_is_the_users_to_bring_is_not_available_until_it_is_there(tmp_path: Path) -> None:
    with pytest.raises(NotAvailable, match=r"sentence-transformers/wikipedia-sections is not on this machine and"):
        Suite("paper").examples("wikisec")
