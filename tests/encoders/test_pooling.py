"""Poolers on hand-made tensors, and against a direct transformers forward, sentence by sentence."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from repro.encoders import zoo
from repro.encoders.pooling import POOLERS
from repro.encoders.recipe import TransformerRecipe

HIDDEN = torch.tensor([[[1.0, 8.0], [3.0, 2.0], [9.0, 9.0]], [[4.0, 4.0], [9.0, 9.0], [9.0, 9.0]]])  # (2, 3, 2)
MASK = torch.tensor([[True, True, False], [True, False, False]])  # (2, 3)

EXPECTED = {  # by hand, padding (the nines) left out
    "cls": [[1, 8], [4, 4]],
    "mean": [[2, 5], [4, 4]],
    "mean-sqrt-len": [[4 / 2**0.5, 10 / 2**0.5], [4, 4]],
    "max": [[3, 8], [4, 4]],
    "last": [[3, 2], [4, 4]],
}


@pytest.mark.parametrize("name", EXPECTED)
def test_poolers_leave_padding_out(name: str) -> None:
    np.testing.assert_allclose(POOLERS[name](HIDDEN, MASK), EXPECTED[name], rtol=1e-6)


@pytest.mark.parametrize("name", EXPECTED)
def test_poolers_do_not_mind_padding_on_the_left(name: str) -> None:
    hidden = torch.tensor([[[9.0, 9.0], [1.0, 8.0], [3.0, 2.0]], [[9.0, 9.0], [9.0, 9.0], [4.0, 4.0]]])  # (2, 3, 2)
    mask = torch.tensor([[False, True, True], [False, False, True]])  # (2, 3)
    np.testing.assert_allclose(POOLERS[name](hidden, mask), EXPECTED[name], rtol=1e-6)


SENTENCES = ["the cat sits on the mat.", "a dog", "dogs running", ""]
# (pooling, layers): what a direct forward must give; layers count from the embedding output, index 0
CASES = [
    ("cls", (-1,)),
    ("mean", (-1,)),
    ("max", (-2,)),
    ("mean", (1, -1)),  # BERT-flow, BERT-whitening
    ("mean", (0, -1)),  # SimCSE as printed
    ("mean-sqrt-len", (-2, -1)),
    ("last", (-1,)),
    ("pooler", (-1,)),
]


@pytest.mark.parametrize(("pooling", "layers"), CASES)
def test_recipes_equal_a_direct_forward(pooling: str, layers: tuple[int, ...], tiny_bert: Path) -> None:
    from transformers import AutoModel, AutoTokenizer

    model, tokenizer = AutoModel.from_pretrained(tiny_bert).eval(), AutoTokenizer.from_pretrained(tiny_bert)
    found = zoo.build(TransformerRecipe(str(tiny_bert), pooling=pooling, layers=layers)).encode(SENTENCES)[0].vectors
    for sentence, vector in zip(SENTENCES, found, strict=True):
        with torch.no_grad():
            output = model(**tokenizer(sentence, return_tensors="pt"), output_hidden_states=True)
        hidden = sum(output.hidden_states[layer][0] for layer in layers) / len(layers)  # (T, d)
        expected = {
            "cls": hidden[0],
            "mean": hidden.mean(0),
            "max": hidden.max(0).values,
            "mean-sqrt-len": hidden.sum(0) / len(hidden) ** 0.5,
            "last": hidden[-1],
            "pooler": output.pooler_output[0],
        }[pooling]
        np.testing.assert_allclose(vector, expected.numpy(), atol=1e-5)


def test_static_averages_the_input_embeddings_without_special_tokens(tiny_bert: Path) -> None:
    from transformers import AutoModel, AutoTokenizer

    table = AutoModel.from_pretrained(tiny_bert).get_input_embeddings().weight.detach().numpy()
    tokenizer = AutoTokenizer.from_pretrained(tiny_bert)
    group = zoo.build(TransformerRecipe(str(tiny_bert), pooling="static"))
    found = group.encode([*SENTENCES, "a a a a a a"])[0].vectors
    for sentence, vector in zip(SENTENCES, found, strict=False):
        ids = tokenizer(sentence, add_special_tokens=False)["input_ids"]
        ids = [token for token in ids if token != tokenizer.unk_token_id]  # [UNK] is special too: no word, no vector
        expected = table[ids].mean(axis=0) if ids else np.zeros(16)
        np.testing.assert_allclose(vector, expected, atol=1e-6)


def test_one_pass_serves_all_recipes_of_a_backbone(tiny_bert: Path) -> None:
    base = TransformerRecipe(str(tiny_bert), pooling="mean")
    recipes = [base, replace(base, layers=(0, -1)), replace(base, pooling="cls", normalize=True)]
    ready = [zoo.locate(recipe) for recipe in recipes]
    assert len({item.backbone for item in ready}) == 1
    together = zoo.Group(ready, "cpu").encode(SENTENCES)
    for item, result in zip(ready, together, strict=True):
        np.testing.assert_array_equal(result.vectors, zoo.Group([item], "cpu").encode(SENTENCES)[0].vectors)
