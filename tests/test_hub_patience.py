"""How long the hub is waited for: a silent one is given up, a failed request is no silence, others ask as they like."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from huggingface_hub import hf_hub_download

from repro import hub, hub_patience
from repro.errors import NotAvailable
from tests.conftest import Connect
from tests.hub.server import Fault, Hub, serving

MODEL = "owner/model"
WEIGHTS = bytes(range(256)) * 4


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Hub]:
    folder = tmp_path / "hub/models" / MODEL
    folder.mkdir(parents=True)
    (folder / "model.safetensors").write_bytes(WEIGHTS)
    with serving(tmp_path / "hub") as running:
        yield running


def got() -> bytes:
    return hub.file(MODEL, "model.safetensors", None, offline=False).read_bytes()


def test_a_silent_hub_is_given_up_and_not_asked_again(
    connect: Connect, server: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    connect(server.address)
    monkeypatch.setattr(hub_patience, "LONGEST", 0.05)
    monkeypatch.setattr(hub_patience, "PATIENCE", 0.2)
    assert hub.hub_answers()
    server.faults[MODEL] = Fault(delay=60)
    for _ in range(2):
        with pytest.raises(NotAvailable, match=r"cannot be downloaded: .*(has not answered for|ReadTimeout)"):
            got()


def test_a_request_that_failed_is_not_waited_for_by_the_next_ones(
    connect: Connect, server: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Time that passes between two downloads is no silence of the hub."""
    now = [0.0]
    connect(server.address)
    monkeypatch.setattr(hub_patience.time, "monotonic", lambda: now[0])
    assert hub.hub_answers()
    server.faults[MODEL] = Fault(reset=True)
    for _ in range(3):
        with pytest.raises(NotAvailable, match="the connection failed"):
            got()
        now[0] += 10 * hub_patience.PATIENCE
    server.faults.clear()
    assert got() == WEIGHTS


def test_a_hub_that_was_given_up_is_still_the_user_s_to_ask(
    connect: Connect, server: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    connect(server.address)
    monkeypatch.setattr(hub_patience, "LONGEST", 0.05)
    monkeypatch.setattr(hub_patience, "PATIENCE", 0.1)
    assert hub.hub_answers()
    server.faults[MODEL] = Fault(delay=60)
    for _ in range(3):
        with pytest.raises(NotAvailable, match="cannot be downloaded: "):
            got()
    server.faults.clear()
    asked = len(server.log)
    with pytest.raises(NotAvailable, match=r"cannot be downloaded: the hub has not answered for .*; check the network"):
        got()
    assert len(server.log) == asked
    assert Path(hf_hub_download(MODEL, "model.safetensors")).read_bytes() == WEIGHTS
