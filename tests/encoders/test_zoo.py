"""Names, settings and the recovered recipes."""

from pathlib import Path

import pytest

from repro.encoders import trained_here, zoo
from repro.encoders.recipe import FlowedRecipe, TransformerRecipe, WordVectorRecipe
from repro.errors import ReproError
from repro.published import ledger
from repro.results.signature import SYSTEM_FIELDS
from repro.revisions import PUBLIC, is_commit


def test_names_settings_and_paths(tmp_path: Path) -> None:
    assert zoo.recipe("all-minilm-l6-v2") == zoo.MINILM
    recipe = zoo.recipe("all-minilm-l6-v2,pooling=cls,layers=1+-1,max_length=64,normalize=true")
    assert isinstance(recipe, TransformerRecipe)
    assert (recipe.pooling, recipe.layers, recipe.max_length, recipe.normalize) == ("cls", (1, -1), 64, True)
    assert zoo.recipe("owner/model").weights == "owner/model"
    assert zoo.recipe("my.vec,tokens=whitespace,lowercase=true") == WordVectorRecipe("my.vec", "whitespace", True)
    assert isinstance(zoo.recipe(str(tmp_path)), TransformerRecipe)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("nonsense", "'nonsense' is not in the zoo"),
        ("all-minilm-l6-v2,pool=cls", "'pool=cls' is not a setting"),
        ("all-minilm-l6-v2,pooling=median", "pooling 'median' is unknown"),
        ("all-minilm-l6-v2,layers=last", "'last' is not a value for layers"),
        ("all-minilm-l6-v2,max_length=2", "max_length 2 leaves no room"),
        ("glove-avg,tokens=moses", "tokens 'moses' is unknown"),
        ("glove-avg,lowercase=maybe", "'maybe' is not a value for lowercase"),
        ("all-minilm-l6-v2,pooling=cls,layers", "pooling 'cls,layers' is unknown"),
        ("all-minilm-l6-v2,pooling=cls,", "pooling 'cls,' is unknown"),
        ("all-minilm-l6-v2,", "'' is not a setting"),
        ("all-minilm-l6-v2,,pooling=cls", "'' is not a setting"),
        ("all-minilm-l6-v2,pooling", "'pooling' is not a setting"),
    ],
)
def test_wrong_names_are_named(name: str, message: str) -> None:
    with pytest.raises(ReproError, match=message):
        zoo.recipe(name)


@pytest.mark.parametrize(
    "prompt", ["Instruct: given a claim, find its source\nQuery: ", "a,b", ", ", "query: ,", "x = 1, y=2: "]
)
def test_a_prompt_may_have_commas(prompt: str) -> None:
    for name in (f"owner/model,prompt={prompt}", f"owner/model,prompt={prompt},pooling=cls"):
        recipe = zoo.recipe(name)
        assert isinstance(recipe, TransformerRecipe)
        assert recipe.prompt == prompt
    assert recipe.pooling == "cls"


# bert-as-service defaults (jina-ai/clip-as-service@1e4daa51), BERT-flow and BERT-whitening's first-last, SimCSE's
RECOVERED = {
    "bert-base-avg-service": ("mean", (-2,), 25),
    "bert-base-cls-service": ("cls", (-2,), 25),
    "bert-base-first-last-avg": ("mean", (1, -1), 64),
    "bert-base-embedding-last-avg": ("mean", (0, -1), None),
}


@pytest.mark.parametrize("name", RECOVERED)
def test_recovered_recipes(name: str) -> None:
    recipe = zoo.ZOO[name]
    assert isinstance(recipe, TransformerRecipe)
    assert (recipe.pooling, recipe.layers, recipe.max_length) == RECOVERED[name]


# every token as it is written: SentEval examples/bow.py
@pytest.mark.parametrize(
    ("name", "file"), [("glove-840b-bow", "glove.840B.300d.txt"), ("fasttext-bow", "crawl-300d-2M.vec")]
)
def test_sentevals_bags_of_words(name: str, file: str) -> None:
    recipe = zoo.ZOO[name]
    assert isinstance(recipe, WordVectorRecipe)
    assert (recipe.weights, recipe.tokens, recipe.lowercase) == (file, "whitespace", False)


