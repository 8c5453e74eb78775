"""The hub for tests: what huggingface_hub's own client makes of it, and of its faults."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from huggingface_hub import HfApi, errors, get_session, hf_hub_download, snapshot_download
from huggingface_hub.utils import hf_raise_for_status

from tests.conftest import Connect
from tests.hub.server import Fault, Hub, etag, gated, rate_limited, serving

httpx = importlib.import_module(errors.HfHubHTTPError.__bases__[0].__module__.split(".")[0])  # the client's own
COMMIT = "0123456789abcdef0123456789abcdef01234567"
MODEL, DATA = "owner/model", "datasets/owner/data"
TEXT, WEIGHTS = b'{"hidden_size": 2}', bytes(range(256)) * 3


@pytest.fixture
def hub(tmp_path: Path, connect: Connect) -> Iterator[Hub]:
    """A hub with a model of three files and a data set of one, to which the client is connected."""
    model, data = tmp_path / "hub/models" / MODEL, tmp_path / "hub" / DATA
    (model / "1_Pooling").mkdir(parents=True)
    data.mkdir(parents=True)
    for path in (model / "config.json", data / "train.txt"):
        path.write_bytes(TEXT)
    (model / "1_Pooling/config.json").write_text("{}")
    (model / "model.safetensors").write_bytes(WEIGHTS)
    with serving(tmp_path / "hub", {MODEL: COMMIT}) as hub:
        connect(hub.address)
        yield hub


def test_a_repository_is_listed_and_downloaded(hub: Hub) -> None:
    files = {file.path: file for file in HfApi().list_repo_tree(MODEL, recursive=True, revision=COMMIT)}
    assert set(files) == {"config.json", "1_Pooling/config.json", "model.safetensors"}
    assert files["model.safetensors"].size == files["model.safetensors"].lfs.size == len(WEIGHTS)
    folder = Path(snapshot_download(MODEL))
    assert folder.name == HfApi().model_info(MODEL).sha == COMMIT
    assert (folder / "model.safetensors").read_bytes() == WEIGHTS
    assert (folder / "1_Pooling/config.json").read_text() == "{}"
    assert (folder / "model.safetensors").resolve().name == etag(hub.folders[MODEL, COMMIT] / "model.safetensors")
    gets = [request.file for request in hub.log if request.method == "GET" and request.file]
    assert sorted(gets) == [(MODEL, COMMIT, name) for name in sorted(files)]


def test_a_data_set_has_a_commit_of_its_content(hub: Hub) -> None:
    path = Path(hf_hub_download("owner/data", "train.txt", repo_type="dataset"))
    assert path.read_bytes() == TEXT
    assert path.parent.name == hub.commits[DATA]
    assert path.resolve().name == "571444e3bbb1b94743f07445b57284b779b713be"  # as git hash-object has it


def test_a_part_of_a_file(hub: Hub) -> None:
    answer = get_session().get(f"{hub.address}/{MODEL}/resolve/main/model.safetensors", headers={"Range": "bytes=3-6"})
    assert (answer.status_code, answer.content) == (206, WEIGHTS[3:7])
    assert answer.headers["Content-Range"] == f"bytes 3-6/{len(WEIGHTS)}"
    assert hub.log[-1].range == "bytes=3-6"


def test_main_moves_and_the_commit_before_it_stays(hub: Hub, tmp_path: Path) -> None:
    (tmp_path / "new").mkdir()
    (tmp_path / "new/config.json").write_text("{}")
    moved = hub.add(MODEL, tmp_path / "new")
    assert Path(hf_hub_download(MODEL, "config.json")).read_text() == "{}"
    assert Path(hf_hub_download(MODEL, "config.json", revision=COMMIT)).read_bytes() == TEXT
    del hub.folders[MODEL, COMMIT]
    with pytest.raises(errors.RevisionNotFoundError):
        hf_hub_download(MODEL, "model.safetensors", revision=COMMIT)
    assert HfApi().model_info(MODEL).sha == moved != COMMIT


@pytest.mark.parametrize(
    ("repo", "name", "revision", "error"),
    [
        ("owner/none", "config.json", None, errors.RepositoryNotFoundError),
        (MODEL, "none.json", None, errors.RemoteEntryNotFoundError),
        (MODEL, "config.json", "f" * 40, errors.RevisionNotFoundError),
    ],
)
def test_what_is_not_there(repo: str, name: str, revision: str | None, error: type[Exception], hub: Hub) -> None:
    with pytest.raises(error):
        hf_hub_download(repo, name, revision=revision)


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (gated(), errors.GatedRepoError),
        (Fault(503), errors.HfHubHTTPError),
        (Fault(reset=True), httpx.ReadError),
        (Fault(delay=60), httpx.ReadTimeout),
        (Fault(cut=100), httpx.RemoteProtocolError),
        (Fault(cut=100, reset=True), httpx.ReadError),
    ],
)
def test_faults(fault: Fault, error: type[Exception], hub: Hub) -> None:
    hub.faults[MODEL] = fault
    with pytest.raises(error):
        hf_raise_for_status(get_session().get(f"{hub.address}/{MODEL}/resolve/main/model.safetensors", timeout=0.2))


def test_a_server_that_is_no_hub(hub: Hub) -> None:
    hub.faults[""] = Fault(page=b"<html>")
    assert get_session().get(f"{hub.address}/api/models/{MODEL}").content == b"<html>"


def test_a_fault_ends_after_some_requests(hub: Hub) -> None:
    hub.faults["owner/model/model.safetensors"] = rate_limited(times=2, seconds=7)
    url = f"{hub.address}/{MODEL}/resolve/main/"
    answers = [get_session().get(url + name) for name in ("config.json", *3 * ["model.safetensors"])]
    assert [answer.status_code for answer in answers] == [200, 429, 429, 200]
    assert answers[1].headers["Retry-After"] == "7"


def test_a_token_opens_what_is_gated(hub: Hub) -> None:
    hub.faults[MODEL] = gated("hf_right")
    with pytest.raises(errors.GatedRepoError):
        hf_hub_download(MODEL, "config.json", token="hf_wrong")
    assert Path(hf_hub_download(MODEL, "config.json", token="hf_right")).read_bytes() == TEXT


def test_bytes_that_are_not_those_of_the_etag(hub: Hub) -> None:
    hub.faults[f"{MODEL}/model.safetensors"] = Fault(flip=True)
    path = Path(hf_hub_download(MODEL, "model.safetensors"))
    assert path.read_bytes() != WEIGHTS
    assert len(path.read_bytes()) == len(WEIGHTS)


def test_a_slow_body_comes_in_the_end(hub: Hub) -> None:
    hub.faults[MODEL] = Fault(pause=0.01)
    assert Path(hf_hub_download(MODEL, "model.safetensors")).read_bytes() == WEIGHTS
