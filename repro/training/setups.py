"""The trainings of the papers, by name, on BERT-base; `on` puts another base under them.

Settings are those of Sentence-BERT: NLI one epoch, STS-B four, batch 16, learning rate 2e-5, warm-up over 10 %, the
best model on STS-B's dev set kept every 1,000 steps (§3.1; basic_training_nli.py:53-65 @239fc1b7), 128 tokens (v0.2).
"""

from __future__ import annotations

from dataclasses import replace

from repro.encoders.recipe import TransformerRecipe
from repro.encoders.zoo import BERT_BASE
from repro.errors import ReproError
from repro.training.recipe import ContrastiveRecipe, TrainedRecipe, override

BASE = replace(BERT_BASE, pooling="mean", max_length=128)
LOOK = 1000

NLI = TrainedRecipe(BASE, "nli", "softmax", select_every=LOOK)
NLI_SAMPLE = replace(NLI, data="nli-sample")
STSB = TrainedRecipe(BASE, "stsb", "cosine", epochs=4, select_every=LOOK)
NLI_STSB = replace(STSB, base=NLI)
CROSS_NLI = TrainedRecipe(BASE, "nli", "cross-softmax")
CROSS_STSB = TrainedRecipe(BASE, "stsb", "cross-regression", epochs=4, select_every=LOOK)
CROSS_NLI_STSB = replace(CROSS_STSB, base=CROSS_NLI)
WIKISEC = TrainedRecipe(BASE, "wikisec", "triplet")
# the paper does not say for how long: as for STS-B
AFS = TrainedRecipe(BASE, "held-out", "cosine", epochs=4)
CROSS_AFS = TrainedRecipe(BASE, "held-out", "cross-regression", epochs=4)

# SimCSE (Appendix A; run_unsup_example.sh, run_sup_example.sh @49fa580): [CLS] through a dense layer, 32 tokens in
# training and no limit at evaluation, no warm-up, no weight decay (its trainer's defaults), a look every 125 steps
SIMCSE_BASE = replace(BERT_BASE, pooling="cls")
UNSUP_SIMCSE = ContrastiveRecipe(
    SIMCSE_BASE,
    "wiki",
    "contrastive",
    batch_size=64,
    learning_rate=3e-5,
    warmup=0.0,
    weight_decay=0.0,
    select_every=125,
    head="mlp-train",
)
SUP_SIMCSE = replace(UNSUP_SIMCSE, data="simcse-nli", epochs=3, batch_size=512, learning_rate=5e-5, head="mlp")
UNSUP_SIMCSE_SAMPLE = replace(UNSUP_SIMCSE, data="wiki-sample")
SUP_SIMCSE_SAMPLE = replace(SUP_SIMCSE, data="nli-sample-triplets")

# the seven concatenations of Table 6, by the name of their row
CONCATENATIONS: dict[str, tuple[str, ...]] = {
    "u,v": ("u", "v"),
    "diff": ("abs(u-v)",),
    "prod": ("u*v",),
    "diff,prod": ("abs(u-v)", "u*v"),
    "u,v,prod": ("u", "v", "u*v"),
    "u,v,diff": ("u", "v", "abs(u-v)"),
    "u,v,diff,prod": ("u", "v", "abs(u-v)", "u*v"),
}

SETUPS: dict[str, TrainedRecipe] = {
    "nli": NLI,
    "nli-sample": NLI_SAMPLE,
    "stsb": STSB,
    "nli-stsb": NLI_STSB,
    "cross-stsb": CROSS_STSB,
    "cross-nli-stsb": CROSS_NLI_STSB,
    "wikisec": WIKISEC,
    "unsup-simcse": UNSUP_SIMCSE,
    "sup-simcse": SUP_SIMCSE,
    "unsup-simcse-sample": UNSUP_SIMCSE_SAMPLE,
    "sup-simcse-sample": SUP_SIMCSE_SAMPLE,
}


def on(recipe: TrainedRecipe, base: TransformerRecipe) -> TrainedRecipe:
    """The same training from another base, with the pooling, the layers and the length of the recipe's own."""
    if isinstance(recipe.base, TrainedRecipe):
        return replace(recipe, base=on(recipe.base, base))
    own = recipe.base
    return replace(recipe, base=replace(base, pooling=own.pooling, layers=own.layers, max_length=own.max_length))


def pooled(recipe: TrainedRecipe, pooling: str) -> TrainedRecipe:
    """The same training with another pooling."""
    if isinstance(recipe.base, TrainedRecipe):
        return replace(recipe, base=pooled(recipe.base, pooling))
    return replace(recipe, base=replace(recipe.base, pooling=pooling))


def setup(name: str) -> TrainedRecipe:
    """The training of that name with settings after commas, `stsb,epochs=1`; ReproError lists the names there are."""
    base, *settings = name.split(",")
    if base not in SETUPS:
        raise ReproError(f"{base!r} is not a training; there are: {', '.join(SETUPS)}")
    return override(SETUPS[base], settings)
