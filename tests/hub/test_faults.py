"""What goes wrong with a hub, seen from a run: the right numbers, or `not-run` with one sentence beside other rows.

Two models on the embedded data; the faults are those of the second. The next run goes on where this one stopped.
"""

from __future__ import annotations

import os
import pickle
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from repro import revisions
from repro.cli.main import main
from repro.results import csv_lines
from tests.conftest import Connect, save_tiny_bert, write_json
from tests.hub.server import Fault, Hub, gated, rate_limited, serving

GOOD, BAD = "owner/good", "owner/bad"
PLACES = [(row, column) for row in (GOOD, BAD) for column in ("sts12", "stsb")]


@pytest.fixture
def hub(tiny_bert: Path, tiny_sbert: Path, tmp_path: Path, connect: Connect) -> Iterator[Hub]:
    root = tmp_path / "served"
    shutil.copytree(tiny_bert, root / "models" / GOOD)
    shutil.copytree(tiny_sbert, root / "models" / BAD)
    with serving(root) as running:
        connect(running.address)
        yield running


def arguments(out: Path, more: str = "") -> list[str]:
    rows = [part for row in (GOOD, BAD) for part in ("--encoder", row, "--row", row)]
    tasks = ["--task", "sts12", "--task", "stsb"]
    return ["table", "sbert-1", *rows, *tasks, "--suite", "mini", "--device", "cpu", "--out", str(out), *more.split()]


def run(out: Path, more: str = "") -> dict[tuple[str, str], dict[str, str]]:
    """The lines of both rows after a run."""
    assert main(arguments(out, more)) == 0
    lines = {(line["row"], line["column"]): line for line in csv_lines.from_csv(out / "mini/sbert-1.csv")}
    return {place: lines[place] for place in PLACES}


