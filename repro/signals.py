"""SIGINT and SIGTERM: a command ends soon, wherever it is, and keeps what it has stored.

The main thread gets a KeyboardInterrupt, which removes unfinished files on its way. Inside a long call of a library it
would notice too late: a thread then ends the process. Both are safe, as what is stored appears with one rename.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM)
GRACE = 1.0  # seconds that the main thread has to notice
SENTENCE = "interrupted; what is stored is kept, the same command goes on from there"


def _forget_the_parent() -> None:
    """A forked child would tell its parent's thread of its own signals."""
    with suppress(ValueError):
        signal.set_wakeup_fd(-1)


os.register_at_fork(after_in_child=_forget_the_parent)


class Interruption:
    """The signal that came, if one did."""

    def __init__(self) -> None:
        self.number: int | None = None
        self._over = threading.Event()

    @property
    def status(self) -> int:
        """Exit status of a process that a signal ended, as shells give it."""
        return 128 + (self.number or signal.SIGINT)

    @contextmanager
    def listening(self, to_the_end: bool = False) -> Iterator[None]:
        """Raise KeyboardInterrupt in the block at the first signal; outside the main thread there are none.

        A signal that the process was started to ignore, as in the background of a script, stays ignored. After the
        block signals do what they did before, or are ignored `to_the_end` of a process that is done.
        """
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {number: signal.getsignal(number) for number in SIGNALS}
        mine = [number for number in SIGNALS if before[number] not in (signal.SIG_IGN, None)]
        hook, sys.unraisablehook = sys.unraisablehook, self._unraisable
        self._hook = hook
        reading, writing = os.pipe()
        os.set_blocking(writing, False)
        woken = signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
        watcher = threading.Thread(target=self._watch, args=(reading,), daemon=True)
        watcher.start()
        try:
            for number in mine:
                signal.signal(number, self._receive)
            yield
        finally:
            self._over.set()
            for number in mine:
                signal.signal(number, signal.SIG_IGN if to_the_end else before[number])
            signal.set_wakeup_fd(woken)
            sys.unraisablehook = hook
            os.close(writing)
            watcher.join()
            os.close(reading)

    def _receive(self, number: int, frame: FrameType | None) -> None:
        """The first signal interrupts the main thread, the others leave it in peace."""
        if self.number is None and not self._over.is_set():
            self.number = number
            raise KeyboardInterrupt

    def _watch(self, descriptor: int) -> None:
        """Read the numbers of signals as they come; end the process when the main thread does not."""
        while number := os.read(descriptor, 1):
            if number[0] in SIGNALS and not self._over.wait(GRACE):
                with suppress(OSError):
                    os.write(2, f"repro: {SENTENCE}\n".encode())
                os._exit(128 + number[0])

    def _unraisable(self, raised: sys.UnraisableHookArgs) -> None:
        """An interrupt that fell into a destructor goes nowhere: the thread will end the process."""
        if raised.exc_type is not KeyboardInterrupt:
            self._hook(raised)
