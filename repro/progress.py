"""What long work says of itself while it runs: where it is at, how much there is to do and how much is done.

    with progress.step(len(sentences), "sentences") as step:
        ...
        step.advance(len(batch))

The library prints nothing: nobody hears of it until a command listens (`cli/bar.py`).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Protocol

BYTES = "bytes"  # the unit that is shown in megabytes


class Listener(Protocol):
    """Hears of steps; those of a step that another one began in end before it."""

    def at(self, title: str) -> None:
        """What follows belongs to this piece of work."""
        ...

    def begun(self, step: Step) -> None:
        """A step begins."""
        ...

    def moved(self, step: Step) -> None:
        """More of it is done."""
        ...

    def ended(self, step: Step) -> None:
        """It is over, done or not."""
        ...


class Nobody:
    """The listener that there is where no command listens."""

    def at(self, title: str) -> None:
        """As Listener."""

    def begun(self, step: Step) -> None:
        """As Listener."""

    def moved(self, step: Step) -> None:
        """As Listener."""

    def ended(self, step: Step) -> None:
        """As Listener."""


_NOBODY = Nobody()
_listener: ContextVar[Listener] = ContextVar("listener", default=_NOBODY)


@dataclass(eq=False)
class Step:
    """`done` of `total` so many units (sentences, steps, fits, bytes), and a word on how it goes, such as the loss.

    Any thread may advance it.
    """

    total: float
    unit: str
    done: float = 0
    note: str = ""
    _listener: Listener = field(default_factory=lambda: _listener.get())

    def advance(self, count: float = 1, note: str = "") -> None:
        """So many more are done."""
        self.done += count
        self.note = note or self.note
        self._listener.moved(self)


@contextmanager
def step(total: float, unit: str, done: float = 0) -> Iterator[Step]:
    """Work that is counted; `done`: of an earlier run that it goes on from."""
    step = Step(total, unit, done)
    step._listener.begun(step)
    try:
        yield step
    finally:
        step._listener.ended(step)


def at(title: str) -> None:
    """Say which piece of work begins."""
    _listener.get().at(title)


@contextmanager
def heard_by(listener: Listener) -> Iterator[None]:
    """Tell this listener of what is done in the block."""
    token = _listener.set(listener)
    try:
        yield
    finally:
        _listener.reset(token)
