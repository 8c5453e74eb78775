"""Random weights have the size of the recipe they stand in for: its configuration's, wherever that is."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from repro.encoders import random_weights, zoo
from repro.encoders.random_weights import random_like
from repro.encoders.recipe import TransformerRecipe, WordVectorRecipe
from repro.errors import NotAvailable, ReproError
from tests.conftest import VOCABULARY, save_tiny_bert, write_json


def sizes(folder: Path) -> tuple[int, int, int]:
    """(layers, hidden size, rows of the embedding table) of the weights in a folder."""
    from safetensors import safe_open

    with safe_open(folder / "model.safetensors", framework="numpy") as file:
        shapes = {name: tuple(file.get_slice(name).get_shape()) for name in file.keys()}  # noqa: SIM118
    layers = {name.split(".")[2] for name in shapes if name.startswith("encoder.layer.")}
    rows, hidden = shapes["embeddings.word_embeddings.weight"]
    return len(layers), hidden, rows


@pytest.mark.parametrize("hidden", [16, 32])
@pytest.mark.parametrize("whole", [True, False])
def test_a_folder_gives_its_own_size(hidden: int, whole: bool, tmp_path: Path) -> None:
    own = save_tiny_bert(tmp_path / "own", hidden=hidden)
    if not whole:
        (own / "model.safetensors").unlink()
    (tmp_path / "made").mkdir()
    recipe = random_like(TransformerRecipe(str(own), pooling="cls"), tmp_path / "made", [])
    assert sizes(tmp_path / "made") == (2, hidden, len(VOCABULARY))
    assert recipe == TransformerRecipe(str(tmp_path / "made"), pooling="cls")
    assert zoo.build(recipe, device="cpu").encode(["the cat sits ."])[0].vectors.shape == (1, hidden)
    if whole:
        assert (tmp_path / "made/model.safetensors").read_bytes() != (own / "model.safetensors").read_bytes()


# the models' own config.json on the hub: layers, hidden size, vocabulary
@pytest.mark.real
@pytest.mark.parametrize(
    ("weights", "expected"),
    [
        ("sentence-transformers/all-MiniLM-L6-v2", (6, 384, 30522)),
        ("sentence-transformers/roberta-base-nli-mean-tokens", (12, 768, 50265)),
    ],
)
def test_a_packaged_model_and_a_public_id(
    weights: str, expected: tuple[int, int, int], tmp_path: Path, minilm: zoo.Group
) -> None:
    random_like(zoo.hub(weights), tmp_path, [])
    assert sizes(tmp_path) == expected


def test_every_public_model_of_the_zoo_has_a_known_size() -> None:
    bases = {recipe.weights for recipe in zoo.ZOO.values() if "/" in recipe.weights}
    for weights in bases | {"FacebookAI/roberta-large"}:
        config = random_weights._configuration(TransformerRecipe(weights), None)
        large = "large" in weights
        assert config.num_hidden_layers == (24 if large else 6 if "MiniLM" in weights else 12)
        assert config.hidden_size == (1024 if large else 384 if "MiniLM" in weights else 768)
        words = {"roberta": (50265, 514), "mpnet": (30527, 514)}
        expected = next((sizes for kind, sizes in words.items() if kind in weights), (30522, 512))
        assert (config.vocab_size, config.max_position_embeddings) == expected


def test_a_configuration_in_the_hubs_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    snapshot = tmp_path / "hub/models--owner--model/snapshots/0123456789abcdef0123456789abcdef01234567"
    (save_tiny_bert(snapshot, hidden=32) / "model.safetensors").unlink()
    (snapshot.parents[1] / "refs").mkdir()
    (snapshot.parents[1] / "refs/main").write_text(snapshot.name)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    (tmp_path / "made").mkdir()
    random_like(TransformerRecipe("owner/model"), tmp_path / "made", [])
    assert sizes(tmp_path / "made") == (2, 32, len(VOCABULARY))


def test_what_has_no_known_size(tmp_path: Path) -> None:
    with pytest.raises(NotAvailable, match="owner/model: its configuration is not on this machine"):
        random_like(TransformerRecipe("owner/model"), tmp_path, [])


@pytest.mark.parametrize("content", ["[]", "{}", "{", json.dumps({"model_type": "nothing"})])
def test_a_configuration_that_is_none(content: str, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(content)
    with pytest.raises(ReproError, match=r"config\.json is not a configuration that can be used"):
        random_like(TransformerRecipe(str(tmp_path)), tmp_path, [])


@pytest.mark.real
def test_a_small_model_without_its_tokenizer(tmp_path: Path, minilm: zoo.Group) -> None:
    write_json(tmp_path / "config.json", {"model_type": "bert", "vocab_size": 50, "hidden_size": 16})
    with pytest.raises(NotAvailable, match="its tokenizer is not on this machine"):
        random_like(TransformerRecipe(str(tmp_path)), tmp_path, [])


@pytest.mark.parametrize(
    ("name", "d"),
    [("glove.6B.300d.txt", 300), ("glove.6B.50d.txt", 50), ("crawl-300d-2M.vec", 300), ("my.vec", 300)],
)
def test_word_vectors_have_the_dimensions_of_their_name(name: str, d: int, tmp_path: Path) -> None:
    recipe = random_like(WordVectorRecipe(name, "whitespace"), tmp_path, ["cat", "dog"])
    vectors = zoo.build(recipe).encode(["cat", "dog", "cat dog"])[0].vectors
    assert vectors.shape == (3, d)
    np.testing.assert_allclose(vectors[2], vectors[:2].mean(axis=0), atol=1e-6)
