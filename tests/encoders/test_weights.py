"""Finding weights: layouts, pinned revisions, a hub on loopback, and what is refused."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from repro.encoders import weights, zoo
from repro.encoders.recipe import TransformerRecipe
from repro.errors import NotAvailable, ReproError
from repro.revisions import pins
from tests.conftest import Connect, write_json
from tests.hub.server import serving


def test_a_layout_fills_the_recipe(tiny_sbert: Path) -> None:
    found = weights.resolve(TransformerRecipe(str(tiny_sbert)))
    assert (found.recipe.pooling, found.recipe.layers, found.recipe.max_length) == ("mean", (-1,), 12)
    assert found.recipe.normalize is True
    assert [(head.kind, head.activation) for head in found.heads] == [("dense", "torch.nn.modules.activation.Tanh")]


def test_naming_a_pooling_turns_the_layouts_own_head_off(tiny_sbert: Path) -> None:
    found = weights.resolve(TransformerRecipe(str(tiny_sbert), pooling="cls"))
    assert found.heads == ()
    assert found.recipe.normalize is False


def test_a_plain_folder_defaults_to_the_mean_of_the_last_layer(tiny_bert: Path) -> None:
    found = weights.resolve(TransformerRecipe(str(tiny_bert))).recipe
    assert (found.pooling, found.layers, found.max_length, found.normalize) == ("mean", (-1,), 64, False)


def test_an_older_name_of_the_transformers_settings_is_read(tiny_sbert: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(tiny_sbert, tmp_path / "model")
    (folder / "sentence_bert_config.json").rename(folder / "sentence_roberta_config.json")
    assert weights.resolve(TransformerRecipe(str(folder))).recipe.max_length == 12


def test_what_is_no_model_is_said(tmp_path: Path) -> None:
    with pytest.raises(ReproError, match="holds neither modules"):
        weights.resolve(TransformerRecipe(str(tmp_path)))
    with pytest.raises(ReproError, match="is neither a folder nor a hub id"):
        weights.resolve(TransformerRecipe("./nowhere"))
    with pytest.raises(NotAvailable, match="owner/model are not on this machine and --offline was given"):
        weights.resolve(TransformerRecipe("owner/model"), offline=True)


@pytest.mark.real
def test_the_packaged_weights_are_the_hubs() -> None:
    found = weights.resolve(zoo.MINILM, offline=True)
    # sha256 of the hub's model.safetensors at the pinned revision
    assert found.sha256 == "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
    assert (found.recipe.max_length, found.recipe.pooling, found.recipe.normalize) == (256, "mean", True)


COMMIT = "0123456789abcdef0123456789abcdef01234567"


def test_a_model_comes_from_the_hub_and_its_revision_is_pinned(tiny_bert: Path, tmp_path: Path) -> None:
    sentences, output = tmp_path / "sentences.txt", tmp_path / "out.npy"
    sentences.write_text("the cat sits\na dog\n")
    shutil.copytree(tiny_bert, tmp_path / "hub/models/owner/tiny")
    environment = {
        **os.environ,
        "HF_HOME": str(tmp_path / "hf"),
        "HF_HUB_OFFLINE": "0",
        "HF_HUB_DISABLE_XET": "1",
    }
    script = (  # from the hub, then from its cache alone
        "import sys; from repro.cli.main import main; main(sys.argv[1:]) and sys.exit(1); "
        "sys.exit(main([*sys.argv[1:-1], sys.argv[-1] + '.offline.npy', '--offline']))"
    )
    command = [sys.executable, "-c", script, "encode", "owner/tiny", str(sentences), "-o", str(output)]
    with serving(tmp_path / "hub", {"owner/tiny": COMMIT}) as hub:
        environment["HF_ENDPOINT"] = hub.address
        subprocess.run(command, env=environment, check=True, capture_output=True, timeout=120)
    expected = zoo.build(str(tiny_bert), device="cpu").encode(["the cat sits", "a dog"])[0].vectors
    for file in (output, output.with_name("out.npy.offline.npy")):
        np.testing.assert_allclose(np.load(file), expected, atol=1e-6)
    assert pins() == {"owner/tiny": COMMIT}


def test_a_commit_says_nothing_of_a_folder(tiny_bert: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copytree(tiny_bert, tmp_path / "owner/tiny")
    recipe = TransformerRecipe("owner/tiny", revision=COMMIT)  # as in sentence-transformers the folder here comes first
    assert weights.resolve(recipe).recipe.revision is None
    assert "@local sha256:" in zoo.locate(recipe).weights


SHARDS = ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"]
# of the transformer and of its Dense module: the forms of the weights that a repository has, and those that are read
FORMS = {
    "the same weights twice": (["safetensors", "pickle"], ["safetensors", "pickle"], ["model.safetensors"] * 2),
    "a pickle beside safetensors": (["pickle"], ["safetensors"], ["pytorch_model.bin", "model.safetensors"]),
    "safetensors beside a pickle": (["safetensors"], ["pickle"], ["model.safetensors", "pytorch_model.bin"]),
    "pickles alone": (["pickle"], ["pickle"], ["pytorch_model.bin"] * 2),
    "shards and a pickle": (["shards", "pickle"], ["safetensors"], [*SHARDS, "model.safetensors"]),
    "shards beside the whole": (["shards", "safetensors"], ["safetensors"], ["model.safetensors"] * 2),
}


@pytest.mark.parametrize("case", FORMS)
def test_each_module_s_weights_are_downloaded_in_one_form(
    case: str, tiny_sbert: Path, tmp_path: Path, connect: Connect
) -> None:
    *forms, read = FORMS[case]
    model = shutil.copytree(tiny_sbert, tmp_path / "hub/models/owner/tiny")
    for folder, there in zip((model, model / "2_Dense"), forms, strict=True):
        state = load_file(folder / "model.safetensors")
        (folder / "model.safetensors").unlink()
        for form in there:
            WRITERS[form](folder, state)
    for name in ("source.spm", "tf_model.h5", "onnx/model.onnx", "onnx/config.json", "optimizer.safetensors"):
        path = model / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"{name} of another kind")
    with serving(tmp_path / "hub") as hub:
        connect(hub.address)
        group = zoo.build("owner/tiny", device="cpu")
        files = [request.file[2] for request in hub.log if request.method == "GET" and request.file]
    assert len(files) == len(set(files))
    assert sorted(Path(name).name for name in files if name.endswith((".bin", ".safetensors"))) == sorted(read)
    assert "source.spm" in files
    assert {"tf_model.h5", "onnx/model.onnx", "onnx/config.json"}.isdisjoint(files)
    expected = zoo.build(str(tiny_sbert), device="cpu").encode(["the cat sits"])[0].vectors
    np.testing.assert_allclose(group.encode(["the cat sits"])[0].vectors, expected, atol=1e-6)


def _shards(folder: Path, state: dict[str, torch.Tensor]) -> None:
    places = {name: SHARDS[number % 2] for number, name in enumerate(sorted(state))}
    for file in SHARDS:
        save_file({name: state[name] for name in state if places[name] == file}, folder / file)
    write_json(folder / "model.safetensors.index.json", {"metadata": {}, "weight_map": places})


WRITERS = {
    "safetensors": lambda folder, state: save_file(state, folder / "model.safetensors"),
    "pickle": lambda folder, state: torch.save(state, folder / "pytorch_model.bin"),
    "shards": _shards,
}