# the paper's Table 7 has two levels, its code's default (config_l3_d3_w32) three
@pytest.mark.parametrize(("kind", "levels"), [("flow", 2), ("flow3", 3)])
def test_flows_of_two_and_of_three_levels(kind: str, levels: int) -> None:
    for base in ("bert-base", "sbert-nli-base", "minilm-avg"):
        nli, target = (zoo.ZOO[f"{base}-{kind}-{source}"] for source in ("nli", "target"))
        assert isinstance(nli, FlowedRecipe)
        assert isinstance(target, FlowedRecipe)
        assert (nli.levels, nli.epochs, nli.learning_rate) == (levels, 0.15, 2e-5)
        assert (target.levels, target.epochs, target.learning_rate, target.batch_size) == (levels, 1, 1e-3, 32)


def test_a_recipes_fields_describe_a_system_and_keep_no_scores_apart() -> None:
    for name, recipe in zoo.ZOO.items():
        assert set(recipe.signature()) <= SYSTEM_FIELDS, name


def test_every_known_revision_is_a_commit_of_a_model_of_the_zoo() -> None:
    ids = {recipe.weights for recipe in zoo.ZOO.values()}
    for name, public in PUBLIC.items():
        # beside the zoo's: a base of trainings, and one that MTEB has numbers of
        if public.kind == "model":
            assert name in ids | {"FacebookAI/roberta-large", "sentence-transformers/all-mpnet-base-v2"}
        assert is_commit(public.revision)
        assert public.source


def test_models_are_pinned_where_public_code_names_their_revision() -> None:
    for recipe in zoo.ZOO.values():
        base = recipe.plain
        if isinstance(base, TransformerRecipe):
            assert base.revision == (PUBLIC[base.weights].revision if base.weights in PUBLIC else None)
            open_one = not base.revision and base.weights not in trained_here.MADE_BY
            assert recipe.plain.unpinned == (base.weights if open_one else "")
    assert zoo.ROBERTA_LARGE.revision == "722cf37b1afa9454edce342e7895e588b6ff1d59"
    assert zoo.recipe("princeton-nlp/sup-simcse-roberta-base,pooling=cls").revision == (  # type: ignore[union-attr]
        "4bf73c6b5df517f74188c5e9ec159b2208c89c08"
    )
    assert zoo.ZOO["unsup-simcse-bert-base"].plain.unpinned == "princeton-nlp/unsup-simcse-bert-base-uncased"


@pytest.mark.parametrize("name", ["x" * 5000, "~nobody-of-this-name/x/y"])
def test_names_that_no_path_can_have(name: str) -> None:
    with pytest.raises(ReproError, match="is not in the zoo"):
        zoo.recipe(name)


@pytest.mark.parametrize("name", ["a\0b", "./a\rb", "./a\x85b", "./a\ud800b", "all-minilm-l6-v2,prompt=a\r\nb"])
def test_names_that_no_table_can_keep(name: str) -> None:
    with pytest.raises(ReproError, match=r"the name '.*' holds '.*', which no table can keep"):
        zoo.recipe(name)


def test_the_ledgers_recipes_are_in_the_zoo() -> None:
    for line in ledger.read_csv(ledger.FOLDER / "recipes.csv"):
        assert line["recipe"] in zoo.ZOO


def test_files_of_this_machine_have_no_revision(tmp_path: Path) -> None:
    for name in (str(tmp_path), "scratch-cls"):
        with pytest.raises(ReproError, match=r"is on this machine and has no revisions; leave out revision=main"):
            zoo.recipe(f"{name},revision=main")
    assert zoo.recipe("owner/model,revision=main").plain == TransformerRecipe("owner/model", "main")


@pytest.mark.parametrize("name", ["all-MiniLM-L6-v2", "all-minilm-l6v2", "Minilm-AVG"])
def test_a_slip_in_a_name_is_answered_with_the_nearest_one(name: str) -> None:
    near = "minilm-avg" if name.startswith("Min") else "all-minilm-l6-v2"
    with pytest.raises(ReproError, match=f"no folder, file or hub id; did you mean {near}?"):
        zoo.recipe(name)
