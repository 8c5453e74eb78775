"""A model's word vectors in a row of a table: counted on a corpus, stored, and told apart from its sentence vectors."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from transformers import AutoModel, AutoTokenizer

from repro.encoders import zoo
from repro.encoders.recipe import TransformerRecipe
from repro.errors import ReproError
from repro.evaluation.config import Options
from repro.evaluation.plan import plan
from repro.evaluation.run import run
from repro.evaluation.suite import Suite
from repro.evaluation.words import WordVectors
from repro.tables import get
from repro.tasks import TASKS

MINI = Options(suite=Suite("mini"), device="cpu")


def test_words_are_counted_as_the_models_tokenizer_finds_them(tiny_bert: Path) -> None:
    text = ["The cat sits on the mat.", "The cat runs, the dog zzz☃."]
    counts, table = zoo.build(TransformerRecipe(str(tiny_bert), pooling="static"), "cpu").backbone.vocabulary(text)  # type: ignore[attr-defined]
    tokenizer = AutoTokenizer.from_pretrained(tiny_bert)
    ids = [i for sentence in text for i in tokenizer(sentence, add_special_tokens=False).input_ids]
    expected = Counter(i for i in ids if i != tokenizer.unk_token_id)
    assert {word: int(counts[word]) for word in np.flatnonzero(counts)} == expected
    assert expected[tokenizer.vocab["the"]] == 4
    weights = AutoModel.from_pretrained(tiny_bert).get_input_embeddings().weight.detach().numpy()
    np.testing.assert_array_equal(table, weights)


def test_a_row_of_word_vectors_is_measured_once(tiny_bert: Path) -> None:
    table = get("flow-1", "mini").with_encoders([str(tiny_bert)])
    system = table.rows[-1].system
    assert isinstance(system, WordVectors)
    table = replace(table, rows=table.rows[-1:])
    finished = run(plan(table, MINI))
    counts, vectors = zoo.build(system.base, "cpu").backbone.vocabulary(  # type: ignore[attr-defined]
        TASKS["words-stsb-100"].text(MINI.suite.load("words-stsb-100"))  # type: ignore[attr-defined]
    )
    norms = np.linalg.norm(vectors[np.argsort(-counts, kind="stable")[: min(100, np.count_nonzero(counts))]], axis=1)
    result = finished.stored[str(tiny_bert), "word-norm-100-stsb"]
    assert result.value == pytest.approx(norms.mean(), abs=1e-5)
    assert result.ci_low is not None
    assert "|metric:word-norm|ranks:0-99|pool:static|" in str(result.signature)
    assert "none from 500 on" in finished.why_not[str(tiny_bert), "word-norm-5k-stsb"]  # a vocabulary of 50
    assert not finished.refused
    assert plan(table, MINI).stored.keys() == finished.stored.keys()


def test_what_has_no_table_of_tokens_is_refused() -> None:
    with pytest.raises(ReproError, match="flow-1 measures a transformer's word vectors; name one"):
        get("flow-1").with_encoders(["glove-avg"])
    with pytest.raises(ReproError, match="flow-1 measures a transformer's word vectors; name one"):
        get("flow-1").with_encoders(["minilm-avg,post=whitening"])
