"""Files of word vectors: which forms read alike, and the sentence for every other."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import pickle
import struct
import tarfile
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from repro.encoders import vector_file
from repro.encoders.vector_file import Layout, layout, read_vectors
from repro.errors import ReproError

ROWS = {
    "cat": [1, 0, -2.5e-1],
    "dog": [0, 1e0, 0.5],
    ". .": [9, 9, 9],
    "at name@domain.com": [4, 4, 4],
    "1999": [5, 6, 7],
}
LINES = [f"{word} {' '.join(map(str, values))}" for word, values in ROWS.items()]
TEXT = "\n".join(LINES) + "\n"


def zipped(content: bytes, name: str = "glove.txt", method: int = zipfile.ZIP_DEFLATED, *beside: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for other in beside:
            archive.writestr(other, b"\0\5\x16\7")  # how a Mac's file of attributes begins
        archive.writestr(name, content)
    return buffer.getvalue()


def tarred(content: bytes) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        member = tarfile.TarInfo("glove.txt")
        member.size = len(content)
        archive.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


FORMS = {
    "plain.txt": TEXT.encode(),
    "gzip.gz": gzip.compress(TEXT.encode()),
    "zip.zip": zipped(TEXT.encode()),
    "in-a-folder.ZIP": zipped(TEXT.encode(), "glove/glove.txt"),
    "by-a-mac.zip": zipped(
        TEXT.encode(), "glove/glove.txt", zipfile.ZIP_DEFLATED, "glove/.DS_Store", "__MACOSX/glove/._glove.txt"
    ),
    "bzip2.zip": zipped(TEXT.encode(), method=zipfile.ZIP_BZIP2),
    "lzma.zip": zipped(TEXT.encode(), method=zipfile.ZIP_LZMA),
    "mark.txt": b"\xef\xbb\xbf" + TEXT.encode(),
    "marked-twice.txt": b"\xef\xbb\xbf\xef\xbb\xbf" + TEXT.encode(),
    "lfcr.txt": TEXT.replace("\n", "\n\r").encode(),
    "crcrlf.txt": TEXT.replace("\n", "\r\r\n").encode(),
    "crlf.txt": TEXT.replace("\n", "\r\n").encode(),
    "cr.txt": TEXT.replace("\n", "\r").encode(),
    "no-end.txt": TEXT.removesuffix("\n").encode(),
    "blank-end.txt": (TEXT + "\n \r\n").encode(),
    "fasttext.vec": ("5 3 \n" + TEXT.replace("\n", " \n")).encode(),
    "header-mark.vec": b"\xef\xbb\xbf5 3\r\n" + TEXT.encode(),
    "aligned.txt": TEXT.replace("cat 1 0", "cat   1  0").encode(),
    **{
        f"first-row-{ord(space):04x}.txt": f"{space} 7 7 7\n{TEXT}".encode()
        for space in ("\xa0", "\u3000", "\x85", "\u2028", "\x0b", "\x0c", "\x1c", "\t")
    },
}


@pytest.mark.parametrize("name", FORMS)
def test_every_form_reads_alike(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_bytes(FORMS[name])
    found = {word: vector.tolist() for word, vector in read_vectors(path, {*ROWS, "absent"})}
    assert found == ROWS
    assert layout(path) == Layout(3, 5 if name.endswith(".vec") else None)
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_white_space_that_is_no_separator_is_a_word(tmp_path: Path) -> None:
    path = tmp_path / "v.txt"
    path.write_text("\xa0 7 7 7\na\xa0b 8 8 8\n\u3000 9 9 9\n")
    found = {word: vector.tolist() for word, vector in read_vectors(path, {"\xa0", "a\xa0b", "a", "b"})}
    assert found == {"\xa0": [7, 7, 7], "a\xa0b": [8, 8, 8]}


def test_values_are_the_nearest_float32(tmp_path: Path) -> None:
    drawn = np.random.default_rng(0).normal(size=(50, 7)) * 10.0 ** np.arange(-30, 40, 10)
    path = tmp_path / "v.txt"
    path.write_text("".join(f"w{i} {' '.join(map(repr, row.tolist()))}\n" for i, row in enumerate(drawn)))
    found = dict(read_vectors(path, {f"w{i}" for i in range(50)}))
    np.testing.assert_array_equal([found[f"w{i}"] for i in range(50)], drawn.astype(np.float32))


def binary(*rows: tuple[str, list[float]]) -> bytes:
    """word2vec's binary form: a header, then each word, a blank, and float32 values."""
    content = b"".join(f"{word} ".encode() + struct.pack(f"<{len(values)}f", *values) for word, values in rows)
    return f"{len(rows)} {len(rows[0][1])}\n".encode() + content


