"""The zoo: short names → recipes, and recipes → encoders."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from pathlib import Path
from unicodedata import category

import numpy as np

from repro.encoders import weights
from repro.encoders.gate import checked
from repro.encoders.known import remember
from repro.encoders.overrides import override
from repro.encoders.own import is_object
from repro.encoders.ready import Ready, ReadyTransformer, ReadyWordVectors
from repro.encoders.recipe import (
    BaseRecipe,
    FlowedRecipe,
    Recipe,
    TransformerRecipe,
    WhitenedRecipe,
    WordVectorRecipe,
)
from repro.encoders.weights import resolve
from repro.errors import ReproError
from repro.revisions import PUBLIC


def hub(weights: str, pooling: str | None = None) -> TransformerRecipe:
    """A model of the hub, at the revision that public code names for it (revisions.csv), where one is known."""
    public = PUBLIC.get(weights)
    return TransformerRecipe(weights, public.revision if public else None, pooling)


BERT_BASE = hub("google-bert/bert-base-uncased")
BERT_LARGE = hub("google-bert/bert-large-uncased")
ROBERTA_BASE = hub("FacebookAI/roberta-base")
ROBERTA_LARGE = hub("FacebookAI/roberta-large")
# bert-as-service's defaults: the layer before the last, 25 tokens (jina-ai/clip-as-service@1e4daa51 README)
BERT_AS_SERVICE = replace(BERT_BASE, layers=(-2,), max_length=25)
SBERT_NLI_BASE = hub("sentence-transformers/bert-base-nli-mean-tokens")
SBERT_NLI_LARGE = hub("sentence-transformers/bert-large-nli-mean-tokens")
SROBERTA_NLI_BASE = hub("sentence-transformers/roberta-base-nli-mean-tokens")
MINILM = hub("sentence-transformers/all-MiniLM-L6-v2")
MPNET = hub("sentence-transformers/all-mpnet-base-v2")
SCRATCH_BERT = TransformerRecipe("scratch-bert", max_length=128)  # of trained_here.py: nobody has tuned it

ZOO: dict[str, Recipe] = {
    "glove-avg": WordVectorRecipe("glove.6B.300d.txt"),
    # SentEval's own bag of words: every token as it is written (SentEval examples/bow.py)
    "glove-840b-bow": WordVectorRecipe("glove.840B.300d.txt", tokens="whitespace"),
    "fasttext-bow": WordVectorRecipe("crawl-300d-2M.vec", tokens="whitespace"),
    "glove-840b-sick-whitespace": WordVectorRecipe("glove.840B.300d.sick.txt", tokens="whitespace"),
    "glove-840b-sick-whitespace-lower": WordVectorRecipe(
        "glove.840B.300d.sick.txt", tokens="whitespace", lowercase=True
    ),
    "glove-840b-sick-sbert": WordVectorRecipe("glove.840B.300d.sick.txt", tokens="sbert"),
    "glove-6b-50d-whitespace": WordVectorRecipe("glove.6B.50d.npy", tokens="whitespace"),
    "glove-6b-50d-whitespace-lower": WordVectorRecipe("glove.6B.50d.npy", tokens="whitespace", lowercase=True),
    "glove-6b-50d-sbert": WordVectorRecipe("glove.6B.50d.npy", tokens="sbert"),
    "bert-base-cls-service": replace(BERT_AS_SERVICE, pooling="cls"),
    "bert-base-avg-service": replace(BERT_AS_SERVICE, pooling="mean"),
    "bert-base-token-embeddings": replace(BERT_BASE, pooling="static"),
    "bert-base-cls": replace(BERT_BASE, pooling="cls"),
    "bert-base-avg": replace(BERT_BASE, pooling="mean"),
    "bert-base-embedding-last-avg": replace(BERT_BASE, pooling="mean", layers=(0, -1)),
    "sbert-nli-base": SBERT_NLI_BASE,
    "sbert-nli-large": SBERT_NLI_LARGE,
    "sroberta-nli-base": SROBERTA_NLI_BASE,
    "sroberta-nli-large": hub("sentence-transformers/roberta-large-nli-mean-tokens"),
    "sbert-nli-stsb-base-released": hub("sentence-transformers/bert-base-nli-stsb-mean-tokens"),
    "sbert-nli-stsb-large-released": hub("sentence-transformers/bert-large-nli-stsb-mean-tokens"),
    "sbert-wikisec-base-released": hub("sentence-transformers/bert-base-wikipedia-sections-mean-tokens"),
    "minilm-token-embeddings": replace(MINILM, pooling="static"),
    "minilm-cls": replace(MINILM, pooling="cls"),
    "minilm-avg": replace(MINILM, pooling="mean"),
    "minilm-max": replace(MINILM, pooling="max"),
    "minilm-first-last-avg": replace(MINILM, pooling="mean", layers=(1, -1)),
    "minilm-top2-avg": replace(MINILM, pooling="mean", layers=(-1, -2)),
    "all-minilm-l6-v2": MINILM,
    "scratch-bert": replace(SCRATCH_BERT, pooling="mean"),
    "scratch-token-embeddings": replace(SCRATCH_BERT, pooling="static"),
    "scratch-cls": replace(SCRATCH_BERT, pooling="cls"),
    "scratch-avg": replace(SCRATCH_BERT, pooling="mean"),
    "scratch-max": replace(SCRATCH_BERT, pooling="max"),
    "scratch-first-last-avg": replace(SCRATCH_BERT, pooling="mean", layers=(1, -1)),
    "mpnet-cls": replace(MPNET, pooling="cls"),
    "mpnet-avg": replace(MPNET, pooling="mean"),
    "mpnet-first-last-avg": replace(MPNET, pooling="mean", layers=(1, -1)),
    "mpnet-top2-avg": replace(MPNET, pooling="mean", layers=(-1, -2)),
    "all-mpnet-base-v2": MPNET,
    "roberta-base-embedding-last-avg": replace(ROBERTA_BASE, pooling="mean", layers=(0, -1)),
    "bert-large-avg": replace(BERT_LARGE, pooling="mean"),
    # evaluation.py:119-136 @49fa580: [CLS] before the pooler where that was for training only, else the pooler's output
    "unsup-simcse-bert-base": hub("princeton-nlp/unsup-simcse-bert-base-uncased", "cls"),
    "unsup-simcse-roberta-base": hub("princeton-nlp/unsup-simcse-roberta-base", "cls"),
    "unsup-simcse-roberta-large": hub("princeton-nlp/unsup-simcse-roberta-large", "cls"),
    "sup-simcse-bert-base": hub("princeton-nlp/sup-simcse-bert-base-uncased", "pooler"),
    "sup-simcse-roberta-base": hub("princeton-nlp/sup-simcse-roberta-base", "pooler"),
    "sup-simcse-roberta-large": hub("princeton-nlp/sup-simcse-roberta-large", "pooler"),
}


def _first_last(base: TransformerRecipe) -> TransformerRecipe:
    """Mean of layers 1 and last, 64 tokens: what BERT-flow calls last2avg and BERT-whitening first-last-avg."""
    return replace(base, pooling="mean", layers=(1, -1), max_length=64)


def _fitted(name: str, base: BaseRecipe, k: int, corpus: str = "nli") -> dict[str, Recipe]:
    """Whitening (all dimensions and k) and flow over a base, fitted on the corpus and on the target.

    Flow: one epoch at 1e-3 on the target, 0.15 epochs at 2e-5 on NLI (Li et al. 2020, §4); two levels (its Table 7), or
    as `flow3` the three of its code's default, which SimCSE's authors ran (SimCSE, Appendix C).
    """
    on_corpus = FlowedRecipe(base, corpus, epochs=0.15, learning_rate=2e-5)
    return {
        f"{name}-whitening-nli": WhitenedRecipe(base, corpus),
        f"{name}-whitening-{k}-nli": WhitenedRecipe(base, corpus, k),
        f"{name}-whitening-target": WhitenedRecipe(base),
        f"{name}-whitening-{k}-target": WhitenedRecipe(base, k=k),
        f"{name}-flow-nli": on_corpus,
        f"{name}-flow-target": FlowedRecipe(base),
        f"{name}-flow3-nli": replace(on_corpus, levels=3),
        f"{name}-flow3-target": FlowedRecipe(base, levels=3),
    }


_BASES = {
    "bert-base": (BERT_BASE, 256),
    "bert-large": (BERT_LARGE, 384),
    "roberta-base": (ROBERTA_BASE, 256),
    "sbert-nli-base": (SBERT_NLI_BASE, 256),
    "sbert-nli-large": (SBERT_NLI_LARGE, 384),
    "sroberta-nli-base": (SROBERTA_NLI_BASE, 256),
}
for _name, (_base, _k) in _BASES.items():
    ZOO[f"{_name}-first-last-avg"] = _first_last(_base)
    ZOO |= _fitted(_name, _first_last(_base), _k)
# the models of PyPI packages, which run without a hub: how their names in the zoo begin, and end
PACKAGED = {"minilm": "all-MiniLM-L6-v2", "mpnet": "all-mpnet-base-v2"}
PACKAGED_POOLINGS = {"avg": "mean", "cls": "CLS", "first-last-avg": "first-last", "top2-avg": "top-2"}
for _name in (f"{model}-{pooling}" for model in PACKAGED for pooling in PACKAGED_POOLINGS):
    ZOO |= _fitted(_name, ZOO[_name].plain, 256, "nli-sample")
# 85 of scratch-bert's 256 dimensions are the third that 256 are of BERT-base's 768
for _name in ("scratch-avg", "scratch-cls", "scratch-first-last-avg"):
    ZOO |= _fitted(_name, ZOO[_name].plain, 85, "nli-sample")


def split(name: str) -> tuple[str, list[str]]:
    """An encoder's name without its settings, and these. A comma that no `field=` follows is a prompt's own."""
    parts = name.split(",")
    bases = (",".join(parts[:count]) for count in range(len(parts), 1, -1))
    base = next((base for base in bases if os.path.exists(os.path.expanduser(base))), parts[0])
    settings = name[len(base) + 1 :]
    return base, re.split(r",(?=\w+=)", settings) if len(name) > len(base) else []


def recipe(name: str) -> Recipe:
    """The recipe of a zoo name, hub id, folder or word-vector file, with settings after commas.

    `all-minilm-l6-v2`, `owner/model,pooling=cls`, `./my-model,layers=1+-1`, `glove.6B.300d.txt,tokens=whitespace`.
    A comma may also be part of a file's or folder's name.
    """
    if odd := next((c for c in name if category(c) in ("Cc", "Cs") and c not in "\t\n"), ""):  # a prompt may have these
        raise ReproError(f"the name {name!a} holds {odd!a}, which no table can keep; leave it out, or rename the file")
    base, settings = split(name)
    if base in ZOO:
        return override(ZOO[base], settings)
    path = os.path.expanduser(base)  # isfile and isdir are False for what no path can be
    if os.path.isfile(path) or Path(path).suffix in (".txt", ".vec", ".gz", ".zip", ".npy"):
        return override(WordVectorRecipe(base), settings)
    if os.path.isdir(path) or base.count("/") == 1:
        return override(TransformerRecipe(base) if os.path.isdir(path) else hub(base), settings)
    if is_object(base):
        raise ReproError(
            f"{base} is an object of your own, which takes no settings, no map and no training; name it alone, or an "
            "encoder by its zoo name, folder or hub id"
        )
    near = get_close_matches(base.lower(), ZOO, 1)
    hint = f"did you mean {near[0]}?" if near else "see `repro list encoders`"
    raise ReproError(f"{base!r} is not in the zoo and is no folder, file or hub id; {hint}")


def transformer(name: str) -> TransformerRecipe:
    """`recipe` of something that can be trained; ReproError for word vectors and maps."""
    base = recipe(name).trainable
    if base is None:
        raise ReproError(f"{name} is made of word vectors or maps another encoder; --base wants a transformer")
    return base


@dataclass(frozen=True)
class Locator:
    """Finds the files of a recipe, or downloads them."""

    data_dir: Path | None
    offline: bool

    def transformer(self, recipe: TransformerRecipe) -> Ready:
        """In a folder, a package, the hub's cache or on the hub."""
        resolved = resolve(recipe, self.offline)
        filled, layout = resolved.recipe, resolved.layout
        backbone = (resolved.folder, filled.max_length, layout.lowercase, filled.prompt, layout.tokenizer)
        revision = filled.revision or ""
        return ReadyTransformer(filled, resolved.sha256, revision, backbone, resolved.identity, resolved)

    def word_vectors(self, recipe: WordVectorRecipe) -> Ready:
        """At its path, below `vectors/` of the data folders, or in a package."""
        from repro.encoders.word_vectors import find_vectors

        vectors = find_vectors(recipe, self.data_dir)
        return ReadyWordVectors(recipe, vectors.sha256, "", vectors.files, vectors.sha256, vectors)


