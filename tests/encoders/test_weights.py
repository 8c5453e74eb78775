"""Finding weights: layouts, pinned revisions, a hub on loopback, and what is refused."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from repro.encoders import weights, zoo
from repro.encoders.recipe import TransformerRecipe
from repro.errors import NotAvailable, ReproError
from repro.revisions import pins
from tests.conftest import Connect, on_loopback


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


@contextmanager
def serving(folder: Path) -> Iterator[str]:
    """The two endpoints of a model hub that a download needs, on loopback, serving the folder as `owner/tiny`."""
    names = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())

    class Handler(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self.reply(body=False)

        def do_GET(self) -> None:
            self.reply(body=True)

        def reply(self, body: bool) -> None:
            path = self.path.split("?")[0]
            name = path.removeprefix(f"/owner/tiny/resolve/{COMMIT}/")
            if path.startswith("/api/models/owner/tiny/tree/"):
                found = [{"type": "file", "path": n, "size": (folder / n).stat().st_size, "oid": n} for n in names]
                data = json.dumps(found).encode()
            elif path.startswith("/api/models/owner/tiny"):
                data = json.dumps({"id": "owner/tiny", "sha": COMMIT, "siblings": [{"rfilename": n} for n in names]})
                data = data.encode()
            elif name in names:
                data = (folder / name).read_bytes()
            else:
                self.send_response(404)
                self.send_header("X-Error-Code", "EntryNotFound")
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            self.send_response(200)
            self.send_header("Content-Length", str(len(data)))
            self.send_header("ETag", f'"{abs(hash(data))}"')
            self.send_header("X-Repo-Commit", COMMIT)
            self.end_headers()
            if body:
                self.wfile.write(data)

    with on_loopback(Handler) as address:
        yield address


@pytest.fixture
def hub(tiny_bert: Path) -> Iterator[str]:
    with serving(tiny_bert) as address:
        yield address


def test_a_model_comes_from_the_hub_and_its_revision_is_pinned(hub: str, tiny_bert: Path, tmp_path: Path) -> None:
    sentences, output = tmp_path / "sentences.txt", tmp_path / "out.npy"
    sentences.write_text("the cat sits\na dog\n")
    environment = {
        **os.environ,
        "HF_ENDPOINT": hub,
        "HF_HOME": str(tmp_path / "hf"),
        "HF_HUB_OFFLINE": "0",
        "HF_HUB_DISABLE_XET": "1",
    }
    script = (  # from the hub, then from its cache alone
        "import sys; from repro.cli.main import main; main(sys.argv[1:]) and sys.exit(1); "
        "sys.exit(main([*sys.argv[1:-1], sys.argv[-1] + '.offline.npy', '--offline']))"
    )
    command = [sys.executable, "-c", script, "encode", "owner/tiny", str(sentences), "-o", str(output)]
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


@pytest.mark.parametrize("pickled", ["", "2_Dense"])
def test_each_module_s_weights_are_downloaded_in_one_form(
    pickled: str, tiny_sbert: Path, tmp_path: Path, connect: Connect
) -> None:
    # the other module has them as safetensors; a pickle beside them is left alone
    model = shutil.copytree(tiny_sbert, tmp_path / "model")
    for name in ("", "2_Dense"):
        state = load_file(model / name / "model.safetensors")
        torch.save(state, model / name / "pytorch_model.bin")
    (model / pickled / "model.safetensors").unlink()
    (model / "source.spm").write_text("a vocabulary")
    with serving(model) as address:
        connect(address)
        found = weights.resolve(TransformerRecipe("owner/tiny"))
        group = zoo.build("owner/tiny", device="cpu")
    root = found.folder
    assert [path.parent for path in root.rglob("*.bin")] == [root / pickled]
    assert (root / "source.spm").is_file()
    expected = zoo.build(str(tiny_sbert), device="cpu").encode(["the cat sits"])[0].vectors
    np.testing.assert_allclose(group.encode(["the cat sits"])[0].vectors, expected, atol=1e-6)
