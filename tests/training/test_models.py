"""Saved models are read by sentence-transformers, and give what they gave when they were trained."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from repro.encoders import zoo
from repro.encoders.recipe import TransformerRecipe
from repro.errors import ReproError
from repro.metrics.correlation import cosines
from repro.training.contrastive import ContrastiveRecipe
from repro.training.models import SentenceLearner
from tests.training.test_trainer import examples, learner, recipe

SENTENCES = ["the cat sits on the mat", "a dog", "it is not red .", "big small blue house runs in to the mat"]


@pytest.mark.parametrize("pooling", ["mean", "cls", "max", "mean-sqrt-len"])
@pytest.mark.parametrize("normalize", [None, True])
def test_sentence_transformers_loads_a_saved_model(
    tiny_bert: Path, tmp_path: Path, pooling: str, normalize: bool | None
) -> None:
    from sentence_transformers import SentenceTransformer

    made = recipe(tiny_bert, "cosine")
    made = replace(made, base=replace(made.root, pooling=pooling, normalize=normalize, max_length=9))
    found = learner(made)
    found.save(tmp_path)
    assert isinstance(found, SentenceLearner)
    expected = found.encoder.encode(SENTENCES)
    theirs = SentenceTransformer(str(tmp_path), device="cpu")
    assert theirs.max_seq_length == 9
    np.testing.assert_allclose(theirs.encode(SENTENCES), expected, atol=1e-6)
    ours = zoo.build(str(tmp_path), device="cpu").encode(SENTENCES)[0].vectors
    np.testing.assert_allclose(ours, expected, atol=1e-6)


def test_the_pooler_is_not_trained_and_not_saved(tiny_bert: Path, tmp_path: Path) -> None:
    from safetensors import safe_open

    found = learner(recipe(tiny_bert, "cosine"))
    assert not any("pooler" in name for name, _ in found.module.named_parameters())
    found.save(tmp_path)
    with safe_open(tmp_path / "model.safetensors", framework="numpy") as file:
        assert not any("pooler" in name for name in file.keys())  # noqa: SIM118


def test_the_leaking_maximum_depends_on_the_batch_and_the_masked_one_does_not(tiny_bert: Path) -> None:
    data = examples("cosine")

    def vector(pooling: str, rows: list[int]) -> np.ndarray:
        made = recipe(tiny_bert, "cosine")
        found = learner(replace(made, base=replace(made.root, pooling=pooling)), data)
        assert isinstance(found, SentenceLearner)
        found.module.eval()
        return np.asarray(found._vectors([column.select(np.array(rows)) for column in found.tokens])[0][0].detach())

    lengths = [len(sentence.split()) for sentence in data.columns[0]]
    short, long = int(np.argmin(lengths)), int(np.argmax(lengths))
    assert np.abs(vector("max-padded", [short]) - vector("max-padded", [short, long])).max() > 1e-3
    np.testing.assert_allclose(vector("max", [short]), vector("max", [short, long]), atol=1e-6)


def test_a_model_with_a_dense_module_wants_a_pooling(tiny_sbert: Path) -> None:
    made = recipe(tiny_sbert, "cosine")
    with pytest.raises(ReproError, match="has a dense module; name a pooling"):
        learner(replace(made, base=TransformerRecipe(str(tiny_sbert))))


def test_layers_that_the_layout_cannot_say_are_left_to_the_recipe(tiny_bert: Path, tmp_path: Path) -> None:
    made = recipe(tiny_bert, "cosine")
    made = replace(made, base=replace(made.root, layers=(1, -1)))
    found = learner(made)
    found.save(tmp_path)
    assert not (tmp_path / "modules.json").exists()
    assert isinstance(found, SentenceLearner)
    again = zoo.build(made.trained(str(tmp_path)), device="cpu").encode(SENTENCES)[0].vectors
    np.testing.assert_allclose(again, found.encoder.encode(SENTENCES), atol=1e-6)


def contrastive(base: Path, head: str, **settings: object) -> ContrastiveRecipe:
    root = TransformerRecipe(str(base), pooling="cls")
    return ContrastiveRecipe(root, "nli-triplets", "contrastive", head=head, **settings)  # type: ignore[arg-type]


@pytest.mark.parametrize("head", ["none", "mlp-train", "mlp"])
def test_a_head_is_kept_or_dropped_and_sentence_transformers_agrees(tiny_bert: Path, tmp_path: Path, head: str) -> None:
    from sentence_transformers import SentenceTransformer

    made = contrastive(tiny_bert, head)
    found = learner(made)
    found.save(tmp_path)
    assert isinstance(found, SentenceLearner)
    assert (tmp_path / "2_Dense").is_dir() == (head == "mlp")
    ours = zoo.build(made.trained(str(tmp_path)), device="cpu").encode(SENTENCES)[0].vectors
    theirs = SentenceTransformer(str(tmp_path), device="cpu").encode(SENTENCES)
    np.testing.assert_allclose(ours, theirs, atol=1e-6)
    alone = found.encoder.encode(SENTENCES)
    assert (np.abs(ours - alone).max() > 0.1) == (head == "mlp")
    seen = found.similarities(SENTENCES[:2], SENTENCES[2:])[0]
    np.testing.assert_allclose(seen, cosines(ours, np.arange(2), np.arange(2, 4)), atol=1e-6)


def test_the_length_in_training_is_not_that_of_evaluation(tiny_bert: Path, tmp_path: Path) -> None:
    found = learner(contrastive(tiny_bert, "none", train_length=5))
    assert isinstance(found, SentenceLearner)
    assert max(column.lengths.max() for column in found.tokens) == 5
    found.save(tmp_path)
    assert found.encoder.tokens([SENTENCES[-1]]).lengths[0] > 5


@pytest.mark.parametrize("family", ["t5", "bart", "gpt2", "mpnet", "electra"])
def test_other_families_are_trained_on_what_they_are_and_saved_whole(family: str, tmp_path: Path) -> None:
    # BART is given ids, for its decoder reads them; T5's encoder has the names under which it is loaded again
    import torch

    from tests.encoders.folders import save_transformer, theirs

    base = save_transformer(tmp_path / "base", family)
    found = learner(recipe(base, "cosine"))
    assert isinstance(found, SentenceLearner)
    found.module.eval()
    rows = np.arange(6)
    columns = [column.select(rows) for column in found.tokens]
    expected = [found.encoder.vectors(column)[0] for column in columns]
    for vectors, right in zip(found._vectors(columns), expected, strict=True):
        torch.testing.assert_close(vectors, right, atol=1e-5, rtol=1e-4)
    found.loss(rows).backward()  # type: ignore[no-untyped-call]
    assert all(parameter.grad is not None for parameter in found.encoder.model.get_input_embeddings().parameters())
    found.save(tmp_path / "saved")
    np.testing.assert_allclose(found.encoder.encode(SENTENCES), theirs(tmp_path / "saved", SENTENCES), atol=1e-5)
    ours = zoo.build(str(tmp_path / "saved"), device="cpu").encode(SENTENCES)[0].vectors
    np.testing.assert_allclose(ours, theirs(tmp_path / "saved", SENTENCES), atol=1e-5)


def test_an_encoder_that_cannot_be_saved_alone_is_not_trained(tmp_path: Path) -> None:
    import transformers

    from tests.encoders.folders import config_of, save_model, words_tokenizer

    sizes = config_of("bart").to_dict() | {"model_type": "pegasus", "architectures": None}
    base = save_model(
        tmp_path / "base",
        transformers.PegasusModel(transformers.PegasusConfig(**sizes)),
        words_tokenizer(model_max_length=38),
    )
    with pytest.raises(ReproError, match="whose encoder cannot be saved alone; name another base"):
        learner(recipe(base, "cosine"))


def test_a_model_that_is_computed_and_cannot_be_trained_is_one_sentence(tmp_path: Path) -> None:
    """Reformer pads what it encodes to whole chunks, and refuses to do so in training (modeling_reformer.py)."""
    import transformers

    from tests.encoders.test_architectures import REFORMER, save

    base = save(tmp_path / "base", transformers.ReformerConfig(**REFORMER, hash_seed=1), model_max_length=38)
    found = learner(recipe(base, "cosine"))
    found.module.train()
    with pytest.raises(ReproError, match=r"base: the model fails on these sentences: If training, sequence length"):
        found.loss(np.arange(3))
