"""The hub: proxies as its own client has them, files held against their checksums, every failure as one sentence."""

from __future__ import annotations

import errno
import importlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest
from huggingface_hub import constants, errors

from repro import hub
from repro.encoders.recipe import TransformerRecipe
from repro.encoders.weights import resolve
from repro.errors import NotAvailable, ReproError
from tests.conftest import Connect, on_loopback
from tests.hub.server import Fault, Hub, gated, rate_limited, serving
from tests.processes import NOT_PERMITTED, ROOT, forked, on_a_disk_of

NOWHERE = "http://hub.invalid"  # RFC 2606: never a host
MODEL = "owner/model"
COMMIT = "0123456789abcdef0123456789abcdef01234567"
WEIGHTS = bytes(range(256)) * 4


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    folder = tmp_path_factory.mktemp("hub")
    (folder / "models" / MODEL).mkdir(parents=True)
    (folder / "models" / MODEL / "config.json").write_text("{}")
    (folder / "models" / MODEL / "model.safetensors").write_bytes(WEIGHTS)
    with serving(folder) as running:
        yield running


@pytest.fixture
def server(served: Hub) -> Iterator[Hub]:
    """The hub, without faults and with an empty log."""
    served.log.clear()
    yield served
    served.faults.clear()


def got() -> bytes:
    return hub.file(MODEL, "model.safetensors", None, offline=False).read_bytes()


def test_a_file_comes_from_the_hub_and_then_from_its_cache(connect: Connect, server: Hub) -> None:
    connect(server.address)
    path = hub.file(MODEL, "model.safetensors", None, offline=False)
    assert path.read_bytes() == WEIGHTS
    commit = server.commits[MODEL]
    assert path.parent.name == hub.head(MODEL) == commit
    asked = len(server.log)
    assert hub.file(MODEL, "model.safetensors", commit, offline=False) == path
    assert len(server.log) == asked  # a commit that is here is not asked for again
    connect(NOWHERE)
    assert hub.file(MODEL, "model.safetensors", commit, offline=True) == path
    assert hub.file(MODEL, "model.safetensors", commit, offline=False) == path  # nobody answers, the cache has it


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
    endpoint: str, proxies: dict[str, str], expected: bool, connect: Connect, server: Hub
) -> None:
    named = {"server": server.address, "server without scheme": server.address.removeprefix("http://")}
    connect(named.get(endpoint, endpoint), **{name: named.get(value, value) for name, value in proxies.items()})
    assert hub.hub_answers() is expected
    if expected:  # and the download takes the same way
        assert got() == WEIGHTS
    else:
        with pytest.raises(NotAvailable, match=r"owner/model are not on this machine and the model hub cannot be"):
            got()


