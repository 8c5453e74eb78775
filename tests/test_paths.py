"""Writes that publish with one rename, what they refuse to replace, and what a full disk says."""

import errno
import os
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from itertools import count
from pathlib import Path

import numpy as np
import pytest

from repro.errors import ReproError
from repro.paths import (
    disk_errors,
    home,
    new_file,
    new_folder,
    output_file,
    output_folder,
    path_from,
    sweep,
    user_path,
    write_all,
    write_atomic,
)
from tests.processes import files_of_at_most, killed_at


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize(
    ("code", "message"),
    [
        (errno.ENOSPC, "the disk is full"),
        (errno.EDQUOT, "quota is used up"),
        (errno.EFBIG, "larger than the limit"),
        (errno.EACCES, "cannot write there"),
        (errno.EROFS, "cannot write there"),
    ],
)
def test_a_failed_write_keeps_the_old_file_and_no_other(
    code: int, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "table.md"
    write_atomic(path, "old")

    def fail(handle: int) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(ReproError, match=f"table.md: .*{message}"):
        write_atomic(path, "new")
    assert path.read_text() == "old"
    assert names(tmp_path) == ["table.md"]


def _safetensors(path: Path) -> None:
    from safetensors.numpy import save_file

    save_file({"x": np.zeros(10_000)}, path)


def _numpy(path: Path) -> None:
    with path.open("wb") as file:
        np.save(file, np.zeros(10_000))


@pytest.mark.parametrize("write", [lambda path: path.write_bytes(bytes(10_000)), _safetensors, _numpy])
def test_a_file_size_limit_is_one_sentence(write: Callable[[Path], None], tmp_path: Path) -> None:
    message = r"out: the (file would be larger|disk is full)"
    with files_of_at_most(4096), pytest.raises(ReproError, match=message), new_file(tmp_path / "out") as unfinished:
        write(unfinished)
    assert names(tmp_path) == []


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (OSError(errno.ENAMETOOLONG, "x"), "the name is too long"),
        (OSError(errno.EISDIR, "x"), "there is a folder of that name"),
        (OSError(errno.ENOTDIR, "x"), "is no folder"),
        (OSError(errno.ENOTEMPTY, "x"), "that name is taken"),
        (OSError(errno.EPERM, "x"), "cannot write there"),
        (RuntimeError("I/O error: No space left on device (os error 28)"), "the disk is full"),
        (RuntimeError("I/O error: Disk quota exceeded (os error 122)"), "quota"),
    ],
)
def test_every_refusal_of_the_system_is_one_sentence(error: Exception, message: str) -> None:
    with pytest.raises(ReproError, match=f"^some/file: .*{message}"), disk_errors(Path("some/file")):
        raise error


def test_other_errors_pass() -> None:
    with pytest.raises(KeyError), disk_errors(Path("x")):
        raise KeyError("x")


def _device(path: Path) -> None:
    if os.geteuid():
        pytest.skip("only root makes devices")
    os.mknod(path, stat.S_IFCHR | 0o666, os.makedev(1, 3))  # another /dev/null


def _socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))


def _link_to_pipe(path: Path) -> None:
    os.mkfifo(path.with_name("pipe"))
    path.symlink_to("pipe")


def _circle(path: Path) -> None:
    path.symlink_to(path.name)


NOT_REPLACED = {
    "device": (_device, "device, a pipe or a socket"),
    "fifo": (os.mkfifo, "device, a pipe or a socket"),
    "socket": (_socket, "device, a pipe or a socket"),
    "link to a fifo": (_link_to_pipe, "device, a pipe or a socket"),
    "folder": (Path.mkdir, "is a folder; name a file"),
    "circle": (_circle, "links lead in a circle"),
}


