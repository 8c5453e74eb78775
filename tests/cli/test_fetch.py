"""`repro fetch`: weights ahead of a run, a mirror, a lock; what `repro doctor` says of pins and of what has moved."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from repro import revisions
from repro.cli.main import main
from repro.data import registry, sources
from repro.evaluation import downloads
from repro.evaluation.suite import Suite
from tests.conftest import Connect, save_tiny_bert
from tests.hub.server import Fault, Hub, serving

BERT, SBERT = "google-bert/bert-base-uncased", "sentence-transformers/bert-base-nli-mean-tokens"
ROW = "sbert-nli-base"


@pytest.fixture
def hub(tiny_bert: Path, tiny_sbert: Path, tmp_path: Path, connect: Connect) -> Iterator[Hub]:
    """Has two of the papers' models, in small."""
    root = tmp_path / "served/models"
    shutil.copytree(tiny_bert, root / BERT)
    shutil.copytree(tiny_sbert, root / SBERT)
    with serving(root.parent, {BERT: revisions.PUBLIC[BERT].revision}) as running:
        connect(running.address)
        yield running


def test_weights_come_ahead_of_a_run_with_their_size(
    hub: Hub, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Suite, "can_fetch", lambda *_: False)  # the data are another matter
    assert main(["fetch", "--weights", ROW, "bert-base-avg"]) == 0
    out = capsys.readouterr().out
    sizes = dict(re.findall(r"the weights (\S+): (\d+\.\d) MB", out))
    assert set(sizes) == {BERT, SBERT}
    folder = hub.folders[SBERT, hub.commits[SBERT]]
    assert float(sizes[SBERT]) == round(sum(p.stat().st_size for p in folder.rglob("*") if p.is_file()) / 1e6, 1)
    assert out.index("MB to download") < out.index("fetching the weights")
    assert revisions.pins() == {SBERT: hub.commits[SBERT]}
    asked = len(hub.log)
    assert main(["fetch", "--weights", ROW, "--offline"]) == 0
    assert "0.0 MB to download" in capsys.readouterr().out
    assert len(hub.log) == asked
    assert main(["doctor", "--offline", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    state = found["tables"]["sbert-1"][ROW]  # no word of its weights
    assert state.startswith("the data sets STS12, STS13, ")
    assert found["pinned"] == {SBERT: hub.commits[SBERT]}


def test_what_cannot_be_had_keeps_nothing_else_back(
    hub: Hub, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Suite, "can_fetch", lambda *_: False)
    hub.faults[BERT] = Fault(401, {"X-Error-Code": "RepoNotFound"})
    assert main(["fetch", "--weights", "bert-base-avg", ROW]) == 2
    said = capsys.readouterr()
    assert f"not fetched: the weights {BERT} cannot be downloaded: the hub has no such repository" in said.out
    assert said.err == "repro: 1 of them were not fetched; the lines above say why\n"
    assert revisions.pins() == {SBERT: hub.commits[SBERT]}
    hub.faults.clear()
    assert main(["fetch", "--weights", "bert-base-avg", ROW]) == 0


def test_a_main_that_moved_is_announced(
    hub: Hub, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Suite, "can_fetch", lambda *_: False)
    assert main(["fetch", "--weights", ROW]) == 0
    before = hub.commits[SBERT]
    after = hub.add(SBERT, save_tiny_bert(tmp_path / "moved", seed=3))
    line = f"{SBERT}: main is at {after} now; the suite stays at {before}"
    capsys.readouterr()
    assert main(["fetch", "--weights", ROW]) == 0
    assert line in capsys.readouterr().out
    assert main(["doctor", "--ask-hub"]) == 0
    out = capsys.readouterr().out
    assert line in out
    assert "Pinned here at the first download; `repro fetch --lock FILE` shares them" in out
    assert re.search(rf"{SBERT} +{before}", out)


def test_a_lock_has_every_commit(hub: Hub, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "repro.lock"
    revisions.pin(SBERT, hub.commits[SBERT])
    assert main(["fetch", "--lock", str(path)]) == 0
    out = capsys.readouterr().out
    assert f"whoever sets REPRO_LOCK={path} reads these" in out
    assert "princeton-nlp/unsup-simcse-bert-base-uncased is not in it" in out
    assert json.loads(path.read_text())[SBERT] == hub.commits[SBERT]
    assert not hub.log


@pytest.mark.parametrize("content", ["{", '{"a/b": "main"}', None])
def test_a_lock_file_that_is_none_is_one_sentence(
    content: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "repro.lock"
    if content is not None:
        path.write_text(content)
    monkeypatch.setenv("REPRO_LOCK", str(path))
    assert main(["table", "sbert-1", "--dry-run"]) == 2
    assert re.fullmatch(rf"repro: {path} .from REPRO_LOCK.+\n", capsys.readouterr().err)


@pytest.fixture
def public(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, list[registry.Source]]:
    """A mirror with two public files, and the two as the registry has them."""
    item = registry.dataset("STS13")
    files = []
    for number, source in enumerate(item.sources[:2]):
        content = f"file {number}".encode()
        files.append(replace(source, sha256=hashlib.sha256(content).hexdigest(), bytes=len(content)))
        path = sources.mirrored(source, tmp_path / "mirror")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    monkeypatch.setattr(registry, "dataset", lambda name, suite="paper": replace(item, sources=tuple(files)))
    return tmp_path / "mirror", files


def test_a_mirror_is_saved_file_by_file_and_gone_on_with(
    public: tuple[Path, list[registry.Source]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mirror, files = public
    copy = tmp_path / "copy"
    first, second = (sources.mirrored(source, mirror) for source in files)
    whole = second.read_bytes()
    second.write_bytes(b"altered")
    command = ["fetch", "STS13", "--save-mirror", str(copy), "--mirror", str(mirror)]
    assert main(command) == 2
    said = capsys.readouterr()
    assert said.out.startswith(f"2 files, 2 of them not in {copy}: 0.0 MB\nsaved ")
    assert "not saved: " in said.out
    assert said.err.startswith("repro: 1 files were not saved; the lines above say why")
    assert [p.name for p in copy.rglob("*") if p.is_file()] == [first.name]
    second.write_bytes(whole)
    assert main(command) == 0
    assert "2 files, 1 of them not in" in capsys.readouterr().out
    for source in files:
        assert sources.mirrored(source, copy).read_bytes() == sources.mirrored(source, mirror).read_bytes()
    saved = sources.mirrored(files[0], copy)
    saved.write_bytes(b"altered")
    assert main(command) == 0
    assert saved.read_bytes() == first.read_bytes()


@pytest.mark.parametrize(
    ("command", "why"),
    [
        (["fetch", "--weights", "nothing"], "'nothing' is neither a table nor a row of one"),
        (["fetch", "--weights", "--save-mirror", "x"], "--weights and --save-mirror are two things"),
        (["fetch", "--save-mirror", "taken"], "taken is a file; name a folder"),
        (["fetch", "--lock", "."], ". is a folder; name a file"),
        (["fetch", "nothing", "--save-mirror", "x"], "'nothing' is not a data set"),
    ],
)
def test_what_was_asked_for_wrongly_is_said_at_once(
    command: list[str],
    why: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "taken").touch()
    assert main(command) == 2
    assert capsys.readouterr().err.startswith(f"repro: {why}")
    assert os.listdir(tmp_path) == ["taken"]


def test_the_doctor_does_not_promise_a_row_whose_corpus_cannot_be_had(
    hub: Hub, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["fetch", "--weights", "bert-base-avg", "--mirror", str(hub.folders[BERT, hub.commits[BERT]])]) == 0
    capsys.readouterr()
    assert main(["doctor", "--offline", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)["tables"]["whitening-1"]
    lost = "STSB, STS12, STS13, STS14, STS15, STS16, SICK are not here and cannot be had now"
    assert rows["bert-base-whitening-target"] == f"the data sets {lost}"
    assert rows["bert-base-whitening-nli"] == f"the data sets NLI, {lost}"
    assert main(["doctor", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["tables"]["whitening-1"]["bert-base-whitening-nli"] == "after a download"


def test_all_rows_of_a_table_are_looked_at() -> None:
    wanted = {system for system, _ in downloads.systems(["sbert-1"])}
    assert len(wanted) > 5
    assert wanted < {system for system, _ in downloads.systems([])}
