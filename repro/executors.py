"""Trainings handed to submitit: on this machine, on a Slurm cluster, or in this process to see what would happen.

submitit pickles the function and its arguments itself and reads back only what its own jobs wrote.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from repro.errors import ReproError
from repro.files import home
from repro.measured import Options

if TYPE_CHECKING:
    from repro.sweep import Unit

TIMEOUT = 24 * 60  # minutes of a job


def submit(name: str, jobs: int, units: Sequence[Unit], options: Options, say: Callable[[str], None]) -> None:
    """Run the units with at most `jobs` at a time; stored cells count, so a sweep that was cut short goes on.

    Raises ReproError naming the units that failed, when all others are done, or when submitit is not installed.
    """
    try:
        import submitit
    except ImportError:
        raise ReproError("--executor needs submitit; install it with `pip install submitit`") from None
    from repro.sweep import run

    if name == "local":  # jobs that share a machine share its cores
        os.environ.setdefault("OMP_NUM_THREADS", str(max(1, (os.cpu_count() or 1) // jobs)))
    executor = submitit.AutoExecutor(folder=home() / "jobs", cluster=name)
    executor.update_parameters(timeout_min=TIMEOUT, name="repro")
    waiting, failed, done = list(units), [], 0
    running: dict[int, tuple[Any, Unit]] = {}
    while waiting or running:
        while waiting and len(running) < jobs:
            unit = waiting.pop(0)
            running[id(unit)] = (executor.submit(run, unit, options), unit)
            say(f"submitted {unit.title}")
        for key, (job, unit) in list(running.items()):
            if name == "debug" or job.done():
                del running[key]
                error = job.exception()
                done += 1
                say(f"{done} of {len(units)}: {unit.title} " + ("done" if error is None else "failed"))
                if error is not None:
                    reason = str(error).strip().splitlines()[-1]
                    failed.append(f"{unit.title} ({reason})")
        if running:
            time.sleep(1)
    if failed:
        raise ReproError(f"{len(failed)} of {len(units)} trainings failed: {'; '.join(failed)}; the others are stored")