@pytest.mark.parametrize("kind", NOT_REPLACED)
def test_what_is_no_regular_file_is_never_replaced(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # the address of a socket is short
    make, message = NOT_REPLACED[kind]
    path = Path("out")
    make(path)
    before = os.lstat(path)
    for write in (output_file, lambda path: write_atomic(path, "new")):
        with pytest.raises(ReproError, match=f"^out.*{message}"):
            write(path)
    assert (os.lstat(path).st_ino, os.lstat(path).st_mode) == (before.st_ino, before.st_mode)
    assert not list(tmp_path.glob(".*"))


def test_a_pipe_behind_dev_stdout_is_no_file() -> None:
    read, write = os.pipe()
    with pytest.raises(ReproError, match="device, a pipe or a socket"):
        output_file(Path(f"/dev/fd/{write}"))
    os.close(read)
    os.close(write)


@pytest.mark.parametrize("there", [True, False])
def test_a_link_stays_and_what_it_leads_to_is_written(there: bool, tmp_path: Path) -> None:
    (tmp_path / "far").mkdir()
    if there:
        (tmp_path / "far/file").write_text("old")
    (tmp_path / "second").symlink_to("far/file")
    (tmp_path / "first").symlink_to(tmp_path / "second")
    assert output_file(tmp_path / "first") == tmp_path / "far/file"
    write_atomic(tmp_path / "first", "new")
    assert (tmp_path / "first").is_symlink()
    assert (tmp_path / "second").is_symlink()
    assert (tmp_path / "far/file").read_text() == "new"
    assert not (tmp_path / "far/file").is_symlink()


def test_modes_are_those_that_open_gives(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        write_atomic(tmp_path / "new", "x")
        with new_folder(tmp_path / "folder") as unfinished:
            (unfinished / "inside").write_text("x")
        (tmp_path / "script").write_text("old")
        (tmp_path / "script").chmod(0o751)
        write_atomic(tmp_path / "script", "new")
    finally:
        os.umask(before)
    modes = {
        name: stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("new", "folder", "folder/inside", "script")
    }
    assert modes == {"new": 0o640, "folder": 0o750, "folder/inside": 0o640, "script": 0o751}


def test_a_protected_file_is_not_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "kept").write_text("old")
    monkeypatch.setattr(os, "access", lambda path, mode: False)  # root may write everywhere
    with pytest.raises(ReproError, match="cannot write there"):
        output_file(tmp_path / "kept")


def test_data_are_on_the_disk_before_the_rename_and_the_rename_after_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    events: list[str] = []
    sync, replace = os.fsync, os.replace

    def noted_sync(handle: int) -> None:
        events.append(f"sync {'folder' if stat.S_ISDIR(os.fstat(handle).st_mode) else 'file'}")
        sync(handle)

    def noted_replace(source: Path, target: Path) -> None:
        events.append("rename")
        replace(source, target)

    monkeypatch.setattr(os, "fsync", noted_sync)
    monkeypatch.setattr(os, "replace", noted_replace)
    write_atomic(tmp_path / "x", "x")
    assert events == ["sync file", "rename", "sync folder"]


def test_files_that_belong_together_are_all_new_or_all_old(tmp_path: Path) -> None:
    contents = {tmp_path / "a": "new", tmp_path / "below/b": b"new", tmp_path / "c": "n" * 10_000}
    (tmp_path / "a").write_text("old")
    with files_of_at_most(4096), pytest.raises(ReproError, match="/c: the file would be larger than the limit"):
        write_all(contents)
    assert (tmp_path / "a").read_text() == "old"
    assert names(tmp_path) == ["a"]
    write_all(contents)
    assert [path.read_bytes()[:4] for path in contents] == [b"new", b"new", b"nnnn"]


def _full_after(text: str, path: Path) -> None:
    path.write_text(text)
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_folder_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "model"
    with pytest.raises(ReproError, match="disk is full"), new_folder(path) as unfinished:
        _full_after("half", unfinished / "weights")
    assert names(tmp_path) == []
    with new_folder(path) as unfinished:
        (unfinished / "weights").write_text("whole")
    assert names(tmp_path) == ["model"]
    assert names(path) == ["weights"]
    with pytest.raises(ReproError, match="model is there already; name a new folder"), new_folder(path):
        pass


def test_a_file_that_was_written_for_the_owner_alone_can_be_read_by_whom_the_umask_says(tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        with new_file(tmp_path / "vectors") as unfinished:
            os.close(os.open(unfinished, os.O_CREAT | os.O_WRONLY, 0o600))
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "vectors").stat().st_mode) == 0o644


def test_files_of_a_folder_can_be_read_by_whom_the_umask_says(tmp_path: Path) -> None:
    path = tmp_path / "model"
    with new_folder(path) as unfinished:
        (unfinished / "plain").write_text("")
        (unfinished / "below").mkdir()
        for private in (unfinished / "weights", unfinished / "below" / "weights"):  # as safetensors makes its files
            os.close(os.open(private, os.O_CREAT | os.O_WRONLY, 0o600))
    plain = (path / "plain").stat().st_mode
    assert {(path / name).stat().st_mode for name in ("weights", "below/weights")} == {plain}


def test_a_folder_that_is_replaced_stays_until_the_new_one_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "site"
    path.mkdir()
    (path / "old").write_text("old")
    with pytest.raises(ReproError, match="disk is full"), new_folder(path, replace=True) as unfinished:
        _full_after("half", unfinished / "new")
    assert names(path) == ["old"]
    with new_folder(path, replace=True) as unfinished:
        (unfinished / "new").write_text("new")
        assert names(path) == ["old"]
    assert names(path) == ["new"]
    assert names(tmp_path) == ["site"]


