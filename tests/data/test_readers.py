"""Readers of SentEval's layout: what they accept, the sentence for what they do not, and their container."""

import hashlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from repro.data import readers, registry
from repro.data.convert import NLI_HEADER
from repro.data.pairs import Pairs, digest, joined
from repro.errors import ReproError


def subset(folder: Path, inputs: str, gold: str) -> Pairs:
    (folder / "STS.input.x.txt").write_text(inputs, encoding="utf-8")
    (folder / "STS.gs.x.txt").write_text(gold, encoding="utf-8")
    return readers.read_sts(folder / "STS.input.x.txt")


def test_unscored_pairs_are_dropped_as_senteval_does(tmp_path: Path) -> None:
    found = subset(tmp_path, "a\tb\nc\td\ne\tf\n", "1.5\n\n4\n")
    assert (found.first, found.second, found.gold.tolist()) == (("a", "e"), ("b", "f"), [1.5, 4.0])


def test_only_newline_ends_a_line(tmp_path: Path) -> None:
    # NEL (U+0085), line separator (U+2028) and form feed occur inside sentences
    found = subset(tmp_path, "a\u0085b\tc\u2028d\ne\x0cf\tg\r\n", "1\n2\r\n")
    assert found.first == ("a\u0085b", "e\x0cf")
    assert found.second == ("c\u2028d", "g")


@pytest.mark.parametrize(
    ("inputs", "gold", "message"),
    [
        ("a\tb\nc\n", "1\n2\n", r"STS.input.x.txt: line 2 has 1 columns, expected 2"),
        ("a\tb\n", "1\n2\n", r"has 1 pairs but STS.gs.x.txt has 2 scores"),
        ("a\tb\nc\td\n", "3\ngood\n", r"STS.gs.x.txt: line 2 has the gold score 'good', expected a number from 0 to 5"),
        *(
            ("a\tb\n", f"{value}\n", rf"line 1 has the gold score '{value}', expected a number from 0 to 5")
            for value in ("7", "-0.1", "nan", "inf", "0_1", "1 2")
        ),
        ("a\tb\n", "\n", r"STS.gs.x.txt: no pair has a gold score"),
        ("", "1\n", r"STS.input.x.txt is empty"),
    ],
)
def test_bad_files_are_named(tmp_path: Path, inputs: str, gold: str, message: str) -> None:
    with pytest.raises(ReproError, match=message):
        subset(tmp_path, inputs, gold)


def test_a_byte_order_mark_changes_nothing(tmp_path: Path) -> None:
    plain = subset(tmp_path, "a\tb\n", "1.0\n")
    marked = subset(tmp_path, "\ufeffa\tb\n", "\ufeff1.0\n")
    assert marked.first == ("a",)
    assert digest([marked]) == digest([plain])


@pytest.mark.parametrize("name", ["sts-dev.csv", "SICK_trial.txt"])
def test_a_byte_order_mark_changes_no_other_set_either(name: str, tmp_path: Path) -> None:
    digests = []
    for mark in ("", "\ufeff"):
        lines = "h\n1\ta\tb\t3\tN\n" if "SICK" in name else "g\tf\ty\t1\t2\ta\tb\n"
        (tmp_path / name).write_text(mark + lines, encoding="utf-8")
        parts = (
            readers.read_sick(tmp_path / "SICK_trial.txt")
            if "SICK" in name
            else readers.read_stsb(tmp_path / "sts-dev.csv")
        )
        digests.append(digest([parts]))
    assert digests[0] == digests[1]


@pytest.mark.parametrize(
    ("name", "line", "message"),
    [
        (
            "sts-dev.csv",
            "g\tf\ty\t1\t\ta\tb\n",
            "sts-dev.csv: line 2 has the gold score '', expected a number from 0 to 5",
        ),
        ("sts-dev.csv", "g\tf\ty\t1\t5.1\ta\tb\n", "line 2 has the gold score '5.1'"),
        (
            "SICK_trial.txt",
            "1\ta\tb\t0.9\tNEUTRAL\n",
            "SICK_trial.txt: line 3 has the gold score '0.9', .* from 1 to 5",
        ),
        ("SICK_trial.txt", "1\ta\tb\tnan\tNEUTRAL\n", "line 3 has the gold score 'nan'"),
    ],
)
def test_scores_out_of_range_are_named(name: str, line: str, message: str, tmp_path: Path) -> None:
    good = "h\n1\ta\tb\t3\tN\n" if "SICK" in name else "g\tf\ty\t1\t2\ta\tb\n"
    (tmp_path / name).write_text(good + line)
    with pytest.raises(ReproError, match=message):
        readers.read_sick(tmp_path / "SICK_trial.txt") if "SICK" in name else readers.read_stsb(
            tmp_path / "sts-dev.csv"
        )


