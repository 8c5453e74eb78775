"""Numbers as people write them: ASCII digits alone, where Python also reads `1_0`, `١` and blanks around them."""

from __future__ import annotations


def whole(text: str) -> int:
    """The whole number that a text is; ValueError where it is none."""
    return int(_plain(text))


def real(text: str) -> float:
    """The number that a text is, infinities and NaN among them; ValueError where it is none."""
    return float(_plain(text))


def _plain(text: str) -> str:
    if not text.isascii() or "_" in text or text != text.strip():
        raise ValueError(f"{text!r} is not written as a number")
    return text
