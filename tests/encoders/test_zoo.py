"""Names, settings and the recovered recipes."""

from pathlib import Path

import pytest

from repro import ledger
from repro.encoders import zoo
from repro.encoders.recipe import TransformerRecipe, WordVectorRecipe
from repro.errors import ReproError


def test_names_settings_and_paths(tmp_path: Path) -> None:
    assert zoo.recipe("all-minilm-l6-v2") == zoo.MINILM
    found = zoo.recipe("all-minilm-l6-v2,pooling=cls,layers=1+-1,max_length=64,normalize=true")
    assert isinstance(found, TransformerRecipe)
    assert (found.pooling, found.layers, found.max_length, found.normalize) == ("cls", (1, -1), 64, True)
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
    ],
)
def test_wrong_names_are_named(name: str, message: str) -> None:
    with pytest.raises(ReproError, match=message):
        zoo.recipe(name)


# bert-as-service defaults (jina-ai/clip-as-service@1e4daa51), BERT-flow and BERT-whitening's first-last, SimCSE's
RECOVERED = {
    "bert-base-avg-service": ("mean", (-2,), 25),
    "bert-base-cls-service": ("cls", (-2,), 25),
    "bert-base-first-last-avg": ("mean", (1, -1), 64),
    "bert-base-embedding-last-avg": ("mean", (0, -1), None),
}


@pytest.mark.parametrize("name", RECOVERED)
def test_recovered_recipes(name: str) -> None:
    found = zoo.ZOO[name]
    assert isinstance(found, TransformerRecipe)
    assert (found.pooling, found.layers, found.max_length) == RECOVERED[name]


def test_the_ledgers_recipes_are_in_the_zoo() -> None:
    for line in ledger.read_csv(ledger.FOLDER / "recipes.csv"):
        assert line["recipe"] in zoo.ZOO
