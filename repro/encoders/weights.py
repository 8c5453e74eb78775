"""Recipe → files on disk: local folder, PyPI package, hub cache or hub download. Nothing here imports torch."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from repro import hub
from repro.checksums import sha256_of
from repro.encoders import packages
from repro.encoders.heads import Head
from repro.encoders.layout import Layout
from repro.encoders.layout import read as read_layout
from repro.encoders.model_files import (
    TEXT_SUFFIXES,
    WEIGHT_FILES,
    checksum,
    head_weights,
    loading_errors,
    text_files,
    weight_files,
)
from repro.encoders.recipe import NO_LIMIT, TransformerRecipe
from repro.errors import NotAvailable, ReproError
from repro.hub import pinned_revision

WEIGHTED = ("dense", "layer-norm")  # heads that have weights


@dataclass(frozen=True)
class Resolved:
    """A transformer recipe with every None filled in, and where its files are."""

    recipe: TransformerRecipe
    folder: Path  # of the transformer itself
    sha256: str  # of the weights: the file, or index and shards
    identity: str  # hex sha256 over every file that is read
    layout: Layout
    # modules after the pooling, but for a Normalize at the end: recipe.normalize says that
    heads: tuple[Head, ...] = ()
    shortened: bool = False  # whether the model's settings ask for more tokens than its configuration has positions for


def resolve(recipe: TransformerRecipe, offline: bool = False) -> Resolved:
    """Find the files and read the model's layout; NotAvailable says why they cannot be reached."""
    own = recipe.pooling is None and recipe.layers is None
    root, recipe = _root(recipe, offline, own)
    with loading_errors(root):
        return _resolved(root, recipe, own)


def _resolved(root: Path, recipe: TransformerRecipe, own: bool) -> Resolved:
    layout = read_layout(root, own)
    heads = layout.heads if own else ()
    awake = [head for head in heads if head.kind != "dropout"]
    normalized = bool(awake) and awake[-1].kind == "normalize"
    if normalized:
        heads = tuple(head for head in heads if head is not awake[-1])
    lengths = [length for length in (recipe.max_length, layout.max_length) if length]
    filled = replace(
        recipe,
        pooling=recipe.pooling or layout.pooling,
        layers=recipe.layers or (-1,),
        max_length=min(lengths, default=NO_LIMIT),
        normalize=normalized if recipe.normalize is None else recipe.normalize,
        prompt=layout.prompt if recipe.prompt is None else recipe.prompt,
    )
    weights = weight_files(layout.transformer)
    of_heads = [head_weights(head.folder) for head in heads if head.kind in WEIGHTED]
    texts = [path for folder in {root, *layout.folders} for path in text_files(folder)]
    identity = checksum(root, [*weights, *of_heads, *texts])
    asked = layout.named_length if isinstance(layout.named_length, int | float) else 0
    shortened = recipe.max_length is None and asked > (layout.max_length or asked)
    return Resolved(filled, layout.transformer, _sha256(weights), identity, layout, heads, shortened)


def _sha256(weights: list[Path]) -> str:
    """Of one file its own, as the hub shows it; of shards a checksum over all of them."""
    return sha256_of(weights[0]) if len(weights) == 1 else checksum(weights[0].parent, weights)


def _root(recipe: TransformerRecipe, offline: bool, own: bool) -> tuple[Path, TransformerRecipe]:
    local = Path(recipe.weights).expanduser()
    if local.is_dir():  # as in sentence-transformers also where its name is a hub id; a commit says nothing of it
        return local, replace(recipe, revision=None)
    if recipe.weights.count("/") != 1 or recipe.weights.startswith((".", "/", "~")):
        raise ReproError(f"{recipe.weights!r} is neither a folder nor a hub id (owner/name); see `repro list encoders`")
    recipe = replace(recipe, revision=recipe.revision or pinned_revision(recipe.weights))
    package = packages.carrying(recipe.weights, recipe.revision)
    if package is None:
        return _hub(recipe, offline, own)
    if folder := packages.present(package):
        return folder, recipe
    try:
        return _hub(recipe, offline, own)
    except NotAvailable as error:
        raise NotAvailable(f"{error}; {package.hint}") from error


def is_local(recipe: TransformerRecipe) -> bool:
    """Whether the recipe's weights are on this machine: a folder, a package, or a snapshot in the hub's cache."""
    try:
        resolve(recipe, offline=True)
    except NotAvailable:
        return False
    return True


def _hub(recipe: TransformerRecipe, offline: bool, own: bool) -> tuple[Path, TransformerRecipe]:
    """Snapshot from the hub cache or the hub: configuration, tokenizer and one form of each module's weights."""
    patterns = [*(f"*{suffix}" for suffix in sorted(TEXT_SUFFIXES)), "*.safetensors"]
    unwanted = ["onnx/*", "openvino/*", "*.msgpack", "*.h5", "*.ot"]
    folder = hub.snapshot(recipe.weights, recipe.revision, patterns, offline, unwanted=unwanted)
    if pickles := _pickles(folder, read_layout(folder, own)):
        folder = hub.snapshot(recipe.weights, recipe.revision, [*patterns, *pickles], offline, unwanted=unwanted)
    if recipe.revision is None:
        hub.pin(recipe.weights, folder.name)
    return folder, replace(recipe, revision=folder.name)


def _pickles(folder: Path, layout: Layout) -> list[str]:
    """Patterns for the weights of those modules that have none as safetensors."""
    weighted = [layout.transformer, *(head.folder for head in layout.heads if head.kind in WEIGHTED)]
    lacking = [place for place in weighted if not any((place / name).is_file() for name in WEIGHT_FILES[:2])]
    return [f"{(place / 'pytorch_model').relative_to(folder).as_posix()}*.bin" for place in lacking]
