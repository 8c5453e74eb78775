"""Lines of text files: what ends one, which encodings are refused, and what is no file to read."""

import errno
import io
import os
from pathlib import Path

import pytest

from repro.data import lines
from repro.errors import ReproError

LINES = [
    (b"a\nb\n", ["a", "b"]),
    (b"a\nb", ["a", "b"]),
    (b"a\r\nb\r\n", ["a", "b"]),
    (b"a\rb\r", ["a", "b"]),
    (b"a\rb", ["a", "b"]),
    (b"a\rb\n", ["a\rb"]),
    (b"\n\na\n\n", ["", "", "a", ""]),
    (b"\r\ra\r", ["", "", "a"]),
    (b"\n", [""]),
    (b"\xef\xbb\xbfa\nb\n", ["a", "b"]),
    (b"\xef\xbb\xbf\r\na\r\n", ["", "a"]),
    (b"a\n\xef\xbb\xbfb\n", ["a", "b"]),  # two marked files, joined
    (b"\xef\xbb\xbf\xef\xbb\xbfa\n", ["a"]),
    (b"a\xef\xbb\xbfb\n", ["a\ufeffb"]),  # inside a line it belongs to the text
    (b"a\n\rb\n\r", ["a", "b"]),  # ends that were converted twice
    (b"a\r\r\nb\r\r\n", ["a", "b"]),
    (b" a  b \n\tc\t\n", [" a  b ", "\tc\t"]),
    *(
        (f"a{mark}b\nc{mark}\n".encode(), [f"a{mark}b", f"c{mark}"])
        for mark in ("\x00", "\x0b", "\x0c", "\x1c", "\x85", "\xa0", "\u2028", "\u2029", "\u3000")
    ),
]


@pytest.mark.parametrize(("content", "expected"), LINES)
def test_lines_of_a_users_file_and_of_standard_input(
    content: bytes, expected: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "own.txt").write_bytes(content)
    assert lines.own_lines(tmp_path / "own.txt") == expected
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(content), "latin-1"))
    assert lines.own_lines(Path("-")) == expected


# the same text in other encodings, with and without a mark, and bytes of another kind
@pytest.mark.parametrize(
    ("content", "message"),
    [
        *(("caf\xe9 au lait\n".encode(name), "is UTF-16 or UTF-32; save it as UTF-8") for name in ("utf-16", "utf-32")),
        *(("a cat\n".encode(f"utf-{form}"), "is UTF-16 or") for form in ("16-le", "16-be", "32-le", "32-be")),
        ("\u043a\u043e\u0442 \u0438 \u043f\u0451\u0441\n".encode("utf-16-le"), "is UTF-16 or"),
        ("a\ncaf\xe9\n".encode("latin-1"), "byte 5 is not utf-8; save the file as UTF-8"),
        (b"\xef\xbb\xbf\xe9\n", "byte 3 is not utf-8; save the file as UTF-8"),
        (b"", "is empty; give it at least one sentence"),
        (b"\xef\xbb\xbf", "is empty; give it at least one sentence"),
    ],
)
def test_other_encodings_are_refused(
    content: bytes, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "own.txt").write_bytes(content)
    with pytest.raises(ReproError, match=rf"own.txt:? {message}"):
        lines.own_lines(tmp_path / "own.txt")
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(content)))
    with pytest.raises(ReproError, match=rf"standard input:? {message}"):
        lines.own_lines(Path("-"))


def test_standard_input_that_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    closed = io.TextIOWrapper(io.BytesIO())
    closed.close()
    for stream in (None, closed):
        monkeypatch.setattr("sys.stdin", stream)
        with pytest.raises(ReproError, match="standard input cannot be read; name a file instead of -"):
            lines.own_lines(Path("-"))


