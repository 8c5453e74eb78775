"""Numbers as people write them, and texts that Python alone takes for some."""

from __future__ import annotations

import math

import pytest

from repro.numerals import real, whole


@pytest.mark.parametrize(("text", "value"), [("0", 0), ("12", 12), ("-3", -3), ("+4", 4), ("007", 7)])
def test_whole_numbers(text: str, value: int) -> None:
    assert whole(text) == value


@pytest.mark.parametrize(("text", "value"), [("0.5", 0.5), ("-1e-3", -0.001), (".5", 0.5), ("inf", math.inf)])
def test_real_numbers(text: str, value: float) -> None:
    assert real(text) == value


@pytest.mark.parametrize("text", ["", " 1", "1\n", "1_0", "١", "１", "²", "one", "1,5"])
def test_what_is_no_number(text: str) -> None:
    for read in (whole, real):
        with pytest.raises(ValueError, match=r"is not written as a number|invalid literal|could not convert"):
            read(text)
