"""Tiny model folders of several families, with random weights and a vocabulary of the tests' own."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.conftest import VOCABULARY, WORDS

SENTENCES = [
    "the cat sits on the mat.",
    "dogs running in a big red house and the cat is not in it , it is on the mat",
    "The Blue cat",
    "a",
    "zyx qqq",
    "it is small",
]


def words_tokenizer(bos: str = "[CLS]", eos: str = "[SEP]", pad: str = "[PAD]", **settings: object) -> Any:
    """Words and single letters, lower-cased, between two special tokens (none where they are '')."""
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    vocabulary = {token: number for number, token in enumerate(VOCABULARY)}
    backend = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    backend.normalizer = normalizers.Lowercase()
    backend.pre_tokenizer = pre_tokenizers.Whitespace()
    if bos:
        special = [(bos, vocabulary[bos]), (eos, vocabulary[eos])]
        backend.post_processor = processors.TemplateProcessing(single=f"{bos} $A {eos}", special_tokens=special)
    return PreTrainedTokenizerFast(
        tokenizer_object=backend, pad_token=pad, unk_token="[UNK]", mask_token="[MASK]", **settings
    )


def bytes_tokenizer(**settings: object) -> Any:
    """Byte-level pairs as GPT-2's, without special tokens around a sentence."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    backend = Tokenizer(models.BPE())
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=300, special_tokens=["<|end|>"], initial_alphabet=alphabet)
    backend.train_from_iterator([" ".join(WORDS)] * 4, trainer)
    return PreTrainedTokenizerFast(tokenizer_object=backend, pad_token="<|end|>", **settings)


SIZES = {
    "vocab_size": 320,
    "hidden_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 32,
}
POSITIONS = 40


def config_of(family: str, **changes: object) -> Any:
    """A tiny configuration; learned positions for 40 tokens, padding offsets of the family included."""
    import transformers as t

    sizes = SIZES | {"vocab_size": 320, "max_position_embeddings": POSITIONS, "pad_token_id": 0}
    gpt = {"vocab_size": 320, "n_embd": 16, "n_layer": 2, "n_head": 4, "n_positions": POSITIONS, "bos_token_id": 0}
    t5 = {"vocab_size": 320, "d_model": 16, "d_ff": 32, "num_layers": 2, "num_heads": 4, "d_kv": 4, "pad_token_id": 0}
    made: dict[str, Any] = {
        "bert": lambda: t.BertConfig(**(sizes | changes)),
        "roberta": lambda: t.RobertaConfig(**(sizes | {"type_vocab_size": 1} | changes)),
        "xlm-roberta": lambda: t.XLMRobertaConfig(**(sizes | {"type_vocab_size": 1} | changes)),
        "camembert": lambda: t.CamembertConfig(**(sizes | {"type_vocab_size": 1} | changes)),
        "mpnet": lambda: t.MPNetConfig(**(sizes | {"pad_token_id": 1} | changes)),
        "distilbert": lambda: t.DistilBertConfig(
            **({"vocab_size": 320, "dim": 16, "n_layers": 2, "n_heads": 4, "hidden_dim": 32} | changes),
            max_position_embeddings=POSITIONS,
        ),
        "electra": lambda: t.ElectraConfig(**(sizes | {"embedding_size": 8} | changes)),
        "albert": lambda: t.AlbertConfig(**(sizes | {"embedding_size": 8} | changes)),
        "gpt2": lambda: t.GPT2Config(**(gpt | {"eos_token_id": 0} | changes)),
        "t5": lambda: t.T5Config(**(t5 | changes)),
        "bart": lambda: t.BartConfig(
            vocab_size=320,
            d_model=16,
            encoder_layers=2,
            decoder_layers=2,
            encoder_attention_heads=4,
            decoder_attention_heads=4,
            encoder_ffn_dim=32,
            decoder_ffn_dim=32,
            max_position_embeddings=POSITIONS,
            pad_token_id=0,
            bos_token_id=2,
            eos_token_id=3,
            decoder_start_token_id=3,
        ),
    }
    return made[family]()


def save_transformer(folder: Path, family: str = "bert", seed: int = 0, **tokenizer: object) -> Path:
    """Weights, configuration and tokenizer as transformers saves them."""
    import torch
    from transformers import AutoModel, T5EncoderModel

    torch.manual_seed(seed)
    config = config_of(family)
    model = T5EncoderModel(config) if family == "t5" else AutoModel.from_config(config)
    made = bytes_tokenizer(**tokenizer) if family == "gpt2" else words_tokenizer(**tokenizer)
    return save_model(folder, model, made)


def save_model(folder: Path, model: Any, tokenizer: Any) -> Path:
    """A model with drawn weights and a tokenizer, as transformers saves them."""
    import torch

    for parameter in model.parameters():  # wide enough that a wrong setting moves a vector
        if parameter.ndim > 1:
            torch.nn.init.normal_(parameter, std=0.3)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def save_sentence_transformer(
    folder: Path, transformer: Path, modules: Sequence[Any] = (), prompts: dict[str, str] | None = None, **settings: Any
) -> Path:
    """What sentence-transformers saves: the transformer with its settings, then these modules."""
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.base.modules import Transformer

    default = settings.pop("default_prompt_name", None)
    first = Transformer(str(transformer), **settings)
    model = SentenceTransformer(modules=[first, *modules], device="cpu", prompts=prompts, default_prompt_name=default)
    model.save(str(folder), create_model_card=False)
    return folder


def theirs(folder: Path, sentences: Sequence[str] = SENTENCES) -> Any:
    """sentence-transformers' vectors, each sentence on its own: padding must not matter."""
    from sentence_transformers import SentenceTransformer

    model = SentenceTransformer(str(folder), device="cpu", local_files_only=True)
    return model.encode(list(sentences), batch_size=1)


def edit_json(path: Path, **changes: object) -> None:
    """Set keys of a JSON object in place; None removes a key."""
    content = json.loads(path.read_text()) | changes
    path.write_text(json.dumps({name: value for name, value in content.items() if value is not None}))
