"""Model folders against sentence-transformers on the same files: every setting is honoured, or refused by name."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from sentence_transformers.base.modules import Dense, Normalize
from sentence_transformers.sentence_transformer.modules import Dropout, LayerNorm, Pooling, WeightedLayerPooling
from torch import nn

from repro.encoders import layout, lengths, zoo
from repro.encoders.recipe import TransformerRecipe
from repro.encoders.weights import resolve
from repro.errors import NotAvailable, ReproError
from tests.conftest import write_json
from tests.encoders.folders import (
    POSITIONS,
    SENTENCES,
    config_of,
    edit_json,
    save_sentence_transformer,
    save_transformer,
    theirs,
)

FAMILIES = ["bert", "roberta", "xlm-roberta", "camembert", "mpnet", "distilbert", "electra", "albert", "gpt2", "t5"]
LONG = ["the cat " * POSITIONS]


@pytest.fixture(scope="module")
def bert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_transformer(tmp_path_factory.mktemp("models") / "bert")


def ours(folder: Path | str, sentences: list[str] = SENTENCES) -> np.ndarray:
    return zoo.build(str(folder), device="cpu").encode(sentences)[0].vectors


def same(folder: Path) -> None:
    np.testing.assert_allclose(ours(folder), theirs(folder), atol=1e-5)


@pytest.mark.parametrize("family", [*FAMILIES, "bart"])
def test_a_transformers_folder(family: str, tmp_path: Path) -> None:
    same(save_transformer(tmp_path / "model", family))


# tokens that the learned positions serve: all of 40, less the padding index and what lies before it (modeling_*.py);
# T5's positions are relative
LIMITS = dict.fromkeys(FAMILIES, 40) | dict.fromkeys(("roberta", "xlm-roberta", "camembert"), 39) | {"mpnet": 38}


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("chosen", [None, 8, 10_000])
def test_input_longer_than_the_model_is_cut_at_its_positions(family: str, chosen: int | None, tmp_path: Path) -> None:
    folder = save_transformer(tmp_path / "model", family)
    if chosen is not None:
        edit_json(folder / "tokenizer_config.json", model_max_length=chosen)
    limit = resolve(TransformerRecipe(str(folder))).recipe.max_length
    expected = min(LIMITS[family] if family != "t5" else 10**9, chosen or 10**9)
    assert limit == expected
    assert np.isfinite(ours(folder, LONG)).all()
    named = resolve(TransformerRecipe(str(folder), max_length=50)).recipe.max_length
    assert named == min(50, expected)


@pytest.mark.parametrize("family", sorted(lengths.AFTER_PADDING - {"ibert", "layoutlmv3", "markuplm"}))
@pytest.mark.parametrize("padding", [0, 1, 3])
def test_positions_are_those_of_the_architecture(family: str, padding: int) -> None:
    # against the embedding tables that transformers builds for the family
    from transformers import AutoConfig, AutoModel

    from repro.encoders.loading import capacity

    sizes = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 8}
    extra = {"longformer": {"attention_window": 4}, "esm": {"position_embedding_type": "absolute"}}
    settings = sizes | {"max_position_embeddings": POSITIONS, "vocab_size": 64, "pad_token_id": padding}
    config = AutoConfig.for_model(family, **settings, **extra.get(family, {}))
    with torch.device("meta"):
        model = AutoModel.from_config(config)
    assert lengths.positions(config.to_dict()) == capacity(model)


SEVERAL = [("cls", "mean"), ("mean", "max", "lasttoken"), ("weightedmean", "mean_sqrt_len_tokens")]


@pytest.mark.parametrize("pooling", [*Pooling.POOLING_MODES, *SEVERAL])
def test_poolings(pooling: str | tuple[str, ...], bert: Path, tmp_path: Path) -> None:
    same(save_sentence_transformer(tmp_path / "model", bert, [Pooling(16, pooling)]))


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"word_embedding_dimension": 16}, "mean"),
        ({"word_embedding_dimension": 16, "pooling_mode_mean_tokens": False}, "mean"),
        ({"word_embedding_dimension": 16, "pooling_mode_max_tokens": True, "pooling_mode_mean_tokens": False}, "max"),
        (
            {"word_embedding_dimension": 16, "pooling_mode_mean_tokens": True, "pooling_mode_cls_token": True},
            "cls+mean",
        ),
        ({"embedding_dimension": 16, "pooling_mode": ["lasttoken"]}, "last"),
        ({"embedding_dimension": 16, "pooling_mode": "weightedmean"}, "weighted-mean"),
    ],
)
def test_pooling_configurations_old_and_new(settings: dict, expected: str, bert: Path, tmp_path: Path) -> None:
    folder = save_sentence_transformer(tmp_path / "model", bert, [Pooling(16, "cls")])
    write_json(folder / "1_Pooling/config.json", settings)
    assert resolve(TransformerRecipe(str(folder))).recipe.pooling == expected
    same(folder)


HEADS: dict[str, Callable[[], list[nn.Module]]] = {
    "residual": lambda: [Dense(16, 16, use_residual=True)],
    "residual to another width": lambda: [Dense(16, 8, bias=False, use_residual=True)],
    "relu": lambda: [Dense(16, 8, activation_function=nn.ReLU())],
    "gelu": lambda: [Dense(16, 8, activation_function=nn.GELU())],
    "sigmoid": lambda: [Dense(16, 8, activation_function=nn.Sigmoid())],
    "identity": lambda: [Dense(16, 8, activation_function=nn.Identity())],
    "two": lambda: [Dense(16, 8), Dense(8, 4, activation_function=nn.Identity())],
    "dropout": lambda: [Dropout(0.5), Dense(16, 8)],
    "layer norm": lambda: [LayerNorm(16)],
    "normalised in between": lambda: [Normalize(), Dense(16, 8), Normalize()],
    "normalised, then dropped": lambda: [Normalize(), Dropout(0.5)],
}


@pytest.mark.parametrize("name", HEADS)
def test_modules_after_the_pooling(name: str, bert: Path, tmp_path: Path) -> None:
    torch.manual_seed(1)
    same(save_sentence_transformer(tmp_path / "model", bert, [Pooling(16), *HEADS[name]()]))


def test_the_maximum_length_that_sentence_transformers_keeps_with_the_tokenizer(bert: Path, tmp_path: Path) -> None:
    folder = save_sentence_transformer(tmp_path / "model", bert, [Pooling(16)], max_seq_length=8)
    assert "max_seq_length" not in json.loads((folder / "sentence_bert_config.json").read_text())
    assert resolve(TransformerRecipe(str(folder))).recipe.max_length == 8
    same(folder)


@pytest.mark.parametrize("name", layout.TRANSFORMER_SETTINGS)
def test_the_maximum_length_in_every_file_of_settings(name: str, bert: Path, tmp_path: Path) -> None:
    folder = save_sentence_transformer(tmp_path / "model", bert, [Pooling(16)])
    (folder / "sentence_bert_config.json").unlink()
    write_json(folder / name, {"max_seq_length": 6, "do_lower_case": False})
    assert resolve(TransformerRecipe(str(folder))).recipe.max_length == 6
    same(folder)


@pytest.mark.parametrize(
    "arguments",
    [{"model_max_length": 7}, {"padding_side": "left"}, {"truncation_side": "left", "model_max_length": 5}],
)
@pytest.mark.parametrize("key", ["tokenizer_args", "processor_kwargs"])
def test_settings_of_the_tokenizer(key: str, arguments: dict, bert: Path, tmp_path: Path) -> None:
    folder = save_sentence_transformer(tmp_path / "model", bert, [Pooling(16, "lasttoken")])
    edit_json(folder / "sentence_bert_config.json", **{key: arguments})
    same(folder)


def test_lower_casing_before_a_cased_tokenizer(tmp_path: Path) -> None:
    gpt2 = save_transformer(tmp_path / "gpt2", "gpt2")
    folder = save_sentence_transformer(tmp_path / "model", gpt2, [Pooling(16)], do_lower_case=True)
    write_json(folder / "sentence_bert_config.json", {"do_lower_case": True})
    same(folder)
    assert np.abs(ours(folder) - ours(gpt2)).max() > 0.01  # "The Blue cat"


@pytest.mark.parametrize("pooled", [True, False])
@pytest.mark.parametrize("pooling", ["mean", "cls", "max", "weightedmean", ("cls", "mean")])
def test_the_default_prompt(pooling: str, pooled: bool, bert: Path, tmp_path: Path) -> None:
    folder = save_sentence_transformer(
        tmp_path / "model",
        bert,
        [Pooling(16, pooling, include_prompt=pooled)],
        prompts={"sts": "it is : "},
        default_prompt_name="sts",
    )
    same(folder)
    recipe = zoo.locate(TransformerRecipe(str(folder))).recipe
    assert recipe.signature()["prompt"] == "it is %3A "
    without = zoo.build(f"{folder},prompt=", device="cpu").encode(SENTENCES)[0].vectors
    assert np.abs(without - theirs(folder)).max() > 0.01


def test_segment_ids_of_the_tokenizer(bert: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(bert, tmp_path / "model")
    tokenizer = json.loads((folder / "tokenizer.json").read_text())
    for part in tokenizer["post_processor"]["single"]:
        next(iter(part.values()))["type_id"] = 1
    write_json(folder / "tokenizer.json", tokenizer)
    edit_json(folder / "tokenizer_config.json", model_input_names=["input_ids", "token_type_ids", "attention_mask"])
    same(folder)
    assert np.abs(ours(folder) - ours(bert)).max() > 0.01


def test_the_attention_that_a_foreign_configuration_asks_for_is_not_loaded(bert: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(bert, tmp_path / "model")
    edit_json(folder / "config.json", attn_implementation="owner/some-kernel", _attn_implementation="eager")
    np.testing.assert_allclose(ours(folder), ours(bert), atol=1e-6)


@pytest.mark.parametrize("kind", ["BERT", "RoBERTa", "DistilBERT", "Transformer"])
def test_folders_of_the_first_releases(kind: str, bert: Path, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    shutil.copytree(bert, folder / "0_BERT")
    write_json(folder / "0_BERT/sentence_bert_config.json", {"max_seq_length": 9, "do_lower_case": True})
    write_json(folder / "1_Pooling/config.json", {"word_embedding_dimension": 16, "pooling_mode_mean_tokens": True})
    modules = [
        {"idx": 0, "name": "0", "path": "0_BERT", "type": f"sentence_transformers.models.{kind}"},
        {"idx": 1, "name": "1", "path": "1_Pooling", "type": "sentence_transformers.models.Pooling"},
    ]
    write_json(folder / "modules.json", modules)
    expected = zoo.build(TransformerRecipe(str(bert), pooling="mean", max_length=9), device="cpu").encode(SENTENCES)
    np.testing.assert_allclose(ours(folder), expected[0].vectors, atol=1e-6)


def test_a_model_made_to_write_text_is_pooled_by_its_last_token(tmp_path: Path) -> None:
    folder = save_transformer(tmp_path / "model", "gpt2")
    edit_json(folder / "config.json", architectures=["GPT2LMHeadModel"])
    assert resolve(TransformerRecipe(str(folder))).recipe.pooling == "mean"  # as sentence-transformers: *ForCausalLM
    edit_json(folder / "config.json", architectures=["SomeForCausalLM"])
    assert resolve(TransformerRecipe(str(folder))).recipe.pooling == "last"


def test_a_sentence_without_a_token_gives_the_zero_vector_and_is_counted(tmp_path: Path) -> None:
    group = zoo.build(str(save_transformer(tmp_path / "model", "gpt2")), device="cpu")
    encoded = group.encode(["", "the cat", ""])[0]
    assert encoded.zero_vectors == 2
    assert not encoded.vectors[[0, 2]].any()
    assert group.encode(["", ""])[0].vectors.shape == (2, 16)


def test_encoder_decoders_give_what_sentence_transformers_takes(tmp_path: Path) -> None:
    # a T5 with its decoder gives the encoder's vectors as one without does
    from transformers import T5Model

    folder = save_transformer(tmp_path / "model", "t5")
    expected = ours(folder)
    whole = T5Model(config_of("t5"))
    encoder = zoo.build(str(folder), device="cpu").backbone.model.encoder
    whole.get_encoder().load_state_dict(encoder.state_dict())
    whole.save_pretrained(folder)
    np.testing.assert_allclose(ours(folder), expected, atol=1e-6)
    same(folder)
    bart = save_transformer(tmp_path / "bart", "bart")
    with pytest.raises(ReproError, match="encoder-decoder; only its last layer"):
        zoo.build(TransformerRecipe(str(bart), layers=(1, -1)), device="cpu")


MODULES = [
    ("x.Transformer", "not one of sentence-transformers' own; foreign code is not run"),
    ("custom_transformer.Transformer", "foreign code is not run"),
    ("sentence_transformers.models.WordEmbeddings", "begins with 'WordEmbeddings' is not supported"),
    ("sentence_transformers.models.CLIPModel", "begins with 'CLIPModel' is not supported"),
]


@pytest.mark.parametrize(("kind", "message"), MODULES)
def test_a_first_module_that_is_not_supported(kind: str, message: str, bert: Path, tmp_path: Path) -> None:
    folder = save_sentence_transformer(tmp_path / "model", bert, [Pooling(16)])
    write_json(folder / "modules.json", [{"idx": 0, "name": "0", "path": "", "type": kind}])
    with pytest.raises(ReproError, match=message):
        ours(folder)


def test_a_module_that_is_not_supported_is_named_and_a_pooling_of_ones_own_works(bert: Path, tmp_path: Path) -> None:
    layers = WeightedLayerPooling(16, num_hidden_layers=2, layer_start=1)
    folder = save_sentence_transformer(tmp_path / "model", bert, [layers, Pooling(16)])
    with pytest.raises(ReproError, match="'WeightedLayerPooling' is not supported here; name a pooling"):
        ours(folder)
    expected = zoo.build(TransformerRecipe(str(bert), pooling="mean"), device="cpu").encode(SENTENCES)[0].vectors
    np.testing.assert_allclose(ours(f"{folder},pooling=mean"), expected, atol=1e-6)


SIZES = {"in_features": 16, "out_features": 8}
REFUSED = [
    ("modules.json", {}, "should be a list of modules"),
    ("modules.json", [1], "should be a list of modules"),
    ("modules.json", [], "names no module"),
    ("modules.json", [{"type": 3, "path": ""}], "the module 3 is not one of sentence-transformers"),
    ("modules.json", [{"type": "sentence_transformers.models.Transformer", "path": "../../etc"}], "leaves the model"),
    ("modules.json", [{"type": "sentence_transformers.models.Transformer", "path": "/etc"}], "leaves the model folder"),
    ("modules.json", [{"type": "sentence_transformers.models.Transformer", "path": []}], "is not a folder's name"),
    ("modules.json", [{"type": "sentence_transformers.models.Transformer", "path": ""}], "has no Pooling module"),
    ("1_Pooling/config.json", {"pooling_mode": ["cls", "median"]}, "pooling ..'?cls.*median.* is not supported"),
    ("1_Pooling/config.json", {"pooling_mode": None}, "is not supported"),
    ("1_Pooling/config.json", {"pooling_mode": []}, "is not supported"),
    ("1_Pooling/config.json", {"pooling_mode_mean_tokens": "yes"}, "'yes' should be true or false"),
    ("1_Pooling/config.json", {"pooling_mode_median_tokens": True}, "pooling_mode_median_tokens"),
    ("1_Pooling/config.json", [], "should hold a JSON object"),
    ("2_Dense/config.json", {"activation_function": "os.system"}, "activation 'system' is not supported"),
    ("2_Dense/config.json", {"activation_function": "torch.nn.functional.relu"}, "activation 'relu' is not supported"),
    (
        "2_Dense/config.json",
        SIZES | {"activation_function": "torch.nn.modules.activation.No"},
        "has no activation 'No'",
    ),
    ("2_Dense/config.json", {"activation_function": 5}, "activation '5' is not supported"),
    ("2_Dense/config.json", SIZES | {"use_residual": "no"}, "'no' should be true or false"),
    ("2_Dense/config.json", {"module_input_name": "token_embeddings"}, "module_input_name = 'token_embeddings'"),
    ("sentence_bert_config.json", {"max_seq_length": "8"}, "maximum length of '8' tokens makes no sense"),
    ("sentence_bert_config.json", {"max_seq_length": -1}, "maximum length of -1 tokens makes no sense"),
    ("sentence_bert_config.json", {"max_seq_length": True}, "maximum length of True tokens makes no sense"),
    ("sentence_bert_config.json", {"model_args": {"torch_dtype": "float16"}}, "model_args .* is not supported"),
    ("sentence_bert_config.json", {"transformer_task": "fill-mask"}, "transformer_task .* is not supported"),
    ("sentence_bert_config.json", {"tokenizer_name_or_path": "bert-base"}, "tokenizer_name_or_path is not supported"),
    ("sentence_bert_config.json", {"do_lower_case": 1}, "do_lower_case = 1 should be true or false"),
    ("sentence_bert_config.json", {"tokenizer_args": [1]}, "tokenizer_args should be an object"),
    ("sentence_bert_config.json", {"surprise": 1}, "surprise = 1 is not supported"),
    ("config_sentence_transformers.json", {"default_prompt_name": "x", "prompts": {}}, "default prompt 'x' is not"),
    ("config_sentence_transformers.json", {"default_prompt_name": ["x"], "prompts": {}}, "default prompt"),
    ("config_sentence_transformers.json", {"model_type": "SparseEncoder"}, "SparseEncoder gives no single vector"),
    ("config.json", {"model_type": "nothing-known"}, "cannot be loaded"),
    ("config.json", 7, "should hold a JSON object"),
]


@pytest.mark.parametrize(("file", "content", "message"), REFUSED)
def test_what_is_wrong_in_a_layout_is_one_sentence(
    file: str, content: object, message: str, bert: Path, tmp_path: Path
) -> None:
    folder = save_sentence_transformer(tmp_path / "model", bert, [Pooling(16), Dense(16, 8)])
    write_json(folder / file, content)
    with pytest.raises(ReproError, match=message) as refusal:
        ours(folder)
    assert "\n" not in str(refusal.value)


def nested(depth: int) -> bytes:
    return b"[" * depth + b"]" * depth


BROKEN = {
    "empty": b"",
    "cut": b'{"a": ',
    "binary": b"\x00\xff\x80",
    "deeply nested": nested(100_000),
    "a pointer": b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 4\n",
}


FILES = (
    *("modules.json", "config.json", "1_Pooling/config.json", "sentence_bert_config.json", "tokenizer.json"),
    *("tokenizer_config.json", "config_sentence_transformers.json", "model.safetensors", "2_Dense/model.safetensors"),
)


@pytest.mark.parametrize("how", BROKEN)
@pytest.mark.parametrize("file", FILES)
def test_a_broken_file_is_named_with_its_cause(how: str, file: str, bert: Path, tmp_path: Path) -> None:
    folder = save_sentence_transformer(tmp_path / "model", bert, [Pooling(16), Dense(16, 8)])
    (folder / file).write_bytes(BROKEN[how])
    with pytest.raises(ReproError) as refusal:
        ours(folder)
    message = str(refusal.value)
    assert str(folder) in message
    assert "\n" not in message
    assert "weights_only" not in message
    if how == "a pointer":
        assert "git lfs pull" in message


POINTED = (
    *("pytorch_model.bin", "pytorch_model-00002-of-00002.bin", "model-00001-of-00002.safetensors"),
    *("2_Dense/pytorch_model.bin", "vocab.txt"),
)


@pytest.mark.parametrize("file", POINTED)
def test_a_pointer_in_place_of_any_file_is_named(file: str, bert: Path, tmp_path: Path) -> None:
    folder = save_sentence_transformer(tmp_path / "model", bert, [Pooling(16), Dense(16, 8)])
    weights = folder / "model.safetensors"
    if file.startswith("2_Dense"):
        (folder / "2_Dense/model.safetensors").unlink()
    elif "-of-" in file:
        whole = Path(file).suffix.replace(".", "").replace("bin", "pytorch_model.bin")
        whole = whole.replace("safetensors", "model.safetensors")
        weights.rename(folder / file)
        index = {"metadata": {}, "weight_map": {"embeddings.word_embeddings.weight": file}}
        (folder / f"{whole}.index.json").write_text(json.dumps(index))
    elif file == "pytorch_model.bin":
        weights.unlink()
    else:
        (folder / "tokenizer.json").unlink()
    (folder / file).write_bytes(BROKEN["a pointer"])
    with pytest.raises(ReproError, match=rf"{Path(file).name} is a Git LFS pointer, .*git lfs pull"):
        ours(folder)


TYPES: list[object] = [None, True, -1, 1.5, "text", [], ["bert"], {}, {"a": 1}, "n" * 300]


@pytest.mark.parametrize("value", TYPES, ids=lambda value: str(value)[:12])
@pytest.mark.parametrize("name", ["model_type", "hidden_size", "architectures", "dtype", "pad_token_id", "layer_types"])
def test_a_setting_of_any_type_is_read_or_is_one_sentence(name: str, value: object, bert: Path, tmp_path: Path) -> None:
    folder = save_sentence_transformer(tmp_path / "model", bert, [Pooling(16)])
    edit_json(folder / "config.json", **{name: value})
    vectors, refusal = None, ""
    try:
        vectors = ours(folder)
    except ReproError as error:
        refusal = str(error)
    assert (vectors is None) == (str(folder) in refusal)
    assert "\n" not in refusal
    if vectors is not None and name != "dtype":  # which we name, whatever the file says
        np.testing.assert_allclose(vectors, theirs(folder), atol=1e-5)


@pytest.mark.parametrize("name", ["n" * 300, "n/" * 3000])
def test_a_name_that_no_file_can_have_is_one_sentence(name: str, bert: Path, tmp_path: Path) -> None:
    folder = save_sentence_transformer(tmp_path / "model", bert, [Pooling(16)])
    modules = json.loads((folder / "modules.json").read_text())
    modules[1]["path"] = name
    (folder / "modules.json").write_text(json.dumps(modules))
    with pytest.raises(ReproError, match="model: "):
        ours(folder)
    (folder / "model.safetensors").unlink()
    index = {"metadata": {}, "weight_map": {"embeddings.word_embeddings.weight": name}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    with pytest.raises(ReproError):
        ours(f"{folder},pooling=cls")


@pytest.mark.parametrize(
    "file", ["config.json", "model.safetensors", "1_Pooling/config.json", "2_Dense/model.safetensors"]
)
def test_a_missing_file_is_a_refusal(file: str, bert: Path, tmp_path: Path) -> None:
    folder = save_sentence_transformer(tmp_path / "model", bert, [Pooling(16), Dense(16, 8)])
    (folder / file).unlink()
    with pytest.raises((ReproError, NotAvailable), match=r"missing|no weights"):
        ours(folder)
