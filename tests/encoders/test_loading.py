"""Weights: what a forward pass uses comes from the files, in whatever form they are, or is a refusal with names."""

import json
import os
import pickle
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from repro.encoders import zoo
from repro.encoders.recipe import TransformerRecipe
from repro.errors import NotAvailable, ReproError
from tests.conftest import write_json
from tests.encoders.folders import SENTENCES, edit_json, save_transformer, words_tokenizer


@pytest.fixture(scope="module")
def bert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_transformer(tmp_path_factory.mktemp("models") / "bert")


def vectors(folder: Path, pooling: str = "mean") -> np.ndarray:
    recipe = TransformerRecipe(str(folder), pooling=pooling)
    return zoo.build(recipe, device="cpu").encode(SENTENCES)[0].vectors


def stored(folder: Path, form: str, state: dict[str, torch.Tensor]) -> None:
    """Put these weights into the folder in one of the forms that transformers reads."""
    (folder / "model.safetensors").unlink(missing_ok=True)
    halves = [dict(list(state.items())[::2]), dict(list(state.items())[1::2])]
    if form == "safetensors":
        save_file(state, folder / "model.safetensors", metadata={"format": "pt"})
    elif form == "bin":
        torch.save(state, folder / "pytorch_model.bin")
    else:
        name, write = {
            "safetensors shards": (
                "model-{}-of-2.safetensors",
                lambda s, p: save_file(s, p, metadata={"format": "pt"}),
            ),
            "bin shards": ("pytorch_model-{}-of-2.bin", torch.save),
        }[form]
        index = "model.safetensors.index.json" if "safe" in form else "pytorch_model.bin.index.json"
        for number, half in enumerate(halves, 1):
            write(half, folder / name.format(number))
        where = {key: name.format(number) for number, half in enumerate(halves, 1) for key in half}
        write_json(folder / index, {"metadata": {}, "weight_map": where})


FORMS = ["safetensors", "safetensors shards", "bin", "bin shards"]


@pytest.mark.parametrize("form", FORMS)
def test_every_form_gives_the_same_vectors_and_a_checksum_of_its_own(form: str, bert: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(bert, tmp_path / "model")
    stored(folder, form, load_file(bert / "model.safetensors"))
    np.testing.assert_array_equal(vectors(folder), vectors(bert))


def renamed(state: dict[str, torch.Tensor], prefix: str) -> dict[str, torch.Tensor]:
    return {prefix + name: tensor for name, tensor in state.items()}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda state: renamed(state, "module."), "the weights do not hold .* and .* more; .* partly random"),
        (
            lambda state: {k: v for k, v in state.items() if "layer.1." not in k},
            r"do not hold encoder\.layer\.1\.",
        ),
        (
            lambda state: {k: v for k, v in state.items() if k != "embeddings.LayerNorm.bias"},
            r"do not hold embeddings\.LayerNorm\.bias;",
        ),
        (
            lambda state: state | {"embeddings.word_embeddings.weight": torch.zeros(320, 15)},
            r"embeddings\.word_embeddings\.weight is \(320, 15\) in the weights and \(320, 16\) by its configuration",
        ),
    ],
)
def test_weights_that_are_not_in_the_files_are_a_refusal(
    form: str, change: object, message: str, bert: Path, tmp_path: Path
) -> None:
    folder = shutil.copytree(bert, tmp_path / "model")
    stored(folder, form, change(load_file(bert / "model.safetensors")))  # type: ignore[operator]
    with pytest.raises(ReproError, match=message):
        vectors(folder)


@pytest.mark.parametrize("prefix", ["", "bert."])
@pytest.mark.parametrize("name", ["attention.self.distance_embedding.weight", "attention.output.adapter.down.weight"])
def test_weights_of_a_layer_that_the_architecture_does_not_read_are_a_refusal(
    prefix: str, name: str, bert: Path, tmp_path: Path
) -> None:
    """transformers leaves them out without a word: BERT's relative positions are no more, adapters never were."""
    folder = shutil.copytree(bert, tmp_path / "model")
    state = renamed(load_file(bert / "model.safetensors"), prefix)
    stored(folder, "safetensors", state | {f"{prefix}encoder.layer.1.{name}": torch.zeros(3, 4)})
    with pytest.raises(ReproError, match=rf"BertModel does not read the weights .*{re.escape(name)}; what it computes"):
        vectors(folder)


