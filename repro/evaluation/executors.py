"""Trainings handed to submitit: on this machine, on a Slurm cluster, or in this process to see what would happen.

submitit pickles the function and its arguments itself and reads back only what its own jobs wrote.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from repro.errors import ReproError
from repro.evaluation.config import Options
from repro.paths import home
from repro.signals import Interruption

if TYPE_CHECKING:
    from repro.evaluation.trainings import Training, Unit

TIMEOUT = 24 * 60  # minutes of a job


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
) -> dict[Training, ReproError]:
    """Run the units with at most `jobs` at a time; stored cells count, so a sweep that was cut short goes on.

    Those that failed, and why.
    """
    from repro.evaluation.trainings import run

    work = run if name == "debug" else _run
    if name == "local":  # jobs that share a machine share its cores
        os.environ.setdefault("OMP_NUM_THREADS", str(max(1, (os.cpu_count() or 1) // jobs)))
    executor = executor_of(name)
    executor.update_parameters(timeout_min=TIMEOUT, name="repro")
    waiting, done = list(units), 0
    failed: dict[Training, ReproError] = {}
    running: dict[int, tuple[Any, Unit]] = {}
    try:
        while waiting or running:
            while waiting and len(running) < jobs:
                unit = waiting.pop(0)
                with _deaf_to_the_terminal():
                    running[id(unit)] = (executor.submit(work, unit, options), unit)
                say(f"submitted {unit.title}")
            for key, (job, unit) in list(running.items()):
                if name == "debug" or job.done():
                    del running[key]
                    error = job.exception()
                    done += 1
                    say(f"{done} of {len(units)}: {unit.title} " + ("done" if error is None else "failed"))
                    if error is not None:
                        reason = (str(error).strip() or type(error).__name__).splitlines()[-1]
                        say(f"{unit.title} failed: {reason}")
                        failed[unit.training] = ReproError(f"the training failed: {reason}")
            if running:
                time.sleep(1)
    except KeyboardInterrupt:
        for job, _ in running.values():
            _cancel(name, job)
        raise
    return failed


def _run(unit: Unit, options: Options) -> None:
    """What a job does; a signal ends it with the status that shells give, and without a word."""
    from repro.evaluation.trainings import run

    interruption = Interruption()
    try:
        with interruption.listening():
            run(unit, options)
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
