"""A BERT from nothing, on the embedded text: recipe, first weights, kills, and the folder that comes out."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from repro.cli.main import main
from repro.encoders import trained_here, zoo
from repro.encoders.recipe import TransformerRecipe
from repro.errors import NotAvailable, ReproError
from repro.evaluation.suite import Suite
from repro.training import checkpoint, setups, train, trainer
from repro.training.language_model import MaskedLearner
from repro.training.recipe import MaskedRecipe, TrainedRecipe
from tests.training.test_trainer import killed_at

MINI = Suite("mini")
SIZE = "layers=1,width=16,heads=2,length=32,passes=2,batch_size=8"


def tiny(base: Path, **settings: object) -> MaskedRecipe:
    made = setups.setup(f"mlm-base,{SIZE}", TransformerRecipe(str(base)))
    assert isinstance(made, MaskedRecipe)
    return replace(made, **{"sample": 120, **settings})


def learner(made: MaskedRecipe, seed: int = 0) -> MaskedLearner:
    torch.manual_seed(seed)
    assert isinstance(made.base, TransformerRecipe)
    return MaskedLearner(made.base, made, MINI.examples(made.data).sample(made.sample, 0), "cpu")


def test_first_weights_are_berts_and_the_seeds(tiny_bert: Path) -> None:
    first, again, other = (learner(tiny(tiny_bert, width=64), seed) for seed in (0, 0, 1))
    weights, same, others = (item.module.state_dict() for item in (first, again, other))
    assert all(torch.equal(value, same[name]) for name, value in weights.items())
    np.testing.assert_array_equal(first.blocks, again.blocks)
    assert not np.array_equal(first.blocks[: len(other)], other.blocks[: len(first)])
    for name, value in weights.items():
        if name.endswith("bias"):
            assert not value.any(), name
        elif "norm" in name.lower():
            assert (value == 1).all(), name
        else:
            assert float(value.std()) == pytest.approx(0.02, rel=0.1), name
            assert not torch.equal(value, others[name]), name


def test_each_pass_packs_the_text_anew(tiny_bert: Path) -> None:
    one, three = (learner(tiny(tiny_bert, passes=passes)) for passes in (1, 3))
    assert 2.5 * len(one) < len(three) < 3.5 * len(one)
    words = [np.sort(item.blocks[item.blocks > 4]) for item in (one, three)]
    np.testing.assert_array_equal(np.repeat(words[0], 3), words[1])
    assert one.size(np.arange(5)) == 5 * 32


def test_the_loss_falls(tiny_bert: Path, tmp_path: Path) -> None:
    made = tiny(tiny_bert, learning_rate=1e-2, passes=8, sample=None)
    model = learner(made)
    trainer.train(model, len(model), made, 0, tmp_path, "x")
    losses = [line["loss"] for line in trainer.read_log(tmp_path / trainer.LOG)]
    assert losses[-1] < 0.8 * losses[0]
    assert all(line["tokens_a_second"] > 0 for line in trainer.read_log(tmp_path / trainer.LOG))


def test_a_training_that_was_killed_twice_ends_with_the_same_bits(
    tiny_bert: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, options = tiny(tiny_bert), trainer.Options(checkpoint_every=3, dtype="bfloat16")
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    expected = learner(made)
    trainer.train(expected, len(expected), made, 0, whole, "x", None, options)
    for step in (5, 2):  # steps of each start
        with killed_at(step, monkeypatch):
            going = learner(made)
            trainer.train(going, len(going), made, 0, parts, "x", None, options)
    resumed = learner(made)
    place = trainer.train(resumed, len(resumed), made, 0, parts, "x", None, options)
    assert place.step > 6
    assert (parts / checkpoint.NAME).is_file()
    for name, value in expected.module.state_dict().items():
        assert torch.equal(value, resumed.module.state_dict()[name]), name


def test_the_command_gives_a_model_that_transformers_and_the_zoo_read(
    tiny_bert: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from transformers import BertForMaskedLM

    folder = tmp_path / "base"
    arguments = ["train", f"mlm-base,{SIZE}", "--base", str(tiny_bert), "--suite", "mini", "--device", "cpu"]
    assert main([*arguments, "--dtype", "auto", "--checkpoint-every", "2", "-o", str(folder)]) == 0
    assert f"{folder}: " in capsys.readouterr().out
    names = {"config.json", "model.safetensors", "tokenizer.json", "log.jsonl", "training.svg", "repro.json"}
    assert names <= {path.name for path in folder.iterdir()}
    about = json.loads((folder / "repro.json").read_text())
    assert about["recipe"]["kind"] == "MaskedRecipe"
    assert about["dtype"] == trainer.native_dtype("cpu")
    model, report = BertForMaskedLM.from_pretrained(folder, output_loading_info=True)
    assert not report["missing_keys"]
    assert not report["unexpected_keys"]
    assert model.cls.predictions.decoder.weight is model.bert.embeddings.word_embeddings.weight
    ready = zoo.locate(TransformerRecipe(str(folder)), offline=True)
    assert (ready.recipe.pooling, ready.recipe.max_length) == ("mean", 32)
    vectors = zoo.Group([ready], "cpu").encode(["the cat sits", "a dog"])[0].vectors
    assert vectors.shape == (2, 16)
    with torch.inference_mode():
        ids = zoo.Group([ready], "cpu").backbone.tokenizer(["a dog"], return_tensors="pt")  # type: ignore[attr-defined]
        expected = model.eval().bert(**ids).last_hidden_state[0].mean(dim=0)
    np.testing.assert_allclose(vectors[1], expected, atol=1e-5)


def test_a_vocabulary_may_have_gaps(tiny_bert: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(tiny_bert, tmp_path / "gaps")
    words = (folder / "vocab.txt").read_text().splitlines()
    (folder / "vocab.txt").write_text("\n".join([*words[:5], "cat", "cat", "cat", *words[5:]]) + "\n")
    (folder / "tokenizer.json").unlink(missing_ok=True)
    model = learner(tiny(folder))
    largest = max(model.tokenizer.get_vocab().values())
    assert largest >= len(model.tokenizer)
    assert model.module["encoder"].config.vocab_size == largest + 1
    assert torch.isfinite(model.loss(np.arange(4)))


def test_the_same_recipe_is_not_trained_again(tiny_bert: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    material = train.Material(MINI.examples, MINI.dev, MINI.synonyms)
    first = train.train(tiny(tiny_bert), 0, material, "cpu")
    monkeypatch.setattr(trainer, "train", lambda *_: pytest.fail("trained again"))
    assert train.train(tiny(tiny_bert), 0, material, "cpu").folder == first.folder


WRONG = {
    "select_every=5": "has nothing to look at",
    "width=15": "is no multiple of heads",
    "length=2": "leaves no room for a word",
    "passes=0": "must be at least 1",
    "select=wikisec-dev": "'select=wikisec-dev' is not a setting of this training",
    "looks=training": "'looks=training' is not a setting of this training",
    "max_length=64": r"'max_length=64' is not a setting of this training; .* length",
}


@pytest.mark.parametrize("setting", WRONG)
def test_settings_that_no_language_model_has_are_refused(setting: str) -> None:
    with pytest.raises(ReproError, match=WRONG[setting]):
        setups.setup(f"mlm-base,{setting}")


def test_a_language_model_pools_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "mlm-base", "--pooling", "cls"]) == 2
    assert "pools nothing" in capsys.readouterr().err


def test_other_recipes_describe_themselves_as_before() -> None:
    """What they say of themselves is in the keys of stored results and trained models."""
    fields = {"layers", "width", "heads", "length", "passes"}
    assert not fields & set(TrainedRecipe.__dataclass_fields__)


def test_the_model_is_found_by_its_name_once_it_is_there(tiny_bert: Path) -> None:
    import shutil

    recipe = zoo.recipe("scratch-bert")
    assert recipe.plain.unpinned == ""
    with pytest.raises(NotAvailable, match="`make base-from-scratch` trains it"):
        zoo.locate(recipe.plain, offline=True)
    shutil.copytree(tiny_bert, trained_here.folder("scratch-bert"))
    ready = zoo.locate(zoo.recipe("scratch-bert,pooling=cls").plain, offline=True)
    assert ready.weights.startswith("scratch-bert@local sha256:")
    assert ready.recipe.pooling == "cls"
