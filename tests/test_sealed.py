"""Sealed JSON: what was put in comes out, and nothing else passes."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from repro.sealed import read, seal, unseal

CONTENT = {"value": 72.37, "text": "é\u2028", "list": [1, None, True], "nested": {"a": 1e-300}}


def test_what_was_sealed_comes_out() -> None:
    assert unseal(seal(CONTENT)) == CONTENT


@pytest.mark.parametrize(
    "text",
    [
        seal(CONTENT).replace("72.37", "72.38"),
        seal(CONTENT).replace("true", "false"),
        seal(CONTENT).replace('"value"', '"valve"'),
        seal(CONTENT)[:-3],
        json.dumps(CONTENT),
        json.dumps({**CONTENT, "sha256": "0" * 64}),
        seal(CONTENT).replace("72.37", "NaN"),
        "",
        "[]",
        "7",
        "[" * 100_000,
    ],
)
def test_what_was_altered_does_not(text: str) -> None:
    with pytest.raises(ValueError, match=r"altered|nested|Expecting|Extra"):
        unseal(text)


@pytest.mark.parametrize(
    ("make", "error"),
    [
        (lambda path: path.write_text(seal(CONTENT)), None),
        (lambda path: path.write_bytes(b"\xff\xfe"), ValueError),
        (os.mkfifo, ValueError),
        (os.mkdir, ValueError),
        (lambda path: path.symlink_to("nowhere"), FileNotFoundError),
        (lambda path: None, FileNotFoundError),
    ],
)
def test_a_file_is_read_and_nothing_else_is_waited_for(
    make: Callable[[Path], object], error: type[Exception] | None, tmp_path: Path
) -> None:
    path = tmp_path / "sealed.json"
    make(path)
    if error is None:
        assert read(path) == CONTENT
    else:
        with pytest.raises(error):
            read(path)
