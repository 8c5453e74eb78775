"""Model repositories of the zoo, made in seconds: small random weights in the files and under the names of the real.

    build(root)

makes `root/models/<owner>/<name>` for every hub id that a recipe of the zoo names: real depth, few dimensions, a
vocabulary of the tests' own, and beside what is read everything else that the real repositories hold.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from safetensors.torch import save_file
from tokenizers import BertWordPieceTokenizer, ByteLevelBPETokenizer
from torch import Tensor
from transformers import (
    BertConfig,
    BertForPreTraining,
    BertModel,
    MPNetConfig,
    MPNetModel,
    MPNetTokenizer,
    RobertaConfig,
    RobertaModel,
)

from repro.encoders import random_weights
from repro.revisions import PUBLIC
from tests.hub import texts

# what a repository holds beside what is read: other frameworks, other formats, scripts, results
DECOYS = (
    *("tf_model.h5", "flax_model.msgpack", "rust_model.ot", "onnx/model.onnx", "onnx/config.json", "README.md"),
    *("openvino/openvino_model.xml", "openvino/openvino_model.bin", "openvino/config.json", "LICENSE", "train.py"),
    *("coreml/model.mlpackage/Manifest.json", "similarity_evaluation_sts-dev_results.csv", "data_config.json"),
)
SECOND = b"the same weights as a pickle"
OPTIMIZER = "optimizer.safetensors"  # a file in the format that is read, which is no model


@dataclass(frozen=True)
class Size:
    """Layers as the model has them, dimensions and heads of the tests' own."""

    layers: int
    hidden: int = 24
    heads: int = 2


# 260 and 388 dimensions: more than the 256 and 384 that a whitening of the zoo keeps of these models
BASE, LARGE, WHITENED_BASE, WHITENED_LARGE = Size(12), Size(24), Size(12, 260, 4), Size(24, 388, 4)
MINILM = Size(6, 260, 4)
SCRATCH = Size(4, 88, 4)  # more than the 85 that a whitening keeps of scratch-bert


def commits() -> dict[str, str]:
    """The commits of those repositories that public code names one of."""
    return {("datasets/" if of.kind == "dataset" else "") + name: of.revision for name, of in PUBLIC.items()}


def build(root: Path) -> None:
    """Every repository, models and data sets."""
    texts.write_hub(root)
    tokenizers = root / "tokenizers"
    for folder, write in ((tokenizers / "bert", _wordpieces), (tokenizers / "roberta", _byte_pairs)):
        folder.mkdir(parents=True)
        write(folder)
    _architectures(root / "architectures.csv")
    torch.manual_seed(len(MODELS))
    folder = root / "trained" / "scratch-bert"  # no repository: a model that is trained on the machine itself
    folder.mkdir(parents=True)
    _plain_bert(SCRATCH)(folder, tokenizers)
    for seed, (repo, make) in enumerate(MODELS.items()):
        torch.manual_seed(seed)
        folder = root / "models" / repo
        folder.mkdir(parents=True)
        make(folder, tokenizers)
        for name in DECOYS:
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps({"of": f"{repo}/{name}"}))  # one content would be downloaded once for all


def _architectures(path: Path) -> None:
    """What models are drawn at random from: as deep as the real ones, with few dimensions."""
    sizes = pd.read_csv(random_weights.ARCHITECTURES, dtype=str)
    sizes.assign(hidden_size=24, num_attention_heads=2, intermediate_size=32).to_csv(path, index=False)


