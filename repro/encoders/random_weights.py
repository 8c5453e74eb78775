"""Encoders of random weights, as large as a recipe's own: for what does not depend on trained values, such as speed."""

from __future__ import annotations

import csv
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from repro.encoders import zoo
from repro.encoders.recipe import BaseRecipe, TransformerRecipe, WordVectorRecipe
from repro.encoders.weights import resolve
from repro.errors import NotAvailable, ReproError
from repro.revisions import commit_of

SEED = 12
DIMENSIONS = 300  # of word vectors whose file does not say another number in its name, as glove.6B.50d.txt does
# what the config.json of the papers' public models says of their size
ARCHITECTURES = Path(__file__).parent / "architectures.csv"
TOKENIZERS = ("tokenizer.json", "tokenizer_config.json", "vocab.txt", "vocab.json")


def random_like(base: BaseRecipe, folder: Path, words: Sequence[str]) -> BaseRecipe:
    """The recipe over drawn weights of its own size, which are written to `folder`.

    A transformer has the size that its configuration says, found without a network: in its folder, its package, the
    hub's cache, or for the papers' public models in architectures.csv. Its tokenizer is its own where that is on this
    machine, else BERT's uncased one. Word vectors know `words`. NotAvailable when the size is not known here.
    """
    return base.accept(Draw(folder, words))


@dataclass(frozen=True)
class Draw:
    """Draws weights and writes them to a folder; the recipe that reads them."""

    folder: Path
    words: Sequence[str]

    def transformer(self, recipe: TransformerRecipe) -> BaseRecipe:
        """Weights as transformers draws them for a model that is yet to be trained."""
        import torch
        from transformers import AutoModel

        source = _source(recipe)
        config = _configuration(recipe, source)
        tokenizer = _tokenizer(source)
        if len(tokenizer) > config.vocab_size:
            raise NotAvailable(
                f"{recipe.weights}: its tokenizer is not on this machine, and BERT's has more words than it"
            )
        torch.manual_seed(SEED)
        AutoModel.from_config(config, dtype=torch.float32).save_pretrained(self.folder)
        tokenizer.save_pretrained(self.folder)
        return replace(recipe, weights=str(self.folder), revision=None)

    def word_vectors(self, recipe: WordVectorRecipe) -> BaseRecipe:
        """A vector for each of the words, as long as the file's name says."""
        named = re.search(r"(?<![A-Za-z0-9])(\d{1,4})d(?![A-Za-z0-9])", Path(recipe.weights).name)
        d = int(named.group(1)) if named else DIMENSIONS
        rows = np.random.default_rng(SEED).standard_normal((len(self.words), d))
        path = self.folder / "random.txt"
        lines = (f"{word} {' '.join(f'{x:.4f}' for x in row)}" for word, row in zip(self.words, rows, strict=True))
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return replace(recipe, weights=str(path))


def _source(base: TransformerRecipe) -> Path | None:
    """The folder on this machine that holds the model's config.json, with or without weights beside it."""
    from huggingface_hub import try_to_load_from_cache
    from huggingface_hub.errors import HFValidationError

    try:
        return resolve(base, offline=True).folder
    except ReproError:  # not whole, or not here
        pass
    local = os.path.expanduser(base.weights)
    path: object = os.path.join(local, "config.json")
    if not os.path.isdir(local):
        revision = commit_of(base.weights, base.revision)
        try:
            path = try_to_load_from_cache(base.weights, "config.json", revision=revision)
        except HFValidationError:
            path = None
    return Path(path).parent if isinstance(path, str) and os.path.isfile(path) else None


def _architectures() -> dict[str, dict[str, str]]:
    """What is known of the papers' models, by hub id."""
    with ARCHITECTURES.open(encoding="utf-8", newline="") as file:
        return {line.pop("id"): line for line in csv.DictReader(file)}


def layers_of(weights: str) -> int | None:
    """How deep a model of the papers is; None for any other encoder."""
    known = _architectures().get(weights)
    return int(known["num_hidden_layers"]) if known else None


def _configuration(base: TransformerRecipe, source: Path | None) -> Any:
    from transformers import AutoConfig

    if source is not None:
        try:
            return AutoConfig.from_pretrained(source, trust_remote_code=False, local_files_only=True)
        except Exception as error:
            why = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
            raise ReproError(f"{source / 'config.json'} is not a configuration that can be used ({why})") from error
    known = _architectures()
    if base.weights not in known:
        raise NotAvailable(f"{base.weights}: its configuration is not on this machine, so nobody knows its size")
    size = known[base.weights]
    return AutoConfig.for_model(size.pop("model_type"), **{name: int(value) for name, value in size.items() if value})


def _tokenizer(source: Path | None) -> Any:
    from transformers import AutoTokenizer

    if source is None or not any((source / name).is_file() for name in TOKENIZERS):
        source = resolve(zoo.MINILM, offline=True).folder  # has BERT's uncased vocabulary
    return AutoTokenizer.from_pretrained(source, trust_remote_code=False, local_files_only=True)