def test_a_hub_that_is_down_is_not_waited_for(connect: Connect) -> None:
    class Down(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self.send_error(503)

    with on_loopback(Down) as address:
        connect(address)
        with pytest.raises(NotAvailable, match=r"the data set a/b is not on this machine and the hub is down .*503"):
            hub.file("a/b", "x", None, offline=False, kind="dataset")


def test_offline_asks_nobody(connect: Connect, server: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    connect(server.address)
    with pytest.raises(NotAvailable, match="owner/model are not on this machine and --offline was given"):
        hub.file(MODEL, "model.safetensors", None, offline=True)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    hub.forget()
    with pytest.raises(NotAvailable, match="HF_HUB_OFFLINE is set"):
        got()


def flipped(times: int | None) -> Fault:
    return Fault(flip=True, files=True, times=times)


RIGHT = {
    "server errors twice": Fault(503, times=2),
    "server errors twice for a file": Fault(502, files=True, times=2),
    "rate limit": rate_limited(times=1),
    "rate limit for a file": Fault(429, {"Retry-After": "1"}, files=True, times=1),
    "connection reset once": Fault(reset=True, files=True, methods=("GET",), times=1),
    "body cut short once": Fault(cut=100, files=True, methods=("GET",), times=1),
    "reset in the middle": Fault(cut=100, reset=True, files=True, methods=("GET",), times=1),
    "other bytes once": flipped(times=1),
}


@pytest.mark.parametrize("fault", RIGHT)
def test_what_passes_ends_in_the_right_bytes(fault: str, connect: Connect, server: Hub) -> None:
    connect(server.address)
    copy = Fault(**vars(RIGHT[fault]))
    server.faults[""] = copy
    assert got() == WEIGHTS
    assert copy.times == 0


def test_retry_after_is_waited_for(connect: Connect, server: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[float] = []
    connect(server.address)
    monkeypatch.setattr("time.sleep", waited.append)
    server.faults[""] = rate_limited(times=1, seconds=7)
    assert hub.hub_answers()
    assert max(waited) >= 7


FAILURES = {
    "gated": (gated(), "it is gated; accept its terms at http://127.0.0.1:.*/owner/model and set HF_TOKEN"),
    "not found": (
        Fault(401, {"X-Error-Code": "RepoNotFound"}),
        "no such repository, or it is private; check the name, or set HF_TOKEN",
    ),
    "forbidden": (Fault(403), r"refuses it \(403\); set HF_TOKEN"),
    "revision gone": (Fault(404, {"X-Error-Code": "RevisionNotFound"}), "no such revision of it any more"),
    "file gone": (Fault(404, {"X-Error-Code": "EntryNotFound"}, files=True), "no such file"),
    "busy": (rate_limited(), r"so many requests \(429\); wait a while"),
    "down": (Fault(503), "answers 503; try again later"),
    "no hub": (Fault(page=b"<html>"), "does not answer as a hub .* check HF_ENDPOINT and the proxy"),
    "reset": (Fault(reset=True), r"the connection failed \(.*\); check the network"),
    "always cut": (Fault(cut=100, files=True, methods=("GET",)), "the connection failed|the download broke off"),
    "other bytes": (flipped(None), "model.safetensors came twice with other bytes than the hub's checksum says"),
}


@pytest.mark.parametrize("case", FAILURES)
def test_each_failure_is_one_sentence_and_leaves_nothing_wrong(
    case: str, connect: Connect, server: Hub, tmp_path: Path
) -> None:
    fault, sentence = FAILURES[case]
    connect(server.address)
    assert hub.hub_answers()
    server.faults[MODEL] = Fault(**vars(fault))
    with pytest.raises(NotAvailable, match=r"the weights owner/model cannot be downloaded: ") as caught:
        got()
    assert "\n" not in str(caught.value)
    caught.match(sentence)
    server.faults.clear()
    assert got() == WEIGHTS  # the next run


@pytest.mark.parametrize("repo", ["owner/model@main", "a/b/c", ".."])
def test_what_is_no_hub_id_is_said(repo: str, connect: Connect, server: Hub) -> None:
    connect(server.address)
    with pytest.raises(NotAvailable, match="that is no hub id"):
        hub.file(repo, "x.txt", None, offline=False)


def test_a_file_that_the_repository_lacks(connect: Connect, server: Hub) -> None:
    connect(server.address)
    with pytest.raises(NotAvailable, match=r"x\.txt is not in it at [0-9a-f]{40}"):
        hub.file(MODEL, "x.txt", None, offline=False)


@pytest.mark.parametrize("fault", [rate_limited(), Fault(503)], ids=["busy", "down"])
def test_a_hub_that_cannot_answer_the_first_question_is_asked_again_and_then_left_alone(
    fault: Fault, connect: Connect, server: Hub
) -> None:
    connect(server.address)
    server.faults[""] = Fault(**vars(fault))
    with pytest.raises(NotAvailable, match=r"not on this machine and the model hub (refuses|is down) "):
        got()
    assert len(server.log) == 1 + hub._RETRIES


@pytest.mark.parametrize("etag", ['"5e2f-abc"', '"d41d8cd98f00b204e9800998ecf8427e"', f'"{"0" * 64}-gzip"'])
def test_a_mirror_s_own_names_of_contents_let_no_other_bytes_pass(etag: str, connect: Connect, server: Hub) -> None:
    """nginx names a file by its time and size, others by other sums: the hub's listing says what is right."""
    connect(server.address)
    server.faults[MODEL] = Fault(etag=etag, flip=True, files=True, methods=("GET",))
    with pytest.raises(NotAvailable, match=r"model.safetensors came twice with other bytes"):
        got()
    server.faults[MODEL] = Fault(etag=etag, files=True)
    assert got() == WEIGHTS


def test_two_files_under_one_name_are_not_taken_for_each_other(connect: Connect, server: Hub) -> None:
    connect(server.address)
    server.faults[MODEL] = Fault(etag='"5e2f-abc"', files=True)
    with pytest.raises(NotAvailable, match="came twice with other bytes than the hub's checksum says"):
        hub.snapshot(MODEL, None, ["*"], offline=False)


@pytest.mark.parametrize("revision", ["", " ", ".", ".."])
def test_what_is_no_revision_is_not_taken_for_main(revision: str, connect: Connect, server: Hub) -> None:
    connect(server.address)
    with pytest.raises(ReproError, match=r"is no revision of owner/model; name a branch, a tag or a commit"):
        resolve(TransformerRecipe(MODEL, revision=revision))
    assert server.log == []


def test_a_name_with_the_signs_of_patterns_is_a_name(connect: Connect, server: Hub) -> None:
    connect(server.address)
    path = server.folders[MODEL, server.commits[MODEL]] / "2_Dense [tanh]"
    path.mkdir()
    (path / "config?.json").write_text("[]")
    assert hub.file(MODEL, "2_Dense [tanh]/config?.json", None, offline=False).read_text() == "[]"
    shutil.rmtree(path)


def test_a_token_that_no_header_can_hold(connect: Connect, server: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    connect(server.address)
    monkeypatch.setenv("HF_TOKEN", "hf_é")
    with pytest.raises(NotAvailable, match="HF_TOKEN holds a character that no token has; set it anew"):
        got()


def test_files_come_by_plain_http_unless_the_user_wants_the_xet_store() -> None:
    code = "import sys, repro.hub; from huggingface_hub import constants; sys.exit(3 + constants.HF_HUB_DISABLE_XET)"
    others = {name: value for name, value in os.environ.items() if name != "HF_HUB_DISABLE_XET"}
    for settings, expected in (({}, 4), ({"HF_HUB_DISABLE_XET": "0"}, 3)):
        done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env={**others, **settings}, check=False)
        assert done.returncode == expected


def test_a_token_opens_what_is_gated(connect: Connect, server: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    connect(server.address)
    server.faults[MODEL] = gated("hf_mine")
    monkeypatch.setenv("HF_TOKEN", "hf_mine")
    assert got() == WEIGHTS


def test_a_disk_without_room_is_said_with_how_much_is_missing_and_where(
    connect: Connect, server: Hub, tmp_path: Path
) -> None:
    connect(server.address)
    cache = tmp_path / "cache"
    cache.mkdir()
    server.folders[MODEL, server.commits[MODEL]].joinpath("large.bin").write_bytes(b"x" * 300_000)

    def work() -> int:
        hub.file(MODEL, "config.json", None, offline=False)
        try:
            hub.file(MODEL, "large.bin", None, offline=False)
        except NotAvailable as error:
            print(error)
            return 3
        return 0

    status, said = forked(on_a_disk_of(140, cache, work))
    server.folders[MODEL, server.commits[MODEL]].joinpath("large.bin").unlink()
    if status == NOT_PERMITTED:
        pytest.skip("no disk can be made here")
    assert status == 3, said
    assert f"{cache}: 0.3 MB are to be downloaded and 0.1 MB are free; make room there, or name another" in said


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
    error: Exception, message: str, connect: Connect, server: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    connect(server.address)

    def fail(*_: object, **__: object) -> None:
        raise error

    for name in ("hf_hub_download", "snapshot_download"):
        monkeypatch.setattr(f"huggingface_hub.{name}", fail)
    for call in (
        lambda: hub.file("a/b", "x", COMMIT, offline=False),
        lambda: hub.snapshot("a/b", COMMIT, [], offline=False),
    ):
        with pytest.raises(NotAvailable, match=f"the weights a/b cannot be downloaded: .*{message}") as caught:
            call()
        assert "\n" not in str(caught.value)
