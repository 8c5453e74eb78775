"""Recipes as the papers' code had them: settings, revisions, and what the notes say where two readings are possible."""

from __future__ import annotations

import math

import pytest

from repro import tables
from repro.data import hub
from repro.encoders import zoo
from repro.encoders.recipe import TransformerRecipe, WordVectorRecipe
from repro.revisions import PUBLIC
from repro.tables.spec import Row
from repro.training import selection, setups, trainer
from repro.training.contrastive import ContrastiveRecipe


def row(table: str, slug: str) -> Row:
    (found,) = (row for row in tables.get(table).rows if row.slug == slug)
    return found


# Tables 5 and E.1: SentEval's examples/bow.py, every token as written; Table 1: Sentence-BERT's tokeniser
@pytest.mark.parametrize(
    ("table", "slug", "file", "tokens"),
    [
        ("sbert-5", "glove-840b-bow", "glove.840B.300d.txt", "whitespace"),
        ("sbert-5", "fasttext-bow", "crawl-300d-2M.vec", "whitespace"),
        ("simcse-e1", "glove-840b-bow", "glove.840B.300d.txt", "whitespace"),
        ("senteval-3", "glove-840b-bow", "glove.840B.300d.txt", "whitespace"),
        ("senteval-3", "fasttext-bow", "crawl-300d-2M.vec", "whitespace"),
        ("sbert-1", "glove-avg", "glove.6B.300d.txt", "sbert"),
    ],
)
def test_rows_of_word_vectors(table: str, slug: str, file: str, tokens: str) -> None:
    recipe = row(table, slug).system.bases()[0]
    assert isinstance(recipe, WordVectorRecipe)
    assert (recipe.weights, recipe.tokens, recipe.lowercase) == (file, tokens, False)


# BERT-flow's own tables have two levels (its Table 7); SimCSE's ran the code's default (Appendix C), three
LEVELS = {
    "flow-2": 2,
    "flow-3": 2,
    "flow-4": 2,
    "flow-5": 2,
    "flow-6": 2,
    "flow-8": 2,
    "whitening-1": 2,
    "whitening-2": 2,
    "simcse-5": 3,
    "simcse-b2": 3,
}
LEVELS |= {"simcse-b3": 2, "simcse-c1": 3}


@pytest.mark.parametrize(("table", "levels"), LEVELS.items())
def test_levels_of_the_flows_in_each_table(table: str, levels: int) -> None:
    flows = [row.system.recipe for row in tables.get(table).rows if row.system.legend == "flow"]
    assert {recipe.levels for recipe in flows} == {levels}
    # run_siamese.py: one pass at 1e-3 on the target, 0.15 epochs at 2e-5 on NLI; a year's passes are the code's own
    expected = {"target": (1, 1e-3, None), "nli": (0.15, 2e-5, None), "nli-sample": (0.15, 2e-5, None)}
    for recipe in flows:
        assert (recipe.epochs, recipe.learning_rate, recipe.passes) == expected[recipe.source]


def looks(name: str, examples: int) -> list[int]:
    recipe = setups.SETUPS[name]
    steps = math.ceil(examples / recipe.batch_size)
    return [step for step in range(1, steps * recipe.epochs + 1) if trainer.looks(step, steps, recipe)]


# training_stsbenchmark.py, training_nli_bert.py, training_wikipedia_sections.py (v0.2.3), SimCSE's run_*.sh
@pytest.mark.parametrize(
    ("name", "select", "examples", "first", "last"),
    [
        ("stsb", "stsb-dev", 5749, [360, 720], [1080, 1440]),
        ("nli-stsb", "stsb-dev", 5749, [360, 720], [1080, 1440]),
        ("nli", "stsb-dev", 942_069, [1000, 2000], [58_000, 58_880]),
        ("wikisec", "wikisec-dev", 1_779_417, [1000, 2000], [111_000, 111_214]),
        ("unsup-simcse", "stsb-dev-senteval", 1_000_000, [125, 250], [15_500, 15_625]),
        ("sup-simcse", "stsb-dev-senteval", 275_601, [125, 250], [1375, 1500]),
    ],
)
def test_what_a_training_is_selected_on_and_when(
    name: str, select: str, examples: int, first: list[int], last: list[int]
) -> None:
    found = looks(name, examples)
    assert setups.SETUPS[name].select == select
    assert (found[:2], found[-2:]) == (first, last)
    assert selection.TRIPLETS == 1000


def test_the_optimiser_of_each_release_can_be_chosen() -> None:
    later = setups.setup("stsb")
    assert (later.epsilon, later.bias_correction, later.batch_size, later.root.max_length) == (1e-6, False, 16, 128)
    first = setups.setup("stsb,batch_size=32,max_length=64,epsilon=1e-8,bias_correction=true")
    assert (first.epsilon, first.bias_correction, first.batch_size, first.root.max_length) == (1e-8, True, 32, 64)
    assert (first.learning_rate, first.epochs, first.data) == (later.learning_rate, later.epochs, later.data)
    assert setups.setup("nli-stsb,max_length=64").root.max_length == 64
    for text in ("nli", "stsb", "cross-stsb", "wikisec"):
        assert (setups.SETUPS[text].epsilon, setups.SETUPS[text].bias_correction) == (1e-6, False)
    assert (setups.UNSUP_SIMCSE.epsilon, setups.UNSUP_SIMCSE.bias_correction) == (1e-8, True)  # Hugging Face's AdamW


