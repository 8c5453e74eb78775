"""SIGINT and SIGTERM: one line, 130 or 143, nothing half-written, from wherever a command is."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import pytest
from filelock import FileLock

from repro import signals
from repro.encoders import zoo
from repro.paths import UNFINISHED
from tests.processes import members

# `ready` says that the process is where the test wants it, and goes on; every script ends in the real main()
READY = """
import sys, time
from repro.cli import general, main
def ready():
    print("ready", file=sys.__stdout__, flush=True)
def first(function):
    once = iter([ready])  # whichever thread is the first to take it
    def announced(*arguments, **settings):
        next(once, lambda: None)()
        time.sleep(0.02)
        return function(*arguments, **settings)
    return announced
"""
ENCODING = """
from repro.encoders import transformer
transformer.TOKEN_BUDGET["cpu"] = 64
transformer.TransformerEncoder.vectors = first(transformer.TransformerEncoder.vectors)
"""
TRAINING = """
from repro.training import trainer
trainer._gradients = first(trainer._gradients)
"""
WAITING = """
from repro.training import train
train.FileLock.acquire = first(train.FileLock.acquire)
"""
DEAF = """
import hashlib, threading
def deaf(arguments):
    threading.Timer(0.3, ready).start()
    hashlib.pbkdf2_hmac("sha256", b"", b"", 10**9)  # minutes in C, which no signal interrupts
general.listing = deaf
"""
DESTRUCTOR = """
class Holder:
    def __del__(self):
        ready()
        time.sleep(0.5)
def destroyed(arguments):
    Holder()
    time.sleep(60)
general.listing = destroyed
"""
CONVERTED = """
def converted(arguments):
    try:
        ready()
        time.sleep(60)
    except KeyboardInterrupt:
        raise ImportError("initialization failed")
general.listing = converted
"""


ENDING = """
import atexit
def ending():
    ready()
    time.sleep(0.5)
atexit.register(ending)
"""


def heard() -> None:
    """A shell's background job is deaf to SIGINT, and so is what it starts; the tests may run in one."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def start(script: str, arguments: Sequence[str], home: Path) -> subprocess.Popen[bytes]:
    environment = {**os.environ, "REPRO_HOME": str(home), "OMP_NUM_THREADS": "2"}
    code = f"{READY}{script}\nsys.exit(main.main())"
    process = subprocess.Popen(
        [sys.executable, "-c", code, *arguments],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        preexec_fn=heard,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"
    return process


def interrupted(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    process.send_signal(number)
    output, errors = process.communicate(timeout=30)
    assert errors.decode() == f"repro: {signals.SENTENCE}\n"
    assert output == b""
    assert process.returncode == 128 + number


@pytest.mark.parametrize(
    ("script", "number"),
    [(DEAF, signal.SIGTERM), (DEAF, signal.SIGINT), (DESTRUCTOR, signal.SIGINT), (CONVERTED, signal.SIGTERM)],
)
def test_a_command_ends_though_its_main_thread_does_not_notice(
    script: str, number: signal.Signals, tmp_path: Path
) -> None:
    interrupted(start(script, ["list"], tmp_path), number)


def test_a_signal_after_the_work_changes_nothing(tmp_path: Path) -> None:
    process = start(ENDING, ["claims", "nobody"], tmp_path)
    process.send_signal(signal.SIGTERM)
    _, errors = process.communicate(timeout=30)
    assert process.returncode == 2
    assert errors.count(b"\n") == 1
    assert b"nobody" in errors


def test_in_the_middle_of_encoding(tmp_path: Path, tiny_bert: Path) -> None:
    (tmp_path / "in.txt").write_text("".join(f"the cat {i}\n" for i in range(5000)))
    (tmp_path / "out.npy").write_bytes(b"old")
    arguments = ["encode", str(tiny_bert), str(tmp_path / "in.txt"), "-o", str(tmp_path / "out.npy")]
    interrupted(start(ENCODING, arguments, tmp_path / "home"), signal.SIGTERM)
    assert (tmp_path / "out.npy").read_bytes() == b"old"
    assert not list(tmp_path.rglob(f"{UNFINISHED}*"))


def train(base: Path, output: Path) -> list[str]:
    training = ["train", "stsb,epochs=20,select_every=1000", "--base", str(base), "--suite", "mini", "--device", "cpu"]
    return [*training, "--checkpoint-every", "1", "-o", str(output)]


def test_in_a_training_step_and_while_waiting_for_a_lock(tmp_path: Path, tiny_bert: Path) -> None:
    arguments = train(tiny_bert, tmp_path / "model")
    interrupted(start(TRAINING, arguments, tmp_path), signal.SIGINT)
    assert not (tmp_path / "model").exists()
    (working,) = (tmp_path / "models").glob("*.training")
    with FileLock(str(working.with_suffix(".lock"))):
        interrupted(start(WAITING, arguments, tmp_path), signal.SIGINT)


@pytest.mark.long
@pytest.mark.parametrize("number", [signal.SIGINT, pytest.param(signal.SIGTERM, marks=pytest.mark.slow)])
def test_jobs_end_with_their_parent(number: signal.Signals, tmp_path: Path, tiny_bert: Path) -> None:
    home, base = tmp_path / "home", str(tiny_bert)
    table = ["table", "sbert-4", "--suite", "mini", "--base", base, "--row", "minilm-avg", "--device", "cpu"]
    jobs = ["--executor", "local", "--jobs", "2", "--seeds", "2", "--offline", "--out", str(tmp_path / "out")]
    process = subprocess.Popen(
        [sys.executable, "-m", "repro.cli", *table, *jobs],
        env={**os.environ, "REPRO_HOME": str(home)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,  # as a terminal has it: the signal goes to all of them
        preexec_fn=heard,
    )
    while process.poll() is None and not list(home.glob("models/*.training")):
        time.sleep(0.02)
    os.killpg(process.pid, number)
    _, errors = process.communicate(timeout=30)
    *progress, last = errors.decode().splitlines()
    assert last == f"repro: {signals.SENTENCE}"
    assert progress[0] == "submitted minilm-avg: WIKISEC"
    assert all(line.startswith("submitted ") or line.endswith(" done") for line in progress)
    assert process.returncode == 128 + number
    assert members(process.pid, within=10) == []
    assert not (tmp_path / "out").exists()


@pytest.mark.long
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_demos_processes_end_with_it(number: signal.Signals, tmp_path: Path, minilm: zoo.Group) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "repro.cli", "demo", "--device", "cpu", "--out", str(tmp_path / "out")],
        env={**os.environ, "REPRO_HOME": str(tmp_path / "home")},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
        preexec_fn=heard,
    )
    while process.poll() is None and not list((tmp_path / "home").glob("embeddings/*.safetensors")):
        time.sleep(0.02)
    if number is signal.SIGINT:  # as a terminal sends it, to all of them
        os.killpg(process.pid, number)
    else:
        process.send_signal(number)
    _, errors = process.communicate(timeout=30)
    assert errors.decode().splitlines()[-1] == f"repro: {signals.SENTENCE}"
    assert process.returncode == 128 + number
    assert members(process.pid, within=10) == []
