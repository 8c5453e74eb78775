"""How long the hub's client waits for an answer: each request has a bound, and so has all waiting without any answer.

Of its own the client has no bound for some requests, and asks a silent hub again for every file.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from repro.errors import ReproError

LONGEST = 10.0  # seconds that one request may wait for an answer
PATIENCE = 20.0  # seconds of waiting without an answer to any request after which the hub is not asked again


class _Waiting:
    """What was waited for the hub since it last answered. Downloads ask from several threads at once."""

    def __init__(self) -> None:
        self.own = 0  # downloads of this package that are under way; what others ask is theirs to bound
        self.waited = 0.0  # seconds, in downloads that ended without an answer
        self.since: float | None = None  # when the first of the requests was sent that are not answered yet

    def before(self, request: Any) -> None:
        """Called with every request that the client is about to send."""
        if not self.own:
            return
        now = time.monotonic()
        since = self.since = now if self.since is None else self.since
        if self.waited + now - since > PATIENCE:
            raise ReproError(f"the hub has not answered for {PATIENCE:.0f} seconds")
        waits = request.extensions.get("timeout") or {}
        bounded = {name: min(waits.get(name) or LONGEST, LONGEST) for name in ("connect", "read", "write", "pool")}
        request.extensions["timeout"] = bounded

    def after(self, response: Any) -> None:
        """Called with every answer."""
        self.waited, self.since = 0.0, None


_waiting = _Waiting()


@contextmanager
def bounded() -> Iterator[None]:
    """Have what is asked inside wait for LONGEST at most, and fail at once after PATIENCE without an answer.

    ReproError then. A request that fails by itself, as by a reset, has not waited: the next one is asked.
    """
    from huggingface_hub import get_session

    client: Any = get_session()
    hooks = client.event_hooks
    if _waiting.before not in hooks["request"]:
        client.event_hooks = {
            "request": [*hooks["request"], _waiting.before],
            "response": [*hooks["response"], _waiting.after],
        }
    _waiting.own += 1
    try:
        yield
    except Exception as error:
        if _waiting.since is not None and _timed_out(error):
            _waiting.waited += time.monotonic() - _waiting.since
        raise
    finally:
        _waiting.since = None
        _waiting.own -= 1


def forget() -> None:
    """Ask the hub as if nobody had waited for it."""
    _waiting.waited, _waiting.since = 0.0, None


def _timed_out(error: BaseException | None) -> bool:
    """Whether an error, or what is behind it, is that nothing was heard for too long."""
    while error is not None:
        if type(error).__name__ in ("ReadTimeout", "ConnectTimeout", "PoolTimeout", "WriteTimeout"):
            return True
        error = error.__cause__ or error.__context__
    return False
