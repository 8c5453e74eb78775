"""Data sets through the hub's own library, from a small hub on loopback."""

from __future__ import annotations

import csv
import logging
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import datasets
import pytest

from repro.data import fetch, hub, registry
from repro.data.readers import read_nli, read_triplets
from repro.errors import NotAvailable
from repro.revisions import PUBLIC
from tests.conftest import Connect
from tests.hub.server import Hub, serving

ROWS = {  # labels as both data sets have them: 0 entailment, 1 neutral, 2 contradiction, −1 no agreement
    "SNLI": [("A man  sleeps.", "He rests.", 0), ("A dog.", "A cat.", 2), ("A dog.", "It barks.", -1)],
    "MultiNLI": [("Tab\there", "and a\nnewline", 1)],
}
SECTIONS = {  # a split in several files, as large ones are
    "triplet/train-00000-of-00002.parquet": [("a", "b, c", 'd "e"'), ("f", "g", "h")],
    "triplet/train-00001-of-00002.parquet": [("i", "j\nk", "l")],
    "triplet/validation-00000-of-00001.parquet": [("m", "n", "o")],
    "triplet/test-00000-of-00001.parquet": [("p", "q", "r"), ("s", "t", "u")],
    "pair/train-00000-of-00001.parquet": [("another", "configuration", "")],
}
COUNTS = {"train.csv": 3, "validation.csv": 1, "test.csv": 2}


