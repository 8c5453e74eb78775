"""The command line: what it prints, and that bad input is one sentence and exit status 2."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from repro.cli import main


@pytest.mark.parametrize("what", ["tables", "encoders", "tasks", "data"])
def test_list(what: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list", what]) == 0
    first = {"tables": "sbert-1", "encoders": "glove-avg", "tasks": "sts12", "data": "STS12"}[what]
    assert capsys.readouterr().out.startswith(first)


BAD = [
    (["table", "sbert-9"], "'sbert-9' is not a table; there are: sbert-1"),
    (["table", "sbert-1", "--row", "nobody"], "sbert-1 has no row 'nobody'"),
    (["table", "sbert-1", "--task", "sts99"], "sbert-1 has no task 'sts99'"),
    (["table", "sbert-1", "--encoder", "nobody"], "'nobody' is not in the zoo"),
    (["table", "sbert-1", "--data", "/nowhere"], "/nowhere (from the command line) is not a folder"),
    (["fetch", "STS99"], "'STS99' is not a data set"),
    (["encode", "all-minilm-l6-v2", "nowhere.txt", "-o", "x.npy"], "nowhere.txt is not a file"),
    (["verify", "sbert-1", "--out", "/nowhere"], "sbert-1.csv is missing"),
    (["fetch", "SICK", "--offline"], "is not fetched yet; run without --offline or give --mirror DIR"),
]


@pytest.mark.parametrize(("arguments", "message"), BAD)
def test_bad_input_is_one_sentence(arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 2
    captured = capsys.readouterr()
    assert message in captured.err
    assert captured.err.count("\n") == 1


def test_without_network_mirror_or_data_table_says_what_to_do(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    # the suite's sockets reach loopback only, which is what no network looks like
    assert main(["table", "sbert-1", "--out", str(tmp_path / "out")]) == 0
    assert "nothing could be measured here" in capsys.readouterr().out
    with (tmp_path / "out/sbert-1.csv").open(encoding="utf-8", newline="") as file:
        lines = [line for line in csv.DictReader(file) if line["row"] == "all-minilm-l6-v2" and line["column"] != "avg"]
    assert {line["verdict"] for line in lines} == {"not-run"}
    for line in lines:
        assert "cannot download https://" in line["reason"]
        assert "--mirror DIR or REPRO_MIRROR" in line["reason"]


@pytest.mark.real
def test_a_users_own_senteval_folder(
    data: Path, tmp_path: Path, tiny_bert: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REPRO_DATA", str(data))
    arguments = ["table", "sbert-1", "--encoder", str(tiny_bert), "--row", "use", "--task", "stsb", "--offline"]
    assert main([*arguments, "--out", str(tmp_path / "out"), "--limit", "5"]) == 0
    assert (tmp_path / "out/sbert-1.limit-5.md").is_file()


def test_a_folder_that_is_not_sentevals(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["table", "sbert-1", "--data", str(tmp_path)]) == 2
    assert "has no folder downstream/" in capsys.readouterr().err


@pytest.mark.real
def test_dry_run_computes_nothing(data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["table", "sbert-1", "--data", str(data), "--dry-run", "--offline", "--out", str(tmp_path / "out")]
    assert main(arguments) == 0
    out = capsys.readouterr().out
    assert "compute  all-minilm-l6-v2 × sts12" in out
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["sbert-5", "--probe", "exact", "--task", "mr", "--task", "mr-adam"], {"mr"}),
        (
            ["sbert-5", "--probe", "senteval-adam", "--task", "mr-adam", "--task", "mr-adam-dev"],
            {"mr-adam", "mr-adam-dev"},
        ),
    ],
)
def test_a_probe_chooses_columns(arguments: list[str], expected: set[str], capsys: pytest.CaptureFixture[str]) -> None:
    minilm = ["--suite", "mini", "--row", "minilm-avg", "--dry-run", "--offline"]
    assert main(["table", *arguments, *minilm]) == 0
    out = capsys.readouterr().out
    assert {row.split(" × ")[1] for row in out.split("\n") if row.startswith("compute")} <= expected
    assert all(f"minilm-avg × {slug}: not asked" not in out for slug in expected)


def test_a_table_without_that_probe_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["table", "sbert-1", "--probe", "exact", "--dry-run"]) == 2
    assert "sbert-1 has no column of the probe exact" in capsys.readouterr().err


def test_encode_writes_float32_rows(tiny_bert: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "in.txt").write_text("the cat\na dog\nthe cat\n")
    assert main(["encode", str(tiny_bert), str(tmp_path / "in.txt"), "-o", str(tmp_path / "out.npy")]) == 0
    found = np.load(tmp_path / "out.npy")
    assert (found.shape, found.dtype) == ((3, 16), np.float32)
    assert "3 × 16" in capsys.readouterr().out


def test_encode_takes_whatever_stands_on_a_line(tiny_bert: Path, tmp_path: Path) -> None:
    lines = [
        "",
        "one",
        "a " * 2000,
        "🙂🙃",
        "שלום עולם",
        "bell\x07 and\x00 null",
        "tab\there",
        "form\x0cfeed \u0085 nel",
    ]
    (tmp_path / "in.txt").write_text("\n".join(lines) + "\n", encoding="utf-8", newline="")
    assert main(["encode", str(tiny_bert), str(tmp_path / "in.txt"), "-o", str(tmp_path / "out.npy")]) == 0
    found = np.load(tmp_path / "out.npy")
    assert found.shape == (8, 16)
    assert np.isfinite(found).all()


@pytest.mark.real
def test_compare_two_rows(data: Path, tmp_path: Path, tiny_bert: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table = ["table", "sbert-1", "--data", str(data), "--offline", "--out", str(tmp_path / "out")]
    encoders = [str(tiny_bert), f"{tiny_bert},pooling=cls"]
    chosen = [part for name in encoders for part in ("--encoder", name)]
    assert main([*table, *chosen, "--row", "use", "--task", "stsb"]) == 0
    capsys.readouterr()
    assert main(["compare", "sbert-1", *encoders, "--data", str(data), "--offline"]) == 0
    line = next(line for line in capsys.readouterr().out.split("\n") if line.startswith("STSb"))
    difference = float(line.split()[1])
    cells = [json.loads(path.read_text())["cell"] for path in (tmp_path / "home/cells").rglob("*.json")]
    values = {cell["row"]: cell["value"] for cell in cells if cell["column"] == "stsb"}
    assert difference == pytest.approx(values[encoders[0]] - values[encoders[1]], abs=0.006)
    assert "p = " in line
    assert main(["compare", "sbert-1", "use", encoders[0], "--data", str(data), "--offline"]) == 2
    assert "no stored column in common" in capsys.readouterr().err
