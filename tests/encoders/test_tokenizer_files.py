"""Which files a tokenizer needs and what it may give: sentence-transformers' vectors, or a refusal by name."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import transformers
from tokenizers.pre_tokenizers import ByteLevel

from repro.encoders import zoo
from repro.errors import ReproError
from tests.conftest import write_json
from tests.encoders.folders import config_of, theirs

TEXTS = ["the cat sits", "a dog on the mat", "猫 は 犬"]
LETTERS = [*"abcdefghijklmnopqrstuvwxyz", *(f"{letter}</w>" for letter in "abcdefghijklmnopqrstuvwxyz")]
WORDS = ["the", "cat", "sits", "a", "dog", "on", "mat", "猫", "は", "犬"]
MARKS = ["<s>", "<pad>", "</s>", "<unk>", "<mask>", "<cls>", "<sep>", "<|endoftext|>"]
BERTS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "[QUESTION]", "."]
# classes of transformers 5 that save tokenizer.json alone, and do not name it among the files of their vocabulary
WHOLE: dict[str, tuple[list[str], bool]] = {  # the vocabulary, and whether merges belong to it
    "GPT2Tokenizer": ([*MARKS, *sorted(ByteLevel.alphabet())], True),
    "CodeGenTokenizer": ([*MARKS, *sorted(ByteLevel.alphabet())], True),
    "BlenderbotTokenizer": ([*MARKS, *sorted(ByteLevel.alphabet())], True),
    "HerbertTokenizer": ([*MARKS, *LETTERS], True),
    "FunnelTokenizer": ([*MARKS, *WORDS], False),
    "SplinterTokenizer": ([*BERTS, *WORDS], False),
}


def model(folder: Path) -> Path:
    transformers.set_seed(0)
    transformers.BertModel(config_of("bert")).save_pretrained(folder)
    return folder


def ours(folder: Path) -> np.ndarray:
    return zoo.build(str(folder), device="cpu").encode(TEXTS)[0].vectors


@pytest.mark.parametrize("name", WHOLE)
def test_the_whole_tokenizer_in_one_file(name: str, tmp_path: Path) -> None:
    folder, (words, merged) = model(tmp_path / "model"), WHOLE[name]
    merges = {"merges": []} if merged else {}
    tokenizer = getattr(transformers, name)(vocab={word: row for row, word in enumerate(words)}, **merges)
    if tokenizer.pad_token is None:
        tokenizer.pad_token = "<pad>"
    tokenizer.save_pretrained(folder)
    assert {path.name for path in folder.glob("*tok*")} == {"tokenizer.json", "tokenizer_config.json"}
    assert not list(folder.glob("*vocab*"))
    np.testing.assert_allclose(ours(folder), theirs(folder, TEXTS), atol=1e-5)


def test_a_vocabulary_that_one_kind_of_subwords_has_and_another_does_not(tmp_path: Path) -> None:
    """Japanese BERT's class names spiece.model, which only `subword_tokenizer_type` sentencepiece reads."""
    folder = model(tmp_path / "model")
    (folder / "vocab.txt").write_text("\n".join([*BERTS, *"thecasidogonm猫は犬"]) + "\n", encoding="utf-8")
    kinds = {"word_tokenizer_type": "basic", "subword_tokenizer_type": "character"}
    write_json(folder / "tokenizer_config.json", {"tokenizer_class": "BertJapaneseTokenizer", **kinds})
    np.testing.assert_allclose(ours(folder), theirs(folder, TEXTS), atol=1e-5)
    (folder / "vocab.txt").unlink()
    with pytest.raises(ReproError, match=str(folder)):
        ours(folder)


def test_what_a_tokenizer_gives_beside_ids_and_the_model_reads_is_not_left_out(tmp_path: Path) -> None:
    """RoCBert's tokenizer gives a shape and a pronunciation of each token; without them the model takes others."""
    folder, sizes = tmp_path / "model", {"shape_vocab_size": 60, "pronunciation_vocab_size": 60}
    config = transformers.RoCBertConfig(**config_of("bert", **sizes).to_dict())
    transformers.RoCBertModel(config).save_pretrained(folder)
    (folder / "vocab.txt").write_text("\n".join([*BERTS, *WORDS]) + "\n", encoding="utf-8")
    for name in ("word_shape", "word_pronunciation"):
        write_json(folder / f"{name}.json", {word: row + 3 for row, word in enumerate([*BERTS, *WORDS])})
    write_json(folder / "tokenizer_config.json", {"tokenizer_class": "RoCBertTokenizer"})
    with pytest.raises(ReproError, match="its tokenizer gives input_pronunciation_ids, input_shape_ids too"):
        ours(folder)