# Table A.1 and README (princeton-nlp/SimCSE@49fa580): base, (batch, learning rate) unsupervised and supervised
BASES = [
    ("google-bert/bert-base-uncased", (64, 3e-5), (512, 5e-5)),
    ("google-bert/bert-large-uncased", (64, 1e-5), (512, 1e-5)),
    ("FacebookAI/roberta-base", (512, 1e-5), (512, 5e-5)),
    ("FacebookAI/roberta-large", (512, 3e-5), (512, 1e-5)),
    ("owner/another", (64, 3e-5), (512, 5e-5)),
]


@pytest.mark.parametrize(("base", "unsup", "sup"), BASES)
def test_simcses_settings_of_each_base(base: str, unsup: tuple[int, float], sup: tuple[int, float]) -> None:
    for name, expected in (("unsup-simcse", unsup), ("sup-simcse", sup)):
        found = setups.setup(name, TransformerRecipe(base, pooling="mean", layers=(0, -1), max_length=9))
        assert isinstance(found, ContrastiveRecipe)
        assert (found.batch_size, found.learning_rate) == expected
        assert (found.root.pooling, found.root.layers, found.root.max_length) == ("cls", None, None)
        assert (found.temperature, found.train_length, found.warmup, found.weight_decay) == (0.05, 32, 0, 0)
    own = setups.setup("unsup-simcse,batch_size=8", TransformerRecipe(base))
    assert (own.batch_size, own.learning_rate) == (8, unsup[1])  # what the user says goes before the table


# revisions that public code names
MODELS = {
    "google-bert/bert-base-uncased": "86b5e0934494bd15c9632b12f734a8a67f723594",
    "google-bert/bert-large-uncased": "6da4b6a26a1877e173fca3225479512db81a5e5b",
    "FacebookAI/roberta-base": "e2da8e2f811d1448a5b465c236feacd80ffbac7b",
    "FacebookAI/roberta-large": "722cf37b1afa9454edce342e7895e588b6ff1d59",
    "princeton-nlp/sup-simcse-roberta-base": "4bf73c6b5df517f74188c5e9ec159b2208c89c08",
    "princeton-nlp/sup-simcse-roberta-large": "96d164d9950b72f4ce179cb1eb3414de0910953f",
    "princeton-nlp/unsup-simcse-roberta-base": "db28710348cf9f33a2be25c505f98f0fbbbfe768",
    "princeton-nlp/unsup-simcse-roberta-large": "d3f863b476c59b0673264042f159cea15842e265",
}
DATA = {
    "princeton-nlp/datasets-for-simcse": "e145e8bb659b2aa2669f32ef79cb4cdef6c58fef",
    "sentence-transformers/wikipedia-sections": "576bb61f0fc9ebc728b742f91bd5c81cb7d92c71",
    "stanfordnlp/snli": "cdb5c3d5",
    "nyu-mll/multi_nli": "da70db2a",
}


def test_revisions_are_those_that_public_code_names() -> None:
    assert MODELS.items() <= {name: public.revision for name, public in PUBLIC.items()}.items()
    pinned = {name: public.revision for name, public in PUBLIC.items() if public.kind == "dataset"}
    assert pinned.keys() == DATA.keys() == {hub.SIMCSE, hub.SECTIONS, *(repo for repo, _ in hub.NLI_FILES.values())}
    assert all(pinned[name].startswith(revision) and len(pinned[name]) == 40 for name, revision in DATA.items())
    assert hub.SECTIONS_CONFIG == "triplet"


# princeton-nlp's checkpoints: [CLS] before the pooler, or through the MLP that stands in the pooler's place
@pytest.mark.parametrize("size", ["bert-base", "roberta-base", "roberta-large"])
@pytest.mark.parametrize(("kind", "pooling"), [("unsup", "cls"), ("sup", "pooler")])
def test_poolings_of_simcses_checkpoints(size: str, kind: str, pooling: str) -> None:
    found = zoo.ZOO[f"{kind}-simcse-{size}"]
    assert isinstance(found, TransformerRecipe)
    assert (found.pooling, found.layers, found.max_length) == (pooling, None, None)


# table, and what its notes say of another reading, or of numbers that the paper's words would mislead about
NOTES = [
    ("sbert-1", "Avg. GloVe: Sentence-BERT's own tokenisation, which drops stop words"),
    ("sbert-5", "SentEval's own bag of words (examples/bow.py), every token as it is written"),
    ("sbert-5", "whose tokeniser drops stop words, and with them TREC's question words"),
    ("sbert-2", "v0.1.0 had 32, 64 tokens, ε 1e-8 and the correction"),
    ("sbert-4", "batch_size=32,max_length=64,epsilon=1e-8,bias_correction=true"),
    ("sbert-6", "v0.2.0 to v0.2.2 left the softmax classifier as it was drawn (17a550d0; "),
    ("sbert-4", "the first 1,000 validation triplets, every 1,000 steps"),
    *((table, "`passes` sets another number") for table in ("flow-2", "flow-3", "whitening-1", "whitening-2")),
    *((table, "its code's default is three levels") for table in ("flow-2", "whitening-1")),
    *((table, "no bias correction, ε 1e-6, decay 0.01") for table in ("flow-2", "whitening-1")),
    *((table, "the 275,601 triplets that have a contradiction too") for table in ("simcse-5", "simcse-6")),
    *((table, "Text of STS-B and SICK as in SentEval's files") for table in ("simcse-5", "simcse-6", "simcse-b2")),
    ("flow-5", "the other reading stands beyond the paper"),
    ("senteval-3", "no prediction is below 1 (SentEval#83)"),
    ("senteval-3", "score the same pairs by cosine"),
    ("senteval-3", "COCO, SentEval's image-caption retrieval, is left out"),
    ("simcse-5", "at that code's default of three levels"),
]


@pytest.mark.parametrize(("table", "words"), NOTES)
def test_notes_name_the_other_reading(table: str, words: str) -> None:
    assert sum(words in note for note in tables.get(table).notes) == 1