def test_missing_and_undecodable_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(ReproError, match=r"STS.input.x.txt is missing"):
        readers.read_sts(tmp_path / "STS.input.x.txt")
    (tmp_path / "sts-test.csv").write_bytes(b"g\tf\ty\t1\t2\tcaf\xe9\tb\n")
    with pytest.raises(ReproError, match=r"sts-test.csv: byte 13 is not utf-8"):
        readers.read_stsb(tmp_path / "sts-test.csv")


def test_digest_follows_content_and_not_layout(tmp_path: Path) -> None:
    one = subset(tmp_path, "a\tb\n", "1.0\n")
    same = subset(tmp_path, "a\tb\r\n", "1\n")
    other = subset(tmp_path, "a\tb\n", "2\n")
    assert digest([one]) == digest([same]) != digest([other])


def test_sick_has_relatedness_and_judgement(tmp_path: Path) -> None:
    (tmp_path / "SICK_train.txt").write_text("pair_ID\tA\tB\tscore\tjudgment\n1\tx\ty\t3.4\tNEUTRAL\n")
    found = readers.read_sick(tmp_path / "SICK_train.txt")
    assert found.labels == ("NEUTRAL",)
    np.testing.assert_array_equal(found.gold, [3.4])


@pytest.mark.parametrize("suite", ["paper", "mini"])
def test_the_registry_names_a_reader_and_a_split_of_each_file(suite: str) -> None:
    used = {source.reader for item in registry.datasets(suite).values() for source in item.contents}
    assert used <= set(readers.READERS)
    assert suite == "mini" or used == set(readers.READERS)
    for item in registry.datasets(suite).values():
        splits = [source.split for source in item.contents]
        assert all(splits)
        assert len(set(splits)) in (1, len(splits)), item.name  # one file a split, or all files one
        if "train" in splits and "test" in splits:
            assert splits.index("train") < splits.index("test")


def test_pairs_are_taken_cut_and_joined() -> None:
    pairs = Pairs("x", ("a", "b", "c"), ("d", "e", "f"), np.array([1.0, 2, 3]), ("p", "q", "r"))
    taken = pairs.take([2, 0])
    assert (taken.first, taken.second, taken.gold.tolist(), taken.labels, taken.third) == (
        *(("c", "a"), ("f", "d"), [3.0, 1.0]),
        *(("r", "p"), ()),
    )
    assert pairs.cut(None) is pairs
    assert (len(pairs.cut(2)), len(pairs.cut(9)), pairs.cut(1).sentences) == (2, 3, ("a", "d"))
    both = joined("y", [pairs, taken])
    assert (both.name, both.first, both.gold.tolist()) == ("y", ("a", "b", "c", "c", "a"), [1, 2, 3, 3, 1])
    single = joined("z", [Pairs("s", ("a",), labels=("0",)), Pairs("t", ("b",), labels=("1",))])
    assert (single.second, single.labels, len(single.gold)) == ((), ("0", "1"), 0)


def test_the_digest_of_each_kind_is_of_its_own_columns() -> None:
    one = ("a", "b"), ("c", "d")
    kinds = [
        Pairs("x", *one, np.array([1.0, 2.5])),
        Pairs("x", *one, labels=("0", "1")),
        Pairs("x", one[0], labels=("0", "1")),
        Pairs("x", *one, third=("e", "f")),
    ]
    texts = ["x\na\tc\t1\nb\td\t2.5\n", "x\n0\ta\tc\n1\tb\td\n", "x\n0\ta\t\n1\tb\t\n", "a\tc\te\nb\td\tf\n"]
    assert [digest([pairs]) for pairs in kinds] == [hashlib.sha256(text.encode()).hexdigest() for text in texts]


QUORA = "id\tqid1\tqid2\tquestion1\tquestion2\tis_duplicate\n0\t1\t2\ta\tb\t1\n"
HEADER = "Quality\t#1 ID\t#2 ID\t#1 String\t#2 String\n"
TOPICS = "topic,sentence_1,sentence_2,regression_label\n"
FACETS = "regression_label,sentence_1,sentence_2\n"