def _wordpieces(folder: Path) -> None:
    """BERT's: lower-cased words and their pieces. Half of the words are whole and the others come in two pieces: what
    the library's trainer learns of the same sentences is another vocabulary each time.
    """
    words = sorted({word for text in texts.sentences() for word in re.findall(r"\w+|[^\w\s]", text.lower())})
    letters = sorted(set("".join(words)))
    halves = [piece for word in words[1::2] for piece in (word[: len(word) // 2], f"##{word[len(word) // 2 :]}")]
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    pieces = filter(None, [*special, *letters, *(f"##{letter}" for letter in letters), *words[::2], *halves])
    vocabulary = {piece: number for number, piece in enumerate(dict.fromkeys(pieces))}
    assert len(vocabulary) <= 400  # _bert's embeddings
    tokenizer = BertWordPieceTokenizer(vocab=vocabulary, lowercase=True)
    tokenizer.save_model(str(folder))
    tokenizer.save(str(folder / "tokenizer.json"))
    _json(folder / "tokenizer_config.json", {"do_lower_case": True, "model_max_length": 512})


def _byte_pairs(folder: Path) -> None:
    """RoBERTa's: bytes and their pairs, cased, a blank before a word being part of it."""
    special = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    tokenizer = ByteLevelBPETokenizer()
    tokenizer.train_from_iterator(texts.sentences(), vocab_size=500, special_tokens=special, show_progress=False)
    tokenizer.save_model(str(folder))
    _json(folder / "tokenizer_config.json", {"model_max_length": 512})


def _bert(size: Size, **settings: object) -> BertConfig:
    return BertConfig(
        vocab_size=400,
        hidden_size=size.hidden,
        num_hidden_layers=size.layers,
        num_attention_heads=size.heads,
        intermediate_size=32,
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
        initializer_range=0.5 / size.hidden**0.5,
        **settings,
    )


def _roberta(size: Size) -> RobertaConfig:
    return RobertaConfig(
        vocab_size=500,
        hidden_size=size.hidden,
        num_hidden_layers=size.layers,
        num_attention_heads=size.heads,
        intermediate_size=32,
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
        max_position_embeddings=514,
        type_vocab_size=1,
        layer_norm_eps=1e-5,
        initializer_range=0.5 / size.hidden**0.5,
    )


def _state(model: Any) -> dict[str, Tensor]:
    """The weights. Biases and layer norms are drawn too, and attention tells tokens apart: else mistakes would hide."""
    state: dict[str, Tensor] = model.state_dict()
    for name, value in state.items():
        if value.dtype == torch.float32 and value.ndim == 1:
            value.add_(0.1 * torch.randn_like(value))
        if "query" in name or "key" in name:
            value.mul_(3)
    return {name: value.contiguous().clone() for name, value in state.items()}


def _plain_bert(size: Size) -> Callable[[Path, Path], None]:
    """BERT as it was pretrained: `bert.` and `cls.`, layer norms with gamma and beta, safetensors and a pickle."""

    def make(folder: Path, tokenizers: Path) -> None:
        config = _bert(size, architectures=["BertForMaskedLM"])
        state = _state(BertForPreTraining(config))
        state = {name.replace("Norm.weight", "Norm.gamma"): value for name, value in state.items()}
        state = {name.replace("Norm.bias", "Norm.beta"): value for name, value in state.items()}
        _config(folder, config)
        save_file(state, folder / "model.safetensors", {"format": "pt"})
        (folder / "pytorch_model.bin").write_bytes(SECOND)
        save_file({"step": torch.zeros(1)}, folder / OPTIMIZER)
        _copy(tokenizers / "bert", folder, "vocab.txt", "tokenizer.json", "tokenizer_config.json")

    return make


def _plain_roberta(size: Size) -> Callable[[Path, Path], None]:
    """RoBERTa as it was pretrained: `roberta.` and `lm_head.`"""

    def make(folder: Path, tokenizers: Path) -> None:
        config = _roberta(size)
        state = {f"roberta.{name}": value for name, value in _state(RobertaModel(config)).items()}
        head = {"dense.weight": (size.hidden, size.hidden), "dense.bias": (size.hidden,), "bias": (500,)}
        head |= {"layer_norm.weight": (size.hidden,), "layer_norm.bias": (size.hidden,)}
        state |= {f"lm_head.{name}": torch.randn(shape) for name, shape in head.items()}
        _config(folder, config)
        save_file(state, folder / "model.safetensors", {"format": "pt"})
        (folder / "pytorch_model.bin").write_bytes(SECOND)
        _copy(tokenizers / "roberta", folder, "vocab.json", "merges.txt", "tokenizer_config.json")
        (folder / "dict.txt").write_text("of fairseq\n")

    return make


def _sbert(
    size: Size, family: str = "bert", layout: str = "old", shards: int = 0, normalize: bool = False
) -> Callable[[Path, Path], None]:
    """A released model of sentence-transformers, mean of 128 tokens; RoBERTa's text is lower-cased.

    `layout`: `zip` as the first releases had it, `old`, or `new` as version 5 writes it.
    """

    def make(folder: Path, tokenizers: Path) -> None:
        bert = family == "bert"
        kind = {"zip": "models.BERT" if bert else "models.RoBERTa", "old": "models.Transformer"}.get(layout, "")
        place = f"0_{kind.removeprefix('models.')}" if layout == "zip" else ""
        pooling = "models.Pooling"
        if layout == "new":
            kind, pooling = ("base.modules.transformer.Transformer", "sentence_transformer.modules.pooling.Pooling")
        modules = [{"idx": 0, "name": "0", "path": place, "type": f"sentence_transformers.{kind}"}]
        modules += [{"idx": 1, "name": "1", "path": "1_Pooling", "type": f"sentence_transformers.{pooling}"}]
        if normalize:
            modules += [
                {"idx": 2, "name": "2", "path": "2_Normalize", "type": "sentence_transformers.models.Normalize"}
            ]
        _json(folder / "modules.json", modules)
        settings = {"word_embedding_dimension": size.hidden, "pooling_mode_cls_token": False}
        settings |= {"pooling_mode_mean_tokens": True, "pooling_mode_max_tokens": False}
        if layout == "new":
            settings = {"embedding_dimension": size.hidden, "pooling_mode": "mean", "include_prompt": True}
        _json(folder / "1_Pooling/config.json", settings)
        inner = folder / place
        name = f"sentence_{family}_config.json" if layout == "zip" else "sentence_bert_config.json"
        _json(inner / name, {"max_seq_length": 128, "do_lower_case": not bert})
        config: Any = _bert(size) if bert else _roberta(size)
        state = _state(BertModel(config) if bert else RobertaModel(config))
        _config(inner, config)
        if shards:
            _shards(inner, state, shards)
        else:
            save_file(state, inner / "model.safetensors", {"format": "pt"})
        (inner / "pytorch_model.bin").write_bytes(SECOND)
        names = ("vocab.txt", "tokenizer.json") if bert else ("vocab.json", "merges.txt")
        _copy(tokenizers / family, inner, *names, "tokenizer_config.json")

    return make


def _mpnet(folder: Path, tokenizers: Path) -> None:
    """all-mpnet-base-v2: BERT's words between RoBERTa's special tokens, mean of 384 tokens, unit length."""
    kinds = {"": "Transformer", "1_Pooling": "Pooling", "2_Normalize": "Normalize"}
    modules = [
        {"idx": n, "name": str(n), "path": path, "type": f"sentence_transformers.models.{kind}"}
        for n, (path, kind) in enumerate(kinds.items())
    ]
    _json(folder / "modules.json", modules)
    _json(folder / "1_Pooling/config.json", {"word_embedding_dimension": 260, "pooling_mode_mean_tokens": True})
    _json(folder / "sentence_bert_config.json", {"max_seq_length": 384, "do_lower_case": False})
    words = (tokenizers / "bert/vocab.txt").read_text(encoding="utf-8").split("\n")
    words = ["<s>", "<pad>", "</s>", "<unk>", "[UNK]", *(w for w in words if w and w[0] != "["), "<mask>"]
    MPNetTokenizer(vocab={word: number for number, word in enumerate(words)}).save_pretrained(folder)
    (folder / "vocab.txt").write_text("".join(f"{word}\n" for word in words), encoding="utf-8")
    config = MPNetConfig(
        vocab_size=len(words),
        hidden_size=260,
        num_hidden_layers=12,
        num_attention_heads=4,
        intermediate_size=32,
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
        max_position_embeddings=514,
        layer_norm_eps=1e-5,
        initializer_range=0.03,
    )
    _config(folder, config)
    save_file(_state(MPNetModel(config)), folder / "model.safetensors", {"format": "pt"})
    (folder / "pytorch_model.bin").write_bytes(SECOND)


def _shards(folder: Path, state: dict[str, Tensor], count: int) -> None:
    """The weights in so many files and an index."""
    names = sorted(state)
    places = {name: f"model-{1 + n % count:05}-of-{count:05}.safetensors" for n, name in enumerate(names)}
    for file in sorted(set(places.values())):
        save_file({name: state[name] for name in names if places[name] == file}, folder / file, {"format": "pt"})
    _json(folder / "model.safetensors.index.json", {"metadata": {}, "weight_map": places})


def _simcse(size: Size, family: str = "bert") -> Callable[[Path, Path], None]:
    """A model of princeton-nlp: a pickle whose pooler is SimCSE's MLP, and the vocabulary without a tokenizer.json."""

    def make(folder: Path, tokenizers: Path) -> None:
        bert = family == "bert"
        config: Any = _bert(size) if bert else _roberta(size)
        state = _state(BertModel(config) if bert else RobertaModel(config))
        state["embeddings.position_ids"] = torch.arange(config.max_position_embeddings)[None]  # of older releases
        _config(folder, config)
        torch.save(state, folder / "pytorch_model.bin")
        _copy(tokenizers / family, folder, *(("vocab.txt",) if bert else ("vocab.json", "merges.txt")))
        _json(folder / "tokenizer_config.json", {"do_lower_case": True} if bert else {})
        (folder / "special_tokens_map.json").write_text("{}")

    return make


MODELS: dict[str, Callable[[Path, Path], None]] = {
    "google-bert/bert-base-uncased": _plain_bert(WHITENED_BASE),
    "google-bert/bert-large-uncased": _plain_bert(WHITENED_LARGE),
    "FacebookAI/roberta-base": _plain_roberta(BASE),
    "FacebookAI/roberta-large": _plain_roberta(LARGE),
    "sentence-transformers/bert-base-nli-mean-tokens": _sbert(WHITENED_BASE),
    "sentence-transformers/bert-large-nli-mean-tokens": _sbert(WHITENED_LARGE, layout="zip"),
    "sentence-transformers/roberta-base-nli-mean-tokens": _sbert(BASE, "roberta", layout="zip"),
    "sentence-transformers/roberta-large-nli-mean-tokens": _sbert(LARGE, "roberta", shards=3),
    "sentence-transformers/bert-base-nli-stsb-mean-tokens": _sbert(BASE, layout="new"),
    "sentence-transformers/bert-large-nli-stsb-mean-tokens": _sbert(LARGE),
    "sentence-transformers/bert-base-wikipedia-sections-mean-tokens": _sbert(BASE),
    "sentence-transformers/all-MiniLM-L6-v2": _sbert(MINILM, normalize=True),
    "sentence-transformers/all-mpnet-base-v2": _mpnet,
    "princeton-nlp/unsup-simcse-bert-base-uncased": _simcse(BASE),
    "princeton-nlp/sup-simcse-bert-base-uncased": _simcse(BASE),
    "princeton-nlp/unsup-simcse-roberta-base": _simcse(BASE, "roberta"),
    "princeton-nlp/sup-simcse-roberta-base": _simcse(BASE, "roberta"),
    "princeton-nlp/unsup-simcse-roberta-large": _simcse(LARGE, "roberta"),
    "princeton-nlp/sup-simcse-roberta-large": _simcse(LARGE, "roberta"),
}


def _config(folder: Path, config: Any) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    config.save_pretrained(folder)


def _copy(source: Path, folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).write_bytes((source / name).read_bytes())


def _json(path: Path, content: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content), encoding="utf-8")
