"""Recipes of trainings: what identifies them, and which settings are refused."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace

import pytest

from repro.encoders.described import describe
from repro.encoders.recipe import TransformerRecipe
from repro.encoders.zoo import MINILM
from repro.errors import ReproError
from repro.evaluation.suite import Suite
from repro.results.signature import SYSTEM_FIELDS, Signature
from repro.training.contrastive import HARD, ContrastiveRecipe
from repro.training.data import SETS
from repro.training.recipe import TrainedRecipe
from repro.training.setups import SETUPS, UNSUP_SIMCSE, on, setup

# The first sixteen digits of the sha256 of each training's description and of its signature, as results were stored
# under them: whatever changes one of these makes every stored number of that training be computed again.
KEYS = {
    "nli": ("4aec94360aec6132", "086281df23dccf75"),
    "nli-sample": ("33d5a2f555a953a2", "123344ca64f47973"),
    "stsb": ("91f8b11e1ba8747f", "d4ede0bc6ceb8434"),
    "nli-stsb": ("2987558eab25078a", "6a3df590af7b0461"),
    "cross-stsb": ("bea0309fbfc7da05", "64fe5bf336d38df0"),
    "cross-nli-stsb": ("68fd5e4b481e89a3", "e29dcf78678b120c"),
    "wikisec": ("f4207b2246f1d8f5", "aeb3dee55cd50dfa"),
    "unsup-simcse": ("ca4881f91e2c1a3b", "54ff102970a1ce89"),
    "sup-simcse": ("70d446764afc0cc0", "eb4e9e0230e139c9"),
    "unsup-simcse-sample": ("5fa97ebcc6646ad7", "07e0ab734d25b182"),
    "sup-simcse-sample": ("cbd95d23140043de", "ef0aaf835689d559"),
    "mlm-base": ("2a53358c8d87fa9f", "3fc78b08650f10ad"),
}


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def key(recipe: TrainedRecipe) -> str:
    return json.dumps(describe(recipe), sort_keys=True)


def signature(recipe: TrainedRecipe) -> str:
    return str(Signature("x", {}, recipe.signature(), ""))


@pytest.mark.parametrize("name", KEYS)
def test_what_identifies_a_training_stays_as_it_was(name: str) -> None:
    recipe = SETUPS[name]
    assert (digest(key(recipe)), digest(signature(recipe))) == KEYS[name]


def test_a_training_that_goes_on_from_simcse_is_identified_as_before() -> None:
    stacked = replace(SETUPS["stsb"], base=SETUPS["sup-simcse"])
    base = describe(stacked)["base"]
    assert isinstance(base, dict)
    expected = describe(SETUPS["sup-simcse"])
    assert base == {name: value for name, value in expected.items() if name != "kind"}


# settings, and what they leave in the signature
CHANGED = [
    ("augment=crop,rate=0.1", "augment:crop,0.1"),
    ("augment=delete-one", "augment:delete-one"),
    ("dropout=0.2", "dropout:0.2"),
    ("dropout=0", "dropout:0"),
    ("dropout=fixed", "dropout:fixed"),
    ("encoders=2", "encoders:2"),
    ("similarity=dot,temperature=1", "trainsim:dot"),
    ("mlm=0.1", "mlm:0.1,untied"),
]


@pytest.mark.parametrize(("settings", "field"), CHANGED)
def test_a_setting_of_an_ablation_is_in_key_and_signature(settings: str, field: str) -> None:
    recipe = setup(f"unsup-simcse,{settings}")
    assert key(recipe) != key(UNSUP_SIMCSE)
    assert field in signature(recipe).split("|")
    assert recipe.signature().keys() <= SYSTEM_FIELDS
    assert field in signature(on(recipe, MINILM)).split("|")  # another base keeps it


def test_hard_negatives_are_weighted_where_there_are_any() -> None:
    assert "hardweight:0.5" in signature(setup("sup-simcse,hard_weight=0.5")).split("|")
    for name in SETS:
        if name in HARD:
            replace(UNSUP_SIMCSE, data=name, hard_weight=0.5)
        else:
            with pytest.raises(ReproError, match=f"hard_weight 0.5: {name} has no hard negatives; leave it out"):
                replace(UNSUP_SIMCSE, data=name, hard_weight=0.5)


@pytest.mark.parametrize("name", [name for name in SETS if SETS[name][0] == "NLI"])
def test_the_sets_with_hard_negatives_are_those_of_more_than_pairs(name: str) -> None:
    if name != "nli":
        assert (len(Suite("mini").examples(name).columns) > 2) == (name in HARD)


def test_a_setting_at_its_default_is_the_same_training() -> None:
    recipe = setup("unsup-simcse,augment=none,encoders=1,hard_weight=1,similarity=cos,mlm=0")
    assert (key(recipe), signature(recipe)) == (key(UNSUP_SIMCSE), signature(UNSUP_SIMCSE))


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ("augment=shuffle", "augment 'shuffle' is unknown; choose from none, crop, delete"),
        ("augment=crop", "augment crop needs a rate between 0 and 1"),
        ("augment=crop,augment=delete,rate=0.1", "'augment=delete': augment is named twice; name it once"),
        ("augment=crop,rate=1", "augment crop needs a rate between 0 and 1"),
        ("rate=0.1", "augment none has no rate"),
        ("augment=delete-one,rate=0.1", "augment delete-one has no rate"),
        ("dropout=1", "dropout 1.0 must be 0, a probability from 1e-05 to 0.99999, or fixed"),
        ("dropout=-0.1", "dropout -0.1 must be 0, a probability"),
        ("dropout=0.999999", "dropout 0.999999 must be 0, a probability from 1e-05 to 0.99999"),
        ("dropout=1e-6", "dropout 1e-06 must be 0, a probability from 1e-05"),  # would be drawn as 0
        ("dropout=nan", "dropout nan must be 0, a probability"),
        ("dropout=none", "'none' is not a value for dropout"),
        ("dropout=fixed,augment=delete-one", "the same mask twice"),
        ("dropout=fixed,encoders=2", "the same mask twice"),
        ("encoders=3", "encoders 3 is unknown; choose from 1, 2"),
        ("hard_weight=0", "hard_weight 0 must be positive and finite"),
        ("similarity=l2", "similarity 'l2' is unknown; choose from cos, dot"),
        ("similarity=dot", "the dot product has no temperature"),
        ("mlm=-1", "mlm -1 must be a weight that is not negative"),
        ("mlm=nan", "mlm nan must be a weight that is not negative"),
    ],
)
def test_settings_that_are_refused(settings: str, why: str) -> None:
    with pytest.raises(ReproError, match=why):
        setup(f"unsup-simcse,{settings}")


def test_only_contrastive_training_has_a_head_and_a_temperature() -> None:
    with pytest.raises(ReproError, match="has no head and no temperature; use contrastive"):
        ContrastiveRecipe(TransformerRecipe("owner/model"), "stsb", "cosine")
    with pytest.raises(ReproError, match=r"'augment=crop' is not a setting of this training"):
        setup("stsb,augment=crop")
