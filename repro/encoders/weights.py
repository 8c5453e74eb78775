"""Recipe → files on disk: local folder, PyPI package, hub cache or hub download. Nothing here imports torch."""

from __future__ import annotations

import glob
from collections.abc import Iterator
from dataclasses import dataclass, replace
from fnmatch import fnmatch
from pathlib import Path, PurePosixPath

from repro import hub, revisions
from repro.checksums import may_store, sha256_of
from repro.encoders import packages, trained_here
from repro.encoders.heads import Head
from repro.encoders.layout import Layout
from repro.encoders.layout import read as read_layout
from repro.encoders.model_files import (
    TEXT_SUFFIXES,
    WEIGHT_FILES,
    checksum,
    head_weights,
    loading_errors,
    read_object,
    shard_names,
    text_files,
    weight_files,
    weight_forms,
)
from repro.encoders.recipe import NO_LIMIT, TransformerRecipe
from repro.errors import NotAvailable, ReproError
from repro.hub_cache import is_cached, lacks, listing, matches
from repro.paths import user_path

WEIGHTED = ("dense", "layer-norm")  # heads that have weights
TEXTS = [f"*{suffix}" for suffix in sorted(TEXT_SUFFIXES)]
# texts that are no part of the model: other formats' own, fairseq's vocabulary, what it was trained on
UNWANTED = ["onnx/*", "openvino/*", "coreml/*", "dict.txt", "data_config.json"]
FETCH = "`repro fetch --weights` gets all of it where the hub can be reached"


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
    root: Path = Path()
    files: tuple[Path, ...] = ()  # below it, that are read

    def identity_now(self) -> str:
        """The identity that the files have now; they may have been replaced since."""
        return checksum(self.root, self.files)


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
    files = tuple([*weights, *of_heads, *texts])
    asked = layout.named_length if isinstance(layout.named_length, int | float) else 0
    shortened = recipe.max_length is None and asked > (layout.max_length or asked)
    identity, folder = checksum(root, files), layout.transformer
    return Resolved(filled, folder, _sha256(weights), identity, layout, heads, shortened, root, files)


def _sha256(weights: list[Path]) -> str:
    """Of one file its own, as the hub shows it; of shards a checksum over all of them."""
    return sha256_of(weights[0]) if len(weights) == 1 else checksum(weights[0].parent, weights)


def _root(recipe: TransformerRecipe, offline: bool, own: bool) -> tuple[Path, TransformerRecipe]:
    local = user_path(recipe.weights)
    if local.is_dir():  # as in sentence-transformers also where its name is a hub id; a commit says nothing of it
        return local, replace(recipe, revision=None)
    if made_by := trained_here.MADE_BY.get(recipe.weights):
        folder = trained_here.folder(recipe.weights)
        if not folder.is_dir():
            raise NotAvailable(f"{recipe.weights} is not on this machine; {made_by}")
        return folder, replace(recipe, revision=None)
    if recipe.weights.count("/") != 1 or recipe.weights.startswith((".", "/", "~")):
        raise ReproError(f"{recipe.weights!r} is neither a folder nor a hub id (owner/name); see `repro list encoders`")
    named, recipe = recipe.revision, replace(recipe, revision=revisions.commit_of(recipe.weights, recipe.revision))
    package = packages.carrying(recipe.weights, recipe.revision)
    if package is not None and (carried := packages.present(package)):
        return carried, recipe
    try:
        folder = _hub(recipe, offline, own)
    except NotAvailable as error:
        if package is None:
            raise
        raise NotAvailable(f"{error}; {package.hint}") from error
    if not revisions.is_commit(named) and may_store():
        revisions.pin(recipe.weights, folder.name, named)
    return folder, replace(recipe, revision=folder.name)


def _hub(recipe: TransformerRecipe, offline: bool, own: bool) -> Path:
    """Snapshot from the hub's cache or the hub: configuration, tokenizer and one form of each module's weights."""
    folder = hub.snapshot(recipe.weights, recipe.revision, TEXTS, offline, unwanted=UNWANTED)
    files = listing(recipe.weights, folder.name)
    try:
        layout = read_layout(folder, own)
        if files is not None:
            names = [glob.escape(name) for name in _weight_names(folder, layout, set(files))]
            hub.snapshot(recipe.weights, folder.name, names, offline)
    except NotAvailable:
        raise
    except ReproError as error:
        if files is None:  # what is missing may only be missing here
            raise NotAvailable(f"{error}; {FETCH}") from error
        raise
    settled = (folder / "modules.json").is_file() or lacks(recipe.weights, "modules.json", folder.name)
    if files is None and not settled:
        raise NotAvailable(f"{folder} may lack a part of the model, such as its modules.json; {FETCH}")
    return folder


def download_size(recipe: TransformerRecipe) -> int:
    """Bytes of its files on the hub that are not in the cache; NotAvailable when the hub cannot say."""
    named = revisions.commit_of(recipe.weights, recipe.revision)
    commit, files = hub.sizes(recipe.weights, named)
    wanted = {name for name in files if matches(name, TEXTS, UNWANTED)}
    for place in {PurePosixPath(name).parent for name in files}:
        form = next((name for name in WEIGHT_FILES if (place / name).as_posix() in files), None)
        if form is not None:  # a shard is called model-00001-of-00002.safetensors
            stem, _, suffix = form.removesuffix(".index.json").partition(".")
            wanted |= {(place / form).as_posix()}
            wanted |= {
                name
                for name in files
                if form.endswith("json") and fnmatch(name, f"{glob.escape(str(place / stem))}-*.{suffix}")
            }
    return sum(files[name] for name in wanted if not is_cached(recipe.weights, name, commit))


def _weight_names(folder: Path, layout: Layout, files: set[str]) -> Iterator[str]:
    """Of each module that has weights the files of the form that is read, of those that the repository has."""
    weighted: list[tuple[Path, tuple[str, ...]]] = [(layout.transformer, weight_forms(layout.transformer))]
    weighted += [(head.folder, WEIGHT_FILES[::2]) for head in layout.heads if head.kind in WEIGHTED]
    for place, forms in weighted:
        inside = place.relative_to(folder)
        form = next((name for name in forms if (inside / name).as_posix() in files), None)
        if form is None:
            continue
        yield (inside / form).as_posix()
        if form.endswith(".index.json"):
            yield from ((inside / name).as_posix() for name in shard_names(read_object(place / form)))