def locate(recipe: BaseRecipe, data_dir: Path | None = None, offline: bool = False) -> Ready:
    """Find or download the recipe's files; NotAvailable says why they cannot be had. torch is not imported."""
    return recipe.accept(Locator(data_dir, offline))


def download_size(recipe: BaseRecipe) -> int:
    """Bytes of an encoder's files on the hub that are not here, 0 where it is none of the hub's.

    NotAvailable when the hub cannot be asked.
    """
    transformer = recipe.trainable
    return weights.download_size(transformer) if transformer else 0


@dataclass
class Encoded:
    """Vectors of one recipe, float32 (n, d), and how many sentences had no known word."""

    vectors: np.ndarray
    zero_vectors: int = 0


class Group:
    """Encoders over one backbone; `encode` runs the sentences through once for all of them."""

    def __init__(self, members: Sequence[Ready], device: str = "auto", dtype: str = "float32") -> None:
        self.members = list(members)
        self.backbone = self.members[0].load(self.members, device, dtype)
        self.device = self.backbone.device
        if not self.backbone.late:
            self._refuse_replaced()
        for member in self.members:
            if member.revision:
                remember(member.recipe.weights, member.revision, member.identity)

    def _refuse_replaced(self) -> None:
        """ReproError where what was read is not what was located: its vectors would be kept as another model's."""
        for member in self.members:
            if member.identity_now != member.identity:
                raise ReproError(f"{member.recipe.weights} was replaced while it was read; run it again")

    def encode(self, sentences: Sequence[str]) -> list[Encoded]:
        """One Encoded a member, in the members' order; ReproError when a vector is not finite."""
        each = self.backbone.encode_each(sentences)
        if self.backbone.late:
            self._refuse_replaced()
        names = [member.recipe.weights for member in self.members]
        return [Encoded(*checked(vectors, sentences, name)) for vectors, name in zip(each, names, strict=True)]


def build(encoder: str | Recipe, device: str = "auto", dtype: str = "float32", offline: bool = False) -> Group:
    """An encoder ready to use: `zoo.build("all-minilm-l6-v2").encode(sentences)[0].vectors`."""
    if isinstance(encoder, str):
        encoder = recipe(encoder)
    if encoder.fitted:
        raise ReproError(
            f"a map over {encoder.weights} is fitted on sentences; encode with repro.load_encoder, which knows which"
        )
    return Group([locate(encoder.plain, offline=offline)], device, dtype)
