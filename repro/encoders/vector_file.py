"""Files of word vectors in text form (GloVe's, word2vec's, fastText's), as they are or as .gz or .zip.

    rows dimension            a header, where there is one
    word v1 v2 … vd           separated by blanks (0x20) alone: other white space may be a word, or part of one

A few words of glove.840B hold blanks themselves (". . .", "at name@domain.com"): the last d cells are the values.
"""

from __future__ import annotations

import codecs
import gzip
import re
import zipfile
from collections.abc import Iterator, Set
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice, takewhile
from pathlib import Path, PurePosixPath
from textwrap import shorten
from typing import IO

import numpy as np

from repro import impostors
from repro.checksums import sha256_of
from repro.data.convert import looks_like_utf16
from repro.data.lines import is_file
from repro.encoders.gate import too_small
from repro.errors import ReproError

LONGEST = 1 << 20  # bytes of a line: ten times what 4,096 dimensions need
BLOCK = 1 << 20  # bytes read at a time
_HEADER = re.compile(rb"(\d{1,18}) +(\d{1,18})")
_NUMERIC = b"0123456789.eE+- "
_MACS_OWN = re.compile(r"^__MACOSX/|(^|/)\.DS_Store$")  # what a Mac puts into an archive beside its files
_FORMS = {  # first bytes of what is no text, and what to do with it
    b"BZh": "is packed with bzip2; unpack it",
    b"\xfd7zXZ": "is packed with xz; unpack it",
    b"\x28\xb5\x2f\xfd": "is packed with zstd; unpack it",
    b"7z\xbc\xaf": "is packed with 7-Zip; unpack it",
    b"\xba\x16O/": "is in fastText's own binary form; take its .vec file, or save the vectors as text",
    b"\x80": "is a pickle, as gensim saves vectors, and is not opened; save them as text (save_word2vec_format)",
    b"PAR1": "is a Parquet file; where it has the words of a matrix, name the .npy beside it",
    b"\x89HDF": "is an HDF5 file; save the words and their values as text",
    b"\x93NUMPY": "is an array; name it with the ending .npy, its words beside it in a .txt",
}
_MODEL = "is a file of a model; name the folder that it lies in"


@dataclass(frozen=True)
class Layout:
    """What the first lines say: values a row, and rows where there is a header."""

    dimension: int
    rows: int | None = None


@dataclass(frozen=True)
class TextVectors:
    """A file of word vectors in text form."""

    path: Path

    @property
    def files(self) -> tuple[Path, ...]:
        """What is read."""
        return (self.path,)

    @property
    def sha256(self) -> str:
        """Of the file as it is, packed or not."""
        return sha256_of(self.path)

    @property
    def dimension(self) -> int:
        """Values a row (errors: `layout`)."""
        return layout(self.path).dimension

    def read(self, wanted: Set[str]) -> Iterator[tuple[str, np.ndarray]]:
        """Stream (word, float32 (d,)) of the wanted words (errors: `read_vectors`)."""
        return read_vectors(self.path, wanted)


def layout(path: Path) -> Layout:
    """Dimension and header of a file; ReproError names what it is when it is not a file of word vectors."""
    first, second = [_trimmed(line) for line in (*islice(_lines(path), 2), b"", b"")][:2]
    if not first:
        raise _blank(path, 1)
    header = _HEADER.fullmatch(first)
    if not header:
        return Layout(_width(first, path, 1))
    rows, dimension = map(int, header.groups())
    width = _width(second, path, 2) if second else 0
    if width != dimension or not width:
        raise ReproError(
            f"{path}: line 1 is a header that says {dimension} values a row, but line 2 has {width}; correct the file"
        )
    return Layout(dimension, rows)


