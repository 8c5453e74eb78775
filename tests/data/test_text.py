"""Forms of evaluation text, held against a published copy of SentEval's files."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from repro.data.readers import read_sick, read_stsb
from repro.data.text import are_tokenised, joined, moses

COPY = "raw.githubusercontent.com/Jun-jie-Huang/WhiteningBERT/d1ef06ae00ac5c3d869a028dd817a68833870d72"
COPY += "/examples/datasets/stsbenchmark"
RAW = "raw.githubusercontent.com/PhilipMay/stsb-multi-mt/30de0dec4ee199b7f42351d3f1a0b19592955385/data"


def columns(path: Path) -> list[str]:
    """Both sentences of each line of a copy of SentEval's files."""
    lines = path.read_text(encoding="utf-8").split("\n")[:-1]
    return [sentence for line in lines for sentence in line.split("\t")[5:7]]


@pytest.mark.real
def test_all_2758_test_sentences_of_stsb_are_senteval_s(mirror: Path) -> None:
    with (mirror / RAW / "stsb-en-test.csv").open(encoding="utf-8", newline="") as file:
        found = [moses(sentence).lower() for row in csv.reader(file) for sentence in row[:2]]
    expected = columns(mirror / COPY / "sts-b-test.csv")
    assert len(found) == len(expected) == 2758
    assert [pair for pair in zip(found, expected, strict=True) if pair[0] != pair[1]] == []


@pytest.mark.real
def test_what_stsb_has_of_the_sts_years_gets_the_same_tokens(mirror: Path) -> None:
    """The benchmark is drawn from the years' raw text; the copy has the years in SentEval's form."""
    forms: dict[str, set[str]] = {}
    for path in (mirror / COPY).glob("sts1*-test.csv"):
        for sentence in columns(path):
            forms.setdefault(sentence.replace(" ", ""), set()).add(joined(sentence))
    sentences: set[str] = set()
    for split in ("train", "dev", "test"):
        with (mirror / RAW / f"stsb-en-{split}.csv").open(encoding="utf-8", newline="") as file:
            sentences.update(sentence for row in csv.reader(file) for sentence in row[:2])
    found = [moses(sentence).lower() for sentence in sentences]
    shared = [sentence for sentence in found if sentence.replace(" ", "") in forms]
    assert len(shared) > 12_000
    others = [sentence for sentence in shared if sentence not in forms[sentence.replace(" ", "")]]
    assert others == ["a woman is applying eye shadow ."]  # the year's own file has "eyeshadow"


# outputs of Moses' tokenizer.perl -l en -no-escape, as the script's rules give them without its list of abbreviations
@pytest.mark.parametrize(
    ("sentence", "expected"),
    [
        ("You don't have equipments/facilities to do research in B.",
         "You don 't have equipments / facilities to do research in B ."),
        ("I would look at this: U.S.", "I would look at this : U.S ."),
        ("Syria's U.S. envoy (5,300 men, or so)", "Syria 's U.S. envoy ( 5,300 men , or so )"),
        ("No. 2 maker PepsiCo Inc. (NYSE: PEP)", "No. 2 maker PepsiCo Inc . ( NYSE : PEP )"),
        ("Mr. Weill of Citicorp Inc. were", "Mr . Weill of Citicorp Inc. were"),
        ("and so on...", "and so on ..."),
        ("well-known  &  \"quoted\" ", "well-known & \" quoted \""),
        ("a\ttab and\u00a0more\x07", "a tab and more"),
        ("", ""),
        (".", "."),
        ("...", "..."),
    ],
)  # fmt: skip
def test_moses_tokens(sentence: str, expected: str) -> None:
    assert moses(sentence) == expected


def test_tokens_are_joined_with_one_blank() -> None:
    assert joined("  a  b\tc\u00a0d ") == "a b c d"


@pytest.mark.real
def test_a_file_that_is_tokenised_is_told_from_one_that_is_not(mirror: Path, data: Path) -> None:
    for path in (mirror / COPY).glob("*-test.csv"):
        assert are_tokenised(columns(path)), path.name
    folder = data / "downstream"
    for part in (
        *(read_stsb(path) for path in (folder / "STS/STSBenchmark").glob("sts-*.csv")),
        *(read_sick(path) for path in (folder / "SICK").glob("SICK_*.txt")),
    ):
        sentences = (*part.first, *part.second)
        assert not are_tokenised(sentences)
        assert are_tokenised(map(moses, sentences))
    assert not are_tokenised(["a cat", "no mark at all"])
