"""`repro export`: to standard output and to files, and one sentence where there is nothing to export."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from repro.cli.main import main
from repro.reports.exports.selection import select
from repro.reports.exports.texts import to_bibtex, to_citation, to_json
from tests.processes import ROOT, modules_after

COMMITTED = ROOT / "tables"
Said = pytest.CaptureFixture[str]
MINILM = ["--row", "all-minilm-l6-v2"]


def export(*arguments: str) -> int:
    return main(["export", *arguments, "--out", str(COMMITTED)])


@pytest.mark.parametrize(("kind", "text"), [("json", to_json), ("bibtex", to_bibtex), ("citation", to_citation)])
def test_a_text_is_printed_or_written(kind: str, text, tmp_path: Path, capsys: Said) -> None:  # type: ignore[no-untyped-def]
    expected = text([select(COMMITTED / f"{name}.csv", MINILM[1:], []) for name in ("sbert-1", "sbert-5")])
    assert export("sbert-1", "sbert-5", "sbert-1", "--to", kind, *MINILM) == 0
    assert capsys.readouterr().out == expected
    path = tmp_path / "new/export.txt"
    assert export("sbert-1", "sbert-5", "--to", kind, *MINILM, "-o", str(path)) == 0
    assert capsys.readouterr().out == f"wrote {path}\n"
    assert path.read_text(encoding="utf-8") == expected


def test_one_cell_can_be_cited(capsys: Said) -> None:
    assert export("sbert-1", "--to", "citation", *MINILM, "--task", "sts12") == 0
    said = capsys.readouterr().out
    assert said.startswith("all-MiniLM-L6-v2, STS12: 72.37 [")
    assert said.count("signature: ") == 1


def test_tables_of_the_embedded_set_are_found_and_say_so(capsys: Said) -> None:
    assert export("sbert-1", "--suite", "mini", "--to", "json") == 0
    (table,) = json.loads(capsys.readouterr().out)["tables"]
    assert "not comparable" in table["banner"]


def test_a_model_card_is_printed(capsys: Said) -> None:
    assert export("sbert-1", "--to", "model-card", *MINILM) == 0
    said = capsys.readouterr().out
    assert said.startswith("---\nmodel-index:\n- name: all-MiniLM-L6-v2\n")
    assert said.endswith("\n---\n")


def test_mteb_goes_to_a_folder_and_what_is_left_out_is_said(tmp_path: Path, capsys: Said) -> None:
    target = tmp_path / "exported"
    assert export("sbert-1", "--to", "mteb", *MINILM, "-o", str(target)) == 0
    assert {path.name for path in target.rglob("*.json")} == {"STSBenchmark.json", "SICK-R.json", "model_meta.json"}
    said = capsys.readouterr()
    assert said.out == f"wrote 3 files below {target}/results\n"
    assert "repro: sbert-1 without sickr: the task sickr is none of MTEB's\n" in said.err
    before = {path: path.read_bytes() for path in target.rglob("*.json")}
    assert export("sbert-1", "--to", "mteb", *MINILM, "-o", str(target)) == 0
    assert {path: path.read_bytes() for path in target.rglob("*.json")} == before


# (arguments, what is said)
BAD = [
    (["sbert-9", "--to", "json"], "'sbert-9' is not a table"),
    (["sbert-1.limit-50", "--to", "json"], "sbert-1.limit-50.csv is missing; write it with `repro table sbert-1`"),
    (["sbert-1", "--to", "json", "--row", "nobody"], "sbert-1 has no row 'nobody'"),
    (["sbert-1", "--to", "citation", "--row", "use"], "the row 'use' of sbert-1 has no measured number"),
    (["sbert-1", "--to", "mteb"], "name a folder for them with --output"),
    (["sbert-1", "--to", "mteb", "-o", __file__], f"{__file__} is a file; name a folder"),
    (["sbert-5", "--to", "mteb", "-o", "new"], "nothing there was measured as MTEB measures"),
    (["sbert-1", "--to", "model-card"], "a model card is one row's; name it with --row: "),
    (["sbert-1", "--to", "json", "-o", "."], ". is a folder; name a file"),
    (["sbert-1", "--to", "json", "-o", str(COMMITTED / "sbert-1.csv")], "is a file that this command reads"),
]


@pytest.mark.parametrize(("arguments", "message"), BAD)
def test_bad_input_is_one_sentence(arguments: list[str], message: str, capsys: Said) -> None:
    assert export(*arguments) == 2
    said = capsys.readouterr().err
    assert said.startswith("repro: ")
    assert said.count("\n") == 1
    assert message in said


def test_json_needs_neither_torch_nor_pandas_nor_the_hub() -> None:
    code = "import sys; from repro.cli.main import main\nif main(sys.argv[1:]): raise SystemExit(9)"
    modules = modules_after(code, "export", "sbert-1", "--to", "json", "--out", str(COMMITTED))
    assert not modules & {"torch", "transformers", "pandas", "huggingface_hub", "matplotlib", "mteb"}
