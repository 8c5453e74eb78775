"""The trainings of the papers, by name, on BERT-base; `on` puts another base under them.

Settings are those of Sentence-BERT's v0.2.3: NLI one epoch, STS-B four, batch 16, learning rate 2e-5, warm-up over
10 %, 128 tokens, Adam's ε 1e-6 without bias correction; the best model on STS-B's dev set is kept, looked at every
1,000 steps of an epoch and at its end (training_nli_bert.py:51-71). The paper does not name a release: v0.1.0 had
batches of 32, 64 tokens, ε 1e-8 and the correction (`batch_size=32,max_length=64,epsilon=1e-8,bias_correction=true`).
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from repro.encoders import zoo
from repro.encoders.overrides import apply
from repro.encoders.recipe import TransformerRecipe
from repro.encoders.zoo import BERT_BASE, BERT_LARGE, MINILM, ROBERTA_BASE, ROBERTA_LARGE
from repro.errors import ReproError
from repro.numerals import whole
from repro.training.contrastive import ContrastiveRecipe
from repro.training.data import UNLABELLED
from repro.training.recipe import MaskedRecipe, TrainedRecipe, override

ERA = (
    "Batch, length and optimiser are those of v0.2.3's examples: 16, 128 tokens, Adam's ε 1e-6 without bias "
    "correction. The paper names no release; v0.1.0 had 32, 64 tokens, ε 1e-8 and the correction (`repro train "
    "stsb,batch_size=32,max_length=64,epsilon=1e-8,bias_correction=true`), and v0.2.0 to v0.2.2 left the softmax "
    "classifier as it was drawn (17a550d0; `repro train nli,objective=softmax-drawn`)."
)
BASE = replace(BERT_BASE, pooling="mean", max_length=128)
LOOK = 1000

NLI = TrainedRecipe(BASE, "nli", "softmax", select_every=LOOK)
NLI_SAMPLE = replace(NLI, data="nli-sample")
STSB = TrainedRecipe(BASE, "stsb", "cosine", epochs=4, select_every=LOOK)
NLI_STSB = replace(STSB, base=NLI)
NLI_SAMPLE_STSB = replace(STSB, base=NLI_SAMPLE)
CROSS_NLI = TrainedRecipe(BASE, "nli", "cross-softmax")
CROSS_STSB = TrainedRecipe(BASE, "stsb", "cross-regression", epochs=4, select_every=LOOK)
CROSS_NLI_STSB = replace(CROSS_STSB, base=CROSS_NLI)
WIKISEC = TrainedRecipe(BASE, "wikisec", "triplet", select_every=LOOK, select="wikisec-dev")
# the paper does not say for how long: as for STS-B
AFS = TrainedRecipe(BASE, "held-out", "cosine", epochs=4)
CROSS_AFS = TrainedRecipe(BASE, "held-out", "cross-regression", epochs=4)

# SimCSE (Appendix A; run_unsup_example.sh, run_sup_example.sh @49fa580): [CLS] through a dense layer, 32 tokens in
# training and no limit at evaluation, no warm-up, no weight decay, AdamW as its trainer has it by default, a look at
# SentEval's STS-B dev every 125 steps of the training
SIMCSE_BASE = replace(BERT_BASE, pooling="cls")
UNSUP_SIMCSE = ContrastiveRecipe(
    SIMCSE_BASE,
    "wiki",
    "contrastive",
    batch_size=64,
    learning_rate=3e-5,
    warmup=0.0,
    weight_decay=0.0,
    epsilon=1e-8,
    bias_correction=True,
    select_every=125,
    select="stsb-dev-senteval",
    looks="training",
    head="mlp-train",
)
SUP_SIMCSE = replace(UNSUP_SIMCSE, data="simcse-nli", epochs=3, batch_size=512, learning_rate=5e-5, head="mlp")
# 187 and 8 steps an epoch: its end is a look too
UNSUP_SIMCSE_SAMPLE = replace(UNSUP_SIMCSE, data="wiki-sample", looks="epoch")
SUP_SIMCSE_SAMPLE = replace(SUP_SIMCSE, data="nli-sample-triplets", looks="epoch")
# A small BERT of nobody's: BERT's optimiser and dropout (Devlin et al. 2019, A.2), the learning rate that ELECTRA takes
# for this width (Clark et al. 2020, Table 6), and as in nine tenths of BERT's steps 128 tokens. all-MiniLM-L6-v2 has
# BERT's uncased vocabulary.
MLM_BASE = MaskedRecipe(
    MINILM,
    "pretraining",
    "masked",
    batch_size=32,
    learning_rate=5e-4,
    warmup=0.06,
    bias_correction=True,
    passes=24,
)
# What depends on the base, by objective. SimCSE's: (batch, learning rate) of each base, unsupervised and supervised
# (Table A.1; README @49fa580); others: BERT-base's
SETTINGS_BY_BASE: dict[str, dict[str, tuple[tuple[int, float], tuple[int, float]]]] = {
    "contrastive": {
        BERT_BASE.weights: ((64, 3e-5), (512, 5e-5)),
        BERT_LARGE.weights: ((64, 1e-5), (512, 1e-5)),
        ROBERTA_BASE.weights: ((512, 1e-5), (512, 5e-5)),
        ROBERTA_LARGE.weights: ((512, 3e-5), (512, 1e-5)),
    }
}

# settings after the name of a base that its training obeys, and those without an effect on what is trained, with why
OBEYED = ("pooling", "max_length")
IDLE = {
    "sentence": (("layers",), "is of the layers that the recipe says"),
    "contrastive": (("layers",), "is of the layers that the recipe says"),
    "cross": (("pooling", "layers", "normalize", "prompt"), "reads two sentences at once and pools nothing"),
    "language": ((*OBEYED, "layers", "normalize", "prompt"), "takes only the tokenizer of its base"),
}

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
    "nli-sample-stsb": NLI_SAMPLE_STSB,
    "cross-stsb": CROSS_STSB,
    "cross-nli-stsb": CROSS_NLI_STSB,
    "wikisec": WIKISEC,
    "unsup-simcse": UNSUP_SIMCSE,
    "sup-simcse": SUP_SIMCSE,
    "unsup-simcse-sample": UNSUP_SIMCSE_SAMPLE,
    "sup-simcse-sample": SUP_SIMCSE_SAMPLE,
    "mlm-base": MLM_BASE,
}


def on(recipe: TrainedRecipe, base: TransformerRecipe) -> TrainedRecipe:
    """The same training from another base, with the pooling, the layers and the length of the recipe's own.

    SimCSE's batch and learning rate depend on the base, so they change with it.
    """
    if recipe.before:
        return replace(recipe, base=on(recipe.before, base))
    own, settings = recipe.root, SETTINGS_BY_BASE.get(recipe.objective, {})
    if base.weights in settings:
        batch, rate = settings[base.weights][recipe.data not in UNLABELLED]
        recipe = replace(recipe, batch_size=batch, learning_rate=rate)
    return replace(recipe, base=replace(base, pooling=own.pooling, layers=own.layers, max_length=own.max_length))


def from_named(recipe: TrainedRecipe, name: str) -> TrainedRecipe:
    """`on` the encoder of that name, with the pooling and the length that stand after it: `./my-model,pooling=cls`.

    A name of the zoo stands for its model alone. ReproError names a setting that would have no effect.
    """
    base, named = zoo.transformer(name), named_settings(name)
    if why := idle(recipe, name):
        raise ReproError(why)
    started = on(recipe, base)
    obeyed: dict[str, Any] = {field: getattr(base, field) for field in OBEYED if field in named}
    return started.starting_from(replace(started.root, **obeyed))


def idle(recipe: TrainedRecipe, name: str) -> str:
    """Why a setting after the name of a base has no effect on the training; '' where all have one."""
    without_effect, why = IDLE[recipe.learner]
    idle = [setting for setting in named_settings(name) if setting in without_effect]
    return f"{name}: a training under the objective {recipe.objective} {why}; leave out {idle[0]}" if idle else ""


def named_settings(name: str) -> list[str]:
    """The settings that stand after the name of an encoder."""
    return [setting.partition("=")[0] for setting in zoo.split(name)[1]]


def pooled(recipe: TrainedRecipe, pooling: str) -> TrainedRecipe:
    """The same training with another pooling."""
    return recipe.starting_from(replace(recipe.root, pooling=pooling))


def setup(name: str, base: TransformerRecipe | str | None = None) -> TrainedRecipe:
    """The training of that name with settings after commas, `stsb,epochs=1`, from another base where one is given.

    `max_length` is the encoder's, all others are the last training's. Raises ReproError that lists the names there are.
    """
    key, *settings = name.split(",")
    if key not in SETUPS:
        raise ReproError(f"{key!r} is not a training; there are: {', '.join(SETUPS)}")
    recipe = SETUPS[key]
    if isinstance(base, str):
        recipe = from_named(recipe, base)
    elif base is not None:
        recipe = on(recipe, base)
    if recipe.learner == "language":  # it has nothing of its base but the tokenizer
        return override(recipe, settings)
    lengths = [setting for setting in settings if setting.startswith("max_length=")]
    if lengths and isinstance(base, str) and "max_length" in named_settings(base):
        raise ReproError(f"{lengths[0]!r}: max_length is named twice, after {base} too; name it once")
    recipe = recipe.starting_from(apply(recipe.root, lengths, {"max_length": whole}, "an encoder"))
    return override(recipe, [setting for setting in settings if setting not in lengths])
