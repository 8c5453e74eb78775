"""What a command reads is not written over, whatever the encoder's folder is called."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from repro.cli.general import files_of
from repro.cli.main import main

NAMES = ["model", "a,model", "one, two,three", "k=3,model"]


@pytest.mark.parametrize("name", NAMES)
def test_an_encoder_folder_is_what_the_command_reads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path(name).mkdir()
    assert files_of(f"./{name}")[0] == Path(name)
    assert files_of(f"./{name},layers=1,post=whitening,source={name.split(',')[0]}")[0] == Path(name)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("settings", ["", ",pooling=cls"])
def test_no_file_of_an_encoder_is_written_over(
    tiny_bert: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, settings: str
) -> None:
    folder = shutil.copytree(tiny_bert, tmp_path / name)
    text = tmp_path / "in.txt"
    text.write_text("the cat\na dog\n")
    weights = folder / "model.safetensors"
    before, encoder, out = weights.read_bytes(), f"{folder}{settings}", str(tmp_path)
    for command in (
        ["encode", encoder, str(text), "-o", str(weights)],
        ["table", "sbert-1", "--suite", "mini", "--out", out, "--encoder", encoder, "--picture", str(weights)],
    ):
        assert main(command) == 2
        assert "model.safetensors is a file that this command reads" in capsys.readouterr().err
        assert weights.read_bytes() == before


@pytest.mark.parametrize(
    ("name", "file"), [("mine:f", "mine.py"), ("own.mine:f", "own/mine.py"), ("own:f", "own/a.py")]
)
def test_no_module_of_an_encoder_is_written_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str, file: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path(file).parent.mkdir(exist_ok=True)
    Path(file).write_text("def f(sentences): ...\n")
    Path("in.txt").write_text("the cat\n")
    assert main(["encode", name, "in.txt", "-o", file]) == 2
    assert f"{file} is a file that this command reads" in capsys.readouterr().err
    assert Path(file).read_text() == "def f(sentences): ...\n"
