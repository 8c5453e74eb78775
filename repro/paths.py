"""Where things live, the paths that users name, and writes that publish with one rename.

A file or folder is built in a hidden folder beside its target, which its process holds locked. What a killed process
leaves there is recognised by its name and by nobody holding the lock, and goes when the next one comes there.
"""

from __future__ import annotations

import errno
import os
import re
import shutil
import stat
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from functools import cache
from pathlib import Path

from filelock import FileLock, Timeout

from repro.errors import ReproError

UNFINISHED = ".repro-unfinished-"  # begins the name of a folder in which something is built
LOCK = ".repro-lock"  # in that folder


def home() -> Path:
    """Folder of fetched data and stored results: `REPRO_HOME`, else `.repro` in the working directory.

    Raises ReproError when something else than a folder has that name.
    """
    folder = path_from("REPRO_HOME") or Path(".repro")
    if folder.exists() and not folder.is_dir():
        raise ReproError(f"{folder} is no folder; move it away, or name another place with REPRO_HOME")
    return folder


def path_from(variable: str) -> Path | None:
    """The path in an environment variable, `~` expanded; None when it is unset or empty."""
    text = os.environ.get(variable, "")
    return user_path(text) if text.strip() else None


def user_path(text: str) -> Path:
    """The path that a user typed, `~` expanded; ReproError when the system can have no file of that name."""
    if not text:
        raise ReproError("a path is empty; name a file or a folder")
    try:
        path = Path(os.path.expanduser(text))  # ./~ is a name, of which Path would leave ~
        os.lstat(path)
    except ValueError:
        raise ReproError(f"{text!r} cannot be a path: it holds a character that no file name has") from None
    except OSError as error:
        if error.errno == errno.ENAMETOOLONG:
            raise ReproError(f"{text[:40]}… is a name too long for this system; choose a shorter one") from None
    if text.startswith("~") and path == Path(text):
        raise ReproError(f"{text}: nobody knows the home folder that ~ stands for; write the path in full")
    return path


_REFUSALS = {
    errno.ENOSPC: "the disk is full; free some space and run the command again",
    errno.EDQUOT: "the disk quota is used up; free some space and run the command again",
    errno.EFBIG: "the file would be larger than the limit for files (ulimit -f); raise it and run the command again",
    errno.ENAMETOOLONG: "the name is too long for this system; choose a shorter one",
    errno.EISDIR: "there is a folder of that name; name a file",
    errno.ENOTDIR: "a part of this path is no folder; name another",
    errno.EEXIST: "that name is taken; name another, or move away what has it",
    errno.ENOTEMPTY: "that name is taken; name another, or move away what has it",
    errno.ELOOP: "its symbolic links lead in a circle; name another path",
}


def refusal(error: BaseException) -> str:
    """Why the system refused a path or a write, and what to do; '' when the error is not of that kind."""
    code = getattr(error, "errno", None)
    if code is None and (in_text := re.search(r"os error (\d+)", str(error))):  # as safetensors says it
        code = int(in_text[1])
    if code is None and re.search(r"requested and \d+ written", str(error)):  # as numpy says it
        code = errno.ENOSPC
    return _REFUSALS.get(code, "") if code else ""


@contextmanager
def disk_errors(path: Path) -> Iterator[None]:
    """Turn a full disk, a limit or a refused write at or below `path` into one clear sentence."""
    try:
        yield
    except ReproError:
        raise
    except Exception as error:
        if reason := refusal(error):
            raise ReproError(f"{_in_the_way(error) or path}: {reason}") from error
        if isinstance(error, OSError) and error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
            raise ReproError(f"{path}: cannot write there ({error.strerror}); choose a writable folder") from error
        raise


def _in_the_way(error: Exception) -> str:
    """The file that stands where a folder was to be made, '' for any other error."""
    there = isinstance(error, FileExistsError) and isinstance(error.filename, str) and error.filename2 is None
    return error.filename if there else ""  # type: ignore[attr-defined]


def output_file(path: Path, others: Iterable[Path] = ()) -> Path:
    """Where a file written to `path` will stand, found out before the work whose result it is: links are followed.

    Raises ReproError when a folder, device, FIFO or socket has that name, when it is one of the `others` that the same
    command reads or writes, or is there below one of them, or nothing can be written there.
    """
    if str(path) == "-":
        raise ReproError("- stands for standard input alone; name the file to write")
    with disk_errors(path):
        target = _regular(path)
        read = {Path(os.path.realpath(other)) for other in others}
        if target in read or (target.exists() and read.intersection(target.parents)):
            raise ReproError(f"{path} is a file that this command reads, or writes for itself; name another")
        _try_writing(target.parent)
    return target


def output_folder(path: Path, new: bool = False) -> Path:
    """The same for a folder that files will be written to; a `new` one may not be there yet."""
    with disk_errors(path):
        sweep_once(path.parent)
        if new and os.path.lexists(path):
            raise ReproError(f"{path} is there already; name a new folder")
        if path.exists() and not path.is_dir():
            raise ReproError(f"{path} is a file; name a folder")
        _try_writing(path.parent if new else path)
    return path


