"""The gate that every vector passes, by each way that a command may take with it."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import save_file

from repro.cli.main import main
from repro.encoders.gate import checked
from repro.errors import ReproError
from repro.results import csv_lines
from tests.conftest import save_tiny_bert


@pytest.fixture(scope="module")
def spoilt(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that gives the word `big` a vector that is not finite, and all others ordinary ones."""
    folder = save_tiny_bert(tmp_path_factory.mktemp("models") / "spoilt")
    path = folder / "model.safetensors"
    with safe_open(path, framework="numpy") as file:
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    words = (folder / "vocab.txt").read_text().split("\n")
    tensors["embeddings.word_embeddings.weight"][words.index("big")] = np.nan
    save_file(tensors, path, {"format": "pt"})
    return folder


COMMANDS = [
    "encode MODEL TEXT -o OUT",
    "encode MODEL,pooling=static TEXT -o OUT",
    "encode MODEL,post=whitening,k=1 TEXT -o OUT",
    "fit MODEL TEXT -k 1 -o OUT",
    "similarity MODEL big cat",
    "similarity MODEL --matrix TEXT",
    "similarity MODEL --closest TEXT",
    "search MODEL TEXT cat",
    "search MODEL WHOLE big",
    "search MODEL WHOLE big --faiss",
]


@pytest.mark.parametrize("command", COMMANDS)
def test_a_vector_that_is_not_finite_is_refused_by_name(
    command: str, spoilt: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    places = {"MODEL": spoilt, "TEXT": tmp_path / "text", "WHOLE": tmp_path / "whole", "OUT": tmp_path / "out"}
    places["TEXT"].write_text("the cat\nit is\na big one\nmat\n")
    places["WHOLE"].write_text("the cat\nit is\n")
    filled = re.sub("MODEL|TEXT|WHOLE|OUT", lambda found: str(places[found.group()]), command)
    assert main([*filled.split(), "--offline", "--device", "cpu"]) == 2
    captured = capsys.readouterr()
    assert re.fullmatch(r"repro: .*spoilt: the vector of '.*big.*' is not finite\n", captured.err)
    assert captured.out == ""
    assert not (tmp_path / "out").exists()


LOST = ("sts12", "sts15", "stsb", "sickr")  # in whose data sets the word occurs; SICK's in the training pairs


# with the second encoder both come from one forward pass
@pytest.mark.parametrize("others", [[], ["pooling=cls"]])
def test_it_costs_a_table_those_columns_alone(others: list[str], spoilt: Path, tmp_path: Path) -> None:
    names = [str(spoilt), *(f"{spoilt},{other}" for other in others)]
    encoders = " ".join(f"--encoder {name}" for name in names)
    assert main(f"table sbert-1 --suite mini {encoders} --row {spoilt} --offline --out {tmp_path}".split()) == 0
    lines = {(line["row"], line["column"]): line for line in csv_lines.from_csv(tmp_path / "mini/sbert-1.csv")}
    for name in names:
        for column in ("sts12", "sts13", "sts14", "sts15", "sts16", "stsb", "sickr"):
            line = lines[name, column]
            assert bool(line["value"]) == (column not in LOST)
            assert ("is not finite" in line["reason"]) == (line["verdict"] == "not-run") == (not line["value"])
        assert lines[name, "avg"]["reason"] == "not run: " + ", ".join(LOST)


def test_a_training_on_it_stops(spoilt: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    train = f"train stsb,epochs=1 --suite mini --base {spoilt} --sample 200 --device cpu -o {tmp_path / 'out'}"
    assert main(train.split()) == 2
    assert re.fullmatch(r"repro: the training diverged: the loss is nan at step \d+; .*\n", capsys.readouterr().err)
    assert not (tmp_path / "out").exists()


# vectors, sentences, how many are zero or what is said
CHECKED = [
    (np.ones((2, 3)), ["a", "b"], 0),
    (np.array([[0, 0], [1, 0]]), ["a", "b"], 1),
    (np.empty((0, 3)), [], 0),
    (np.ones((2, 3)), ["a"], r"model: 1 sentences gave vectors of shape \(2, 3\), not \(n, d\)"),
    (np.ones(3), ["a", "b", "c"], r"gave vectors of shape \(3,\)"),
    (np.empty((2, 0)), ["a", "b"], r"gave vectors of shape \(2, 0\)"),
    (np.array([[1, 2], [np.inf, 0]]), ["a", "b"], "model: the vector of 'b' is not finite"),
    (np.array([[1e39, 2]]), ["a"], "model: the vector of 'a' is beyond float32"),
    (np.array([[1, 0], [0, -1e-39]]), ["a", "b"], "model: the vector of 'b' is too small for float32"),
    (np.array([[1e-300, 0]]), ["a"], "model: the vector of 'a' is too small for float32"),
    (np.array([[1e-300, 1]]), ["a"], 0),
]


@pytest.mark.filterwarnings("ignore:overflow")
@pytest.mark.parametrize(("vectors", "sentences", "expected"), CHECKED)
def test_what_passes(vectors: np.ndarray, sentences: list[str], expected: int | str) -> None:
    if isinstance(expected, str):
        with pytest.raises(ReproError, match=expected):
            checked(vectors, sentences, "model")
    else:
        found, zero = checked(vectors, sentences, "model")
        assert (found.dtype, found.shape, zero) == (np.float32, vectors.shape, expected)
