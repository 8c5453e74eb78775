"""Cross-encoders are read by sentence-transformers, which gives what they gave when they were trained."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from repro.encoders.recipe import TransformerRecipe
from repro.encoders.transformer import TransformerEncoder
from repro.encoders.weights import resolve
from repro.errors import ReproError
from repro.training.cross_encoder import CrossEncoder
from tests.training.test_models import SENTENCES
from tests.training.test_trainer import learner, recipe


def test_sentence_transformers_loads_a_saved_cross_encoder(tiny_bert: Path, tmp_path: Path) -> None:
    import sentence_transformers
    import torch

    found = learner(recipe(tiny_bert, "cross-regression"))
    found.save(tmp_path)
    first, second = SENTENCES, SENTENCES[::-1]
    theirs = sentence_transformers.CrossEncoder(str(tmp_path), device="cpu", activation_fn=torch.nn.Identity())
    expected = theirs.predict(list(zip(first, second, strict=True)))
    np.testing.assert_allclose(found.similarities(first, second)[0], expected, atol=1e-6)
    again = CrossEncoder(TransformerRecipe(str(tmp_path)), 1, "cpu")
    np.testing.assert_allclose(again.predict(first, second)[:, 0], expected, atol=1e-6)


def test_the_length_that_it_was_trained_under_goes_with_it(tiny_bert: Path, tmp_path: Path) -> None:
    import sentence_transformers
    import torch

    made = recipe(tiny_bert, "cross-regression")
    found = learner(replace(made, base=replace(made.base, max_length=7)))
    found.save(tmp_path)
    first, second = [" ".join([sentence] * 4) for sentence in SENTENCES], SENTENCES[::-1]
    theirs = sentence_transformers.CrossEncoder(str(tmp_path), device="cpu", activation_fn=torch.nn.Identity())
    expected = theirs.predict(list(zip(first, second, strict=True)))
    np.testing.assert_allclose(found.similarities(first, second)[0], expected, atol=1e-6)
    long = CrossEncoder(TransformerRecipe(str(tiny_bert)), 1, "cpu", new_head=True).inputs(first, second)
    assert max(len(pair["input_ids"]) for pair in long) > 7


def test_a_cross_encoder_of_three_classes_goes_on_with_a_new_head_of_one(tiny_bert: Path, tmp_path: Path) -> None:
    learner(recipe(tiny_bert, "cross-softmax")).save(tmp_path)
    found = CrossEncoder(TransformerRecipe(str(tmp_path)), 1, "cpu", new_head=True)
    assert found.predict(SENTENCES, SENTENCES).shape == (4, 1)
    with pytest.raises(ReproError, match="do not hold classifier"):
        CrossEncoder(TransformerRecipe(str(tmp_path)), 1, "cpu")


def test_a_length_that_leaves_no_word_of_each_text_is_refused(tiny_bert: Path) -> None:
    for length in (3, 4):
        with pytest.raises(ReproError, match=f"max_length {length} leaves no room for two words beside 3 special"):
            CrossEncoder(TransformerRecipe(str(tiny_bert), max_length=length), 1, "cpu", new_head=True)


def test_a_cross_encoders_folder_is_no_sentence_encoder(tiny_bert: Path, tmp_path: Path) -> None:
    """Its vectors would be the mean of what nobody trained to be averaged; who wants them names a pooling."""
    learner(recipe(tiny_bert, "cross-regression")).save(tmp_path)
    with pytest.raises(ReproError, match=r"is a classifier or a cross-encoder, not a sentence .*such as pooling=mean"):
        TransformerEncoder([resolve(TransformerRecipe(str(tmp_path)))], "cpu")
    named = TransformerRecipe(str(tmp_path), pooling="mean")
    assert TransformerEncoder([resolve(named)], "cpu").encode(SENTENCES).shape == (4, 16)


def test_a_cross_encoder_that_cannot_pad_is_one_sentence(tmp_path: Path) -> None:
    from tests.encoders.folders import save_transformer

    found = learner(recipe(save_transformer(tmp_path / "base", "gpt2"), "cross-regression"))
    with pytest.raises(ReproError, match=r"the model fails on these pairs: .*padding token"):
        found.loss(np.arange(4))
