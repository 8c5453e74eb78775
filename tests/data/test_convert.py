"""Converters: SentEval's form of the public files."""

import subprocess
from pathlib import PurePosixPath

import pytest

from repro.data.convert import convert, visible
from repro.data.registry import Source
from repro.errors import ReproError


def source(name: str, form: str) -> Source:
    return Source(PurePosixPath(name), "plain", "all", 0, "", f"https://example.org/{name}", "", form)


def test_high_bytes_become_what_cat_v_shows() -> None:
    every = bytes(range(256))
    shown = subprocess.run(["cat", "-v"], input=every, capture_output=True, check=True).stdout
    assert visible(every) == shown


# Rules of the Penn Treebank's tokenizer.sed: contractions, quotes, punctuation; a tokenised line stays as it is
@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("it's a can't-miss film .", "it 's a can't-miss film ."),
        ("they don't , he'll", "they do n't , he 'll"),
        ('a " new " one', "a `` new `` one"),
        ("good (really) !", "good ( really ) !"),
        ("that 's it , is n't it .", "that 's it , is n't it ."),
        ("caf\xe9", "cafM-i"),
    ],
)
def test_sentiment_lines_become_treebank_tokens(line: str, expected: str) -> None:
    item = source("x", "senteval-lines")
    assert convert((item,), [f"{line}\n".encode("latin-1")]) == {item.path: f"{expected}\n".encode()}


def test_trec_loses_quotes() -> None:
    item = source("t", "trec")
    assert convert((item,), [b"HUM:ind Who said `` it 's me '' ?\n"]) == {item.path: b"HUM:ind Who said  it s me  ?\n"}


def test_mrpc_train_is_train_and_val_under_one_header() -> None:
    items = (source("train.txt", "mrpc"), source("train.txt", "mrpc"))
    parts = [b"\xef\xbb\xbfQuality\t#1\r\n1\ta\r\n", b"\xef\xbb\xbfQuality\t#1\r\n0\tb\r\n"]
    assert convert(items, parts) == {items[0].path: b"Quality\t#1\n1\ta\n0\tb\n"}


def test_an_sts_file_becomes_input_and_gold() -> None:
    item = source("STS.input.x.txt", "sts-columns")
    found = convert((item,), [b"P\tP\tP\tP\t4.400\ta b\tc d\n"])
    assert found == {item.path: b"a b\tc d\n", PurePosixPath("STS.gs.x.txt"): b"4.400\n"}


def test_stsb_gets_sentevals_columns_and_a_quoted_newline_stays_one_pair() -> None:
    item = source("sts-test.csv", "stsb-csv")
    found = convert((item,), [b'"A, b","c\nd",3.5\r\n'])
    assert found == {item.path: b"stsb\tstsb\tstsb\t0001\t3.5\tA, b\tc d\n"}


@pytest.mark.parametrize(
    ("form", "data", "message"),
    [
        ("sts-columns", b"P\tP\n", "line 1 has 2 columns, expected 7"),
        ("sts-columns", b"P\tP\tP\tP\t\ta\tb\n", r"pair 1 has no gold score \(found ''\)"),
        ("stsb-csv", b"a,b\n", "line 1 has 2 columns, expected 3"),
        ("stsb-csv", b"a,b,9\n", "pair 1 has the gold score 9, expected 0 to 5"),
        ("sick-tsv", b"header\n1\ta\n", "pair 1 has 2 columns, expected 5"),
    ],
)
def test_broken_sources_are_named(form: str, data: bytes, message: str) -> None:
    with pytest.raises(ReproError, match=message):
        convert((source("x", form),), [data])


def test_the_cut_end_of_a_file_is_dropped() -> None:
    made = source("wiki.txt", "whole-lines")
    assert convert((made,), [b"one\ntwo\nthr"]) == {made.path: b"one\ntwo\n"}
