"""What is derived once: kept under a key that holds all that decides it, and never believed when it was altered."""

from __future__ import annotations

from pathlib import Path

import pytest

from repro import memo
from repro.evaluation.config import Options
from repro.evaluation.session import Session
from repro.evaluation.suite import Suite
from repro.tasks import STS_TASKS
from tests.processes import modules_after

KEY: memo.Key = {"digest": "x", "files": [["a", "1"]]}


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("REPRO_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(memo, "_derived", {})
    return tmp_path / "home"


def another_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memo, "_derived", {})


def test_a_text_is_kept_for_the_next_process_once_that_is_asked_for(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert memo.recall(KEY) is None
    memo.remember(KEY, "text")
    assert memo.recall(KEY) == "text"
    assert not home.exists()  # whoever only plans writes nothing
    memo.keep()
    another_process(monkeypatch)
    assert memo.recall(KEY) == "text"
    assert memo.recall({**KEY, "files": [["a", "2"]]}) is None


@pytest.mark.parametrize("content", ["", "{}", "[]", "x", '{"key": 1}'])
def test_an_entry_that_was_altered_is_derived_again(content: str, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    memo.remember(KEY, "text")
    memo.keep()
    another_process(monkeypatch)
    entry = next((home / "memo").iterdir())
    for text in (content, entry.read_text().replace('"text": "text"', '"text": "other"')):
        entry.write_text(text)
        assert memo.recall(KEY) is None


def test_a_home_that_cannot_be_written_costs_nothing_else(home: Path) -> None:
    home.mkdir()
    (home / "memo").write_text("in the way")
    memo.remember(KEY, "text")
    memo.keep()
    assert memo.recall(KEY) == "text"


def test_a_digest_is_read_once_for_each_state_of_the_files(monkeypatch: pytest.MonkeyPatch) -> None:
    options = Options(suite=Suite("mini"), device="cpu")
    first = Session(options).digest("stsb")
    memo.keep()
    another_process(monkeypatch)
    loads: list[str] = []
    load = Suite.load
    monkeypatch.setattr(Suite, "load", lambda self, task, limit=None: loads.append(task) or load(self, task, limit))
    assert Session(options).digest("stsb") == first
    assert loads == []
    assert Session(options).digest("stsb-dev") != first  # another split of the same files
    assert loads == ["stsb-dev"]
    assert Session(Options(suite=Suite("mini"), device="cpu", limit=5)).digest("stsb") != first
    monkeypatch.setattr(memo, "code", lambda: "other code")
    assert Session(options).digest("stsb") == first
    assert loads == ["stsb-dev", "stsb", "stsb"]


def test_of_a_users_own_folder_nothing_is_kept(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    derive = iter(["one", "two"]).__next__
    own = Suite(own=home / "data")
    assert [own.digest("STS12", "x", derive) for _ in range(2)] == ["one", "two"]
    assert not memo._derived


def test_every_form_of_a_data_set_has_a_digest_of_its_own() -> None:
    session = Session(Options(suite=Suite("mini"), device="cpu"))
    names = [name for name, task in STS_TASKS.items() if session.suite.present(task.dataset)]
    sources = {STS_TASKS[name].source: session.digest(name) for name in names}
    by_content = {STS_TASKS[name].digest(session.data(name)) for name in names}
    assert set(sources.values()) == by_content


def test_the_memo_needs_no_torch() -> None:
    assert "torch" not in modules_after("import repro.memo")
