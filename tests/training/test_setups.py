"""From which encoder a training starts: what stands after the name of a base is obeyed, or refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from repro.cli.main import main
from repro.errors import ReproError
from repro.training.setups import setup

MODEL = "owner/model"


@pytest.mark.parametrize("name", ["stsb", "nli-stsb", "unsup-simcse", "sup-simcse"])
def test_pooling_and_length_of_a_base_are_those_of_its_training(name: str) -> None:
    plain, named = setup(name, MODEL), setup(name, f"{MODEL},pooling=max,max_length=9")
    assert (named.root.pooling, named.root.max_length) == ("max", 9)
    assert plain.root.pooling == setup(name).root.pooling
    assert {"pool:max", "maxlen:9"} <= {f"{field}:{value}" for field, value in named.signature().items()}
    assert setup(name, f"{MODEL},pooling=max").root.max_length == plain.root.max_length


def test_a_name_of_the_zoo_stands_for_its_model() -> None:
    assert setup("stsb", "minilm-cls").root == setup("stsb", "all-minilm-l6-v2").root
    assert setup("stsb", "minilm-cls,pooling=cls").root.pooling == "cls"


@pytest.mark.parametrize(
    ("name", "base", "why"),
    [
        ("stsb", "layers=1", "a training under the objective cosine is of the layers that the recipe says; leave out"),
        ("unsup-simcse", "layers=0+-1", "leave out layers"),
        ("cross-stsb", "pooling=cls", "reads two sentences at once and pools nothing; leave out pooling"),
        ("cross-stsb", "prompt=query: ", "reads two sentences at once and pools nothing; leave out prompt"),
        ("mlm-base", "max_length=9", "takes only the tokenizer of its base; leave out max_length"),
        ("stsb", "pooling=pooler", "pooling pooler cannot be trained; choose from cls"),
        ("stsb,max_length=12", "max_length=9", "'max_length=12': max_length is named twice, after owner/model,max_len"),
    ],
)
def test_a_setting_of_a_base_that_cannot_be_obeyed_is_refused(name: str, base: str, why: str) -> None:
    with pytest.raises(ReproError, match=why):
        setup(name, f"{MODEL},{base}")


def test_the_command_trains_under_the_pooling_of_the_base(tiny_bert: Path, tmp_path: Path) -> None:
    command = ["train", "stsb,epochs=1,warmup=0", "--suite", "mini", "--sample", "8", "--device", "cpu"]
    others = {
        "named": ["--base", f"{tiny_bert},pooling=cls"],
        "option": ["--base", str(tiny_bert), "--pooling", "cls"],
        "plain": ["--base", str(tiny_bert)],
    }
    for name, base in others.items():
        assert main([*command, *base, "-o", str(tmp_path / name)]) == 0
    weights = {name: (tmp_path / name / "model.safetensors").read_bytes() for name in others}
    poolings = {name: (tmp_path / name / "1_Pooling/config.json").read_text() for name in others}
    assert weights["named"] == weights["option"] != weights["plain"]
    assert poolings["named"] == poolings["option"] != poolings["plain"]


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["stsb", "--base", f"{MODEL},pooling=cls", "--pooling", "mean"], "names a pooling, and --pooling another"),
        (["stsb,sample=9", "--base", MODEL, "--sample", "8"], "stsb,sample=9 names a sample, and --sample another"),
    ],
)
def test_what_is_named_twice_is_refused(arguments: list[str], why: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", *arguments]) == 2
    assert why in capsys.readouterr().err
