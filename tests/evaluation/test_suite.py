"""Where data comes from: healed or refused, the user's folder never touched, and read without a trace when planning."""

from __future__ import annotations

import errno
import os
import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from repro import checksums
from repro.cli.main import main
from repro.data import registry
from repro.errors import NotAvailable, ReproError
from repro.evaluation.suite import Suite
from repro.training import data as sets


def tree(root: Path) -> dict[str, tuple[int, bytes]]:
    """Every file below a folder, with time and content."""
    return {str(path): (path.stat().st_mtime_ns, path.read_bytes()) for path in root.rglob("*") if path.is_file()}


@pytest.fixture
def home(data: Path, tmp_path: Path) -> Path:
    """A home with STS16 and SICK fetched."""
    for name in ("STS16", "SICK"):
        folder = registry.dataset(name).folder
        shutil.copytree(data / folder, tmp_path / "home/data" / folder)
    return tmp_path / "home"


SCORE = "downstream/STS/STS16-en-test/STS.gs.headlines.txt"


def edit(path: Path) -> None:
    lines = path.read_text().split("\n")
    path.write_text("\n".join(["2.5" if lines[0] != "2.5" else "3.5", *lines[1:]]))


@pytest.mark.real
def test_an_edited_score_is_mended_by_the_next_command_that_needs_it(
    home: Path, mirror: Path, caplog: pytest.LogCaptureFixture
) -> None:
    expected = Suite(mirror=mirror).load("sts16")
    edit(home / "data" / SCORE)
    with pytest.raises(NotAvailable, match=rf"{SCORE} is altered; `repro fetch STS16` replaces it, but not now"):
        Suite(offline=True).load("sts16")
    found = Suite(mirror=mirror).load("sts16")
    assert [part.gold.tolist() for part in found] == [part.gold.tolist() for part in expected]
    assert [record.getMessage() for record in caplog.records] == [
        f"{(home / 'data' / SCORE).parent}: STS.gs.headlines.txt is altered; fetched again"
    ]


@pytest.mark.real
def test_an_edit_that_puts_the_time_back_is_seen_too(home: Path, mirror: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checksums, "YOUNG", -1)
    path = home / "data" / SCORE
    Suite(offline=True).load("sts16")
    times = path.stat()
    edit(path)
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    with pytest.raises(NotAvailable, match="is altered"):
        Suite(offline=True).load("sts16")


