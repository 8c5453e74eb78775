"""What the benches measure: that each can be asked for, leaves nothing behind, and says what it should."""

from __future__ import annotations

import os
import re
from pathlib import Path

import numpy as np
import pytest

from repro.bench import BENCHES
from repro.cli.main import main
from repro.encoders import zoo
from repro.encoders.recipe import TransformerRecipe


def test_every_bench_can_be_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "nothing"]) == 2
    said = capsys.readouterr().err
    assert re.findall(r"'?(\w+)'?[,)]", said.split("choose from")[1]) == list(BENCHES)


def test_token_embeddings_need_no_layer(tiny_bert: Path) -> None:
    """What makes `static` fifty times as fast as the model."""
    group = zoo.build(TransformerRecipe(str(tiny_bert), pooling="static"), device="cpu")
    expected = group.encode(["the cat sits", "a dog"])[0].vectors
    assert expected.any()
    group.backbone.model.encoder = None
    np.testing.assert_array_equal(group.encode(["the cat sits", "a dog"])[0].vectors, expected)


@pytest.mark.real
@pytest.mark.usefixtures("minilm")
@pytest.mark.parametrize(
    ("what", "words"),
    [
        ("again", r"20 sentences: first search .* 1 matrix stored"),
        pytest.param("memory", r"-?\d+\.\d\d kB a sentence; a vector of", marks=pytest.mark.slow),
        ("static", r"token embeddings alone: \d+× \(median\)"),
    ],
)
def test_benches_of_ones_own_sentences(
    what: str, words: str, mirror: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = dict(os.environ)
    assert main(["bench", what, "--sentences", "20", "--repeats", "1", "--mirror", str(mirror)]) == 0
    assert re.search(words, capsys.readouterr().out)
    assert dict(os.environ) == before
    assert not (tmp_path / "home/embeddings").exists()


@pytest.mark.long
@pytest.mark.real
@pytest.mark.usefixtures("minilm")
def test_masked_language_modelling_is_held_against_transformers_own_trainer(
    mirror: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["bench", "mlm", "--sentences", "20", "--repeats", "1", "--mirror", str(mirror)]) == 0
    losses, rates = capsys.readouterr().out.splitlines()
    own, theirs = re.findall(r"\d+\.\d{7}", losses)
    assert float(own) == pytest.approx(float(theirs), abs=1e-5)
    assert re.search(
        r"^[\d,]+, theirs [\d,]+ tokens a second \(\d blocks of 128, .*\): \d+\.\d\d× \(median of 1\)", rates
    )
