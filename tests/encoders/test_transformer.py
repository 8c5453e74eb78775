"""Encoding: equal to sentence-transformers, independent of the batch, and clear about what is wrong."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from repro.data.readers import read_stsb
from repro.encoders import zoo
from repro.encoders.recipe import TransformerRecipe
from repro.encoders.transformer import batches, pick_device
from repro.errors import NotAvailable, ReproError
from tests.conftest import WORDS, save_tiny_bert

# WordPiece ids of bert-base-uncased's vocabulary, which all-MiniLM-L6-v2 shares; from the transformers documentation
# (BERT page and the course chapters "Tokenizers" and "Behind the pipeline")
GOLDEN_IDS = {
    "Hello, my dog is cute": [101, 7592, 1010, 2026, 3899, 2003, 10140, 102],
    "I hate this so much!": [101, 1045, 5223, 2023, 2061, 2172, 999, 102],
    "I've been waiting for a HuggingFace course my whole life.": [
        *(101, 1045, 1005, 2310, 2042, 3403, 2005, 1037, 17662, 12172, 2607, 2026, 2878, 2166, 1012, 102),
    ],
}


@pytest.mark.real
@pytest.mark.parametrize("sentence", GOLDEN_IDS)
def test_wordpiece_ids(sentence: str, minilm: zoo.Group) -> None:
    assert minilm.backbone.tokens([sentence]).ids.tolist() == GOLDEN_IDS[sentence]


@pytest.mark.real
def test_embeddings_equal_sentence_transformers(minilm: zoo.Group, data: Path) -> None:
    from sentence_transformers import SentenceTransformer

    pairs = read_stsb(data / "downstream/STS/STSBenchmark" / "sts-test.csv")
    sentences = [
        *pairs.first[:40],
        *pairs.second[-50:],
        "",
        "one",
        "word " * 2000,
        "Привет, мир",
        "مرحبا",
        "🙂 ok\t\x07",
    ]
    resolved = minilm.members[0].resolved
    assert resolved is not None
    theirs = SentenceTransformer(str(resolved.folder), device="cpu").encode(sentences)
    np.testing.assert_allclose(minilm.encode(sentences)[0].vectors, theirs, atol=1e-5)


def test_a_sentence_transformers_layout_equals_sentence_transformers(tiny_sbert: Path) -> None:
    from sentence_transformers import SentenceTransformer

    sentences = ["the cat sits on the mat.", "dogs running", "a " * 40, ""]
    found = zoo.build(str(tiny_sbert), device="cpu").encode(sentences)[0].vectors
    assert found.shape == (4, 8)
    theirs = SentenceTransformer(str(tiny_sbert), device="cpu").encode(sentences)
    np.testing.assert_allclose(found, theirs, atol=1e-5)


sentence_lists = st.lists(st.lists(st.sampled_from(WORDS), max_size=20).map(" ".join), min_size=1, max_size=12)


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(sentences=sentence_lists)
@pytest.mark.parametrize("pooling", ["mean", "max", "cls", "last", "mean-sqrt-len"])
def test_a_vector_does_not_depend_on_its_batch(pooling: str, sentences: list[str], tiny_bert: Path) -> None:
    group = _group(str(tiny_bert), pooling)
    together = group.encode(sentences)[0].vectors
    alone = np.concatenate([group.encode([sentence])[0].vectors for sentence in sentences])
    np.testing.assert_allclose(together, alone, atol=1e-5)


_groups: dict[tuple[str, str], zoo.Group] = {}


def _group(folder: str, pooling: str) -> zoo.Group:
    if (folder, pooling) not in _groups:
        _groups[folder, pooling] = zoo.build(TransformerRecipe(folder, pooling=pooling), device="cpu")
    return _groups[folder, pooling]


def test_repeats_get_the_same_vector_and_nothing_gets_none(tiny_bert: Path) -> None:
    group = _group(str(tiny_bert), "mean")
    vectors = group.encode(["a cat", "a dog", "a cat"])[0].vectors
    np.testing.assert_array_equal(vectors[0], vectors[2])
    assert vectors.dtype == np.float32
    assert group.encode([])[0].vectors.shape == (0, 16)


def test_max_length_cuts_tokens(tiny_bert: Path) -> None:
    cut = zoo.build(TransformerRecipe(str(tiny_bert), max_length=5)).encode(["the cat sits on the mat", "the cat sits"])
    np.testing.assert_allclose(cut[0].vectors[0], cut[0].vectors[1], atol=1e-6)


def test_bfloat16_stays_near_float32(tiny_bert: Path) -> None:
    sentences = ["the cat sits on the mat", "a dog"]
    full, half = (
        zoo.build(str(tiny_bert), dtype=dtype).encode(sentences)[0].vectors for dtype in ("float32", "bfloat16")
    )
    assert half.dtype == np.float32
    np.testing.assert_allclose(half, full, atol=0.05)


def test_batches_rise_in_length_and_keep_the_budget() -> None:
    lengths = np.array([3, 30, 4, 4, 5, 2, 100])
    cut = batches(lengths, 16)
    assert [rows.tolist() for rows in cut] == [[5, 0, 2, 3], [4], [1], [6]]
    assert sorted(np.concatenate(cut)) == list(range(7))
    assert batches(np.array([], dtype=np.int64), 16) == []


def test_what_cannot_be_is_said(tiny_bert: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    base = TransformerRecipe(str(tiny_bert))
    with pytest.raises(ReproError, match="has layers 0 to 2; layer 7 does not exist"):
        zoo.build(replace(base, layers=(7,)))
    without = save_tiny_bert(tmp_path / "no-pooler", pooler=False)
    with pytest.raises(NotAvailable, match="has no trained pooler"):
        zoo.build(TransformerRecipe(str(without), pooling="pooler"))
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    with pytest.raises(ReproError, match="device 'cuda' is not available here"):
        pick_device("cuda")


def test_one_of_several_gpus_is_named_by_its_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    monkeypatch.setattr("torch.cuda.device_count", lambda: 2)
    assert [pick_device(name) for name in ("auto", "cuda", "cuda:1")] == ["cuda", "cuda", "cuda:1"]
    with pytest.raises(ReproError, match="device 'cuda:2' is not available here; use cpu, cuda, cuda:0, cuda:1"):
        pick_device("cuda:2")


def test_half_a_character_is_named(tiny_bert: Path) -> None:
    # what no tokenizer takes; in a file it would not be UTF-8
    with pytest.raises(ReproError, match=r"'the \\ud800 cat' holds half of a character \(a lone surrogate\)"):
        zoo.build(str(tiny_bert), device="cpu").encode(["a dog", "the \ud800 cat"])
