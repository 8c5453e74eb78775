"""JSON that carries a checksum of itself, so that what was altered on disk is noticed."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import stat
from collections.abc import Mapping
from functools import cache
from pathlib import Path

SEAL = "sha256"
logger = logging.getLogger(__name__)


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


def read(path: Path) -> dict[str, object]:
    """What is sealed in a file. ValueError when it was altered or is no file, OSError when it cannot be read."""
    if not stat.S_ISREG(path.stat().st_mode):  # a pipe would be waited for
        raise ValueError("not a file")
    return unseal(path.read_text(encoding="utf-8"))


def _checksum(content: Mapping[str, object]) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def say_altered(path: Path, sentence: str) -> None:
    """Warn that what is stored at `path` is not as it was written; once for each state of the file.

    A run looks at a stored thing more than once, when it plans and before it computes.
    """
    status = os.lstat(path)
    _say(sentence, status.st_ino, status.st_mtime_ns)


@cache
def _say(sentence: str, inode: int, changed: int) -> None:
    logger.warning(sentence)
