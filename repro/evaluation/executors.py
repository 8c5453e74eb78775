"""Units handed to submitit: on this machine, on a Slurm cluster, or in this process to see what would happen.

submitit pickles the function and its arguments itself and reads back only what its own jobs wrote.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

from repro.errors import ReproError
from repro.evaluation.config import Options, Say
from repro.evaluation.session import Session
from repro.evaluation.units import Outcome, Unit, run
from repro.paths import home
from repro.signals import Interruption

TIMEOUT = 24 * 60  # minutes of a job
GPUS = "CUDA_VISIBLE_DEVICES"


@dataclass(frozen=True)
class Cluster:
    """Where units run: an executor of submitit, how many jobs at a time, and its own parameters for Slurm.

    `slurm`: such as ("partition=gpu", "gpus=1", "time=600"); times are minutes, `gpus` is `gpus_per_node`.
    """

    name: str  # local, debug or slurm
    jobs: int = 1
    slurm: tuple[str, ...] = ()

    def executor(self) -> Any:
        """submitit's; ReproError when it is not installed, finds no Slurm, or knows no such parameter."""
        parameters = self._parameters()
        try:
            import submitit

            executor = submitit.AutoExecutor(folder=home() / "jobs", cluster=self.name)
        except ImportError:
            raise ReproError("--executor needs submitit; install it with `pip install submitit`") from None
        except RuntimeError as error:
            raise ReproError(f"--executor {self.name} cannot be used here ({error}); use local, or none") from None
        try:
            executor.update_parameters(timeout_min=TIMEOUT, name="repro", **parameters)
        except NameError:
            names = ", ".join(sorted(_slurm_names()))
            raise ReproError(f"--slurm {','.join(self.slurm)}: submitit knows {names}") from None
        return executor

    def _parameters(self) -> dict[str, object]:
        parameters: dict[str, object] = {}
        for setting in self.slurm:
            name, sign, value = setting.partition("=")
            if not sign or not name or not value:
                raise ReproError(f"--slurm {setting}: use name=value, such as partition=gpu,gpus=1,time=600")
            known = "gpus_per_node" if name == "gpus" else name
            parameters[f"slurm_{known}"] = int(value) if value.isdecimal() else value
        return parameters


def _slurm_names() -> set[str]:
    from submitit.slurm.slurm import SlurmExecutor

    return {"gpus", *SlurmExecutor._valid_parameters()}


def submit(cluster: Cluster, work: Sequence[Unit], options: Options, say: Say) -> Iterator[Outcome]:
    """Run the units with so many jobs at a time; the outcome of each, when it is done.

    What is stored counts, so a run that was cut short goes on. A unit whose job dies costs its own cells. Jobs on this
    machine share its cores, and what is timed runs alone.
    """
    name = cluster.name
    here = name == "local"
    do: Callable[..., Outcome] = _in_this_process if name == "debug" else _in_a_job
    if here:
        do = partial(_in_a_job_here, os.environ.get(GPUS))
    executor = cluster.executor()
    waiting, done = list(enumerate(work)), 0
    running: dict[int, Any] = {}
    try:
        while waiting or running:
            while waiting and len(running) < cluster.jobs:
                number, unit = waiting[0]
                if here and running and any(one.alone for one in (unit, *(work[other] for other in running))):
                    break
                waiting.pop(0)
                with _deaf_to_the_terminal(), _sharing_cores(cluster.jobs if here and not unit.alone else 1):
                    running[number] = executor.submit(do, unit, options)
                say(f"submitted {unit.title}")
            for number, job in list(running.items()):
                if name == "debug" or job.done():
                    del running[number]
                    outcome = _outcome(work[number], job)
                    done += 1
                    reasons = dict.fromkeys(map(str, outcome.failed.values()))
                    say(f"{done} of {len(work)}: {work[number].title} " + ("failed" if reasons else "done"))
                    for why in reasons:
                        say(f"{work[number].title}: not run: {why}")
                    yield outcome
            if running:
                time.sleep(1)
    except (KeyboardInterrupt, GeneratorExit):
        for job in running.values():
            _cancel(name, job)
        raise


def _outcome(unit: Unit, job: Any) -> Outcome:
    """What a job gave; where it died, all of its cells failed."""
    error = job.exception()
    if error is None:
        outcome: Outcome = job.result()
        return outcome
    reason = (str(error).strip() or type(error).__name__).splitlines()[-1]
    return Outcome(failed=dict.fromkeys(unit.cells, ReproError(f"{unit.title} failed: {reason}")))


def _in_this_process(unit: Unit, options: Options) -> Outcome:
    return run(unit, Session(options))


def _in_a_job(unit: Unit, options: Options) -> Outcome:
    """A signal ends it with the status that shells give, and without a word."""
    interruption = Interruption()
    try:
        with interruption.listening():
            return run(unit, Session(options))
    except KeyboardInterrupt:
        raise SystemExit(interruption.status) from None


def _in_a_job_here(gpus: str | None, unit: Unit, options: Options) -> Outcome:
    """With the submitter's GPUs: submitit hides from jobs on its machine all that it is not told of."""
    os.environ.pop(GPUS, None)
    if gpus is not None:
        os.environ[GPUS] = gpus
    return _in_a_job(unit, options)


@contextmanager
def _deaf_to_the_terminal() -> Iterator[None]:
    """What is started here never hears the SIGINT of the terminal, only this process does and tells its jobs."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def _sharing_cores(jobs: int) -> Iterator[None]:
    """What is started here computes on its share of the cores, unless the user said on how many."""
    if jobs == 1 or "OMP_NUM_THREADS" in os.environ:
        yield
        return
    os.environ["OMP_NUM_THREADS"] = str(max(1, (os.cpu_count() or 1) // jobs))
    try:
        yield
    finally:
        del os.environ["OMP_NUM_THREADS"]


def _cancel(name: str, job: Any) -> None:
    if name == "local":  # submitit would send SIGINT, at which its controller shows a traceback
        with suppress(ProcessLookupError):
            os.kill(int(job.job_id), signal.SIGTERM)
    else:
        job.cancel(check=False)
