"""The zoo: short names → recipes, and recipes → encoders."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from repro.encoders.recipe import Recipe, TransformerRecipe, WordVectorRecipe, override
from repro.encoders.weights import Resolved, resolve
from repro.errors import ReproError
from repro.files import sha256_file

BERT_BASE = TransformerRecipe("google-bert/bert-base-uncased", "86b5e0934494bd15c9632b12f734a8a67f723594")
BERT_LARGE = TransformerRecipe("google-bert/bert-large-uncased")
ROBERTA_BASE = TransformerRecipe("FacebookAI/roberta-base")
ROBERTA_LARGE = TransformerRecipe("FacebookAI/roberta-large")
# bert-as-service's defaults: the layer before the last, 25 tokens (jina-ai/clip-as-service@1e4daa51 README)
BERT_AS_SERVICE = replace(BERT_BASE, layers=(-2,), max_length=25)
MINILM = TransformerRecipe("sentence-transformers/all-MiniLM-L6-v2", "8b3219a92973c328a8e22fadcfa821b5dc75636a")

ZOO: dict[str, Recipe] = {
    "glove-avg": WordVectorRecipe("glove.6B.300d.txt"),
    "fasttext-avg": WordVectorRecipe("crawl-300d-2M.vec"),
    "glove-840b-sick-whitespace": WordVectorRecipe("glove.840B.300d.sick.txt", tokens="whitespace"),
    "glove-840b-sick-whitespace-lower": WordVectorRecipe(
        "glove.840B.300d.sick.txt", tokens="whitespace", lowercase=True
    ),
    "glove-840b-sick-sbert": WordVectorRecipe("glove.840B.300d.sick.txt", tokens="sbert"),
    "bert-base-cls-service": replace(BERT_AS_SERVICE, pooling="cls"),
    "bert-base-avg-service": replace(BERT_AS_SERVICE, pooling="mean"),
    "bert-base-cls": replace(BERT_BASE, pooling="cls"),
    "bert-base-avg": replace(BERT_BASE, pooling="mean"),
    "bert-base-first-last-avg": replace(BERT_BASE, pooling="mean", layers=(1, -1), max_length=64),
    "bert-base-embedding-last-avg": replace(BERT_BASE, pooling="mean", layers=(0, -1)),
    "sbert-nli-base": TransformerRecipe("sentence-transformers/bert-base-nli-mean-tokens"),
    "sbert-nli-large": TransformerRecipe("sentence-transformers/bert-large-nli-mean-tokens"),
    "sroberta-nli-base": TransformerRecipe("sentence-transformers/roberta-base-nli-mean-tokens"),
    "sroberta-nli-large": TransformerRecipe("sentence-transformers/roberta-large-nli-mean-tokens"),
    "sbert-nli-stsb-base-released": TransformerRecipe("sentence-transformers/bert-base-nli-stsb-mean-tokens"),
    "sbert-nli-stsb-large-released": TransformerRecipe("sentence-transformers/bert-large-nli-stsb-mean-tokens"),
    "sbert-wikisec-base-released": TransformerRecipe("sentence-transformers/bert-base-wikipedia-sections-mean-tokens"),
    "minilm-token-embeddings": replace(MINILM, pooling="static"),
    "minilm-cls": replace(MINILM, pooling="cls"),
    "minilm-avg": replace(MINILM, pooling="mean"),
    "minilm-max": replace(MINILM, pooling="max"),
    "minilm-first-last-avg": replace(MINILM, pooling="mean", layers=(1, -1)),
    "all-minilm-l6-v2": MINILM,
}


def recipe(name: str) -> Recipe:
    """The recipe of a zoo name, hub id, folder or word-vector file, with settings after commas.

    `all-minilm-l6-v2`, `owner/model,pooling=cls`, `./my-model,layers=1+-1`, `glove.6B.300d.txt,tokens=whitespace`.
    """
    base, *settings = name.split(",")
    if base in ZOO:
        return override(ZOO[base], settings)
    path = Path(base).expanduser()
    if path.is_file() or path.suffix in (".txt", ".vec", ".gz", ".zip"):
        return override(WordVectorRecipe(base), settings)
    if path.is_dir() or base.count("/") == 1:
        return override(TransformerRecipe(base), settings)
    raise ReproError(f"{base!r} is not in the zoo and is no folder, file or hub id; see `repro list encoders`")


@dataclass(frozen=True)
class Ready:
    """A recipe whose files are on this machine. `backbone` is equal where one forward pass serves two recipes."""

    recipe: Recipe
    sha256: str
    revision: str
    backbone: tuple[object, ...]
    resolved: Resolved | None = None
    path: Path | None = None  # of word vectors

    @property
    def weights(self) -> str:
        """Name, revision and checksum for provenance."""
        return f"{self.recipe.weights}@{self.revision or 'local'} sha256:{self.sha256[:12]}"


def locate(recipe: Recipe, data_dir: Path | None = None, offline: bool = False) -> Ready:
    """Find or download the recipe's files; NotAvailable says why they cannot be had. torch is not imported."""
    if isinstance(recipe, WordVectorRecipe):
        from repro.encoders.glove import vectors_path

        path = vectors_path(recipe, data_dir)
        return Ready(recipe, sha256_file(path), "", (path,), path=path)
    found = resolve(recipe, offline)
    backbone = (found.folder, found.recipe.max_length, found.lowercase)
    return Ready(found.recipe, found.sha256, found.recipe.revision or "", backbone, resolved=found)


def device_of(ready: Ready, device: str) -> str:
    """Where the encoder computes when `device` is asked for: word vectors always on the CPU."""
    if isinstance(ready.recipe, WordVectorRecipe):
        return "cpu"
    from repro.encoders.transformer import pick_device

    return pick_device(device)


@dataclass
class Encoded:
    """Vectors of one recipe, float32 (n, d), and how many sentences had no known word."""

    vectors: np.ndarray
    zero_vectors: int = 0


class Group:
    """Encoders over one backbone; `encode` runs the sentences through once for all of them."""

    def __init__(self, members: Sequence[Ready], device: str = "auto", dtype: str = "float32") -> None:
        self.members = list(members)
        first = self.members[0]
        if isinstance(first.recipe, WordVectorRecipe):
            from repro.encoders.glove import WordVectorEncoder

            self.words = [
                WordVectorEncoder(member.recipe, member.path)
                for member in self.members
                if isinstance(member.recipe, WordVectorRecipe) and member.path
            ]
            self.device = "cpu"
        else:
            from repro.encoders.transformer import TransformerEncoder

            self.words = []
            found = [member.resolved for member in self.members if member.resolved]
            self.transformer = TransformerEncoder(found, device, dtype)
            self.device = self.transformer.device

    def encode(self, sentences: Sequence[str], progress: bool = False) -> list[Encoded]:
        """One Encoded a member, in the members' order."""
        if self.words:
            return [Encoded(encoder.encode(sentences), encoder.zero_vectors) for encoder in self.words]
        return [Encoded(vectors) for vectors in self.transformer.encode_each(sentences, progress)]


def build(name: str | Recipe, device: str = "auto", dtype: str = "float32", offline: bool = False) -> Group:
    """An encoder ready to use: `zoo.build("all-minilm-l6-v2").encode(sentences)[0].vectors`."""
    return Group([locate(recipe(name) if isinstance(name, str) else name, offline=offline)], device, dtype)
