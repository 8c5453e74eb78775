"""Long work on standard error: one line that moves in a terminal, a line for each piece of work elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from repro import progress

EVERY = 0.1  # seconds between two looks


@contextmanager
def listening(shown: bool = True) -> Iterator[None]:
    """Show how the work in the block goes; `shown`: not by the processes of a training but one."""
    if not shown:
        yield
    elif not sys.stderr.isatty():
        with progress.heard_by(Lines()):
            yield
    else:
        bar = Bar()
        with bar.display, progress.heard_by(bar):
            yield


class Lines(progress.Nobody):
    """One line a piece of work, for files and pipes."""

    def at(self, title: str) -> None:
        """A line."""
        print(title, file=sys.stderr, flush=True)


class Bar(progress.Nobody):
    """What is at hand, how much of it is done, how fast it goes and how long it will take.

    Of steps within steps the innermost is shown. What is printed meanwhile stands above. It is drawn when something
    moves: a thread that draws would take its share of what is timed.
    """

    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn
        from rich.table import Column

        class Steady(Console):
            def show_cursor(self, show: bool = True) -> bool:
                """It stays: nothing would bring it back after a kill."""
                return False

        self.display = Progress(
            TextColumn("{task.description}", markup=False, table_column=Column(no_wrap=True, overflow="ellipsis")),
            BarColumn(20),
            TextColumn("{task.fields[amount]}", markup=False, table_column=Column(no_wrap=True)),
            console=Steady(file=sys.stderr),
            auto_refresh=False,
            transient=True,
        )
        self._title = ""
        self._steps: list[progress.Step] = []
        self._drawn = 0.0

    def at(self, title: str) -> None:
        """The title before the bar."""
        self._title = title
        self._begin()

    def begun(self, step: progress.Step) -> None:
        """A bar for this step, in the place of the one around it."""
        self._steps.append(step)
        self._begin()

    def moved(self, step: progress.Step) -> None:
        """Where it is the step that is shown."""
        if self._steps and step is self._steps[-1]:
            (task,) = self.display.tasks
            self.display.update(task.id, total=step.total or None, completed=step.done)
            if time.monotonic() >= self._drawn + EVERY:
                text = amount(step, task.speed, task.time_remaining)
                self.display.update(task.id, amount=text)
                self._draw()

    def ended(self, step: progress.Step) -> None:
        """Back to the one around it."""
        self._steps.remove(step)
        self._begin()

    def _begin(self) -> None:
        for task in self.display.tasks:
            self.display.remove_task(task.id)
        step = self._steps[-1] if self._steps else progress.Step(0, "")
        text = amount(step, None, None) if step.unit else ""
        self.display.add_task(self._title, total=step.total or None, completed=int(step.done), amount=text)
        self._draw()

    def _draw(self) -> None:
        self.display.refresh()
        self._drawn = time.monotonic()


def amount(step: progress.Step, speed: float | None, seconds: float | None) -> str:
    """`12,345 of 47,700 sentences, 512 a second, 0:01:09 left, loss 0.1234`, as far as it is known."""
    size, unit = (1e6, "MB") if step.unit == progress.BYTES else (1.0, step.unit)
    done, total = (f"{count / size:,.{0 if size == 1 else 1}f}" for count in (step.done, step.total))
    parts = [f"{done} of {total} {unit}" if step.total else f"{done} {unit}"]
    if speed:
        parts.append(f"{speed / size:,.{0 if speed / size >= 10 else 1}f} a second")
    if seconds is not None:
        parts.append(f"{int(seconds) // 3600}:{int(seconds) // 60 % 60:02}:{int(seconds) % 60:02} left")
    return ", ".join([*parts, *([step.note] if step.note else [])])
