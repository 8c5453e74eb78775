"""Word vectors as a NumPy matrix and, in a file beside it, the words of its rows.

vectors.npy        (n, d) float16, float32 or float64
vectors.parquet    n words: the column `index`, or the only column of strings; or else
vectors.txt        one word a line, in UTF-8
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Set
from dataclasses import dataclass
from pathlib import Path
from textwrap import shorten

import numpy as np

from repro.checksums import sha256_of
from repro.data.lines import is_file, read_lines
from repro.encoders.gate import too_small
from repro.errors import ReproError
from repro.impostors import refuse_file

ROWS = 1 << 14  # read at a time
COLUMN = "index"
INDEX_SUFFIXES = (".parquet", ".txt")  # the first that is there


@dataclass(frozen=True)
class VectorPair:
    """A matrix and the index that names its rows; the first of two rows for one word counts."""

    matrix: Path
    index: Path

    @property
    def files(self) -> tuple[Path, ...]:
        """What is read."""
        return self.matrix, self.index

    @property
    def sha256(self) -> str:
        """Hex sha256 over both files."""
        return hashlib.sha256("".join(f"{sha256_of(path)}\n" for path in self.files).encode()).hexdigest()

    @property
    def dimension(self) -> int:
        """Values a row; ReproError names what is wrong with the matrix."""
        return int(self._matrix().shape[1])

    def read(self, wanted: Set[str]) -> Iterator[tuple[str, np.ndarray]]:
        """Stream (word, float32 (d,)) of the wanted words, in the rows' order.

        ReproError where the files are not what the module says, do not belong together, or a value is not finite.
        """
        matrix = self._matrix()
        words = self._words(*matrix.shape)
        for start in range(0, len(matrix), ROWS):
            given = matrix[start : start + ROWS]
            with np.errstate(over="ignore"):
                block = np.asarray(given, np.float32)
            if given.dtype.itemsize > block.dtype.itemsize and (small := too_small(given)).any():
                row = start + int(small.argmax())
                raise ReproError(
                    f"{self.matrix}: row {row} ({words[row]!r}) is too small for float32; scale the matrix"
                )
            finite = np.isfinite(block).all(axis=1)
            if not finite.all():
                row = start + int(finite.argmin())
                raise ReproError(f"{self.matrix}: row {row} ({words[row]!r}) has a value that is no finite float32")
            for word, vector in zip(words[start : start + ROWS], block, strict=True):
                if word in wanted:
                    yield word, vector

    def _matrix(self) -> np.memmap:
        refuse_file(self.matrix)
        try:
            matrix = np.lib.format.open_memmap(self.matrix, mode="r")
        except Exception as error:  # of a header that says anything at all
            reason = shorten(str(error) or type(error).__name__, 100)
            raise ReproError(f"{self.matrix} cannot be read as a matrix ({reason}); save it by numpy.save") from error
        if matrix.ndim != 2 or not matrix.size or matrix.dtype.kind != "f" or matrix.dtype.itemsize > 8:
            kind = f"{matrix.dtype} of shape {matrix.shape}"
            raise ReproError(f"{self.matrix} is {kind}, expected float16, float32 or float64 of shape (words, values)")
        if self.matrix.stat().st_size != matrix.offset + matrix.nbytes:
            raise ReproError(f"{self.matrix} is longer than its header says; save it anew by numpy.save")
        return matrix

    def _words(self, n: int, d: int) -> list[str]:
        words = _parquet_words(self.index) if self.index.suffix == ".parquet" else read_lines(self.index)
        cells = (words[0] or "").split(" ") if words else []
        if len(cells) > d and self.index.suffix == ".txt" and _is_number(cells[-1]):
            raise ReproError(f"{self.index} has values beside its words; name it as the file of word vectors itself")
        if len(words) != n:
            raise ReproError(f"{self.index} has {len(words)} words, {self.matrix} {n} rows; get both files again")
        named = [word for word in words if word]
        if len(named) != n:
            number = next(number for number, word in enumerate(words, 1) if not word)
            raise ReproError(f"{self.index}: word {number} is empty; every row of the matrix needs one")
        return named


def beside(matrix: Path) -> VectorPair:
    """A matrix with the index that has its name; ReproError where there is none."""
    for index in map(matrix.with_suffix, INDEX_SUFFIXES):
        if is_file(index):
            return VectorPair(matrix, index)
    stem = matrix.with_suffix("")
    raise ReproError(f"{matrix} needs the words of its rows beside it: put them into {stem}.parquet or {stem}.txt")


def _parquet_words(path: Path) -> list[str | None]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    refuse_file(path)
    try:
        with pq.ParquetFile(path) as file:
            kinds = {field.name: field.type for field in file.schema_arrow}
            # a categorical column of pandas holds numbers, and the words they stand for beside them
            kinds |= {name: kind.value_type for name, kind in kinds.items() if pa.types.is_dictionary(kind)}
            strings = (pa.string(), pa.large_string(), pa.string_view())
            columns = [name for name, kind in kinds.items() if kind in strings]
            if COLUMN not in columns and len(columns) != 1:
                what = f"{path} has {len(columns)} columns of strings and none of them is called {COLUMN}"
                raise ReproError(f"{what}; save the words of the matrix's rows as that column")
            column = COLUMN if COLUMN in columns else columns[0]
            words: list[str | None] = file.read(columns=[column]).column(0).to_pylist()
            return words
    except ReproError:
        raise
    except Exception as error:  # damage makes pyarrow raise a dozen kinds of errors
        reason = shorten(str(error) or type(error).__name__, 100)
        raise ReproError(f"{path} is damaged, or no Parquet file ({reason}); get it again") from error


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True