def read_vectors(path: Path, wanted: Set[str]) -> Iterator[tuple[str, np.ndarray]]:
    """Stream (word, float32 (d,)) of the wanted words, in the file's order.

    ReproError names file and line where a row has another number of values than the first one, a value is not a finite
    number, a line is blank or endless, or where the header is wrong; and an archive that is damaged or holds more.
    """
    shape = layout(path)
    d, sought = shape.dimension, {word.encode("utf-8", "surrogatepass") for word in wanted}
    count, blank = 0, 0
    for number, raw in enumerate(_lines(path), 1):
        if number == 1 and shape.rows is not None:
            continue
        line = _trimmed(raw)
        if not line:
            blank = blank or number
            continue
        if blank:
            raise _blank(path, blank)
        count += 1
        word, _, rest = line.partition(b" ")
        if rest.count(b" ") != d - 1 or rest.translate(None, _NUMERIC) or b"\t" in word:
            name, values = _row(line, d, path, number)
            if name in wanted:
                yield name, values
        elif word in sought:
            yield _decoded(word, path, number), _values(rest.split(b" "), path, number)
        elif not word.isascii():
            _decoded(word, path, number)
    if shape.rows not in (None, count):
        raise ReproError(f"{path}: line 1 says {shape.rows} rows, but there are {count}; fetch the file again")


def _row(line: bytes, d: int, path: Path, number: int) -> tuple[str, np.ndarray]:
    """(word, values float32 (d,)) of a line that is checked in full."""
    cells = _cells(line)
    wrong = [cell for cell in cells[1:][-d:] if _number(cell) is None]
    if len(cells) > d and wrong:
        raise _wrong_value(wrong[0], path, number)
    width = _width(line, path, number)
    if width != d:
        raise ReproError(f"{path}: line {number} has {width} values, expected {d} as in the first row")
    return _decoded(b" ".join(cells[:-d]), path, number), _values(cells[-d:], path, number)


def _values(cells: list[bytes], path: Path, number: int) -> np.ndarray:
    """float32 (d,) of cells that are numbers, or look like some."""
    try:
        with np.errstate(over="ignore"):
            values = np.array(cells, np.float32)
    except ValueError:
        raise _wrong_value(next(cell for cell in cells if _number(cell) is None), path, number) from None
    if np.abs(values).max() < np.finfo(np.float32).tiny and too_small(np.array([cells], np.float64)).any():
        raise ReproError(f"{path}: line {number} has values that are all too small for float32; scale the vectors")
    finite = np.isfinite(values)
    if not finite.all():
        raise _wrong_value(cells[int(finite.argmin())], path, number)
    return values


def _wrong_value(cell: bytes, path: Path, number: int) -> ReproError:
    if b"\t" in cell:
        return _tabs(path, number)
    return ReproError(f"{path}: line {number} has the value {_shown(cell)}, which is not a finite float32 number")


def _width(line: bytes, path: Path, number: int) -> int:
    """How many values a line has: the cells after the word that are numbers, counted from its end; at least one."""
    word, *cells = _cells(line)
    if any(b"\t" in cell for cell in cells) or (b"\t" in word and _number(word.rpartition(b"\t")[2]) is not None):
        raise _tabs(path, number)
    width = sum(1 for _ in takewhile(lambda cell: _number(cell) is not None, reversed(cells)))
    _decoded(word, path, number)
    if not width:
        shown = _shown(line if len(line) <= 40 else line[:40] + b"...")
        raise ReproError(f"{path}: line {number} ({shown}) is not a word and its values, separated by blanks")
    return width


def _cells(line: bytes) -> list[bytes]:
    return [cell for cell in line.split(b" ") if cell]


def _blank(path: Path, number: int) -> ReproError:
    return ReproError(f"{path}: line {number} is blank, expected a word and its values; remove the line")


def _tabs(path: Path, number: int) -> ReproError:
    return ReproError(f"{path}: line {number} is separated by tabs; separate the word and its values by blanks")


def _number(cell: bytes) -> float | None:
    """The number that a cell is; NaN and infinities are numbers too. Python would also read 1_0."""
    try:
        return None if b"_" in cell else float(cell)  # of bytes, it takes ASCII digits alone
    except ValueError:
        return None


def _trimmed(line: bytes) -> bytes:
    return line.strip(b"\r").rstrip(b" ")  # fastText ends its rows with a blank


def _decoded(word: bytes, path: Path, number: int) -> str:
    try:
        return word.decode("utf-8")
    except UnicodeDecodeError:
        raise ReproError(f"{path}: line {number} is not UTF-8; save the file as text in UTF-8") from None


def _shown(cell: bytes) -> str:
    return repr(cell.decode("utf-8", "replace"))