def test_weights_beside_the_encoder_are_left_out(bert: Path, tmp_path: Path) -> None:
    """Heads, and buffers that were once saved with the weights."""
    folder = shutil.copytree(bert, tmp_path / "model")
    more = ["cls.predictions.bias", "classifier.weight", "embeddings.position_ids", "encoder.layer.7.output.dense.bias"]
    more += [f"encoder.layer.0.{name}" for name in ("attention.self.causal_mask", "attention.self.cos_cached")]
    more += ["encoder.layer.1.crossattention.self.query.weight"]  # of a decoder, which looks at no encoder here
    stored(folder, "safetensors", load_file(bert / "model.safetensors") | {name: torch.zeros(16) for name in more})
    np.testing.assert_array_equal(vectors(folder), vectors(bert))


@pytest.mark.parametrize("kind", ["relative_key", "relative_key_query", "alibi", "rotary"])
def test_positions_that_the_architecture_does_not_know_are_a_refusal(kind: str, bert: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(bert, tmp_path / "model")
    edit_json(folder / "config.json", position_embedding_type=kind)
    with pytest.raises(ReproError, match=f"position_embedding_type is '{kind}', which transformers' BertModel does"):
        vectors(folder)


def test_a_kind_of_positions_that_names_nothing_is_no_matter(bert: Path, tmp_path: Path) -> None:
    """As ModernBERT's configurations have it, whose code does not look."""
    folder = shutil.copytree(bert, tmp_path / "model")
    edit_json(folder / "config.json", position_embedding_type="sans_pos")
    np.testing.assert_array_equal(vectors(folder), vectors(bert))


def test_a_configuration_with_more_layers_than_the_file(bert: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(bert, tmp_path / "model")
    edit_json(folder / "config.json", num_hidden_layers=3)
    with pytest.raises(ReproError, match=r"do not hold encoder\.layer\.2\..* and 12 more"):
        vectors(folder)


def test_another_architectures_prefix(tmp_path: Path) -> None:
    folder = save_transformer(tmp_path / "albert", "albert")
    stored(folder, "safetensors", renamed(load_file(folder / "model.safetensors"), "bert."))
    with pytest.raises(ReproError, match="partly random"):
        vectors(folder)
    stored(
        folder,
        "safetensors",
        {k.replace("bert.", "albert."): v for k, v in load_file(folder / "model.safetensors").items()},
    )
    assert vectors(folder).shape == (6, 16)  # its own prefix is what a model with a head saves


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("instead", [{}, {"mlp.dense.weight": torch.eye(16), "mlp.dense.bias": torch.zeros(16)}])
def test_no_trained_pooler_in_any_form(form: str, instead: dict, bert: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(bert, tmp_path / "model")
    state = {name: tensor for name, tensor in load_file(bert / "model.safetensors").items() if "pooler" not in name}
    stored(folder, form, state | instead)
    np.testing.assert_array_equal(vectors(folder), vectors(bert))  # a pooler that no pooling uses may be missing
    with pytest.raises(NotAvailable, match="has no trained pooler; use another pooling"):
        vectors(folder, "pooler")


def test_half_a_pooler_is_none(bert: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(bert, tmp_path / "model")
    state = load_file(bert / "model.safetensors")
    stored(folder, "safetensors", {name: tensor for name, tensor in state.items() if name != "pooler.dense.bias"})
    with pytest.raises(NotAvailable, match="has no trained pooler"):
        vectors(folder, "pooler")


def test_shards_that_are_missing_or_elsewhere(bert: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(bert, tmp_path / "model")
    stored(folder, "safetensors shards", load_file(bert / "model.safetensors"))
    index = folder / "model.safetensors.index.json"
    whole = index.read_text()
    (folder / "model-2-of-2.safetensors").rename(tmp_path / "elsewhere.safetensors")
    with pytest.raises(ReproError, match=r"model-2-of-2.safetensors is missing; model.safetensors.index.json says"):
        vectors(folder)
    index.write_text(whole.replace("model-2-of-2.safetensors", "../elsewhere.safetensors"))
    with pytest.raises(ReproError, match="lies outside the model folder"):
        vectors(folder)
    index.write_text(json.dumps({"metadata": {}}))
    with pytest.raises(ReproError, match="has no weight_map"):
        vectors(folder)


def test_shards_may_lie_in_a_folder_below(bert: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(bert, tmp_path / "model")
    stored(folder, "safetensors shards", load_file(bert / "model.safetensors"))
    (folder / "parts").mkdir()
    for name in ("model-1-of-2.safetensors", "model-2-of-2.safetensors"):
        (folder / name).rename(folder / "parts" / name)
    index = folder / "model.safetensors.index.json"
    index.write_text(index.read_text().replace("model-", "parts/model-"))
    np.testing.assert_array_equal(vectors(folder), vectors(bert))


def test_weights_that_the_configuration_names_are_those_that_are_read_and_identified(
    bert: Path, tmp_path: Path
) -> None:
    """transformers reads them before model.safetensors, which is another model's here."""
    folder = shutil.copytree(bert, tmp_path / "model")
    state = load_file(bert / "model.safetensors")
    table = "embeddings.word_embeddings.weight"
    (folder / "model.safetensors").rename(folder / "mine.safetensors")
    save_file(state | {table: state[table].flip(0)}, folder / "model.safetensors", metadata={"format": "pt"})
    edit_json(folder / "config.json", transformers_weights="mine.safetensors")
    np.testing.assert_array_equal(vectors(folder), vectors(bert))
    (folder / "model.safetensors").unlink()
    before = zoo.locate(TransformerRecipe(str(folder)))
    np.testing.assert_array_equal(vectors(folder), vectors(bert))
    save_file(state | {table: state[table].flip(0)}, folder / "mine.safetensors", metadata={"format": "pt"})
    after = zoo.locate(TransformerRecipe(str(folder)))
    assert after.sha256 != before.sha256
    assert after.identity != before.identity
    assert np.abs(vectors(folder) - vectors(bert)).max() > 0.01
    (folder / "mine.safetensors").unlink()
    with pytest.raises(NotAvailable, match=r"holds no weights \(mine.safetensors\)"):
        vectors(folder)
    for name in ("../mine.safetensors", "mine.bin", 3):
        edit_json(folder / "config.json", transformers_weights=name)
        with pytest.raises(
            ReproError, match=r"config.json: transformers_weights = .* should name a safetensors file in"
        ):
            vectors(folder)


def test_shards_of_a_distributed_checkpoint_would_be_read_before_the_model(bert: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(bert, tmp_path / "model")
    shutil.copy(bert / "model.safetensors", folder / "shard-00001-model-00001-of-00001.safetensors")
    with pytest.raises(ReproError, match=r"shard-00001-.* is of a distributed checkpoint; save the model as"):
        vectors(folder)


def cut_off(folder: Path, name: str) -> None:
    (folder / name).write_bytes((folder / name).read_bytes()[:-100])


def torch_pickle(folder: Path, name: str) -> None:
    torch.save({"a": torch.zeros(3)}, folder / name)


# (form, file, what stands in it: content, or what is done to it, what is said of that file)
WHOLE, TENSORS = "is cut off, or holds no safetensors; get it again", "is cut off, or holds no weights of torch; get it"
DAMAGED: list[tuple[str, str, object, str]] = [
    ("safetensors", "model.safetensors", cut_off, WHOLE),
    ("safetensors", "model.safetensors", torch_pickle, WHOLE),
    ("safetensors", "model.safetensors", b"Entry not found", WHOLE),
    ("safetensors", "model.safetensors", b'{"error": "not found"}', WHOLE),
    ("safetensors", "model.safetensors", b"\x02\0\0\0\0\0\0\0[]", WHOLE),
    ("safetensors shards", "model-2-of-2.safetensors", cut_off, WHOLE),
    (
        "safetensors shards",
        "model.safetensors.index.json",
        b'{"weight_map": {"a": "model-1-of-2.safetensors"}}',
        "has no",
    ),
    ("bin", "pytorch_model.bin", cut_off, TENSORS),
    ("bin", "pytorch_model.bin", b"hello world", TENSORS),
    ("bin", "pytorch_model.bin", b"Entry not found", TENSORS),
    ("bin shards", "pytorch_model-1-of-2.bin", cut_off, TENSORS),
    ("safetensors", "tokenizer.json", cut_off, "is not valid JSON"),
    ("safetensors", "tokenizer.json", b"Entry not found", "is not valid JSON"),
    ("safetensors", "tokenizer.json", b"{}", "describes no tokenizer; get it again"),
    ("safetensors", "tokenizer.json", b"[]", "should hold a JSON object"),
    ("safetensors", "tokenizer_config.json", cut_off, "is not valid JSON"),
]


@pytest.mark.parametrize(("form", "name", "content", "message"), DAMAGED)
def test_a_file_that_is_damaged_or_another_is_named(
    form: str, name: str, content: object, message: str, bert: Path, tmp_path: Path
) -> None:
    folder = shutil.copytree(bert, tmp_path / "model")
    stored(folder, form, load_file(bert / "model.safetensors"))
    if callable(content):
        content(folder, name)
    else:
        (folder / name).write_bytes(content)  # type: ignore[arg-type]
    with pytest.raises(ReproError) as refusal:
        vectors(folder)
    assert str(refusal.value).startswith(f"{folder / name} {message}")
    assert "\n" not in str(refusal.value)


TOKENIZER_FILES = ["tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "vocab.txt"]


def test_without_a_tokenizer_every_word_would_be_unknown(bert: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(bert, tmp_path / "model")
    for name in TOKENIZER_FILES:
        (folder / name).unlink(missing_ok=True)
    with pytest.raises(ReproError, match="tokenizer"):
        vectors(folder)
    write_json(folder / "tokenizer_config.json", {"tokenizer_class": "BertTokenizer"})
    with pytest.raises(ReproError, match=r"lacks the tokenizer's file vocab.txt"):
        vectors(folder)
    (folder / "vocab.txt").write_text("[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\n")
    with pytest.raises(ReproError, match="knows no word"):
        vectors(folder)


def test_letters_without_merges_are_not_a_tokenizer(tmp_path: Path) -> None:
    folder = save_transformer(tmp_path / "model", "gpt2")
    words = json.loads((folder / "tokenizer.json").read_text())["model"]["vocab"]
    (folder / "tokenizer.json").unlink()
    write_json(folder / "vocab.json", words)
    write_json(folder / "tokenizer_config.json", {"tokenizer_class": "GPT2Tokenizer", "pad_token": "<|end|>"})
    with pytest.raises(ReproError, match="merges"):
        vectors(folder)


def test_a_tokenizer_with_more_words_than_the_model_has_embeddings(bert: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(bert, tmp_path / "model")
    tokenizer = words_tokenizer()
    tokenizer.add_tokens([f"word{number}" for number in range(300)])
    tokenizer.save_pretrained(folder)
    with pytest.raises(ReproError, match=r"the tokenizer has ids up to .*, the model 320 embeddings"):
        vectors(folder)


def test_an_adapter_is_not_taken_for_a_model(bert: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(bert, tmp_path / "model")
    write_json(folder / "adapter_config.json", {"peft_type": "LORA", "base_model_name_or_path": "owner/base"})
    with pytest.raises(ReproError, match="holds a PEFT adapter, which is not supported"):
        vectors(folder)


def test_code_of_a_models_own_is_not_run(bert: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(bert, tmp_path / "model")
    edit_json(folder / "config.json", model_type="mine", auto_map={"AutoConfig": "mine.C", "AutoModel": "mine.M"})
    (folder / "mine.py").write_text(f"import os\nos.mkdir({str(tmp_path / 'ran')!r})\n")
    with pytest.raises(ReproError, match="needs code of its own, which is not run"):
        vectors(folder)
    assert not (tmp_path / "ran").exists()


class Payload:
    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, (str(self.folder),)


@pytest.mark.parametrize("where", ["pytorch_model.bin", "2_Dense/pytorch_model.bin"])
def test_a_pickle_that_runs_code_is_not_run(where: str, bert: Path, tiny_sbert: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(tiny_sbert, tmp_path / "model")
    path = folder / where
    path.with_name("model.safetensors").unlink()
    path.write_bytes(pickle.dumps(Payload(tmp_path / "ran"), protocol=2))
    with pytest.raises(ReproError, match="is not opened; ask for the weights as safetensors") as refusal:
        zoo.build(str(folder))
    assert "weights_only" not in str(refusal.value)
    assert not (tmp_path / "ran").exists()


DENSE = {"linear.weight": torch.ones(8, 16), "linear.bias": torch.ones(8)}


@pytest.mark.parametrize(
    ("state", "message"),
    [
        ({}, "cannot be loaded: .*Missing key.*linear.weight"),
        ({"weight": torch.ones(8, 16)}, "cannot be loaded: .*Missing key.*linear.weight"),
        (DENSE | {"linear.weight": torch.ones(8)}, "cannot be loaded: .*size mismatch for linear.weight"),
        (DENSE | {"linear.weight": torch.ones(8, 12)}, "cannot be loaded"),
        (DENSE | {"linear.bias": torch.ones(7)}, "cannot be loaded"),
        (DENSE | {"more": torch.ones(1)}, "cannot be loaded"),
    ],
)
def test_a_dense_module_with_other_weights_is_refused(
    state: dict, message: str, tiny_sbert: Path, tmp_path: Path
) -> None:
    folder = shutil.copytree(tiny_sbert, tmp_path / "model")
    save_file(state, folder / "2_Dense/model.safetensors")
    with pytest.raises(ReproError, match=message) as refusal:
        zoo.build(str(folder))
    assert "2_Dense" in str(refusal.value)
    assert "\n" not in str(refusal.value)
