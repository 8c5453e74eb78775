"""Families of transformers against sentence-transformers: what a model really does is tried before it is believed."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import transformers as t

from repro.encoders import zoo
from repro.encoders.recipe import TransformerRecipe
from repro.encoders.tokens import Tokens
from repro.encoders.transformer import TransformerEncoder
from repro.errors import ReproError
from tests.encoders.folders import (
    POSITIONS,
    SENTENCES,
    SIZES,
    WORDS,
    edit_json,
    save_model,
    save_sentence_transformer,
    save_transformer,
    theirs,
    words_tokenizer,
)

PLAIN: dict[str, Any] = SIZES | {"max_position_embeddings": POSITIONS, "pad_token_id": 0}
CAUSAL: dict[str, Any] = PLAIN | {"num_key_value_heads": 2, "bos_token_id": 2, "eos_token_id": 3}
GEMMA: dict[str, Any] = CAUSAL | {"head_dim": 4, "layer_types": ["full_attention"] * 2}
REFORMER: dict[str, Any] = {
    **{
        "vocab_size": 320,
        "hidden_size": 16,
        "num_attention_heads": 2,
        "attention_head_size": 8,
        "feed_forward_size": 32,
    },
    **{
        "attn_layers": ["local", "lsh"],
        "axial_pos_embds": False,
        "max_position_embeddings": POSITIONS,
        "num_buckets": 2,
    },
    **{"pad_token_id": 0, "lsh_attn_chunk_length": 4, "local_attn_chunk_length": 4},
}
FSMT: dict[str, Any] = {
    **{"langs": ["a", "b"], "src_vocab_size": 320, "tgt_vocab_size": 320, "d_model": 16, "pad_token_id": 0},
    **{f"{side}_layers": 1 for side in ("encoder", "decoder")},
    **{f"{side}_attention_heads": 4 for side in ("encoder", "decoder")},
    **{f"{side}_ffn_dim": 32 for side in ("encoder", "decoder")},
    **{"max_position_embeddings": POSITIONS, "bos_token_id": 2, "eos_token_id": 3, "decoder_start_token_id": 3},
}

AGREE: dict[str, Callable[[], Any]] = {
    # vectors that depend on padding: mixed over positions, convolved, with the neighbour's embedding, by landmarks
    "fnet": lambda: t.FNetConfig(**PLAIN),
    "convbert": lambda: t.ConvBertConfig(**PLAIN, embedding_size=8),
    "mobilebert": lambda: t.MobileBertConfig(
        **PLAIN, embedding_size=8, true_hidden_size=16, intra_bottleneck_size=16, num_feedforward_networks=1
    ),
    "nystromformer": lambda: t.NystromformerConfig(**PLAIN),
    "yoso": lambda: t.YosoConfig(**PLAIN),
    "reformer": lambda: t.ReformerConfig(**REFORMER, hash_seed=1),
    # layers with a state, which take no cache for one
    "recurrent gemma": lambda: t.RecurrentGemmaConfig(**CAUSAL, lru_width=16, attention_window_size=4),
    # vectors of another width than hidden_size
    "opt": lambda: t.OPTConfig(**PLAIN, ffn_dim=32, word_embed_proj_dim=8),
    "fsmt": lambda: t.FSMTConfig(**FSMT),
    # an encoder whose decoder is left out
    "t5gemma": lambda: t.T5GemmaConfig(encoder=GEMMA, decoder=GEMMA, vocab_size=320),
    # embeddings that are no nn.Embedding
    "ibert": lambda: t.IBertConfig(**PLAIN),
    # and some of the usual kind
    "llama": lambda: t.LlamaConfig(**CAUSAL),
    "modernbert": lambda: t.ModernBertConfig(**CAUSAL, global_attn_every_n_layers=2, local_attention=4),
    "deberta-v2": lambda: t.DebertaV2Config(**PLAIN, relative_attention=True, position_biased_input=False),
    "xlnet": lambda: t.XLNetConfig(vocab_size=320, d_model=16, n_layer=2, n_head=4, d_inner=32),
    "longformer": lambda: t.LongformerConfig(**PLAIN, attention_window=4),
}


def save(folder: Path, config: Any, **tokenizer: Any) -> Path:
    torch.manual_seed(0)
    return save_model(folder, t.AutoModel.from_config(config), words_tokenizer(**tokenizer))


def ours(folder: Path | str, sentences: list[str] = SENTENCES) -> np.ndarray:
    return zoo.build(str(folder), device="cpu").encode(sentences)[0].vectors


@pytest.mark.parametrize("family", AGREE)
def test_families(family: str, tmp_path: Path) -> None:
    folder = save(tmp_path / "model", AGREE[family](), model_max_length=38)
    np.testing.assert_allclose(ours(folder), theirs(folder), atol=1e-5)


CLIP: dict[str, Any] = {
    "text_config": PLAIN | {"bos_token_id": 2, "eos_token_id": 3},
    "vision_config": SIZES | {"image_size": 16, "patch_size": 8},
}
LONGROPE: dict[str, Any] = {
    **{"rope_type": "longrope", "rope_theta": 1e4, "factor": 2.0, "original_max_position_embeddings": 12},
    **{"long_factor": [8.0, 2.0], "short_factor": [1.0, 1.0]},
}

REFUSED: dict[str, tuple[Callable[[], Any], str]] = {
    "images, too": (lambda: t.CLIPConfig(**CLIP), "does not give vectors of plain text: "),
    "boxes, too": (lambda: t.BrosConfig(**PLAIN), "does not give vectors of plain text: .*bbox"),
    "no token vectors": (lambda: t.DPRConfig(**PLAIN), "does not give vectors of plain text: .*last_hidden_state"),
    "a language, too": (lambda: t.XmodConfig(**PLAIN, languages=["en"]), "does not give vectors of plain text: .*lang"),
    "hashed at random": (lambda: t.ReformerConfig(**REFORMER), "hashes at random; set hash_seed"),
    "sparse until a short text comes": (
        lambda: t.BigBirdConfig(**PLAIN, block_size=2, num_random_blocks=1),
        "reads 14 tokens at most; name max_length=14",
    ),
    "frequencies of the longest text": (
        lambda: t.LlamaConfig(**CAUSAL, rope_parameters=LONGROPE),
        "reads 12 tokens at most; name max_length=12",
    ),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_gives_no_vectors_of_its_own_is_refused(what: str, tmp_path: Path) -> None:
    config, message = REFUSED[what]
    folder = save(tmp_path / "model", config())
    with pytest.raises(ReproError, match=message) as refusal:
        ours(folder)
    assert "\n" not in str(refusal.value)


def test_what_is_hashed_with_a_seed_is_computed_one_batch_at_a_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each layer seeds torch's generator, which all threads share, and draws from it."""
    folder = save(tmp_path / "model", t.ReformerConfig(**REFORMER, hash_seed=1), model_max_length=38)
    sentences = [" ".join(line) for line in np.random.default_rng(0).choice(WORDS, (1000, 30))]
    alone, vectors, under_way, most = ours(folder, sentences), TransformerEncoder.vectors, [0], [0]

    def slow(self: TransformerEncoder, batch: Tokens) -> list[torch.Tensor]:
        under_way[0] += 1
        most[0] = max(most[0], under_way[0])
        time.sleep(0.05)
        found = vectors(self, batch)
        under_way[0] -= 1
        return found

    before = torch.get_num_threads()
    torch.set_num_threads(4)
    monkeypatch.setattr(TransformerEncoder, "vectors", slow)
    try:
        np.testing.assert_array_equal(ours(folder, sentences), alone)
    finally:
        torch.set_num_threads(before)
    assert most == [1]