def replaced(old: str, new: str) -> bytes:
    return TEXT.replace(old, new).encode()


# content, and what the sentence says
REFUSED = {
    "nothing": (b"", "is empty"),
    "a mark alone": (b"\xef\xbb\xbf", "line 1 is blank"),
    "a blank first line": (b"\n" + TEXT.encode(), "line 1 is blank"),
    "a first line of blanks": (b"  \r\n" + TEXT.encode(), "line 1 is blank"),
    "a blank line inside": (replaced("dog", "\ndog"), "line 2 is blank"),
    "a blank line after the header": (b"5 3\n\n" + TEXT.encode(), "line 1 is a header .* but line 2 has 0"),
    "two blank lines inside": (replaced("dog", "\n\ndog"), "line 2 is blank"),
    "one column": (b"cat\ndog\n", r"line 1 \('cat'\) is not a word and its values, separated by blanks"),
    "one column of numbers": (b"0.5\n0.25\n", "line 1 .* is not a word and its values"),
    "commas": (TEXT.replace(" ", ",").encode(), "line 1 .* is not a word and its values"),
    "a web page": (b"<!DOCTYPE html>\n<html lang=en>\n", "is a web page, not the file itself"),
    "no-break spaces": (TEXT.replace(" ", "\xa0").encode(), "line 1 .* is not a word and its values"),
    "tabs": (b"cat\t1\t0\t0\n", "line 1 is separated by tabs"),
    "a tab after the word": (b"cat\t1 0 0\ndog\t0 1 0\n", "line 1 is separated by tabs"),
    "tabs between the values": (b"cat 1\t0\t0\n", "line 1 is separated by tabs"),
    "a tab after a later word": (replaced("dog 0", "dog\t0 0"), "line 2 is separated by tabs"),
    "a tab between later values": (replaced("dog 0 1.0", "dog 0 1.0\t3"), "line 2 is separated by tabs"),
    "one value too many": (replaced("dog 0", "dog 0 0"), "line 2 has 4 values, expected 3"),
    "one value too few": (replaced("dog 0", "dog"), "line 2 has 2 values, expected 3"),
    "no values": (replaced("dog 0 1.0 0.5", "dog"), r"line 2 \('dog'\) is not a word and its values"),
    "one too many after a word of blanks": (replaced(". . 9", ". . 9 9"), "line 3 has 4 values"),
    "one too few after a word of blanks": (replaced(". . 9", ". ."), "line 3 has the value '.'"),
    "one value too many, first": (replaced("cat 1", "cat 1 1"), "line 2 has 3 values, expected 4 as in the first row"),
    "a header of another dimension": (b"5 4\n" + TEXT.encode(), "line 1 is a header that says 4 .* line 2 has 3"),
    "a header of another number of rows": (b"6 3\n" + TEXT.encode(), "line 1 says 6 rows, but there are 5"),
    "a header alone": (b"5 3\n", "line 1 is a header that says 3 values a row, but line 2 has 0"),
    "a header of no dimension": (b"2 0\ncat\ndog\n", r"line 2 \('cat'\) is not a word"),
    "two headers": (b"5 3\n5 3\n" + TEXT.encode(), "line 1 is a header that says 3 values a row, but line 2 has 1"),
    **{
        f"the value {value}": (replaced("dog 0", f"dog {value}"), f"line 2 has the value '{value}', which is not a fin")
        for value in ("x", "nan", "-inf", "Infinity", "1e39", "0x1", "1_0", "1,5", "--1", "1e", "\N{MINUS SIGN}1")
    },
    "values that float32 cannot hold": (
        b"cat 1e-50 -2e-46 0\n" + TEXT.encode(),
        "line 1 has values that are all too small",
    ),
    "a value of the first row": (replaced("cat 1", "cat nan"), "line 1 has the value 'nan'"),
    "binary": (binary(("cat", [1.0, 0.0, 0.0]), ("dog", [0.0, 1.0, 0.0])), "is in word2vec's binary form"),
    "binary of any numbers": (binary(("cat", [0.1, 0.7, -0.3]), ("dog", [0.3, 0.2, 0.9])), "is in word2vec's binary"),
    "binary without a header": (struct.pack("<9f", *[1.0] * 9), "is binary or in UTF-16"),
    "UTF-16": (TEXT.encode("utf-16"), "is binary or in UTF-16; save it as text in UTF-8"),
    "UTF-16 without a mark": (TEXT.encode("utf-16-le"), "is binary or in UTF-16"),
    "Latin-1": (replaced("dog", "ch\xe4t").decode().encode("latin-1"), "line 2 is not UTF-8"),
    "endless digits": (b"9" * 5000 + b" 3\n" + TEXT.encode(), "line 2 has 3 values, expected 1"),
    "gzip": (gzip.compress(TEXT.encode()), "is an archive; give it the ending .gz or .zip"),
    "zip": (zipped(TEXT.encode()), "is an archive"),
    "bzip2": (bz2.compress(TEXT.encode()), "is packed with bzip2; unpack it"),
    "xz": (lzma.compress(TEXT.encode()), "is packed with xz; unpack it"),
    "fastText's own form": (
        struct.pack("<ii", 0x2F4F16BA, 12) + bytes(64),
        "is in fastText's own binary form; take its",
    ),
    "a pickle": (pickle.dumps({"cat": [1.0]}), "is a pickle, as gensim saves vectors, and is not opened"),
    "an array": (b"\x93NUMPY\x01\0" + bytes(120), "is an array; name it with the ending .npy"),
    "Parquet": (b"PAR1" + bytes(20) + b"PAR1", "is a Parquet file"),
    "tar": (tarred(TEXT.encode()), "is a tar archive; unpack it"),
}


