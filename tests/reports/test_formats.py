"""The text files of a table: all of them from its CSV alone, and one more for one more entry."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from repro import tables
from repro.cli.main import main
from repro.errors import ReproError
from repro.published.verify import verify
from repro.reports.formats import FORMATS, write_again
from repro.reports.layout import Layout
from repro.results.csv_lines import FIELDS

COMMITTED = Path(__file__).parents[2] / "tables"


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir()) if path.is_file()}


@pytest.mark.parametrize("suite", ["paper", "mini"])
@pytest.mark.parametrize("name", tables.TABLES)
def test_every_file_is_written_again_from_the_csv_alone(name: str, suite: str, tmp_path: Path) -> None:
    folder = COMMITTED if suite == "paper" else COMMITTED / suite
    shutil.copy(folder / f"{name}.csv", tmp_path)
    written = write_again(tables.get(name, suite), tmp_path / f"{name}.csv")
    assert written == [tmp_path / f"{name}{suffix}" for suffix in FORMATS]
    assert contents(tmp_path) == {path.name: (folder / path.name).read_bytes() for path in written}


def test_a_file_that_a_spreadsheet_saved_is_written_as_it_was(tmp_path: Path) -> None:
    text = (COMMITTED / "sbert-1.csv").read_text(encoding="utf-8")
    (tmp_path / "sbert-1.csv").write_bytes(("\ufeff" + "".join(f"{line},,\r\n" for line in text.splitlines())).encode())
    write_again(tables.get("sbert-1"), tmp_path / "sbert-1.csv")
    assert (tmp_path / "sbert-1.csv").read_text(encoding="utf-8") == text


HEAD, FIRST, *REST = (COMMITTED / "sbert-1.csv").read_text(encoding="utf-8").splitlines()
REFUSED = {
    "nothing": ("", "is not as this suite wrote it: it has no line"),
    "no table": ("a,b\n1,2\n", "has other columns than this version writes"),
    "one more column": ("\n".join(f"{text},note" for text in (HEAD, FIRST, *REST)), "has other columns"),
    "a cell less": ("\n".join((HEAD, *REST)), "the cell glove-avg × sts12 is missing"),
    "a cell twice": ("\n".join((HEAD, FIRST, FIRST, *REST)), "the cell glove-avg × sts12 is there twice"),
    "another verdict": ("\n".join((HEAD, FIRST.replace("not-run", "fine"), *REST)), "'fine' is no verdict"),
    "no number": ("\n".join((HEAD, FIRST.replace("55.14", "high"), *REST)), "published is 'high'"),
}


@pytest.mark.parametrize(("content", "message"), REFUSED.values(), ids=REFUSED)
def test_what_this_suite_did_not_write_is_refused_and_left(content: str, message: str, tmp_path: Path) -> None:
    assert tuple(HEAD.split(",")) == FIELDS
    (tmp_path / "sbert-1.csv").write_text(content, encoding="utf-8")
    (tmp_path / "sbert-1.md").write_text("as before", encoding="utf-8")
    before = contents(tmp_path)
    with pytest.raises(ReproError, match=message):
        write_again(tables.get("sbert-1"), tmp_path / "sbert-1.csv")
    assert contents(tmp_path) == before


def test_a_format_is_a_function_and_an_entry(
    tmp_path: Path, tiny_bert: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def to_list(layout: Layout) -> str:
        rows = layout.sections[0].rows
        return "".join(f"{row.label}: {' '.join(cell.measured_text for cell in row.cells)}\n" for row in rows)

    monkeypatch.setitem(FORMATS, ".txt", to_list)
    run = f"table sbert-1 --suite mini --device cpu --offline --out {tmp_path} --row {tiny_bert} --encoder {tiny_bert}"
    assert main([*run.split(), "--task", "sts12"]) == 0
    path = tmp_path / "mini" / "sbert-1.txt"
    assert str(path) in capsys.readouterr().out
    first = path.read_text(encoding="utf-8")
    assert f"{tiny_bert}: " in first
    assert verify("sbert-1", tmp_path / "mini", "mini") == []
    path.unlink()
    assert verify("sbert-1", tmp_path / "mini", "mini") == [
        f"{path} does not say what sbert-1.csv says; `repro report sbert-1` writes it again"
    ]
    assert main(["report", "sbert-1", "--suite", "mini", "--out", str(tmp_path)]) == 0
    assert path.read_text(encoding="utf-8") == first