def test_fewer_vectors_than_tokens_are_refused(tmp_path: Path) -> None:
    config = t.FunnelConfig(vocab_size=320, d_model=16, n_head=4, d_head=4, d_inner=32, block_sizes=[1, 1])
    config.architectures = ["FunnelBaseModel"]
    folder = save_model(tmp_path / "model", t.FunnelBaseModel(config), words_tokenizer())
    with pytest.raises(ReproError, match=r"gives \d vectors for \d tokens; it is not supported"):
        ours(folder)


@pytest.mark.parametrize("kind", ["longrope", "sparse"])
def test_a_length_that_is_named_is_enough(kind: str, tmp_path: Path) -> None:
    # up to it a vector is that of the sentence alone; sentence-transformers cuts there when the tokenizer says so
    config, _ = REFUSED["frequencies of the longest text" if kind == "longrope" else "sparse until a short text comes"]
    folder = save(tmp_path / "model", config())
    found = ours(f"{folder},max_length=12")
    edit_json(folder / "tokenizer_config.json", model_max_length=12)
    np.testing.assert_allclose(found, theirs(folder), atol=1e-5)


def test_layers_are_as_wide_as_they_are(tmp_path: Path) -> None:
    # OPT projects its last layer alone; the mean of what transformers gives of the first
    folder = save(tmp_path / "model", AGREE["opt"](), model_max_length=38)
    tokenizer, model = t.AutoTokenizer.from_pretrained(folder), t.AutoModel.from_pretrained(folder).eval()
    with torch.inference_mode():
        states = [
            model(**tokenizer(s, return_tensors="pt"), output_hidden_states=True).hidden_states for s in SENTENCES
        ]
    expected = [layers[0][0].mean(dim=0).numpy() for layers in states]
    np.testing.assert_allclose(ours(f"{folder},layers=0"), expected, atol=1e-5)
    for layers in ("0+-1", "0+9"):
        with pytest.raises(ReproError):
            ours(f"{folder},layers={layers}")


