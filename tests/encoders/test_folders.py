"""Drawn model folders: vectors as sentence-transformers gives them, and an identity that every byte decides."""

from __future__ import annotations

import random
import shutil
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sentence_transformers.base.modules import Dense, Normalize
from sentence_transformers.sentence_transformer.modules import Dropout, LayerNorm, Pooling
from torch import nn

from repro.encoders import zoo
from repro.encoders.cache import Embedder, EmbeddingCache
from repro.encoders.recipe import TransformerRecipe
from repro.errors import ReproError
from tests.encoders.folders import SENTENCES, edit_json, save_sentence_transformer, save_transformer, theirs
from tests.encoders.test_architectures import AGREE, save

FAMILIES = ["bert", "roberta", "mpnet", "distilbert", "electra", "albert", "gpt2", "t5"]
OTHERS = ["fnet", "convbert", "mobilebert", "llama", "modernbert", "deberta-v2", "xlnet", "t5gemma", "recurrent gemma"]
ACTIVATIONS = [nn.Tanh, nn.ReLU, nn.GELU, nn.Identity, nn.Sigmoid, nn.SiLU, nn.LeakyReLU, nn.Softplus]


def drawn_heads(rng: random.Random, width: int) -> list[nn.Module]:
    heads: list[nn.Module] = []
    for _ in range(rng.randrange(4)):
        kind = rng.choice(["dense", "norm", "normalize", "dropout"])
        if kind == "dense":
            after = rng.choice([width, 8, 24])
            residual, bias = rng.random() < 0.4, rng.random() < 0.7
            activation = rng.choice(ACTIVATIONS)()
            heads.append(Dense(width, after, bias=bias, activation_function=activation, use_residual=residual))
            width = after
        else:
            heads.append({"norm": LayerNorm(width), "normalize": Normalize(), "dropout": Dropout(0.3)}[kind])
    return heads


def draw(seed: int, root: Path) -> Path:
    """A folder as sentence-transformers saves it, its settings drawn."""
    rng = random.Random(seed)
    torch.manual_seed(seed)
    tokenizer: dict[str, Any] = rng.choice(
        [{}, {}, {"model_max_length": rng.randrange(4, 12)}, {"padding_side": "left"}]
    )
    family = rng.choice([*FAMILIES, *OTHERS])
    if family in FAMILIES:
        transformer = save_transformer(root / "transformer", family, seed, **tokenizer)
    else:
        transformer = save(root / "transformer", AGREE[family](), **tokenizer)
    modes = rng.sample(Pooling.POOLING_MODES, rng.choice([1, 1, 1, 2, 3]))
    prompts = rng.choice([None, {"sts": "it is : ", "other": "not"}])
    pooling = Pooling(16, tuple(modes), include_prompt=rng.random() < 0.6)
    settings: dict[str, Any] = {"default_prompt_name": "sts"} if prompts and rng.random() < 0.7 else {}
    settings |= {"max_seq_length": rng.randrange(5, 30)} if rng.random() < 0.4 else {}
    heads = drawn_heads(rng, 16 * len(modes))
    folder = save_sentence_transformer(root / "model", transformer, [pooling, *heads], prompts, **settings)
    for head in folder.glob("*_*/config.json"):
        if "LayerNorm" not in str(head) and rng.random() < 0.2:
            head.touch()
    if rng.random() < 0.2:
        edit_json(folder / "config_sentence_transformers.json", truncate_dim=rng.randrange(1, 20))
    changes = rng.choice(
        [{}, {"do_lower_case": True}, {"max_seq_length": 7}, {"tokenizer_args": {"model_max_length": 6}}]
    )
    edit_json(folder / "sentence_bert_config.json", **changes)
    return folder


def agrees(seed: int, root: Path) -> None:
    folder = draw(seed, root)
    group, expected = zoo.build(str(folder), device="cpu"), theirs(folder)
    if np.isfinite(expected).all():
        vectors = group.encode(SENTENCES)[0].vectors
        np.testing.assert_allclose(vectors, expected, atol=1e-5, rtol=1e-5, err_msg=f"seed {seed}")
    else:  # the maximum over nothing, where the prompt that is not pooled takes the whole length
        with pytest.raises(ReproError, match="is not finite"):
            group.encode(SENTENCES)


@pytest.mark.parametrize("seed", range(30))
def test_drawn_folders(seed: int, tmp_path: Path) -> None:
    agrees(seed, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(30, 400))
def test_more_drawn_folders(seed: int, tmp_path: Path) -> None:
    agrees(seed, tmp_path)


def embed(folder: Path) -> tuple[np.ndarray, bool]:
    """(vectors, whether they came from the disk)."""
    ready = zoo.locate(TransformerRecipe(str(folder)))
    embedded = Embedder([ready], "cpu", "float32", EmbeddingCache()).embed(SENTENCES)[0]
    return embedded.vectors, embedded.seconds == 0.0


def files_of(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize("how", ["flipped", "appended"])
def test_one_byte_of_any_file_gives_new_vectors_or_a_refusal(how: str, tmp_path: Path) -> None:
    transformer = save_transformer(tmp_path / "transformer")
    modules = [Pooling(16), Dense(16, 8), LayerNorm(8)]
    whole = save_sentence_transformer(tmp_path / "whole", transformer, modules)
    folder = shutil.copytree(whole, tmp_path / "model")
    embed(folder)
    assert embed(folder)[1]
    for path in files_of(folder):
        before = path.read_bytes()
        changed = bytearray(before + b" ")
        if how == "flipped":
            changed.pop()
            changed[len(before) // 2] ^= 1
        path.write_bytes(changed)
        with suppress(ReproError):
            assert not embed(folder)[1], path
        path.write_bytes(before)
    assert embed(folder)[1]