@pytest.mark.parametrize(
    ("check", "path", "message"),
    [
        (output_file, "file/x", "a part of this path is no folder"),
        (output_file, "folder", "is a folder; name a file"),
        (output_file, "x" * 300, "too long"),
        (output_folder, "file", "is a file; name a folder"),
        (output_folder, "file/x/y", "a part of this path is no folder"),
        (lambda path: output_folder(path, new=True), "folder", "is there already"),
        (lambda path: output_folder(path, new=True), "nowhere-link", "is there already"),
    ],
)
def test_an_output_is_refused_before_the_work(
    check: Callable[[Path], Path], path: str, message: str, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("x")
    (tmp_path / "folder").mkdir()
    (tmp_path / "nowhere-link").symlink_to("nowhere")
    with pytest.raises(ReproError, match=message):
        check(tmp_path / path)


def test_an_output_in_folders_to_come_is_fine_and_leaves_nothing(tmp_path: Path) -> None:
    assert output_file(tmp_path / "a/b/c") == tmp_path / "a/b/c"
    assert output_folder(tmp_path / "a/b") == tmp_path / "a/b"
    assert names(tmp_path) == []


HOLDER = """
import sys, time
from pathlib import Path
from repro.paths import new_file, new_folder
with new_file(Path(sys.argv[1]) / "file") as file, new_folder(Path(sys.argv[1]) / "folder") as folder:
    file.write_text("half")
    (folder / "part").write_text("half")
    print("ready", flush=True)
    time.sleep(60)
"""


def test_what_a_killed_process_left_goes_and_what_a_living_one_holds_stays(tmp_path: Path) -> None:
    process = subprocess.Popen([sys.executable, "-c", HOLDER, str(tmp_path)], stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"
    others = [".repro-unfinished", ".repro", ".file.abc", "repro-unfinished-x"]
    for name in others:
        (tmp_path / name).mkdir()
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / ".repro-unfinished-link").symlink_to("elsewhere")
    kept = [*others, "elsewhere", ".repro-unfinished-link"]
    sweep(tmp_path)
    held = [name for name in names(tmp_path) if name not in kept]
    assert len(held) == 2
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    with new_file(tmp_path / "own") as unfinished:
        unfinished.write_text("x")  # the first write of this process to the folder sweeps it
        assert len(names(tmp_path)) == len(kept) + 1
    assert names(tmp_path) == sorted([*kept, "own"])
    assert names(tmp_path / "elsewhere") == []


def _write_both(place: Path) -> None:
    write_atomic(place / "file", "new")
    with new_folder(place / "folder") as unfinished:
        (unfinished / "a").write_text("new")
        (unfinished / "b").write_text("new")


def test_a_kill_at_any_operation_leaves_the_old_or_the_new(tmp_path: Path) -> None:
    states = []
    for event in count(1):
        place = tmp_path / str(event)
        place.mkdir()
        (place / "file").write_text("old")
        killed = killed_at(event, partial(_write_both, place))
        states.append(((place / "file").read_text(), *sorted(path.read_text() for path in place.glob("folder/*"))))
        sweep(place)
        assert names(place) in (["file"], ["file", "folder"])
        if not killed:
            break
    assert list(dict.fromkeys(states)) == [("old",), ("new",), ("new", "new", "new")]
    assert len(states) > 20


@pytest.mark.parametrize("text", ["", "  "])
def test_an_empty_variable_counts_as_unset(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REPRO_HOME", text)
    assert home() == Path(".repro")
    monkeypatch.setenv("REPRO_DATA", text)
    assert path_from("REPRO_DATA") is None


def test_home_stands_where_the_variable_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("REPRO_HOME", "~/store")
    assert home() == tmp_path / "store"
    (tmp_path / "store").write_text("a file")
    with pytest.raises(ReproError, match="store is no folder; move it away"):
        home()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "a path is empty"),
        ("a\0b", "holds a character that no file name has"),
        ("\ud800", "holds a character that no file name has"),
        ("x" * 300, "too long"),
        ("x/" * 3000, "too long"),
        ("~nobody-of-that-name/x", "nobody knows the home folder"),
    ],
)
def test_what_cannot_be_a_path_is_one_sentence(text: str, message: str) -> None:
    with pytest.raises(ReproError, match=message) as caught:
        user_path(text)
    assert len(str(caught.value)) < 200


def test_a_path_is_taken_as_typed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert user_path("~/x") == tmp_path / "x"
    assert user_path("-") == Path("-")
    assert user_path("Grüße 🙂") == Path("Grüße 🙂")


def test_a_file_that_is_read_with_its_folder_is_not_written_over(tmp_path: Path) -> None:
    """As the weights of a model whose folder a command names; a new file beside them takes nothing away."""
    (tmp_path / "model/1_Pooling").mkdir(parents=True)
    for name in ("model.safetensors", "1_Pooling/config.json"):
        (tmp_path / "model" / name).write_text("x")
        with pytest.raises(ReproError, match="is a file that this command reads"):
            output_file(tmp_path / "model" / name, [tmp_path / "model"])
    (tmp_path / "link").symlink_to(tmp_path / "model/model.safetensors")
    with pytest.raises(ReproError, match="is a file that this command reads"):
        output_file(tmp_path / "link", [tmp_path / "model"])
    assert output_file(tmp_path / "model/new.npy", [tmp_path / "model"]) == tmp_path / "model/new.npy"


def test_a_tilde_that_does_not_begin_a_path_is_a_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", "/somewhere")
    assert user_path("./~/x") == Path("~/x")
    assert user_path("./~nobody/x") == Path("~nobody/x")
    assert user_path("~/x") == Path("/somewhere/x")
    with pytest.raises(ReproError, match="nobody knows the home folder"):
        user_path("~no-such-user/x")