# names that say what the first bytes do not
NAMED = {
    "vectors.npz": (zipped(b"x"), "is an archive of arrays, of NumPy or torch"),
    "vectors.tgz": (gzip.compress(tarred(TEXT.encode())), "is a tar archive; unpack it and name one file"),
    "vectors.tar.gz": (gzip.compress(tarred(TEXT.encode())), "is a tar archive; unpack it and name one file"),
    "model.safetensors": (b"\x02\0\0\0\0\0\0\0{}", "is a file of a model; name the folder that it lies in"),
    "config.json": (b'{"model_type": "bert"}', "is a file of a model; name the folder that it lies in"),
}


@pytest.mark.parametrize("name", NAMED)
def test_a_file_of_another_kind_is_known_by_its_name(name: str, tmp_path: Path) -> None:
    content, message = NAMED[name]
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ReproError, match=rf"{name} {message}"):
        list(read_vectors(tmp_path / name, set()))


LIKE_NUMBERS = (
    "values that float32 cannot hold",
    "one too few after a word of blanks",
    "the value 1e39",
    "the value --1",
    "the value 1e",
)


@pytest.mark.parametrize("case", REFUSED)
@pytest.mark.parametrize("wanted", [{"dog", "cat", "."}, set()])
def test_anything_else_is_refused_by_name(case: str, wanted: set[str], tmp_path: Path) -> None:
    content, message = REFUSED[case]
    path = tmp_path / "own.txt"
    path.write_bytes(content)
    if not wanted and case in LIKE_NUMBERS:
        pytest.skip("seen when the word is asked for")
    with pytest.raises(ReproError, match=rf"own.txt:? {message}") as caught:
        list(read_vectors(path, wanted))
    assert "\n" not in str(caught.value)


def cut(content: bytes) -> bytes:
    return content[: len(content) // 2]


def flipped(content: bytes, at: int) -> bytes:
    return content[:at] + bytes([content[at] ^ 0xFF]) + content[at + 1 :]


def with_method(method: int) -> bytes:
    """A zip whose member says another method, in both of its headers."""
    content = bytearray(zipped(TEXT.encode()))
    for mark, place in ((b"PK\x03\x04", 8), (b"PK\x01\x02", 10)):
        start = content.index(mark) + place
        content[start : start + 2] = struct.pack("<H", method)
    return bytes(content)


def encrypted() -> bytes:
    content = bytearray(zipped(TEXT.encode()))
    for mark, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.index(mark) + place] |= 1
    return bytes(content)