@pytest.fixture(scope="module")
def values(tiny_bert: Path, tiny_sbert: Path, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The right numbers: of the same files in folders."""
    out = tmp_path_factory.mktemp("right")
    folders = [str(tiny_bert), str(tiny_sbert)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("REPRO_HOME", str(out / "home"))
        rows = [part for row in folders for part in ("--encoder", row, "--row", row)]
        assert main(["table", "sbert-1", *rows, "--suite", "mini", "--device", "cpu", "--out", str(out)]) == 0
    lines = {(line["row"], line["column"]): line["value"] for line in csv_lines.from_csv(out / "mini/sbert-1.csv")}
    return [lines[row, column] for row in folders for column in ("sts12", "stsb")]


FAULTS = {
    "not found": (Fault(401, {"X-Error-Code": "RepoNotFound"}), "the hub has no such repository, or it is private"),
    "gated": (gated(), f"accept its terms at http://127.0.0.1.*/{BAD} and set HF_TOKEN"),
    "revision gone": (Fault(404, {"X-Error-Code": "RevisionNotFound"}), "no such revision of it any more"),
    "rate limit": (rate_limited(), "refuses so many requests"),
    "server errors": (Fault(500), "answers 500; try again later"),
    "body cut short": (Fault(cut=200, files=True), "the connection failed|the download broke off"),
    "wrong bytes": (Fault(flip=True, files=True), "other bytes than the hub's checksum says"),
    "no hub": (Fault(page=b"<html>Welcome</html>"), "does not answer as a hub"),
    "reset": (Fault(reset=True), "the connection failed"),
}


@pytest.mark.parametrize("case", FAULTS)
def test_a_fault_costs_its_row_alone_and_the_next_run_goes_on(
    case: str, hub: Hub, tmp_path: Path, values: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    fault, sentence = FAULTS[case]
    hub.faults[BAD] = Fault(**vars(fault))
    lines = run(tmp_path / "out")
    assert [lines[place]["value"] for place in PLACES] == [*values[:2], "", ""]
    for place in PLACES[2:]:
        assert lines[place]["verdict"] == "not-run"
        assert re.search(sentence, lines[place]["reason"]), lines[place]["reason"]
    assert "Traceback" not in capsys.readouterr().err
    hub.faults.clear()
    hub.log.clear()
    lines = run(tmp_path / "out")
    assert [lines[place]["value"] for place in PLACES] == values
    assert not [request for request in hub.log if request.file and request.file[0] == GOOD]


PASSING = {
    "server errors twice": Fault(503, times=2),
    "rate limit": rate_limited(times=2),
    "wrong bytes once": Fault(flip=True, files=True, times=1),
    "cut once": Fault(cut=200, files=True, methods=("GET",), times=1),
    "reset once": Fault(cut=200, reset=True, files=True, methods=("GET",), times=1),
}


@pytest.mark.parametrize("case", PASSING)
def test_what_passes_costs_nothing(case: str, hub: Hub, tmp_path: Path, values: list[str]) -> None:
    hub.faults[BAD] = Fault(**vars(PASSING[case]))
    lines = run(tmp_path / "out")
    assert [lines[place]["value"] for place in PLACES] == values
    assert hub.faults[BAD].times == 0


def test_a_silent_hub_ends_in_not_run(
    hub: Hub, tmp_path: Path, values: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("repro.hub_patience.LONGEST", 0.1)
    monkeypatch.setattr("repro.hub_patience.PATIENCE", 0.2)
    hub.faults[BAD] = Fault(delay=600)
    lines = run(tmp_path / "out")
    assert [lines[place]["value"] for place in PLACES] == [*values[:2], "", ""]
    assert "check the network and the proxy" in lines[PLACES[2]]["reason"]


def test_offline_with_a_cold_and_with_a_warm_cache(
    hub: Hub, tmp_path: Path, values: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = len(hub.log)
    assert main(arguments(tmp_path / "out", "--offline")) == 0
    lines = csv_lines.from_csv(tmp_path / "out/mini/sbert-1.csv")
    reasons = {line["reason"] for line in lines if line["row"] == GOOD and line["column"] == "sts12"}
    assert reasons == {
        f"the weights {GOOD} are not on this machine and --offline was given; "
        "`repro fetch --weights` gets them where the hub can be reached"
    }
    assert len(hub.log) == asked
    run(tmp_path / "warm")
    asked = len(hub.log)
    monkeypatch.setenv("REPRO_HOME", str(tmp_path / "another"))
    revisions.pin(BAD, hub.commits[BAD])
    revisions.pin(GOOD, hub.commits[GOOD])
    lines_now = run(tmp_path / "out", "--offline")
    assert [lines_now[place]["value"] for place in PLACES] == values
    assert len(hub.log) == asked


def test_main_that_moves_leaves_the_suite_where_it_was(
    hub: Hub, tmp_path: Path, values: list[str], connect: Connect, capsys: pytest.CaptureFixture[str]
) -> None:
    run(tmp_path / "out")
    first = hub.commits[GOOD]
    save_tiny_bert(tmp_path / "moved", seed=9)
    second = hub.add(GOOD, tmp_path / "moved")
    lines = run(tmp_path / "out", "--force")
    assert [lines[place]["value"] for place in PLACES] == values
    assert revisions.pins()[GOOD] == first != second


def test_a_branch_is_one_commit_for_a_whole_row(hub: Hub, tmp_path: Path, values: list[str]) -> None:
    row = f"{GOOD},revision=main"
    command = ["table", "sbert-1", "--encoder", row, "--row", row, "--suite", "mini", "--device", "cpu"]
    assert main([*command, "--task", "sts12", "--out", str(tmp_path)]) == 0
    first = hub.commits[GOOD]
    hub.add(GOOD, save_tiny_bert(tmp_path / "moved", seed=9))
    assert main([*command, "--task", "stsb", "--force", "--out", str(tmp_path)]) == 0
    lines = {line["column"]: line for line in csv_lines.from_csv(tmp_path / "mini/sbert-1.csv") if line["row"] == row}
    assert [lines[column]["value"] for column in ("sts12", "stsb")] == values[:2]
    assert {lines[column]["weights"].split()[0] for column in ("sts12", "stsb")} == {f"{GOOD}@{first}"}
    assert revisions.pins() == {f"{GOOD}@main": first}


def test_a_snapshot_without_its_layout_is_not_taken_for_the_model(
    hub: Hub, tmp_path: Path, values: list[str], connect: Connect
) -> None:
    folder = hub.folders[BAD, hub.commits[BAD]]
    repo = tmp_path / "cache/models--owner--bad"
    snapshot = repo / "snapshots" / hub.commits[BAD]
    snapshot.mkdir(parents=True)
    (repo / "refs").mkdir()
    (repo / "refs/main").write_text(hub.commits[BAD])
    for name in ("config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"):  # as transformers does
        shutil.copy(folder / name, snapshot / name)
    lines = {(line["row"], line["column"]): line for line in _offline(tmp_path / "out")}
    assert lines[PLACES[2]]["verdict"] == "not-run"
    assert "may lack a part of the model, such as its modules.json" in lines[PLACES[2]]["reason"]
    found = run(tmp_path / "out")
    assert [found[place]["value"] for place in PLACES] == values


def _offline(out: Path) -> list[csv_lines.Line]:
    assert main(arguments(out, "--offline")) == 0
    return csv_lines.from_csv(out / "mini/sbert-1.csv")


@pytest.mark.parametrize("names", [["vocab.txt"], ["config.json"], []])
def test_a_snapshot_of_a_few_files_is_completed(
    names: list[str], hub: Hub, tmp_path: Path, values: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    snapshot = tmp_path / "cache/models--owner--bad/snapshots" / hub.commits[BAD]
    snapshot.mkdir(parents=True)
    revisions.pin(BAD, hub.commits[BAD])
    for name in names:
        shutil.copy(hub.folders[BAD, hub.commits[BAD]] / name, snapshot / name)
    assert main(["doctor"]) == 0
    assert main(["table", "sbert-1", "--encoder", BAD, "--row", BAD, "--suite", "mini", "--dry-run"]) == 0
    assert f"after a download of the weights {BAD}" in capsys.readouterr().out
    found = run(tmp_path / "out")
    assert [found[place]["value"] for place in PLACES] == values


class Sharp:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, ("executed",)


def test_a_pickle_with_code_is_refused_and_not_executed(
    hub: Hub, tmp_path: Path, values: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    folder = hub.folders[BAD, hub.commits[BAD]]
    (folder / "model.safetensors").unlink()
    (folder / "pytorch_model.bin").write_bytes(pickle.dumps({"weight": Sharp()}, protocol=2))
    lines = run(tmp_path / "out")
    assert [lines[place]["value"] for place in PLACES] == [*values[:2], "", ""]
    assert "holds more than tensors and is not opened; ask for the weights as safetensors" in lines[PLACES[2]]["reason"]
    assert not (tmp_path / "executed").exists()


def test_one_form_of_each_weight_comes_and_nothing_twice(hub: Hub, tmp_path: Path) -> None:
    for name in ("pytorch_model.bin", "tf_model.h5", "onnx/model.onnx", "onnx/config.json", "openvino/x.json"):
        path = hub.folders[BAD, hub.commits[BAD]] / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"{}")
    run(tmp_path / "out")
    files = [request.file for request in hub.log if request.file and request.method == "GET"]
    assert len(files) == len(set(files))
    assert all(commit == hub.commits[repo] for repo, commit, _ in files)
    names = {name for repo, _, name in files if repo == BAD}
    assert {name for name in names if not name.endswith((".json", ".txt"))} == {
        "model.safetensors",
        "2_Dense/model.safetensors",
    }
    assert not {name for name in names if name.startswith(("onnx", "openvino"))}


@pytest.mark.long
def test_killed_in_a_slow_body_the_next_run_goes_on(hub: Hub, tmp_path: Path, values: list[str]) -> None:
    hub.faults[f"{BAD}/model.safetensors"] = Fault(pause=0.2)
    environment = {
        **os.environ,
        "HF_ENDPOINT": hub.address,
        "HF_HUB_CACHE": str(tmp_path / "cache"),
        "HF_HUB_OFFLINE": "0",
        "REPRO_HOME": str(tmp_path / "home"),
    }
    command = [sys.executable, "-m", "repro.cli", *arguments(tmp_path / "out")]
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        for _ in range(600):
            if any(r.method == "GET" and r.file and r.file[2] == "model.safetensors" for r in hub.log if BAD in r.path):
                break
            threading.Event().wait(0.1)  # sleeping does not wait here
    finally:
        process.kill()
        process.wait()
    hub.faults.clear()
    hub.log.clear()
    lines = run(tmp_path / "out")
    assert [lines[place]["value"] for place in PLACES] == values
    again = [request.file[2] for request in hub.log if request.file and request.method == "GET"]
    assert set(again) <= {"model.safetensors", "2_Dense/model.safetensors"}


def test_a_server_of_one_s_own_and_a_token(
    hub: Hub, tmp_path: Path, values: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.faults[BAD] = gated("hf_mine")
    monkeypatch.setenv("HF_TOKEN", "hf_mine")
    lines = run(tmp_path / "out")
    assert [lines[place]["value"] for place in PLACES] == values


def test_what_is_no_hub_id_is_said(hub: Hub, tmp_path: Path) -> None:
    name = f"{BAD}@main"
    command = ["table", "sbert-1", "--encoder", name, "--row", name, "--suite", "mini", "--out", str(tmp_path)]
    assert main([*command, "--encoder", GOOD, "--row", GOOD, "--task", "sts12", "--device", "cpu"]) == 0
    reasons = {line["reason"] for line in csv_lines.from_csv(tmp_path / "mini/sbert-1.csv") if line["row"] == name}
    assert any("that is no hub id (owner/name)" in reason for reason in reasons)


def test_a_lock_s_commit_is_what_runs(
    hub: Hub, tmp_path: Path, values: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    run(tmp_path / "out")
    lock = tmp_path / "repro.lock"
    assert main(["fetch", "--lock", str(lock)]) == 0
    hub.add(GOOD, save_tiny_bert(tmp_path / "moved", seed=9))
    monkeypatch.setenv("REPRO_HOME", str(tmp_path / "a colleague's"))
    monkeypatch.setenv("REPRO_LOCK", str(lock))
    lines = run(tmp_path / "theirs")
    assert [lines[place]["value"] for place in PLACES] == values


def test_a_lock_against_what_is_here_costs_its_row(
    hub: Hub, tmp_path: Path, values: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    run(tmp_path / "out")
    write_json(tmp_path / "repro.lock", {BAD: "f" * 40})
    monkeypatch.setenv("REPRO_LOCK", str(tmp_path / "repro.lock"))
    lines = run(tmp_path / "new")
    assert [lines[place]["value"] for place in PLACES] == [*values[:2], "", ""]
    assert "unset REPRO_LOCK" in lines[PLACES[2]]["reason"]


@pytest.mark.long
def test_a_training_offline_asks_nobody(hub: Hub, tmp_path: Path) -> None:
    command = ["table", "sbert-2", "--base", GOOD, "--out", str(tmp_path / "out")]
    command += "--suite mini --sample 8 --seeds 1 --device cpu".split()
    asked = len(hub.log)
    assert main([*command, "--offline"]) == 0
    assert len(hub.log) == asked
    run(tmp_path / "out")  # now the base is here
    asked = len(hub.log)
    assert main([*command, "--offline"]) == 0
    assert len(hub.log) == asked
    (path,) = (tmp_path / "out/mini").glob("sbert-2*.csv")
    lines = [line for line in csv_lines.from_csv(path) if line["row"].startswith(GOOD)]
    assert [line for line in lines if line["value"]]
