"""Standard output and error on which a command does not break: closed, full, with a reader that left, or in ASCII.

They are replaced while a command runs, so that every print, rich and tqdm write through the same guard.
"""

from __future__ import annotations

import codecs
import errno
import logging
import os
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, TextIO, cast

from repro.errors import one_line

# what stands for a character of ours that an encoding lacks, else `?`; a lost minus sign would be another number
PLAIN = {"−": "-", "–": "-", "×": "x", "→": "->", "…": "...", "·": ".", "ρ": "rho"}


def _plain(error: UnicodeError) -> tuple[str, int]:
    """Error handler of an encoder."""
    assert isinstance(error, UnicodeEncodeError)
    return "".join(PLAIN.get(c, "?") for c in error.object[error.start : error.end]), error.end


codecs.register_error("repro.plain", _plain)


class Stopped(BaseException):
    """Nobody can read what the command prints, and printing is all it does."""


class Guarded:
    """A text stream that remembers its first failure, after which what is written goes nowhere.

    `stops`: whether a failure also ends the command, with Stopped.
    """

    def __init__(self, stream: TextIO | None) -> None:
        self.stops = False
        self.error: Exception | None = None
        if stream is None:  # closed before Python started
            self.error = OSError(errno.EBADF, "it is closed")
            stream = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115
        self._stream = stream

    def write(self, text: str) -> int:
        """As of a text stream; characters that the encoding lacks are replaced."""
        self._try(lambda: self._write(text))
        return len(text)

    def flush(self) -> None:
        """As of a text stream."""
        self._try(self._stream.flush)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    @property
    def broken(self) -> bool:
        """Whether it failed for another reason than a reader that had seen enough."""
        return self.error is not None and not isinstance(self.error, BrokenPipeError)

    def _write(self, text: str) -> None:
        try:
            self._stream.write(text)
        except UnicodeEncodeError:
            encoding = self._stream.encoding
            self._stream.write(text.encode(encoding, "repro.plain").decode(encoding))

    def _try(self, call: Callable[[], object]) -> None:
        if self.error is None:
            try:
                call()
            except (OSError, ValueError) as error:  # ValueError: somebody closed it
                self.error = error
                self._divert()
        if self.error is not None and self.stops:
            raise Stopped

    def _divert(self) -> None:
        """Point the descriptor at nothing, or what is left in the buffer fails once more when Python ends."""
        with suppress(OSError, ValueError):
            nothing = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nothing, self._stream.fileno())
            os.close(nothing)


def say(text: str, who: str = "repro") -> None:
    """One line on standard error, whatever the text is made of."""
    print(f"{who}: {one_line(text)}", file=sys.stderr, flush=True)


@contextmanager
def guarded() -> Iterator[tuple[Guarded, Guarded]]:
    """Guards in place of sys.stdout and sys.stderr."""
    _fill_closed_descriptors()
    before = sys.stdout, sys.stderr
    out, err = Guarded(sys.stdout), Guarded(sys.stderr)
    sys.stdout, sys.stderr = cast(TextIO, out), cast(TextIO, err)
    try:
        yield out, err
    finally:
        sys.stdout, sys.stderr = before


def _fill_closed_descriptors() -> None:
    """Without this the next file opened would get the number of a closed stream, and whatever is written to that."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)  # the lowest number that is free


@contextmanager
def notices() -> Iterator[None]:
    """What this suite logs, such as a stored result that was altered, is said as it happens.

    What other libraries log or warn of is not, unless Python was asked for it (-W, PYTHONWARNINGS).
    """
    handler = logging.Handler()
    handler.emit = lambda record: say(record.getMessage())  # type: ignore[method-assign]
    logger = logging.getLogger("repro")
    logger.addHandler(handler)
    logger.propagate = False
    last_resort, logging.lastResort = logging.lastResort, None
    try:
        with warnings.catch_warnings():
            if not sys.warnoptions:
                warnings.simplefilter("ignore")
            yield
    finally:
        logging.lastResort = last_resort
        logger.removeHandler(handler)
        logger.propagate = True
