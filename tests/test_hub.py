"""The hub: proxies as its own client has them, every failure as one sentence, and pins that many processes write."""

from __future__ import annotations

import errno
import importlib
import json
import os
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler
from multiprocessing import get_context
from pathlib import Path

import pytest
from huggingface_hub import constants, errors

from repro import hub
from repro.errors import NotAvailable, ReproError
from tests.conftest import Connect, on_loopback

COMMIT = "0123456789abcdef0123456789abcdef01234567"
NOWHERE = "http://hub.invalid"  # RFC 2606: never a host


class Server(BaseHTTPRequestHandler):
    """A hub, and a proxy to one: what it answers depends on the repository's name."""

    def do_HEAD(self) -> None:
        path = self.path.removeprefix(NOWHERE).removeprefix("/api/models")
        repo = path.split("/")[2] if path.count("/") > 1 else ""
        if repo == "broken":
            self.connection.close()
            return
        status, headers, body = {
            "gated": (403, {"X-Error-Code": "GatedRepo"}, b""),
            "private": (401, {"X-Error-Code": "RepoNotFound"}, b""),
            "forbidden": (403, {}, b""),
            "unknown": (404, {"X-Error-Code": "RepoNotFound"}, b""),
            "rewritten": (404, {"X-Error-Code": "RevisionNotFound"}, b""),
            "without": (404, {"X-Error-Code": "EntryNotFound"}, b""),
            "busy": (429, {}, b""),
            "down": (503, {}, b""),
            "page": (200, {}, b"<html>"),
            "cut": (200, {"X-Repo-Commit": COMMIT, "ETag": '"cut"'}, b"only this"),
            "whole": (200, {"X-Repo-Commit": COMMIT, "ETag": '"whole"'}, b"hello"),
        }.get(repo, (404, {}, b""))
        self.send_response(status)
        self.send_header("Content-Length", str(len(body) + (90 if repo == "cut" else 0)))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)
            self.close_connection = True

    do_GET = do_HEAD


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with on_loopback(Server) as address:
        yield address


def test_a_file_comes_from_the_hub_and_then_from_its_cache(connect: Connect, server: str) -> None:
    connect(server)
    found = hub.file("owner/whole", "x.txt", None, offline=False)
    assert found.read_bytes() == b"hello"
    connect(NOWHERE)
    assert hub.file("owner/whole", "x.txt", COMMIT, offline=True) == found
    assert hub.file("owner/whole", "x.txt", COMMIT, offline=False) == found  # nobody answers, the cache has it


DEAD = "127.0.0.1:9"


@pytest.mark.parametrize(
    ("endpoint", "proxies", "expected"),
    [
        ("server", {}, True),
        (NOWHERE, {}, False),
        (NOWHERE, {"HTTP_PROXY": "server without scheme"}, True),
        (NOWHERE, {"http_proxy": "server"}, True),
        (NOWHERE, {"ALL_PROXY": "server"}, True),
        (NOWHERE, {"ALL_PROXY": "server", "NO_PROXY": "hub.invalid"}, False),
        (NOWHERE, {"HTTPS_PROXY": "server"}, False),  # another scheme's
        (NOWHERE, {"HTTP_PROXY": DEAD}, False),
        ("server", {"HTTP_PROXY": DEAD}, False),
        ("server", {"HTTP_PROXY": DEAD, "NO_PROXY": "127.0.0.1"}, True),
        ("server", {"ALL_PROXY": DEAD, "NO_PROXY": "example.org, 127.0.0.1"}, True),
        ("server", {"HTTP_PROXY": DEAD, "NO_PROXY": "*"}, True),
        ("server", {"HTTP_PROXY": "socks9://nonsense"}, False),
        ("no scheme", {}, False),
    ],
)
def test_proxies_are_the_client_s(
    endpoint: str, proxies: dict[str, str], expected: bool, connect: Connect, server: str
) -> None:
    named = {"server": server, "server without scheme": server.removeprefix("http://")}
    connect(named.get(endpoint, endpoint), **{name: named.get(value, value) for name, value in proxies.items()})
    assert hub.hub_answers() is expected
    if expected:  # and the download takes the same way
        assert hub.file("owner/whole", "x.txt", None, offline=False).read_bytes() == b"hello"
    else:
        with pytest.raises(NotAvailable, match=r"owner/whole are not on this machine and the model hub cannot be"):
            hub.file("owner/whole", "x.txt", None, offline=False)


