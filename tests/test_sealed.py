"""Sealed JSON: what was put in comes out, and nothing else passes."""

import json

import pytest

from repro.sealed import seal, unseal

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