def _regular(path: Path) -> Path:
    """The file behind `path` and its links, which is a regular one or not there."""
    try:
        mode = os.stat(path).st_mode
    except FileNotFoundError:
        return Path(os.path.realpath(path))
    if stat.S_ISDIR(mode):
        raise ReproError(f"{path} is a folder; name a file")
    target = Path(os.path.realpath(path))
    # what /dev/stdout leads to may have no name that another file could take
    if not stat.S_ISREG(mode) or not target.exists() or not target.samefile(path):
        raise ReproError(f"{path} is a device, a pipe or a socket, which no file may replace; name a file")
    if not os.access(target, os.W_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
    return target


def _try_writing(folder: Path) -> None:
    there = next(parent for parent in (folder, *folder.absolute().parents) if parent.exists())
    with _workshop(there):
        pass


@contextmanager
def new_file(path: Path) -> Iterator[Path]:
    """A name to write to; at the end that file takes the place of `path`, or of what it links to, with one rename.

    Data and rename are on the disk when the block is left. The mode is that of the file replaced, else what `open`
    gives. Raises ReproError as `output_file` does, or when the disk is full; `path` then stays as it was.
    """
    with disk_errors(path):
        target = _regular(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        with _workshop(target.parent) as workshop:
            unfinished, plain = workshop / target.name, workshop / ".mode"
            plain.touch()
            yield unfinished
            with suppress(FileNotFoundError):  # of nothing that was written: said by what comes next
                unfinished.chmod(stat.S_IMODE(plain.stat().st_mode))  # safetensors writes for the owner alone
            with suppress(FileNotFoundError):
                _keep_mode(unfinished, target.stat())
            sync(unfinished)
            os.replace(unfinished, target)
            sync(target.parent)


def write_atomic(path: Path, data: str | bytes) -> None:
    """Write a whole file with one rename, so that a reader sees the old bytes or the new ones (errors: `new_file`)."""
    with new_file(path) as unfinished:
        unfinished.write_bytes(data.encode("utf-8") if isinstance(data, str) else data)


def write_all(contents: Mapping[Path, str | bytes]) -> None:
    """`write_atomic` of files that belong together, in this order, once all of them are on the disk."""
    with ExitStack() as stack:
        for path, data in reversed(list(contents.items())):  # what is entered last is left first
            unfinished = stack.enter_context(new_file(path))
            unfinished.write_bytes(data.encode("utf-8") if isinstance(data, str) else data)
            sync(unfinished)


@contextmanager
def new_folder(path: Path, replace: bool = False) -> Iterator[Path]:
    """An empty folder to fill; at the end it becomes `path` with one rename (errors: `output_folder` of a new one).

    `replace`: a folder that is there already makes way at the end, with a rename of its own, and goes.
    """
    with disk_errors(path):
        if os.path.lexists(path) and not replace:
            raise ReproError(f"{path} is there already; name a new folder")
        path.parent.mkdir(parents=True, exist_ok=True)
        with _workshop(path.parent) as workshop:
            unfinished = workshop / path.name
            unfinished.mkdir()
            yield unfinished
            ordinary = stat.S_IMODE(unfinished.stat().st_mode) & 0o666  # safetensors writes for the owner alone
            for folder, _, names in os.walk(unfinished):
                for name in names:
                    Path(folder, name).chmod(ordinary)
                for name in (*names, ""):
                    sync(Path(folder, name))
            if os.path.lexists(path):
                os.rename(path, workshop / f"{path.name}.before")
            os.rename(unfinished, path)
            sync(path.parent)


def sweep(folder: Path) -> None:
    """Remove what killed processes left unfinished in `folder` itself; what a living process holds stays."""
    for left in folder.glob(f"{UNFINISHED}*"):
        if left.is_symlink() or not left.is_dir():
            continue
        with suppress(Timeout, OSError), FileLock(left / LOCK, timeout=0):
            shutil.rmtree(left, ignore_errors=True)


def sweep_once(folder: Path) -> None:
    """`sweep`, the first time that this process comes to the folder: that of stored results has thousands of names."""
    _swept(folder.absolute())


@cache
def _swept(folder: Path) -> None:
    sweep(folder)


@contextmanager
def _workshop(folder: Path) -> Iterator[Path]:
    """An empty folder in `folder` that is this process's own, and goes at the end with what is still in it."""
    sweep_once(folder)
    while True:
        try:
            workshop = Path(tempfile.mkdtemp(dir=folder, prefix=UNFINISHED))
        except FileNotFoundError:  # of a folder that is there, as /proc says it
            raise ReproError(f"{folder}: nothing can be written there; choose another folder") from None
        lock = FileLock(workshop / LOCK, timeout=0)
        try:
            lock.acquire()
            break
        except Timeout:  # another process swept it before it was locked
            continue
        except BaseException:
            shutil.rmtree(workshop, ignore_errors=True)
            raise
    try:
        yield workshop
    finally:
        shutil.rmtree(workshop, ignore_errors=True)
        lock.release()


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Read `path` and replace it while no other process does, whatever its home: its folder is locked, without a trace.

    Without a lock where the system, or the folder's file system, has none.
    """
    folder = Path(os.path.realpath(path)).parent
    with disk_errors(folder):
        with suppress(FileExistsError):  # what has the name and is no folder is said below
            folder.mkdir(parents=True)
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        with suppress(ImportError, OSError):
            import fcntl  # not on Windows

            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _keep_mode(path: Path, before: os.stat_result) -> None:
    """Mode and, where that is permitted, owner of the file that `path` will replace."""
    with suppress(PermissionError):
        os.chown(path, before.st_uid, before.st_gid)
    os.chmod(path, stat.S_IMODE(before.st_mode))


def sync(path: Path) -> None:
    """Have a file's or folder's content on the disk before a rename shows it."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):  # file systems that cannot sync a folder
            raise
    finally:
        os.close(handle)


def set_aside(path: Path) -> Path:
    """Rename what stands at `path` (a file, folder, link …) to a free name beside it; that name."""
    number = 1
    while os.path.lexists(aside := path.with_name(f"{path.name}.aside-{number}")):
        number += 1
    os.rename(path, aside)
    return aside


def make_way(path: Path) -> None:
    """Set aside a folder, pipe or broken link that has the name of a file which is about to be written."""
    with disk_errors(path):
        if os.path.lexists(path) and not path.is_file():
            set_aside(path)
