"""Units handed to submitit: on this machine, on a Slurm cluster, or in this process to see what would happen.

submitit pickles the function and its arguments itself and reads back only what its own jobs wrote.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any, Protocol

from repro.errors import ReproError
from repro.evaluation.config import Options
from repro.paths import home
from repro.signals import Interruption

TIMEOUT = 24 * 60  # minutes of a job


class Unit(Protocol):
    """A piece of work that needs no other's result, and stores its own."""

    @property
    def title(self) -> str:
        """For a progress line."""

    def run(self, options: Options) -> None:
        """Do it, unless what it makes is stored; ReproError says why it cannot be done."""


def executor_of(name: str) -> Any:
    """submitit's executor of that name; ReproError when submitit is not installed or finds no Slurm."""
    try:
        import submitit

        return submitit.AutoExecutor(folder=home() / "jobs", cluster=name)
    except ImportError:
        raise ReproError("--executor needs submitit; install it with `pip install submitit`") from None
    except RuntimeError as error:
        raise ReproError(f"--executor {name} cannot be used here ({error}); use local, or none") from None


def submit(
    name: str, jobs: int, units: Sequence[Unit], options: Options, say: Callable[[str], None]
) -> dict[int, ReproError]:
    """Run the units with at most `jobs` at a time; what is stored counts, so a sweep that was cut short goes on.

    Those that failed, by their place among the units, and why.
    """
    work = _in_this_process if name == "debug" else _in_a_job
    if name == "local":  # jobs that share a machine share its cores
        os.environ.setdefault("OMP_NUM_THREADS", str(max(1, (os.cpu_count() or 1) // jobs)))
    executor = executor_of(name)
    executor.update_parameters(timeout_min=TIMEOUT, name="repro")
    waiting, done = list(enumerate(units)), 0
    failed: dict[int, ReproError] = {}
    running: dict[int, tuple[Any, Unit]] = {}
    try:
        while waiting or running:
            while waiting and len(running) < jobs:
                number, unit = waiting.pop(0)
                with _deaf_to_the_terminal():
                    running[number] = (executor.submit(work, unit, options), unit)
                say(f"submitted {unit.title}")
            for number, (job, unit) in list(running.items()):
                if name == "debug" or job.done():
                    del running[number]
                    error = job.exception()
                    done += 1
                    say(f"{done} of {len(units)}: {unit.title} " + ("done" if error is None else "failed"))
                    if error is not None:
                        reason = (str(error).strip() or type(error).__name__).splitlines()[-1]
                        say(f"{unit.title} failed: {reason}")
                        failed[number] = ReproError(f"{unit.title} failed: {reason}")
            if running:
                time.sleep(1)
    except KeyboardInterrupt:
        for job, _ in running.values():
            _cancel(name, job)
        raise
    return failed


def _in_this_process(unit: Unit, options: Options) -> None:
    unit.run(options)


def _in_a_job(unit: Unit, options: Options) -> None:
    """A signal ends it with the status that shells give, and without a word."""
    interruption = Interruption()
    try:
        with interruption.listening():
            unit.run(options)
    except KeyboardInterrupt:
        raise SystemExit(interruption.status) from None


@contextmanager
def _deaf_to_the_terminal() -> Iterator[None]:
    """What is started here never hears the SIGINT of the terminal, only this process does and tells its jobs."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _cancel(name: str, job: Any) -> None:
    if name == "local":  # submitit would send SIGINT, at which its controller shows a traceback
        with suppress(ProcessLookupError):
            os.kill(int(job.job_id), signal.SIGTERM)
    else:
        job.cancel(check=False)
