"""Readers of SentEval's layout: what they accept, and the sentence for what they do not."""

import errno
import io
import os
from pathlib import Path

import numpy as np
import pytest

from repro.data import lines, readers
from repro.errors import ReproError


def subset(folder: Path, inputs: str, gold: str) -> readers.Pairs:
    (folder / "STS.input.x.txt").write_text(inputs, encoding="utf-8")
    (folder / "STS.gs.x.txt").write_text(gold, encoding="utf-8")
    return readers.read_sts(folder / "STS.input.x.txt")


def test_unscored_pairs_are_dropped_as_senteval_does(tmp_path: Path) -> None:
    found = subset(tmp_path, "a\tb\nc\td\ne\tf\n", "1.5\n\n4\n")
    assert (found.first, found.second, found.gold.tolist()) == (("a", "e"), ("b", "f"), [1.5, 4.0])


def test_only_newline_ends_a_line(tmp_path: Path) -> None:
    # NEL (U+0085), line separator (U+2028) and form feed occur inside sentences
    found = subset(tmp_path, "a\u0085b\tc\u2028d\ne\x0cf\tg\r\n", "1\n2\r\n")
    assert found.first == ("a\u0085b", "e\x0cf")
    assert found.second == ("c\u2028d", "g")


@pytest.mark.parametrize(
    ("inputs", "gold", "message"),
    [
        ("a\tb\nc\n", "1\n2\n", r"STS.input.x.txt: line 2 has 1 columns, expected 2"),
        ("a\tb\n", "1\n2\n", r"has 1 pairs but STS.gs.x.txt has 2 scores"),
        ("a\tb\nc\td\n", "3\ngood\n", r"STS.gs.x.txt: line 2 has the gold score 'good', expected a number from 0 to 5"),
        *(
            ("a\tb\n", f"{value}\n", rf"line 1 has the gold score '{value}', expected a number from 0 to 5")
            for value in ("7", "-0.1", "nan", "inf", "0_1", "1 2")
        ),
        ("a\tb\n", "\n", r"STS.gs.x.txt: no pair has a gold score"),
        ("", "1\n", r"STS.input.x.txt is empty"),
    ],
)
def test_bad_files_are_named(tmp_path: Path, inputs: str, gold: str, message: str) -> None:
    with pytest.raises(ReproError, match=message):
        subset(tmp_path, inputs, gold)


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
    (b"a\n\xef\xbb\xbfb\n", ["a", "\ufeffb"]),  # a mark inside the text belongs to it
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
        "is not a file; name|is missing; run": folder / "\udcff",
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


def test_a_byte_order_mark_changes_nothing(tmp_path: Path) -> None:
    plain = subset(tmp_path, "a\tb\n", "1.0\n")
    marked = subset(tmp_path, "\ufeffa\tb\n", "\ufeff1.0\n")
    assert marked.first == ("a",)
    assert readers.digest([marked]) == readers.digest([plain])


@pytest.mark.parametrize("name", ["sts-dev.csv", "SICK_trial.txt"])
def test_a_byte_order_mark_changes_no_other_set_either(name: str, tmp_path: Path) -> None:
    digests = []
    for mark in ("", "\ufeff"):
        lines = "h\n1\ta\tb\t3\tN\n" if "SICK" in name else "g\tf\ty\t1\t2\ta\tb\n"
        (tmp_path / name).write_text(mark + lines, encoding="utf-8")
        parts = (
            readers.read_sick(tmp_path / "SICK_trial.txt")
            if "SICK" in name
            else readers.read_stsb(tmp_path / "sts-dev.csv")
        )
        digests.append(readers.digest([parts]))
    assert digests[0] == digests[1]


@pytest.mark.parametrize(
    ("name", "line", "message"),
    [
        (
            "sts-dev.csv",
            "g\tf\ty\t1\t\ta\tb\n",
            "sts-dev.csv: line 2 has the gold score '', expected a number from 0 to 5",
        ),
        ("sts-dev.csv", "g\tf\ty\t1\t5.1\ta\tb\n", "line 2 has the gold score '5.1'"),
        (
            "SICK_trial.txt",
            "1\ta\tb\t0.9\tNEUTRAL\n",
            "SICK_trial.txt: line 3 has the gold score '0.9', .* from 1 to 5",
        ),
        ("SICK_trial.txt", "1\ta\tb\tnan\tNEUTRAL\n", "line 3 has the gold score 'nan'"),
    ],
)
def test_scores_out_of_range_are_named(name: str, line: str, message: str, tmp_path: Path) -> None:
    good = "h\n1\ta\tb\t3\tN\n" if "SICK" in name else "g\tf\ty\t1\t2\ta\tb\n"
    (tmp_path / name).write_text(good + line)
    with pytest.raises(ReproError, match=message):
        readers.read_sick(tmp_path / "SICK_trial.txt") if "SICK" in name else readers.read_stsb(
            tmp_path / "sts-dev.csv"
        )


def test_missing_and_undecodable_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(ReproError, match=r"STS.input.x.txt is missing"):
        readers.read_sts(tmp_path / "STS.input.x.txt")
    (tmp_path / "sts-test.csv").write_bytes(b"g\tf\ty\t1\t2\tcaf\xe9\tb\n")
    with pytest.raises(ReproError, match=r"sts-test.csv: byte 13 is not utf-8"):
        readers.read_stsb(tmp_path / "sts-test.csv")


def test_digest_follows_content_and_not_layout(tmp_path: Path) -> None:
    one = subset(tmp_path, "a\tb\n", "1.0\n")
    same = subset(tmp_path, "a\tb\r\n", "1\n")
    other = subset(tmp_path, "a\tb\n", "2\n")
    assert readers.digest([one]) == readers.digest([same]) != readers.digest([other])


def test_sick_has_relatedness_and_judgement(tmp_path: Path) -> None:
    (tmp_path / "SICK_train.txt").write_text("pair_ID\tA\tB\tscore\tjudgment\n1\tx\ty\t3.4\tNEUTRAL\n")
    found = readers.read_sick(tmp_path / "SICK_train.txt")
    assert found.labels == ("NEUTRAL",)
    np.testing.assert_array_equal(found.gold, [3.4])