@pytest.mark.parametrize(
    ("reader", "content", "message"),
    [
        *(
            (readers.read_sst, f"good\t1\nbad\t{label}\n", rf"line 2 has the label '{label}', expected one of 0, 1")
            for label in ("2", "-1", "0.5", "", "positive", "01")
        ),
        *(
            (readers.read_mrpc, f"{HEADER}1\ta\tb\tc\td\n{label}\ta\tb\tc\td\n", rf"line 3 has the label '{label}'")
            for label in ("2", "", "01", "yes")
        ),
        (readers.read_trec, "HUM:ind Who ?\nTIME:date When ?\n", r"line 2 has the label 'TIME', .* ABBR, DESC, ENTY"),
        (readers.read_trec, "HUM:ind Who ?\nhum:ind Who ?\n", r"line 2 has the label 'hum'"),
        (readers.read_nli, f"{NLI_HEADER}\na\tb\tc\td\te\t-\n", r"line 2 has the label '-', expected one of contrad"),
        (readers.read_facets, f"{FACETS}3,a,b\n7,a,b\n", r"line 3 has the gold score '7', .* from 0 to 5"),
        (readers.read_facets, f"{FACETS}nan,a,b\n", r"line 2 has the gold score 'nan'"),
        (readers.read_bws, f"{TOPICS}t,a,b,1.5\n", r"line 2 has the gold score '1.5', expected a number from 0 to 1"),
        (readers.read_bws, f'{TOPICS}t,"a\nb",c,inf\n', r"line 3 has the gold score 'inf'"),
        (readers.read_text_pairs, QUORA, r"line 1 has 6 columns, expected 2 separated by tabs"),
        (readers.read_text_pairs, "a\tb\nc\td\t0.9\n", r"line 2 has 3 columns, expected 2 separated by tabs"),
        (readers.read_text_pairs, "a\tb\n\nc\td\n", r"line 2 has 1 columns, expected 2 separated by tabs"),
        *(
            (readers.read_text_pairs, f"a\tb\n{line}\n", r"line 2 has an empty text; leave out the pair")
            for line in ("a\t", "\tb", " \tb", "\t")
        ),
        (readers.read_triplets, "Sentence1,Sentence2,Sentence3\na,,c\n", r"line 2 has an empty Sentence2"),
        (readers.read_triplets, "Sentence1,Sentence2,Sentence3\na,b\n", r"line 2 has an empty Sentence3"),
        (readers.read_triplets, "Sentence1,Sentence2,Sentence3\na,b,c,d\n", r"line 2 has more cells than the header"),
        (readers.read_triplets, f"Sentence1,Sentence2,Sentence3\na,b,{'c' * 200_000}\n", r"line 2 is not comma-sep"),
        (readers.read_triplets, "Sentence1,Sentence2,Sentence3\na\rb,c,d\n", r"line 2 is not comma-separated text"),
    ],
)
def test_a_wrong_label_or_cell_names_file_and_line(
    reader: Callable[[Path], object], content: str, message: str, tmp_path: Path
) -> None:
    path = tmp_path / "own-file"
    path.write_bytes(content.encode())
    with pytest.raises(ReproError, match=rf"own-file:? {message}") as caught:
        reader(path)
    assert "\n" not in str(caught.value)


def test_simcses_cells_without_a_sentence_are_a_blank_as_its_training_reads_them(tmp_path: Path) -> None:
    from datasets import Dataset

    cells = ["", "n/a", "None", "NULL", "nan", "<NA>", "-1.#IND", "none", " ", "N/A .", "a b"]
    rows = [(cell, f"entailed {i}", cells[-1 - i]) for i, cell in enumerate(cells)]
    path = tmp_path / "nli_for_simcse.csv"
    path.write_text("sent0,sent1,hard_neg\n" + "".join(",".join(row) + "\n" for row in rows), encoding="utf-8")
    # what SimCSE's train.py does: the csv reader of Hugging Face's data sets, then " " in place of None (@49fa580)
    theirs = Dataset.from_csv(str(path), cache_dir=str(tmp_path / "cache"))
    columns = [[" " if cell is None else cell for cell in theirs[name]] for name in ("sent0", "sent1", "hard_neg")]
    found = readers.read_simcse_triplets(path)
    assert [found.first, found.second, found.third] == [tuple(column) for column in columns]
    assert readers.without_sentence([found.first, found.second, found.third]) == 16
    assert readers.without_sentence([found.first[-1:], found.third[-1:]]) == 1


def test_objective_sentences_are_class_1() -> None:
    # SentEval subj.py: BinaryClassifierEval("SUBJ", pos=subj.objective, neg=subj.subjective)
    for suite in ("paper", "mini"):
        by_file = {source.path.name: source.reader for source in registry.dataset("SUBJ", suite).contents}
        assert by_file == {"subj.objective": "sentences-of-1", "subj.subjective": "sentences-of-0"}
