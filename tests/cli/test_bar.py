"""What moves on standard error: one line in a terminal, none of other libraries' bars; a line a title elsewhere."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from pathlib import Path

import pytest

from repro import progress
from repro.cli.bar import amount, listening


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def shown(monkeypatch: pytest.MonkeyPatch, stream: io.StringIO) -> str:
    """What two pieces of work leave on that stream, the second one with steps within steps."""
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "120")
    with listening():
        progress.at("1 of 2: minilm-avg: STS12")
        with progress.step(4_000, "sentences") as step:
            step.advance(1_000)
        progress.at("2 of 2: minilm-avg-flow [nli]: STS13")
        with progress.step(3, "data sets"), progress.step(500, "steps of the flow") as step:
            print("a notice", file=sys.stderr)
            step.advance(500, note="loss 0.5000")
    return stream.getvalue()


def test_a_terminal_sees_titles_and_counts_and_is_left_clean(monkeypatch: pytest.MonkeyPatch) -> None:
    text = shown(monkeypatch, Terminal())
    for part in (
        *("1 of 2: minilm-avg: STS12", "0 of 4,000 sentences", "2 of 2: minilm-avg-flow [nli]: STS13"),
        *("0 of 3 data sets", "0 of 500 steps of the flow", "a notice"),
    ):
        assert part in text
    assert text.endswith("\x1b[2K")  # the last line is erased
    assert "\x1b[?25l" not in text  # the cursor stays, also after a kill


def test_a_file_sees_a_line_for_each_piece_of_work(monkeypatch: pytest.MonkeyPatch) -> None:
    text = shown(monkeypatch, io.StringIO())
    assert text.splitlines() == ["1 of 2: minilm-avg: STS12", "2 of 2: minilm-avg-flow [nli]: STS13", "a notice"]


def test_other_processes_of_a_training_show_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", stream := Terminal())
    with listening(shown=False), progress.step(3, "steps") as step:
        step.advance()
    assert stream.getvalue() == ""


@pytest.mark.parametrize(
    ("step", "speed", "seconds", "expected"),
    [
        (progress.Step(47_700, "sentences", 12_345), None, None, "12,345 of 47,700 sentences"),
        (
            *(progress.Step(47_700, "sentences", 12_345), 512.4, 69.2),
            "12,345 of 47,700 sentences, 512 a second, 0:01:09 left",
        ),
        (
            progress.Step(100, "steps", 7, "loss 0.1234"),
            0.5,
            7260,
            "7 of 100 steps, 0.5 a second, 2:01:00 left, loss 0.1234",
        ),
        (progress.Step(90.9e6, progress.BYTES, 12.34e6), 8.15e6, 9.6, "12.3 of 90.9 MB, 8.2 a second, 0:00:09 left"),
        (progress.Step(0, progress.BYTES, 12.34e6), None, None, "12.3 MB"),
        (progress.Step(0, "fits", 2), 0.0, None, "2 fits"),
    ],
)
def test_the_amount_says_what_is_known(
    step: progress.Step, speed: float | None, seconds: float | None, expected: str
) -> None:
    assert amount(step, speed, seconds) == expected


@pytest.mark.parametrize("asked", [[], ["-W", "default"]], ids=["as it is", "python -W default"])
def test_what_other_libraries_warn_of_or_log_comes_through_where_python_was_asked_for_it(
    asked: list[str], tmp_path: Path
) -> None:
    """Here it is an encoder that does both; a log without a handler has no such switch."""
    (tmp_path / "noisy_encoder.py").write_text(
        "import logging, warnings\n"
        "import numpy as np\n"
        "class encoder:\n"
        "    def encode(self, sentences):\n"
        "        warnings.warn('deprecated')\n"
        "        logging.getLogger('theirs').warning('a notice')\n"
        "        return np.array([[len(s), 1.0] for s in sentences])\n"
    )
    command = ["table", "sbert-1", "--suite", "mini", "--task", "stsb", "--row", "noisy_encoder:encoder"]
    command += ["--encoder", "noisy_encoder:encoder", "--out", str(tmp_path)]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    run = subprocess.run(
        [sys.executable, *asked, "-m", "repro.cli", *command],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    assert ("deprecated" in run.stderr) == bool(asked)
    assert "a notice" not in run.stderr
