"""Work in a child process: killed at an operation on files, stopped in the middle of a file, or bound by modes."""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[1]
Work = Callable[[], object]
NOT_PERMITTED = 77  # status of work on a small disk where none can be made
MS_REMOUNT = 32
WRITES = ("os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.chmod", "fcntl.flock", "shutil.rmtree")


def forked(work: Work) -> tuple[int, str]:
    """(what the work returned, or minus the signal that ended it; everything that it printed), done in a child."""
    with tempfile.TemporaryFile() as said:
        child = os.fork()
        if child == 0:
            os.dup2(said.fileno(), 1)
            os.dup2(said.fileno(), 2)
            sys.stdout = sys.stderr = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
            try:
                status = work() or 0
            except BaseException:
                traceback.print_exc()
                status = 70
            sys.stdout.flush()
            os._exit(int(status))  # type: ignore[call-overload]
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        said.seek(0)
        return status, said.read().decode()


def modules_after(code: str, *arguments: str) -> set[str]:
    """The modules that a new interpreter has imported when it has run that code, which may use `sys.argv[1:]`."""
    listing = "\nimport sys; print('\\n', *sys.modules, sep='\\n')"
    done = subprocess.run(
        [sys.executable, "-c", code + listing, *arguments], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return set(done.stdout.split("\n"))


def killed_at(event: int, work: Work) -> bool:
    """Do the work in a child that kills itself before its n-th operation that writes; whether it got so far."""
    return forked(lambda: (_kill_at(event), work())[1])[0] == -signal.SIGKILL


def _kill_at(event: int) -> None:
    left = event

    def tally(name: str, arguments: tuple[object, ...]) -> None:
        nonlocal left
        if name in WRITES or (name == "open" and _writes(arguments[2])):
            left -= 1
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(tally)


def _writes(flags: object) -> bool:
    return isinstance(flags, int) and bool(flags & (os.O_WRONLY | os.O_RDWR))


def torn_at(size: int, work: Work) -> bool:
    """Do the work in a child that is killed in the middle of the first file that grows beyond `size` bytes."""

    def until_then() -> object:
        signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        with files_of_at_most(size):
            return work()

    return forked(until_then)[0] == -signal.SIGXFSZ


@contextmanager
def files_of_at_most(size: int) -> Iterator[None]:
    """The limit of `ulimit -f`, in bytes."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def by_modes(work: Work) -> Work:
    """The work, to be forked, as anybody does it whom the modes of files bind: root gives its capabilities up."""

    def bound() -> object:
        header, none = (ctypes.c_uint32 * 2)(0x20080522, 0), (ctypes.c_uint32 * 6)()  # capset(2), version 3
        assert ctypes.CDLL(None).capset(header, none) == 0
        return work()

    return bound


def on_a_disk_of(kilobytes: int, folder: Path, work: Work) -> Work:
    """The work, to be forked, with a small disk at `folder` that nobody else sees; NOT_PERMITTED where none can be."""

    def small() -> object:
        system = ctypes.CDLL(None, use_errno=True)
        steps = (
            lambda: system.unshare(0x00020000),  # CLONE_NEWNS
            lambda: system.mount(b"none", b"/", None, 0x4000 | 0x40000, None),  # MS_REC | MS_PRIVATE
            lambda: mount(folder, kilobytes),
        )
        return work() if all(step() == 0 for step in steps) else NOT_PERMITTED

    return small


def mount(folder: Path, kilobytes: int, flags: int = 0) -> int:
    """mount(2) of a disk in memory; with MS_REMOUNT as flag another size of one that is there."""
    return ctypes.CDLL(None).mount(b"tmpfs", bytes(folder), b"tmpfs", flags, f"size={kilobytes}k".encode())  # type: ignore[no-any-return]


def members(group: int, within: float = 0) -> list[str]:
    """Processes of a group that still run, after as many seconds as it takes them to end, `within` at most.

    /proc/<pid>/stat has the state after the name, and the group two further.
    """
    for _ in range(round(100 * within)):
        if not members(group):
            break
        time.sleep(0.01)
    running = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, _, its_group = stat.read_text().rpartition(")")[2].split()[:3]
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(its_group) == group and state not in "ZX":
            running.append(stat.parent.name)
    return running
