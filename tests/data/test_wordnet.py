"""Synonyms, from lines as WordNet 3.0 has them."""

from __future__ import annotations

from pathlib import Path

import pytest

from repro.data import readers, wordnet
from repro.errors import ReproError

# shortened lines of WordNet 3.0: a licence, a noun with a phrase, eleven words by a hexadecimal count, an adjective
LICENCE = "  1 This software and database is being provided to you, the LICENSEE, by  "
CAR = "02958343 06 n 05 car 0 auto 0 automobile 0 machine 6 motor_car 0 001 @ 03791235 n 0000 | a motor vehicle"
MANY = "00000001 03 n 0b " + " ".join(f"word{letter} 0" for letter in "abcdefghijk") + " 000 | eleven"
ASLEEP = "00000002 00 a 02 asleep(p) 0 Sleeping 0 000 | in a state of sleep"


def folder(tmp_path: Path) -> Path:
    for name, lines in zip(wordnet.FILES, ([LICENCE, CAR, MANY], [LICENCE], [ASLEEP], [LICENCE]), strict=True):
        (tmp_path / name).write_text("".join(f"{line}\n" for line in lines))
    return tmp_path


def test_words_of_one_synset_are_each_others_synonyms(tmp_path: Path) -> None:
    found = wordnet.read(folder(tmp_path))
    assert found["car"] == ("auto", "automobile", "machine")  # no phrase
    assert (found["asleep"], found["sleeping"]) == (("sleeping",), ("asleep",))
    assert len(found["worda"]) == 10
    assert "motor_car" not in found


def test_a_word_of_several_synsets_has_the_synonyms_of_all() -> None:
    found = wordnet.synonyms(["car auto", "car gondola", "alone"])
    assert found == {"auto": ("car",), "car": ("auto", "gondola"), "gondola": ("car",)}
    assert wordnet.digest(found) != wordnet.digest(wordnet.synonyms(["car auto"]))


@pytest.mark.parametrize(
    "line",
    [
        *("no synset", "00000001 03 n 0x worda 0", "00000001 03 n 03 worda 0", "00000001 03 n 00 000 | none"),
        "",
        "entity n 1 1 ~ 1 1 00001740",  # of index.noun
        "car auto 1 2 automobile machine motorcar carriage",
        *("1\tcar\tauto", "02958343,06,n,05,car,0"),
    ],
)
def test_what_is_no_synset_is_named(tmp_path: Path, line: str) -> None:
    (tmp_path / "data.verb").write_text(f"{LICENCE}\n{line}\n")
    with pytest.raises(ReproError, match=r"data\.verb: line 2 is no synset"):
        readers.read_synsets(tmp_path / "data.verb")
