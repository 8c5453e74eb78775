"""Changes to a saved folder: sentence-transformers' vectors, or a refusal that names what stands in the way."""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from sentence_transformers.base.modules import Dense, Normalize
from sentence_transformers.sentence_transformer.modules import LayerNorm, Pooling

from repro.encoders import zoo
from repro.encoders.recipe import TransformerRecipe
from repro.encoders.weights import resolve
from repro.errors import NotAvailable, ReproError
from tests.conftest import save_tiny_bert, write_json
from tests.encoders.folders import SENTENCES, edit_json, save_sentence_transformer, save_transformer, theirs

MODEL, SETTINGS, POOLING = "config_sentence_transformers.json", "sentence_bert_config.json", "1_Pooling/config.json"
TOKENIZER, DENSE, NORM = "tokenizer_config.json", "2_Dense/config.json", "3_LayerNorm/config.json"
TEXTS = [*SENTENCES, "the cat " * 30]


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Transformer (with the special tokens declared), Pooling, Dense, LayerNorm, Normalize."""
    root = tmp_path_factory.mktemp("models")
    torch.manual_seed(0)
    modules = [Pooling(16), Dense(16, 8), LayerNorm(8), Normalize()]
    return save_sentence_transformer(root / "saved", save_tiny_bert(root / "bert"), modules)


def ours(folder: Path | str, sentences: list[str] = TEXTS) -> np.ndarray:
    return zoo.build(str(folder), device="cpu").encode(sentences)[0].vectors


def edits(file: str, **changes: object) -> Callable[[Path], None]:
    return lambda folder: edit_json(folder / file, **changes)


def becomes(file: str, content: object) -> Callable[[Path], None]:
    return lambda folder: write_json(folder / file, content)


def module(number: int, **changes: object) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        modules = json.loads((folder / "modules.json").read_text())
        modules[number] |= changes
        write_json(folder / "modules.json", modules)

    return change


def prompted(mode: str, times: int, **changes: object) -> Callable[[Path], None]:
    """A prompt of six words so many times that takes no part in the pooling, of a model that reads ten tokens."""

    def change(folder: Path) -> None:
        edit_json(folder / MODEL, prompts={"long": "the cat sits on the mat " * times}, default_prompt_name="long")
        edit_json(folder / SETTINGS, max_seq_length=10)
        edit_json(folder / TOKENIZER, **changes)
        write_json(folder / POOLING, {"embedding_dimension": 16, "pooling_mode": mode, "include_prompt": False})

    return change


def prelu(folder: Path) -> None:
    edit_json(folder / DENSE, activation_function="torch.nn.modules.activation.PReLU")
    path = folder / "2_Dense/model.safetensors"
    save_file(load_file(path) | {"activation_function.weight": torch.tensor([0.7])}, path)


def pickled_beside_an_index(folder: Path) -> None:
    path = folder / "2_Dense/model.safetensors"
    torch.save(load_file(path), path.with_name("pytorch_model.bin"))
    path.unlink()
    write_json(path.with_name("model.safetensors.index.json"), {"weight_map": {"a": "b.safetensors"}})


SAME: dict[str, Callable[[Path], None]] = {
    "truncated": edits(MODEL, truncate_dim=5),
    "truncated beyond the width": edits(MODEL, truncate_dim=50),
    "requirements that are met": edits(MODEL, requirements={"transformers": ">=5", "python": {"specifier": ">=3"}}),
    "requirements that nobody can read": edits(MODEL, requirements={"transformers": "newest"}),
    "a prompt that is none": edits(MODEL, prompts={"none": None, "query": None}, default_prompt_name="none"),
    "what loading sets itself": edits(SETTINGS, model_args={"trust_remote_code": True}, config_args={"revision": "x"}),
    "the tokenizer's loading": edits(SETTINGS, tokenizer_args={"local_files_only": False, "subfolder": "elsewhere"}),
    "a module by its long path": module(1, type="sentence_transformers.sentence_transformer.modules.pooling.Pooling"),
    "a module by its old path": module(2, type="sentence_transformers.models.Dense.Dense"),
    "modules in the order of the list": module(2, idx=0),
    "an activation with weights": prelu,
    "an activation by its short path": edits(DENSE, activation_function="torch.nn.GELU"),
    "an index that sentence-transformers does not read": pickled_beside_an_index,
    "a prompt that leaves some words": prompted("mean", 1),
    "a prompt that leaves some words, of the first token": prompted("cls", 1),
    "a prompt that leaves some words, of the last token": prompted("lasttoken", 1),
    "a prompt that leaves some words, weighted": prompted("weightedmean", 1),
    "a prompt that is cut on the left": prompted("mean", 4, truncation_side="left"),
}


@pytest.mark.parametrize("what", SAME)
def test_vectors_as_sentence_transformers(what: str, saved: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(saved, tmp_path / "model")
    SAME[what](folder)
    np.testing.assert_allclose(ours(folder), theirs(folder, TEXTS), atol=1e-5)


def test_a_pooling_of_nothing_is_zero(tmp_path: Path) -> None:
    # a prompt without a special token behind it, and nothing after it
    folder = save_sentence_transformer(
        tmp_path / "model",
        save_transformer(tmp_path / "gpt2", "gpt2"),
        [Pooling(16, "lasttoken", include_prompt=False)],
        prompts={"x": "the cat "},
        default_prompt_name="x",
    )
    group = zoo.build(str(folder), device="cpu")
    encoded = group.encode(["", "a dog"])[0]
    np.testing.assert_allclose(encoded.vectors, theirs(folder, ["", "a dog"]), atol=1e-5)
    assert encoded.zero_vectors == 1


@pytest.mark.parametrize("inner", ["Lowercase", "NFKC"])
def test_lower_casing_of_a_tokenizer_that_does_other_things_first(inner: str, tmp_path: Path) -> None:
    # sentence-transformers adds none where there is one already, at whatever place
    transformer = save_transformer(tmp_path / "transformer")
    tokenizer = json.loads((transformer / "tokenizer.json").read_text())
    replaced = {"type": "Replace", "pattern": {"String": "THE"}, "content": "dog"}
    tokenizer["normalizer"] = {"type": "Sequence", "normalizers": [replaced, {"type": inner}]}
    write_json(transformer / "tokenizer.json", tokenizer)
    folder = save_sentence_transformer(tmp_path / "model", transformer, [Pooling(16)])
    edit_json(folder / SETTINGS, do_lower_case=True)
    np.testing.assert_allclose(ours(folder, ["THE CAT"]), theirs(folder, ["THE CAT"]), atol=1e-5)


def empty(file: str) -> Callable[[Path], None]:
    return lambda folder: (folder / file).write_bytes(b"")  # type: ignore[func-returns-value]


def web_page(file: str) -> Callable[[Path], None]:
    return lambda folder: (folder / file).write_text("\n<!DOCTYPE html><html>404</html>")  # type: ignore[func-returns-value]


def dangling(file: str) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        (folder / file).unlink()
        (folder / file).symlink_to(folder / "nowhere" / file)

    return change


def dropout(folder: Path) -> None:
    save_transformer(folder, "gpt2")
    tokenizer = json.loads((folder / "tokenizer.json").read_text())
    tokenizer["model"]["dropout"] = 0.5
    write_json(folder / "tokenizer.json", tokenizer)


BERT = "sentence_transformers.models.BERT"
REFUSED: dict[str, tuple[Callable[[Path], None], str]] = {
    "truncated to nothing": (edits(MODEL, truncate_dim=0), "truncate_dim = 0 should be a number of dimensions"),
    "truncated to a word": (edits(MODEL, truncate_dim="8"), "truncate_dim = '8' should be a number of dimensions"),
    "requirements": (edits(MODEL, requirements={"transformers": ">=99"}), "requires transformers>=99, which is not"),
    "a package": (edits(MODEL, requirements={"nothing-of-this-name": ">=1"}), "requires nothing-of-this-name>=1"),
    "a length of the tokenizer that is none": (
        edits(SETTINGS, tokenizer_args={"model_max_length": None}),
        "the tokenizer's setting model_max_length = None is not supported",
    ),
    "prompts": (edits(MODEL, prompts=["a"]), "prompts should be an object"),
    "a prompt that fills the length": (
        prompted("mean", 4),
        "takes 26 of 10 tokens, special ones with it, and leaves no room for a word; shorten it, or raise max_length",
    ),
    "one name for two modules": (module(2, name="1"), "modules need names that differ"),
    "no module of that path": (module(1, type="sentence_transformers.nothing.Pooling"), "is not one of sentence-tran"),
    "a class of the first releases that did more": (module(0, type=BERT.replace("BERT", "T5")), "begins with 'T5'"),
    "a length with a fraction": (edits(SETTINGS, max_seq_length=5.5), "5.5 tokens makes no sense; give a whole num"),
    "a length without a word": (edits(SETTINGS, max_seq_length=2), "2 tokens makes no sense; give a whole number"),
    "a pooling without its width": (becomes(POOLING, {}), "names no embedding_dimension"),
    "another width than the weights'": (edits(DENSE, out_features=4), "size mismatch for linear.weight"),
    "a bias that is not to be": (edits(DENSE, bias=False), "Unexpected key.*linear.bias"),
    "a width that is none": (edits(DENSE, in_features="16"), "in_features = '16' should be a number of dimensions"),
    "another module's activation": (
        edits(DENSE, activation_function="torch.nn.modules.linear.Tanh"),
        "torch.nn.modules.linear has no activation 'Tanh'",
    ),
    "a norm of another width": (edits(NORM, dimension=4), "size mismatch for norm"),
    "a norm with more to it": (edits(NORM, eps=1e-3), "eps is not supported"),
    "merges at random": (dropout, "drops merges at random"),
    "empty weights": (empty("model.safetensors"), r"model.safetensors is empty"),
    "empty weights of a module": (empty("2_Dense/model.safetensors"), r"2_Dense/model.safetensors is empty"),
    **{
        f"a web page as {file}": (web_page(file), f"{file} is a web page, not the file itself")
        for file in ("config.json", "modules.json", "tokenizer.json", "model.safetensors", "2_Dense/model.safetensors")
    },
    **{
        f"a link as {file}": (dangling(file), f"{file} links to a file that is not there")
        for file in ("modules.json", "tokenizer.json", "model.safetensors", TOKENIZER, SETTINGS)
    },
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_is_wrong_is_named(what: str, saved: Path, tmp_path: Path) -> None:
    change, message = REFUSED[what]
    folder = shutil.copytree(saved, tmp_path / "model")
    change(folder)
    with pytest.raises(ReproError, match=message) as refusal:
        ours(folder)
    assert "\n" not in str(refusal.value)
    assert not isinstance(refusal.value, NotAvailable)


@pytest.mark.parametrize("place", ["tokenizer_config.json", "chat_template.jinja"])
def test_a_chat_template_is_refused_where_sentence_transformers_uses_it(
    place: str, saved: Path, tmp_path: Path
) -> None:
    template = "{% for m in messages %}the {{ m['content'] }}{% endfor %}"
    plain = save_transformer(tmp_path / "plain")
    whole = shutil.copytree(saved, tmp_path / "whole")
    unchanged = ours(plain)
    for folder in (plain, whole):
        if place.endswith("json"):
            edit_json(folder / place, chat_template=template)
        else:
            (folder / place).write_text(template)
    np.testing.assert_allclose(ours(whole), theirs(whole, TEXTS), atol=1e-5)  # a layout from before chat templates
    with pytest.raises(ReproError, match="has a chat template, which is not supported; name a pooling"):
        ours(plain)
    np.testing.assert_array_equal(ours(f"{plain},pooling=mean"), unchanged)
    assert np.abs(unchanged - theirs(plain, TEXTS)).max() > 0.01


def test_another_kind_of_model_can_still_be_pooled(saved: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(saved, tmp_path / "model")
    edit_json(folder / MODEL, model_type="CrossEncoder")
    with pytest.raises(ReproError, match="a CrossEncoder gives no single vector a sentence; name a pooling"):
        ours(folder)
    edit_json(folder / SETTINGS, transformer_task="sequence-classification", module_output_name="scores")
    np.testing.assert_array_equal(ours(f"{folder},pooling=cls"), ours(f"{saved},pooling=cls"))


NAMES = ["owner,model", "pooling=cls", "a,pooling=max", "owner/model", " blank ", "ünïcode"]


@pytest.mark.parametrize("name", NAMES)
def test_names_of_folders(name: str, saved: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(saved, tmp_path / name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    expected = ours(saved, SENTENCES)
    for path in (name, f"./{name}/", f"{tmp_path}/{name}", f"~/{name}"):
        np.testing.assert_array_equal(ours(path, SENTENCES), expected)
    assert zoo.recipe(f"{name},pooling=max") == TransformerRecipe(name, pooling="max")


@pytest.mark.parametrize("file", ["source.spm", "prophetnet.tokenizer", "vocab.json", "bpe.codes"])
def test_a_vocabulary_of_any_name_is_part_of_the_identity(file: str, saved: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(saved, tmp_path / "model")
    (folder / file).write_text("{}")
    before = resolve(TransformerRecipe(str(folder))).identity
    (folder / file).write_text("{} ")
    assert resolve(TransformerRecipe(str(folder))).identity != before


def test_what_is_not_read_is_not_part_of_the_identity(saved: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(saved, tmp_path / "model")
    before = resolve(TransformerRecipe(str(folder)))
    for name in ("README.md", "pytorch_model.bin", "2_Dense/pytorch_model.bin", "onnx/model.onnx", "eval/results.csv"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text("of no account")
    os.chmod(folder, 0o555)
    assert resolve(TransformerRecipe(str(folder))).identity == before.identity
    np.testing.assert_array_equal(ours(folder), ours(saved))