def two_members() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("a\nb.txt", TEXT)
        archive.writestr("c.txt", TEXT)
    return buffer.getvalue()


def no_member() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.mkdir("folder")
    return buffer.getvalue()


PACKED = gzip.compress(TEXT.encode() * 50)
ARCHIVES = {
    "cut.gz": (cut(PACKED), "is damaged"),
    "header.gz": (PACKED[:5], "is damaged"),
    "flipped.gz": (flipped(PACKED, 20), "is damaged"),
    "sum.gz": (flipped(PACKED, -8), "is damaged"),
    "after.gz": (PACKED + b"more", "is damaged"),
    "text.gz": (TEXT.encode(), "is damaged"),
    "empty.gz": (b"", "is empty"),
    "nothing-in-it.gz": (gzip.compress(b""), "is empty"),
    "twice.gz": (gzip.compress(PACKED), "is an archive; give it the ending .gz or .zip, once for each time"),
    "empty.zip": (b"", "is damaged"),
    "start.zip": (b"PK\x03\x04", "is damaged"),
    "text.zip": (TEXT.encode(), "is damaged"),
    "cut.zip": (cut(zipped(TEXT.encode())), "is damaged"),
    "flipped.zip": (flipped(zipped(TEXT.encode()), 50), "is damaged"),
    "flipped-stored.zip": (flipped(zipped(TEXT.encode(), method=zipfile.ZIP_STORED), 60), "is damaged"),
    "flipped-lzma.zip": (flipped(zipped(TEXT.encode(), method=zipfile.ZIP_LZMA), 70), "is damaged"),
    "flipped-bzip2.zip": (flipped(zipped(TEXT.encode(), method=zipfile.ZIP_BZIP2), 70), "is damaged"),
    "deflate64.zip": (with_method(9), "packed in a way that cannot be read"),
    "unknown.zip": (with_method(97), "packed in a way that cannot be read"),
    "encrypted.zip": (encrypted(), "is encrypted; unpack it with its password"),
    "several.zip": (two_members(), r"holds 2 files \('a\\nb.txt', 'c.txt'\); unpack it and name one"),
    "none.zip": (no_member(), "holds 0 files; unpack it"),
    **{
        f"outside-{i}.zip": (zipped(TEXT.encode(), name), "a path outside it")
        for i, name in enumerate(("../glove.txt", "a/../../glove.txt", "/glove.txt", "..\\glove.txt", "C:\\glove.txt"))
    },
}


@pytest.mark.parametrize("name", ARCHIVES)
def test_damaged_and_odd_archives_are_one_sentence(name: str, tmp_path: Path) -> None:
    content, message = ARCHIVES[name]
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(ReproError, match=rf"{name} .*{message}") as caught:
        list(read_vectors(path, {"cat"}))
    assert "\n" not in str(caught.value)
    assert [path.name for path in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize("pack", [gzip.compress, zipped, bytes], ids=["bomb.gz", "bomb.zip", "bomb.txt"])
@pytest.mark.parametrize("byte", [b"1", b" ", b"\0"])
def test_a_line_without_end_takes_little_memory(
    pack: Callable[[bytes], bytes], byte: bytes, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    name = request.node.callspec.id.split("-")[-1]
    path = tmp_path / name
    path.write_bytes(pack(b"cat 1 0 0\ndog " + byte * 20_000_000))
    tracemalloc.start()
    with pytest.raises(ReproError, match=rf"{name}.* (line 2 goes on for more than 1048576 bytes|is binary)"):
        list(read_vectors(path, {"dog"}))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 12 * vector_file.BLOCK


def test_what_is_no_file_is_not_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.txt")
    for name, message in (("pipe.txt", "is a pipe"), (".", "is a folder"), ("absent.txt", "is missing")):
        with pytest.raises(ReproError, match=message):
            layout(tmp_path / name)


@pytest.mark.parametrize("block", [1, 7, 64])
def test_blocks_end_anywhere(block: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vector_file, "BLOCK", block)
    path = tmp_path / "v.txt"
    path.write_text(TEXT)
    assert {word: vector.tolist() for word, vector in read_vectors(path, set(ROWS))} == ROWS
