"""JSON that carries a checksum of itself, so that what was altered on disk is noticed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping

SEAL = "sha256"


def seal(content: Mapping[str, object]) -> str:
    """The content as JSON, with its own checksum under `sha256`."""
    return json.dumps({**content, SEAL: _checksum(content)}, indent=1) + "\n"


def unseal(text: str) -> dict[str, object]:
    """What was sealed; ValueError when the text is no sealed JSON or was altered."""
    try:
        content = json.loads(text)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    if not isinstance(content, dict) or content.pop(SEAL, None) != _checksum(content):
        raise ValueError("altered")
    return content


def _checksum(content: Mapping[str, object]) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