HEADER = "id,text\n"
# rows below the header, and the cells that are read of them
CELLS = [
    ('1,a\n\n2,"b"\n', [(2, ["1", "a"]), (4, ["2", "b"])]),
    ('1,"a\nb"\n2,c\n', [(3, ["1", "a\nb"]), (4, ["2", "c"])]),
    ('1,"a ""b""\n"\n', [(3, ["1", 'a "b"\n'])]),
    ('1,a "b\n2,"c"d\n', [(2, ["1", 'a "b']), (3, ["2", "cd"])]),  # in one line: as other readers take it
]


@pytest.mark.parametrize(("rows", "expected"), CELLS)
@pytest.mark.parametrize("delimiter", [",", "\t"])
def test_cells_may_be_quoted_and_go_over_lines(
    rows: str, expected: list[tuple[int, list[str]]], delimiter: str, tmp_path: Path
) -> None:
    for end in ("", "\r"):
        text = (HEADER + rows).replace(",", delimiter).replace("\n", f"{end}\n")
        (tmp_path / "own.csv").write_bytes(text.encode())
        assert list(lines.read_csv(tmp_path / "own.csv", ("id", "text"), delimiter=delimiter)) == expected


# rows below the header whose quote nobody closes, and the line in which it is
UNCLOSED = [
    ('1,"a\n', 2),
    ('1,"a', 2),
    ('1,a\n\n2,"b\n3,c\n4,d\n', 4),
    ('1,"a\nb"\n2,"c\n', 4),
    ('1,"a\n2,"b, c"\n3,d\n', 2),  # the next quote is another cell's
    ('1,"a\n"2","b"\n', 2),
    ('"1,a\n2,b\n', 2),
    (f'1,"a\n{200_000 * "b"}\n2,"c"\n', 2),  # longer than a cell may be
]


@pytest.mark.parametrize(("rows", "line"), UNCLOSED)
@pytest.mark.parametrize("empty", [(), ("",)])
def test_a_quote_that_nobody_closes_is_named_and_swallows_no_rows(
    rows: str, line: int, empty: tuple[str, ...], tmp_path: Path
) -> None:
    (tmp_path / "own.csv").write_text(HEADER + rows)
    with pytest.raises(ReproError, match=rf"own\.csv: line {line} begins a quoted cell that has no end; close its quo"):
        list(lines.read_csv(tmp_path / "own.csv", ("id", "text"), empty=empty))


def places(folder: Path) -> dict[str, Path]:
    """Names that are no file to read."""
    os.mkfifo(folder / "pipe")
    (folder / "folder").mkdir()
    (folder / "loop").symlink_to(folder / "loop")
    (folder / "file").touch()
    return {
        "a folder and not a file": folder / "folder",
        "a pipe or a device": folder / "pipe",
        "a pipe or a device and": Path("/dev/null"),
        "name too long": folder / ("n" * 300),
        "null byte": folder / "a\0b",
        "surrogates not allowed": folder / "\ud800",
        "cannot be read .Too many levels": folder / "loop",
        "is not a file|is missing": folder / "file/below",
        "is not a file; name|is missing; put": folder / "\udcff",
    }


def test_what_is_no_file_is_one_sentence(tmp_path: Path) -> None:
    for message, path in places(tmp_path).items():
        for read in (lines.own_lines, lines.read_lines):
            with pytest.raises(ReproError, match=rf"(?i){message}") as caught:
                read(path)
            assert "\n" not in str(caught.value)


def test_a_file_that_may_not_or_cannot_be_read_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(path: Path) -> bytes:
        raise OSError(errno.EIO, os.strerror(errno.EIO), str(path))

    (tmp_path / "own.txt").write_text("a\n")
    with monkeypatch.context() as patch:
        patch.setattr(Path, "read_bytes", fail)
        with pytest.raises(ReproError, match=r"own.txt cannot be read \(Input/output error\)"):
            lines.own_lines(tmp_path / "own.txt")
    monkeypatch.setattr(os, "access", lambda path, mode: False)  # root may read everything
    with pytest.raises(ReproError, match=r"own.txt may not be read by this user"):
        lines.own_lines(tmp_path / "own.txt")