LONG = ["the cat " * 30, "a"]


@pytest.mark.parametrize("family", ["llama", "deberta-v2", "fsmt", "opt"])
def test_lengths_beyond_positions_that_are_not_learned(family: str, tmp_path: Path) -> None:
    # settings of sentence-transformers stand above max_position_embeddings; learned positions (OPT) end all the same
    from sentence_transformers.sentence_transformer.modules import Pooling

    transformer = save(tmp_path / "transformer", AGREE[family]())
    plain = zoo.build(str(transformer), device="cpu").backbone.max_length
    assert plain == POSITIONS  # as sentence-transformers without a setting
    folder = save_sentence_transformer(tmp_path / "model", transformer, [Pooling(16 if family != "fsmt" else 320)])
    edit_json(folder / "sentence_bert_config.json", max_seq_length=55)
    if family == "opt":
        edit_json(folder / "tokenizer_config.json", model_max_length=POSITIONS)
        found = ours(folder, LONG)
        edit_json(folder / "sentence_bert_config.json", max_seq_length=None)
    elif family == "fsmt":  # its configuration speaks of positions, and nothing in it says that they grow
        with pytest.raises(
            ReproError, match="asks for 55 tokens, more than its configuration's 40; name max_length=40"
        ):
            ours(folder)
        found = ours(f"{folder},max_length=40,pooling=mean", LONG)
        edit_json(folder / "sentence_bert_config.json", max_seq_length=40)
    else:
        found = ours(folder, LONG)
    np.testing.assert_allclose(found, theirs(folder, LONG), atol=1e-5)


def test_a_token_type_that_the_tokenizer_gives_is_not_left_out_where_all_are_0(tmp_path: Path) -> None:
    # GPT-2 adds the embedding of token 0 to each token then
    folder = save_transformer(tmp_path / "model", "gpt2")
    without = ours(folder)
    edit_json(folder / "tokenizer_config.json", model_input_names=["input_ids", "token_type_ids", "attention_mask"])
    np.testing.assert_allclose(ours(folder), theirs(folder), atol=1e-5)
    assert np.abs(ours(folder) - without).max() > 0.01


@pytest.mark.parametrize(
    "settings", [{"return_dict": False}, {"output_hidden_states": True}, {"output_attentions": True}]
)
def test_outputs_of_another_form(settings: dict, tmp_path: Path) -> None:
    folder = save_transformer(tmp_path / "model")
    edit_json(folder / "config.json", **settings)
    np.testing.assert_allclose(ours(folder), theirs(folder), atol=1e-5)


def test_a_failure_in_the_midst_of_sentences_is_one_sentence(tmp_path: Path) -> None:
    folder = save_transformer(tmp_path / "model")
    edit_json(folder / "config.json", chunk_size_feed_forward=11)  # 11 tokens, and 6: what is tried
    recipe = TransformerRecipe(str(folder))
    with pytest.raises(ReproError, match="to be chunked") as refusal:
        zoo.build(recipe, device="cpu").encode(SENTENCES)
    assert "\n" not in str(refusal.value)
