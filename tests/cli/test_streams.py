"""Standard output and error that are closed, full, unread or in a small encoding: the work is done, the status true."""

from __future__ import annotations

import errno
import io
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TextIO

import numpy as np
import pytest

from repro.cli import verify
from repro.cli.main import main
from repro.cli.streams import Guarded, Stopped, guarded
from repro.data import registry


@pytest.fixture
def work(tmp_path: Path) -> list[str]:
    """A command whose product is a file, without a model to load."""
    pairs = (registry.HERE / "mini/downstream/STS/STSBenchmark/sts-test.csv").read_text(encoding="utf-8")
    words = sorted({"the", "cat", "sits", *pairs.lower().split()})
    vectors = np.random.default_rng(0).normal(size=(len(words), 4)).round(3)
    lines = [" ".join([word, *map(str, row)]) for word, row in zip(words, vectors, strict=True)]
    (tmp_path / "v.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (tmp_path / "in.txt").write_text("the cat\nsits\n")
    return ["encode", str(tmp_path / "v.txt"), str(tmp_path / "in.txt"), "-o", str(tmp_path / "out.npy")]


def run(arguments: Sequence[str], redirection: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """The command under a shell, whose status is the command's."""
    shell = f'"$0" -m repro.cli "$@" {redirection}'
    return subprocess.run(
        ["bash", "-c", f"set -o pipefail; {shell}", sys.executable, *arguments],
        env={**os.environ, **environment},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )


NOWHERE = [">&-", ">/dev/full", "| true", "2>&-", "2>/dev/full", ">&- 2>&- <&-", "2>&1 | head -c 1"]


@pytest.mark.parametrize("redirection", NOWHERE)
def test_a_file_is_written_whatever_becomes_of_the_streams(redirection: str, work: list[str], tmp_path: Path) -> None:
    done = run(work, redirection)
    assert done.returncode == 0
    assert done.stderr == ""
    assert np.load(tmp_path / "out.npy").shape == (2, 4)


def test_a_table_is_written_though_its_reader_leaves(work: list[str], tmp_path: Path) -> None:
    encoder = work[1]
    table = [
        "table",
        "sbert-1",
        "--suite",
        "mini",
        "--encoder",
        encoder,
        "--row",
        encoder,
        "--task",
        "stsb",
        "--offline",
    ]
    done = run([*table, "--limit", "5", "--out", str(tmp_path / "out")], "2>&1 | true")
    assert (done.returncode, done.stderr) == (0, "")
    assert {path.suffix for path in (tmp_path / "out/mini").iterdir()} == {".md", ".csv", ".tex"}


@pytest.mark.parametrize(
    ("redirection", "status", "message"),
    [
        (">&-", 2, "repro: the output could not be written (it is closed)\n"),
        (">/dev/full", 2, "repro: the output could not be written (No space left on device)\n"),
        (">/dev/full 2>&1", 2, ""),
        (">&- 2>&-", 2, ""),
        ("| true", 0, ""),
    ],
)
@pytest.mark.parametrize("arguments", [["list", "encoders"], ["--help"], ["verify", "nothing"]])
def test_what_is_printed_is_printed_or_the_status_says_so(
    arguments: list[str], redirection: str, status: int, message: str
) -> None:
    done = run(arguments, redirection)
    if arguments[0] == "verify":  # fails anyhow, and says that
        status, message = 2, message and "repro: 'nothing' is not a table"
    assert done.returncode == status
    assert done.stderr.startswith(message)
    assert done.stderr.count("\n") == bool(done.stderr)


@pytest.mark.parametrize(
    ("encoding", "expected"),
    [
        ("ascii", "minilm-avg x stsb"),
        ("latin-1", "minilm-avg × stsb"),
        ("cp1252", "minilm-avg × stsb"),
        ("utf-8", "minilm-avg × stsb"),
    ],
)
def test_characters_that_an_encoding_lacks_are_replaced(encoding: str, expected: str) -> None:
    arguments = [
        "table",
        "sbert-1",
        "--suite",
        "mini",
        "--row",
        "minilm-avg",
        "--task",
        "stsb",
        "--offline",
        "--dry-run",
    ]
    command = [sys.executable, "-m", "repro.cli", *arguments]
    done = subprocess.run(command, env={**os.environ, "PYTHONIOENCODING": encoding}, capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
    assert expected in done.stdout.decode(encoding)


@pytest.mark.parametrize(
    ("encoding", "text", "expected"),
    [
        ("ascii", "ρ −0.05 → naïve …", b"rho -0.05 -> na?ve ..."),
        ("latin-1", "−0.05 naïve", b"-0.05 na\xefve"),
        ("cp1252", "−0.05 – €", b"-0.05 \x96 \x80"),
        ("utf-8", "\ud800", b"?"),
    ],
)
def test_a_replaced_character_changes_no_number(encoding: str, text: str, expected: bytes) -> None:
    buffer = io.BytesIO()
    stream = Guarded(io.TextIOWrapper(buffer, encoding=encoding))
    stream.write(text)
    stream.flush()
    assert buffer.getvalue() == expected
    assert stream.error is None


class Broken(io.StringIO):
    """A stream that fails after its first write."""

    def write(self, text: str) -> int:
        if self.getvalue():
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return super().write(text)


def test_the_first_failure_is_remembered_and_what_follows_goes_nowhere() -> None:
    inner = Broken()
    stream = Guarded(inner)
    for text in ("one", "two", "three"):
        print(text, end="", file=stream)  # type: ignore[call-overload]
    assert inner.getvalue() == "one"
    assert stream.broken
    stream.stops = True
    with pytest.raises(Stopped):
        stream.write("four")


@pytest.mark.parametrize("stream", [None, io.StringIO()])
def test_streams_that_are_not_there_are_stood_in_for(stream: TextIO | None, monkeypatch: pytest.MonkeyPatch) -> None:
    if stream is not None:
        stream.close()
    monkeypatch.setattr(sys, "stdout", stream)
    with guarded() as (out, _):
        print("x")
        assert out.broken
    assert sys.stdout is stream
    assert main(["list"]) == 2
    assert sys.stdout is stream


def test_rich_and_tqdm_write_through_the_guard(monkeypatch: pytest.MonkeyPatch) -> None:
    from rich.console import Console
    from tqdm import tqdm

    class Gone(io.StringIO):
        def write(self, text: str) -> int:
            raise BrokenPipeError

        def isatty(self) -> bool:
            return True

    monkeypatch.setattr(sys, "stdout", Gone())
    monkeypatch.setattr(sys, "stderr", Gone())
    with guarded() as (out, err):
        Console(file=sys.stdout).print("[red]x")
        for _ in tqdm(range(2)):
            pass
    assert isinstance(out.error, BrokenPipeError)
    assert isinstance(err.error, BrokenPipeError)


def test_a_failed_check_keeps_its_status_for_a_reader_that_left(monkeypatch: pytest.MonkeyPatch) -> None:
    class Gone(io.StringIO):
        def write(self, text: str) -> int:
            raise BrokenPipeError

    monkeypatch.setattr(sys, "stdout", Gone())
    monkeypatch.setattr(verify, "verify", lambda arguments: print("wrong") or 1)
    assert main(["verify"]) == 1