def _lines(path: Path) -> Iterator[bytes]:
    """The lines without their ends, as `data.convert.text_lines` ends them; memory stays at a few blocks."""
    if not is_file(path):
        raise ReproError(f"{path} is missing; put the file of word vectors there")
    try:
        with _open(path) as file:
            block = file.read(BLOCK)
            _check_form(block, path)
            end = b"\r" if b"\n" not in block and b"\r" in block else b"\n"
            rest, number = b"", 1
            while block.startswith(codecs.BOM_UTF8):  # a file that was marked twice has two
                block = block.removeprefix(codecs.BOM_UTF8)
            while block:
                *lines, rest = (rest + block).split(end)
                yield from lines
                number += len(lines)
                if len(rest) > LONGEST:
                    raise ReproError(
                        f"{path}: line {number} goes on for more than {LONGEST} bytes; no vector is that long"
                    )
                block = file.read(BLOCK)
            if rest:
                yield rest
    except ReproError:
        raise
    except Exception as error:  # damage makes gzip, zipfile and their codecs raise a dozen kinds of errors
        reason = shorten(str(error) or type(error).__name__, 100)
        raise ReproError(
            f"{path} is damaged, or packed in a way that cannot be read ({reason}); fetch or pack it again"
        ) from error


def _check_form(start: bytes, path: Path) -> None:
    """ReproError where the first bytes are those of another kind of file."""
    if not start:
        raise ReproError(f"{path} is empty; fetch it again")
    impostors.refuse(start, str(path))
    if (path.parent / "config.json").is_file() and path.suffix in (".json", ".safetensors", ".bin", ".pt"):
        raise ReproError(f"{path} {_MODEL}")
    if form := next((what for sign, what in _FORMS.items() if start.startswith(sign)), ""):
        raise ReproError(f"{path} {form}")
    if start[257:262] == b"ustar" or path.suffix in (".tgz", ".tbz2", ".txz"):
        raise ReproError(f"{path} is a tar archive; unpack it and name one file")
    if start.startswith(b"PK\x03\x04") and path.suffix in (".npz", ".pt", ".pth", ".bin"):
        raise ReproError(f"{path} is an archive of arrays, of NumPy or torch; save the words and their values as text")
    if start.startswith((b"\x1f\x8b", b"PK\x03\x04")):
        raise ReproError(f"{path} is an archive; give it the ending .gz or .zip, once for each time that it is packed")
    if re.match(rb"\d+ \d+\r?\n", start) and not _is_text(start):
        raise ReproError(f"{path} is in word2vec's binary form or not in UTF-8; save it as text (gensim: binary=False)")
    if looks_like_utf16(start):
        raise ReproError(f"{path} is binary or in UTF-16; save it as text in UTF-8")


def _is_text(start: bytes) -> bool:
    try:
        codecs.getincrementaldecoder("utf-8")().decode(start)  # the last character may be cut
    except UnicodeDecodeError:
        return False
    return b"\0" not in start


@contextmanager
def _open(path: Path) -> Iterator[IO[bytes]]:
    kind = path.suffix.lower()
    if kind == ".gz":
        with gzip.open(path, "rb") as unpacked:
            yield unpacked  # type: ignore[misc]
    elif kind == ".zip":
        with zipfile.ZipFile(path) as archive, archive.open(_member(archive, path)) as member:
            yield member
    else:
        with path.open("rb") as file:
            yield file


def _member(archive: zipfile.ZipFile, path: Path) -> zipfile.ZipInfo:
    """The one file of an archive. It is read where it is: nothing is ever unpacked to a name that an archive gives."""
    members = [item for item in archive.infolist() if not item.is_dir() and not _MACS_OWN.search(item.filename)]
    if len(members) != 1:
        names = ", ".join(repr(member.filename) for member in members[:4])
        raise ReproError(f"{path} holds {len(members)} files{f' ({names})' if names else ''}; unpack it and name one")
    (member,) = members
    name = PurePosixPath(member.filename.replace("\\", "/"))
    if name.is_absolute() or ".." in name.parts or re.match("[A-Za-z]:", member.filename):
        raise ReproError(f"{path} holds {member.filename!r}, a path outside it; pack the file again by its name")
    if member.flag_bits & 1:
        raise ReproError(f"{path} is encrypted; unpack it with its password and name the file")
    return member