def parquet(path: Path, names: tuple[str, ...], rows: list[tuple]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    columns = dict(zip(names, map(list, zip(*rows, strict=True)), strict=True))
    datasets.Dataset.from_dict(columns).to_parquet(str(path))


@pytest.fixture(scope="module")
def small_hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    """Serves all four data sets at their pinned revisions."""
    root = tmp_path_factory.mktemp("hub") / "datasets"
    for corpus, (name, file) in hub.NLI_FILES.items():
        parquet(root / name / file, ("premise", "hypothesis", "label"), ROWS[corpus])
    (root / hub.SIMCSE).mkdir(parents=True)
    (root / hub.SIMCSE / "wiki1m_for_simcse.txt").write_bytes(b"one\ntwo\n")
    for file, rows in SECTIONS.items():
        parquet(root / hub.SECTIONS / file, ("anchor", "positive", "negative"), rows)
    with serving(root.parent, {f"datasets/{name}": public.revision for name, public in PUBLIC.items()}) as running:
        yield running


@pytest.fixture
def endpoint(small_hub: Hub) -> Iterator[str]:
    small_hub.log.clear()
    yield small_hub.address
    small_hub.faults.clear()


def small(name: str, counts: dict[str, int], labels: str = "") -> registry.Dataset:
    """The data set with the counts of what the small hub has."""
    item = registry.dataset(name)
    return replace(
        item,
        sources=tuple(replace(source, rows=counts[source.path.name], labels=labels) for source in item.sources),
    )


NLI = small("NLI", {"AllNLI.tsv": 3}, "contradiction:1 entailment:1 neutral:1")
WIKI = small("WIKI", {"wiki1m_for_simcse.txt": 2})
WIKISEC = small("WIKISEC", COUNTS)


def test_labelled_pairs_of_both_become_all_nli(endpoint: str, connect: Connect, tmp_path: Path) -> None:
    connect(endpoint)
    found = read_nli(fetch.fetch(NLI, tmp_path) / "AllNLI.tsv", "train")
    assert found.first == ("A man sleeps.", "A dog.", "Tab here")
    assert found.second == ("He rests.", "A cat.", "and a newline")
    assert found.labels == ("entailment", "contradiction", "neutral")


def test_simcse_s_files_come_from_the_revision_that_public_code_names(
    endpoint: str, connect: Connect, tmp_path: Path
) -> None:
    connect(endpoint)
    assert (fetch.fetch(WIKI, tmp_path) / "wiki1m_for_simcse.txt").read_bytes() == b"one\ntwo\n"


def test_the_sections_have_the_archive_s_columns_and_every_split(
    endpoint: str, connect: Connect, tmp_path: Path
) -> None:
    connect(endpoint)
    folder = fetch.fetch(WIKISEC, tmp_path)
    with (folder / "train.csv").open(encoding="utf-8", newline="") as file:
        assert list(csv.reader(file)) == [
            ["Sentence1", "Sentence2", "Sentence3"],
            ["a", "b, c", 'd "e"'],
            ["f", "g", "h"],
            ["i", "j\nk", "l"],
        ]
    assert read_triplets(folder / "test.csv").sentences == ("p", "s", "q", "t", "r", "u")
    assert {path.name for path in folder.iterdir()} == {*COUNTS, "SHA256SUMS"}


def test_the_cache_is_enough(endpoint: str, connect: Connect, tmp_path: Path) -> None:
    for item in (NLI, WIKI, WIKISEC):
        connect(endpoint)
        assert not hub.cached(item)
        fetch.fetch(item, tmp_path / "one")
        connect("http://hub.invalid")
        assert hub.cached(item)
        again = fetch.fetch(item, tmp_path / "two", offline=True)
        for path in item.files:
            assert (tmp_path / "one" / path).read_bytes() == (again / path.name).read_bytes()


def test_what_was_made_is_held_to_its_checksum(
    endpoint: str, connect: Connect, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    connect(endpoint)
    folder = fetch.fetch(WIKISEC, tmp_path)
    whole = {path.name: path.read_bytes() for path in folder.iterdir()}
    (folder / "mine.txt").write_text("mine")
    (folder / "train.csv").write_bytes(whole["train.csv"].replace(b"f,g,h", b"f,h,g"))
    assert dict(fetch.damages(WIKISEC, tmp_path)) == {WIKISEC.files[0]: "is altered"}
    fetch.fetch(WIKISEC, tmp_path)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == {**whole, "mine.txt": b"mine"}
    assert [record.getMessage() for record in caplog.records] == [f"{folder}: train.csv is altered; fetched again"]


@pytest.mark.parametrize("damage", ["gone", "cut", "folder"])
def test_without_its_checksums_it_is_made_again_and_the_old_files_are_kept_aside(
    damage: str, endpoint: str, connect: Connect, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    connect(endpoint)
    folder = fetch.fetch(WIKI, tmp_path)
    whole = (folder / "SHA256SUMS").read_bytes()
    (folder / "wiki1m_for_simcse.txt").write_text("by\nhand\n")
    (folder / "SHA256SUMS").unlink()
    if damage == "cut":
        (folder / "SHA256SUMS").write_bytes(whole[:30])
    elif damage == "folder":
        (folder / "SHA256SUMS").mkdir()
    fetch.fetch(WIKI, tmp_path)
    assert (folder / "wiki1m_for_simcse.txt").read_text() == "one\ntwo\n"
    assert (folder / "wiki1m_for_simcse.txt.aside-1").read_text() == "by\nhand\n"
    assert (folder / "SHA256SUMS").read_bytes() == whole


def test_altered_data_is_refused_when_it_cannot_be_fetched_again(
    endpoint: str, connect: Connect, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from huggingface_hub import constants

    connect(endpoint)
    folder = fetch.fetch(WIKI, tmp_path)
    (folder / "wiki1m_for_simcse.txt").write_text("one\nthree\n")
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "empty"))
    with pytest.raises(NotAvailable, match=r"simcse.txt is altered; `repro fetch WIKI` .*--offline was given"):
        fetch.fetch(WIKI, tmp_path, offline=True)
    assert (folder / "wiki1m_for_simcse.txt").read_text() == "one\nthree\n"


def test_every_request_names_the_commit_and_nothing_comes_twice(
    small_hub: Hub, endpoint: str, connect: Connect, tmp_path: Path
) -> None:
    connect(endpoint)
    for item in (NLI, WIKI, WIKISEC):
        fetch.fetch(item, tmp_path)
    commits = {public.revision for public in PUBLIC.values()}
    asked = [request for request in small_hub.log if request.path != "/"]
    assert all(any(commit in request.path for commit in commits) for request in asked)
    assert len(set(asked)) == len(asked)


def test_what_was_damaged_in_the_cache_is_downloaded_again(
    endpoint: str, connect: Connect, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    connect(endpoint)
    expected = (fetch.fetch(NLI, tmp_path / "one") / "AllNLI.tsv").read_bytes()
    for blob in (tmp_path / "cache").rglob("blobs/*"):
        blob.write_bytes(blob.read_bytes()[:20])
    with pytest.raises(NotAvailable, match=r"does not have the checksum that the hub gave; `repro fetch` replaces it"):
        fetch.fetch(NLI, tmp_path / "two", offline=True)
    assert (fetch.fetch(NLI, tmp_path / "two") / "AllNLI.tsv").read_bytes() == expected
    assert "stanfordnlp/snli: train-00000-of-00001.parquet had not the hub's checksum; downloaded again" in caplog.text


def test_parquet_that_is_none_is_one_sentence(
    small_hub: Hub, endpoint: str, connect: Connect, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name, file = hub.NLI_FILES["SNLI"]
    repo = f"datasets/{name}"
    (tmp_path / "damaged" / file).parent.mkdir(parents=True)
    (tmp_path / "damaged" / file).write_bytes(b"PAR1 and no more")
    monkeypatch.setitem(small_hub.folders, (repo, small_hub.commits[repo]), tmp_path / "damaged")
    connect(endpoint)
    with pytest.raises(NotAvailable, match=r"the downloaded Parquet files cannot be read .*fetch again") as caught:
        fetch.fetch(NLI, tmp_path / "two")
    assert "\n" not in str(caught.value)
    assert not list((tmp_path / "two").rglob("AllNLI*"))


def test_without_a_hub_it_is_not_available(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING), pytest.raises(NotAvailable, match="the data set stanfordnlp/snli is not on"):
        fetch.fetch(registry.dataset("NLI"), tmp_path, offline=True)
    assert not caplog.records


def test_the_registry_knows_how_many_there_must_be() -> None:
    (nli,) = registry.dataset("NLI").contents
    # labelled training pairs of SNLI and of MultiNLI, as their data set pages give them
    assert nli.rows == 549_367 + 392_702 == sum(int(part.split(":")[1]) for part in nli.labels.split())
    # the triplets, as theirs does
    assert [source.rows for source in registry.dataset("WIKISEC").contents] == [1_779_417, 220_400, 222_957]
