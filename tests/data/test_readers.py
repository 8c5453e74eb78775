"""Readers of SentEval's layout: what they accept, and the sentence for what they do not."""

from pathlib import Path

import numpy as np
import pytest

from repro.data import readers
from repro.errors import ReproError


def subset(folder: Path, inputs: str, gold: str) -> readers.Pairs:
    (folder / "STS.input.x.txt").write_text(inputs, encoding="utf-8")
    (folder / "STS.gs.x.txt").write_text(gold, encoding="utf-8")
    return readers.read_sts_subset(folder, "x")


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
        ("a\tb\n", "good\n", r"STS.gs.x.txt: .*'good'"),
        ("a\tb\n", "7\n", r"pair 1 has the gold score 7, expected 0 to 5"),
        ("a\tb\n", "nan\n", r"no pair has a gold score"),
        ("", "1\n", r"STS.input.x.txt is empty"),
    ],
)
def test_bad_files_are_named(tmp_path: Path, inputs: str, gold: str, message: str) -> None:
    with pytest.raises(ReproError, match=message):
        subset(tmp_path, inputs, gold)


def test_missing_and_undecodable_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(ReproError, match=r"STS.input.x.txt is missing"):
        readers.read_sts_subset(tmp_path, "x")
    (tmp_path / "sts-test.csv").write_bytes(b"g\tf\ty\t1\t2\tcaf\xe9\tb\n")
    with pytest.raises(ReproError, match=r"sts-test.csv: byte 13 is not utf-8"):
        readers.read_stsb(tmp_path, "test")


def test_digest_follows_content_and_not_layout(tmp_path: Path) -> None:
    one = subset(tmp_path, "a\tb\n", "1.0\n")
    same = subset(tmp_path, "a\tb\r\n", "1\n")
    other = subset(tmp_path, "a\tb\n", "2\n")
    assert readers.digest([one]) == readers.digest([same]) != readers.digest([other])


def test_sick_has_relatedness_and_judgement(tmp_path: Path) -> None:
    (tmp_path / "SICK_train.txt").write_text("pair_ID\tA\tB\tscore\tjudgment\n1\tx\ty\t3.4\tNEUTRAL\n")
    found = readers.read_sick(tmp_path, "train")
    assert found.labels == ("NEUTRAL",)
    np.testing.assert_array_equal(found.gold, [3.4])