def test_a_hub_that_is_down_is_not_waited_for(connect: Connect) -> None:
    class Down(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self.send_error(503)

    with on_loopback(Down) as address:
        connect(address)
        with pytest.raises(NotAvailable, match=r"the data set a/b is not on this machine and the hub is down .*503"):
            hub.file("a/b", "x", None, offline=False, kind="dataset")


def test_offline_asks_nobody(connect: Connect, server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    connect(server)
    with pytest.raises(NotAvailable, match="owner/whole are not on this machine and --offline was given"):
        hub.file("owner/whole", "x.txt", None, offline=True)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    connect(server)
    with pytest.raises(NotAvailable, match="HF_HUB_OFFLINE is set"):
        hub.file("owner/whole", "x.txt", None, offline=False)


FAILURES = {
    "gated": "it is gated; accept its terms at http://127.0.0.1:.*/owner/gated and set HF_TOKEN",
    "private": "no such repository, or it is private; check the name, or set HF_TOKEN",
    "forbidden": r"refuses it \(403\); set HF_TOKEN",
    "unknown": "no such repository",
    "rewritten": "no such revision",
    "without": "no such file",
    "busy": r"so many requests \(429\); wait a while",
    "down": "answers 503; try again later",
    "page": "does not answer as a hub .* check HF_ENDPOINT and the proxy",
    "broken": r"the connection failed \(.*\); check the network",
    "cut": "the connection failed|the download broke off",
    "a/b/c": "that is no hub id",
    "..": "that is no hub id",
}


@pytest.mark.parametrize("repo", FAILURES)
def test_each_failure_is_one_sentence(repo: str, connect: Connect, server: str) -> None:
    connect(server)
    for get in (
        lambda: hub.file(f"owner/{repo}", "x.txt", None, offline=False),
        lambda: hub.snapshot(f"owner/{repo}", None, ["*.json"], offline=False),
    ):
        with pytest.raises(NotAvailable, match=f"the weights owner/{repo} cannot be downloaded: ") as caught:
            get()
        assert "\n" not in str(caught.value)
        caught.match(FAILURES[repo])


httpx = importlib.import_module(errors.HfHubHTTPError.__bases__[0].__module__.split(".")[0])


@pytest.mark.parametrize(
    ("error", "message"),
    [
        *((getattr(httpx, name)("it broke\nin the middle"), "the connection failed") for name in
          ("ConnectError", "ReadTimeout", "ConnectTimeout", "RemoteProtocolError", "ReadError", "ProxyError",
           "DecodingError", "TooManyRedirects")),
        (OSError(errno.ENOSPC, "No space left on device"), "No space left on device; make room"),
        (OSError(errno.EACCES, "Permission denied", "/cache"), "/cache: Permission denied"),
        (OSError("Consistency check failed: file should be of size 3"), "the download broke off"),
        (RuntimeError("Data processing error"), "the download broke off"),
        (json.JSONDecodeError("Expecting value", "<html>", 0), "does not answer as a hub"),
        (KeyError("oid"), "does not answer as a hub"),
        (AssertionError("Repo info must have a revision sha."), "does not answer as a hub"),
        (ValueError("what"), "does not answer as a hub"),
    ],
)  # fmt: skip
def test_each_error_of_the_client_is_one_sentence(
    error: Exception, message: str, connect: Connect, server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    connect(server)

    def fail(*_: object, **__: object) -> None:
        raise error

    for name in ("hf_hub_download", "snapshot_download"):
        monkeypatch.setattr(f"huggingface_hub.{name}", fail)
    for call in (
        lambda: hub.file("a/b", "x", None, offline=False),
        lambda: hub.snapshot("a/b", None, [], offline=False),
    ):
        with pytest.raises(NotAvailable, match=f"the weights a/b cannot be downloaded: .*{message}") as caught:
            call()
        assert "\n" not in str(caught.value)


def _pin(start: object, number: int, home: Path) -> None:
    os.environ["REPRO_HOME"] = str(home)
    start.wait()  # type: ignore[attr-defined]
    hub.pin(f"owner/{number}", f"{number:040x}")


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
    hub.pin("owner/model", COMMIT)
    hub.pin("owner/model", "f" * 40)
    assert hub.pinned_revision("owner/model") == COMMIT


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
    assert hub.pinned_revision("owner/other") is None
    hub.pin("owner/model", COMMIT)
    assert hub.pinned_revision("owner/model") == COMMIT
    assert [record.getMessage() for record in caplog.records] == [
        f"{path} could not be read as pinned revisions; moved to revisions.json.aside-1"
    ]
    assert os.path.lexists(tmp_path / "home/revisions.json.aside-1")


def test_what_is_no_commit_is_no_pin(tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    pins = {"a/number": 1, "a/none": None, "a/list": [COMMIT], "a/path": "../../x", "a/short": "0123", "a/good": COMMIT}
    (tmp_path / "home/revisions.json").write_text(json.dumps(pins))
    assert [name for name in pins if hub.pinned_revision(name)] == ["a/good"]
    hub.pin("a/number", COMMIT)
    assert hub.pinned_revision("a/number") == hub.pinned_revision("a/good") == COMMIT


def test_a_home_that_cannot_hold_pins_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("a file")
    for ask in (lambda: hub.pinned_revision("owner/model"), lambda: hub.pin("owner/model", COMMIT)):
        with pytest.raises(ReproError, match="home is no folder; move it away"):
            ask()
