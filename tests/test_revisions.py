"""Which commit is meant: public code's, a lock file's, or the one of the first download, which many processes write."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from multiprocessing import get_context
from pathlib import Path

import pytest

from repro import revisions
from repro.errors import ReproError

COMMIT, OTHER = "0123456789abcdef0123456789abcdef01234567", "f" * 40
BERT = "google-bert/bert-base-uncased"


def _pin(start: object, number: int, home: Path) -> None:
    os.environ["REPRO_HOME"] = str(home)
    start.wait()  # type: ignore[attr-defined]
    revisions.pin(f"owner/{number}", f"{number:040x}")


def test_pins_of_many_processes_at_once_are_all_kept(tmp_path: Path) -> None:
    context = get_context("fork")
    start = context.Event()
    workers = [context.Process(target=_pin, args=(start, number, tmp_path / "home")) for number in range(80)]
    for worker in workers:
        worker.start()
    start.set()
    for worker in workers:
        worker.join(60)
    pins = json.loads((tmp_path / "home/revisions.json").read_text())
    assert pins == {f"owner/{number}": f"{number:040x}" for number in range(80)}


def test_the_first_pin_stays(tmp_path: Path) -> None:
    revisions.pin("owner/model", COMMIT)
    revisions.pin("owner/model", OTHER)
    assert revisions.pins()["owner/model"] == COMMIT


DAMAGED: dict[str, Callable[[Path], object]] = {
    "folder": lambda path: (path / "inside").mkdir(parents=True),
    "link to itself": lambda path: path.symlink_to(path),
    "fifo": os.mkfifo,
    "cut": lambda path: path.write_text('{"owner/other": "0123'),
    "not UTF-8": lambda path: path.write_bytes(b'{"\xff": 1}'),
    "a list": lambda path: path.write_text('["owner/other"]'),
    "deeply nested": lambda path: path.write_text("[" * 100_000),
}


@pytest.mark.parametrize("kind", DAMAGED)
def test_a_damaged_file_of_pins_is_moved_aside(kind: str, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "home/revisions.json"
    path.parent.mkdir()
    DAMAGED[kind](path)
    assert "owner/other" not in revisions.pins()
    revisions.pin("owner/model", COMMIT)
    assert revisions.pins()["owner/model"] == COMMIT
    assert [record.getMessage() for record in caplog.records] == [
        f"{path} could not be read as pinned revisions; moved to revisions.json.aside-1"
    ]
    assert os.path.lexists(tmp_path / "home/revisions.json.aside-1")


def test_what_is_no_commit_is_no_pin(tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    pins = {"a/number": 1, "a/none": None, "a/list": [COMMIT], "a/path": "../../x", "a/short": "0123", "a/good": COMMIT}
    (tmp_path / "home/revisions.json").write_text(json.dumps(pins))
    assert revisions.pins() == {"a/good": COMMIT}
    revisions.pin("a/number", COMMIT)
    assert revisions.pins() == {"a/good": COMMIT, "a/number": COMMIT}


def test_a_home_that_cannot_hold_pins_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("a file")
    for ask in (revisions.pins, lambda: revisions.pin("owner/model", COMMIT)):
        with pytest.raises(ReproError, match="home is no folder; move it away"):
            ask()


@pytest.fixture
def lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
    """Writes a lock file and has the suite obey it."""

    def write(**commits: object) -> Path:
        path = tmp_path / "repro.lock"
        path.write_text(json.dumps(commits))
        monkeypatch.setenv("REPRO_LOCK", str(path))
        return path

    return write


def test_a_lock_file_has_every_commit_and_is_obeyed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    revisions.pin("owner/model", COMMIT)
    revisions.pin("owner/model", OTHER, "branch")
    path = tmp_path / "repro.lock"
    revisions.write_lock(path)
    commits = json.loads(path.read_text())
    assert list(commits) == sorted(commits)
    public = {name: each.revision for name, each in revisions.PUBLIC.items()}
    assert commits == {**public, "owner/model": COMMIT, "owner/model@branch": OTHER}
    monkeypatch.setenv("REPRO_HOME", str(tmp_path / "a colleague's"))
    assert revisions.commit_of("owner/model", None) is None
    monkeypatch.setenv("REPRO_LOCK", str(path))
    assert revisions.commit_of("owner/model", None) == COMMIT
    assert revisions.commit_of("owner/model", "branch") == OTHER
    assert revisions.commit_of("owner/other", "branch") == "branch"
    assert revisions.commit_of(BERT, public[BERT]) == public[BERT]
    again = tmp_path / "again.lock"
    revisions.write_lock(again)  # a lock is handed on whole
    assert again.read_bytes() == path.read_bytes()


def test_a_lock_that_contradicts_is_one_sentence(lock: Callable[..., Path]) -> None:
    path = lock(**{"owner/model": COMMIT, BERT: COMMIT})
    revisions.pin("owner/model", OTHER)
    for name, revision, who in (
        ("owner/model", None, "revisions.json pins"),
        (BERT, revisions.PUBLIC[BERT].revision, "the suite, or the command, names"),
    ):
        with pytest.raises(ReproError, match=f"{path} locks {name} at {COMMIT}, but .*{who} .*unset REPRO_LOCK"):
            revisions.commit_of(name, revision)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ("[]", "is no lock file"),
        ("{", "is no lock file"),
        (None, "is no lock file"),
        ('{"owner/model": "main"}', "'main' is no commit of owner/model"),
        ('{"owner/model": 1}', "1 is no commit of owner/model"),
    ],
)
def test_what_is_no_lock_file_is_said(
    content: str | None, why: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "repro.lock"
    if content is not None:
        path.write_text(content)
    monkeypatch.setenv("REPRO_LOCK", str(path))
    with pytest.raises(ReproError, match=f"{path} .from REPRO_LOCK.*{why}"):
        revisions.commit_of("owner/model", None)