@pytest.mark.real
def test_a_read_only_home_with_whole_data_is_read(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    for name in ("mkdir", "replace", "rename", "unlink", "chmod"):
        monkeypatch.setattr(os, name, refuse)
    for name in ("write_text", "write_bytes", "mkdir", "touch"):
        monkeypatch.setattr(Path, name, refuse)
    assert sum(map(len, Suite(offline=True).load("sts16"))) == 1186
    with pytest.raises(NotAvailable, match=r"cannot write there \(Read-only file system\)"):
        Suite(offline=True).load("sts12")


@pytest.mark.real
def test_what_is_missing_costs_its_own_cells_only(home: Path, tmp_path: Path) -> None:
    own = tmp_path / "own"
    shutil.copytree(home / "data", own)
    suite = Suite(own=own)
    before = tree(own)
    with pytest.raises(
        NotAvailable, match=r"own/downstream/STS/STS12-en-test/STS.input.MSRpar.txt is not there; `repro fetch STS12`"
    ):
        suite.load("sts12")
    with pytest.raises(NotAvailable, match=r"stsb|STSB|STSBenchmark"):
        suite.examples("stsb")
    (own / SCORE).unlink()
    with pytest.raises(NotAvailable, match=r"STS\.gs\.headlines\.txt is missing"):
        suite.load("sts16")
    edit(own / "downstream/SICK/SICK_train.txt")  # the user's own: counts alone
    sick = own / "downstream/SICK/SICK_test_annotated.txt"
    sick.write_text(sick.read_text().rsplit("\n", 2)[0] + "\n")
    with pytest.raises(NotAvailable, match=r"SICK_test_annotated\.txt: expected 4927 items, found 4926"):
        suite.load("sickr")
    assert tree(own).keys() == before.keys() - {str(own / SCORE)}


@pytest.mark.real
@pytest.mark.parametrize("make", [os.mkdir, os.mkfifo, lambda path: os.symlink(path, path)])
def test_what_is_no_file_in_a_users_folder_is_one_sentence(make: Callable[[Path], None], home: Path) -> None:
    path = home / "data" / SCORE
    path.unlink()
    make(path)
    with pytest.raises(NotAvailable, match=rf"{path} is not a file"):
        Suite(own=home / "data").load("sts16")


@pytest.mark.real
def test_fetch_never_writes_into_a_users_folder(
    home: Path, mirror: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    own = tmp_path / "own"
    shutil.copytree(home / "data", own)
    (own / SCORE).unlink()
    before = tree(own)
    monkeypatch.setenv("REPRO_DATA", str(own))
    assert main(["fetch", "STS16", "BWS", "--mirror", str(mirror)]) == 0
    assert tree(own) == before
    out = capsys.readouterr().out
    assert f"{own} is yours and stays as it is; data sets go to {home / 'data'}" in out
    assert f"BWS: {home / 'data/argument-bws'}" in out
    assert (home / "data/argument-bws/BWS_corpus.csv").is_file()


@pytest.mark.real
def test_one_data_set_that_cannot_be_had_does_not_keep_others_back(
    mirror: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    own = tmp_path / "mirror"
    shutil.copytree(mirror / "raw.githubusercontent.com/brmson", own / "raw.githubusercontent.com/brmson")
    assert main(["fetch", "STS12", "SICK", "BWS", "--mirror", str(own)]) == 2
    captured = capsys.readouterr()
    assert "STS12: not fetched, " in captured.out
    assert f"SICK: {tmp_path / 'home/data/downstream/SICK'}" in captured.out
    assert captured.err == "repro: 2 data sets were not fetched; the lines above say why\n"


ASKED = {
    "load": ("stsb", "STSB"),
    "examples": ("nli-sample", "NLI-SAMPLE"),
    "corpus": ("wiki-sample", "WIKI-SAMPLE"),
    "fetch_vectors": ("glove.840B.300d.sick.txt", "glove-840b-sick"),
}


@pytest.mark.real
@pytest.mark.parametrize("method", ASKED)
@pytest.mark.parametrize("with_mirror", [False, True])
def test_who_plans_downloads_and_writes_nothing(method: str, with_mirror: bool, mirror: Path, tmp_path: Path) -> None:
    argument, dataset = ASKED[method]
    suite = Suite(mirror=mirror if with_mirror else None).at_rest()
    with pytest.raises(NotAvailable, match=rf"is missing; `repro fetch {dataset}` gets it"):
        getattr(suite, method)(argument)
    assert not suite.present(dataset)
    assert suite.can_fetch(dataset)
    assert not (tmp_path / "home").exists()


@pytest.mark.real
def test_who_plans_reads_what_is_there(home: Path, mirror: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checksums, "YOUNG", -1)
    suite, before = Suite(mirror=mirror).at_rest(), tree(home)
    assert sum(map(len, suite.load("sts16"))) == 1186
    assert suite.present("STS16")
    assert suite.why_missing("STS12").endswith("is missing; `repro fetch STS12` gets it")
    edit(home / "data" / SCORE)
    edited = tree(home)
    assert suite.why_missing("STS16") == f"{home / 'data' / SCORE} is altered; `repro fetch STS16` gets it"
    with pytest.raises(NotAvailable, match="is altered"):
        suite.load("sts16")
    assert tree(home) == edited
    assert edited.keys() == before.keys()


@pytest.mark.parametrize(
    ("suite", "dataset", "expected"),
    [
        (Suite(), "STS12", True),
        (Suite(offline=True), "STS12", False),
        (Suite(mirror=Path("/nowhere")), "STS12", False),
        (Suite(own=Path("/nowhere")), "STS12", False),
        (Suite(own=Path("/nowhere")), "glove-840b-sick", True),  # vectors are looked for in the home too
        (Suite(), "NLI", True),
        (Suite(offline=True), "NLI", False),
        (Suite(), "AFS", False),  # the user's to bring
        (Suite("mini"), "STS12", False),
        (Suite(), "nobody", False),
    ],
)
def test_what_a_run_would_get(suite: Suite, dataset: str, expected: bool) -> None:
    assert suite.can_fetch(dataset) is expected


def test_the_embedded_data_is_held_to_its_checksums(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(registry.HERE / "mini", tmp_path / "mini")
    datasets = registry.datasets("mini")
    monkeypatch.setattr(registry, "HERE", tmp_path)
    monkeypatch.setattr(registry, "datasets", lambda suite: datasets)
    assert len(Suite("mini").load("stsb")[0]) == 100
    edit(tmp_path / "mini/downstream/STS/STSBenchmark/sts-test.csv")
    with pytest.raises(NotAvailable, match=r"sts-test\.csv is altered; install the package again"):
        Suite("mini").load("stsb")


def test_a_home_that_is_a_file_is_not_the_fault_of_the_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("REPRO_HOME", str(tmp_path / "file"))
    with pytest.raises(ReproError, match=r"file is no folder; move it away, or name another place with REPRO_HOME"):
        Suite("mini").load("stsb")


def test_what_a_suite_does_not_have_is_not_available() -> None:
    with pytest.raises(NotAvailable, match="'BWS' is not a data set of the suite 'mini'"):
        Suite("mini").load("bws-topics")
    with pytest.raises(NotAvailable, match=r"AFS has no fixed address: put ArgPairs_GM\.csv"):
        Suite().load("afs-topics")


# what a training reads of a user's own folder, and what is wrong where the folder has the embedded data
SHORT: dict[str, tuple[Callable[[Suite], object], str]] = {
    "graded pairs": (lambda suite: suite.examples("stsb"), "STSB sts-train.csv: expected 5749 items, found 300"),
    "labelled pairs": (lambda suite: suite.examples("nli"), "NLI AllNLI.tsv: expected 942069 items, found 900"),
    "triplets of pairs": (lambda suite: suite.examples("nli-triplets"), "NLI AllNLI.tsv: expected 942069 items, found"),
    "triplets": (lambda suite: suite.examples("wikisec"), "WIKISEC train.csv: expected 1779417 items, found 120"),
    "selection": (lambda suite: suite.dev("wikisec-dev"), "WIKISEC validation.csv: expected 220400 items, found 40"),
    "corpus": (lambda suite: suite.corpus("nli"), "NLI AllNLI.tsv: expected 942069 items, found 900"),
    "sentences": (lambda suite: suite.examples("wiki"), "WIKI wiki1m_for_simcse.txt: expected 1000000 items, found 3"),
    "synonyms": (Suite.synonyms, "WORDNET data.noun: expected 82115 items, found 1"),
}
SYNSET = "02958343 06 n 02 car 0 auto 0 000 | a motor vehicle\n"


def bring(root: Path, dataset: str, content: str) -> None:
    """Files of that content in place of a data set's."""
    for path in registry.dataset(dataset).files:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(content, encoding="utf-8")


@pytest.mark.parametrize("name", SHORT)
def test_what_is_trained_on_must_be_as_many_items_as_are_published(name: str, tmp_path: Path) -> None:
    shutil.copytree(registry.HERE / "mini", tmp_path / "own")
    bring(tmp_path / "own", "WIKI", "one\n\ntwo\n")
    bring(tmp_path / "own", "WORDNET", SYNSET)
    read, message = SHORT[name]
    for suite in (Suite(own=tmp_path / "own"), Suite(own=tmp_path / "own").at_rest()):
        with pytest.raises(NotAvailable, match=f"{message}.*; put the published file in its place"):
            read(suite)


def test_what_the_user_brings_is_held_to_the_counts_too(tmp_path: Path) -> None:
    bring(tmp_path / "home/data", "WORDNET", SYNSET)
    with pytest.raises(NotAvailable, match=r"WORDNET data\.noun: expected 82115 items, found 1"):
        Suite().synonyms()
    for pairs in ("qqp", "flickr30k", "paranmt"):  # of which nobody says how many there are
        bring(tmp_path / "home/data", pairs.upper(), "a\tb\nc\td\n")
        assert Suite().examples(pairs).columns == (("a", "c"), ("b", "d"))


# what a training reads that a user's own folder lacks, and what is said of it
LACKING: dict[str, tuple[Callable[[Suite], object], str]] = {
    "WORDNET": (Suite.synonyms, "wordnet/data.noun is not there; put data.noun in its place (Fellbaum 1998: WordNet"),
    "QQP": (lambda suite: suite.examples("qqp"), "qqp/pairs.tsv is not there; put pairs.tsv in its place (Iyer et"),
    "NLI-ANLI": (lambda suite: suite.examples("nli-anli"), "put nli_anli_for_simcse.csv in its place (Nie et al. 2020"),
    "NLI": (lambda suite: suite.corpus("nli"), "nli/AllNLI.tsv is not there; put AllNLI.tsv in its place (Bowman et"),
    "WIKISEC": (lambda suite: suite.dev("wikisec-dev"), "validation.csv is not there; put validation.csv in its place"),
    "STSB": (lambda suite: suite.examples("stsb"), "sts-train.csv is not there; `repro fetch STSB` gets it, or put"),
}


@pytest.mark.parametrize("name", LACKING)
def test_what_a_users_folder_lacks_is_said_with_its_place(name: str, tmp_path: Path) -> None:
    read, message = LACKING[name]
    own = tmp_path / "own"
    own.mkdir()
    with pytest.raises(NotAvailable, match=re.escape(f"{own}/") + ".*" + re.escape(message)):
        read(Suite(own=own))
    why = Suite(own=own).why_missing(name)
    assert why.startswith(f"{own}/")
    assert f"is missing from your own folder; {registry.dataset(name).cure(Path(why.split()[0]))}" in why


@pytest.mark.real
def test_published_training_data_in_a_users_folder_are_read(data: Path, tmp_path: Path) -> None:
    for name in ("STSB", "NLI-SAMPLE", "WIKI-SAMPLE"):
        folder = registry.dataset(name).folder
        shutil.copytree(data / folder, tmp_path / folder)
    wiki = tmp_path / "wiki-sample/wiki.txt"
    wiki.write_bytes(wiki.read_bytes().replace(b"\n", b"\r\n"))
    own = Suite(own=tmp_path)
    for name in ("stsb", "nli-sample", "nli-sample-triplets", "wiki-sample", "wiki-sample-next"):
        published = data / registry.dataset(sets.SETS[name][0]).folder
        assert own.examples(name).digest() == sets.read(name, published).digest()
    assert len(own.corpus("nli-sample").pairs) == 38703


def test_sections_are_selected_on_the_first_thousand_validation_triplets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    item = registry.dataset("WIKISEC")
    short = replace(item, sources=tuple(replace(source, rows=1200) for source in item.sources))
    monkeypatch.setattr(registry, "dataset", lambda name, suite: short)
    folder = tmp_path / item.folder
    folder.mkdir(parents=True)
    rows = "".join(f"a{i},b{i},c{i}\n" for i in range(1200))
    for name in ("train.csv", "validation.csv", "test.csv"):
        (folder / name).write_text(f"Sentence1,Sentence2,Sentence3\n{rows}\n")  # a blank line is no triplet
    (found,) = Suite(own=tmp_path).dev("wikisec-dev")
    assert (len(found), found.first[0], found.second[0], found.third[-1]) == (1000, "a0", "b0", "c999")
