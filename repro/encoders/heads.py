"""Modules after the pooling, as their configurations describe them. Nothing here imports torch."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from repro.encoders.model_files import flag, read_object, size
from repro.errors import ReproError

OUTPUT = "sentence_embedding"  # what modules after the pooling read and write
ACTIVATION = re.compile(r"torch\.nn(\.modules(\.\w+)?)?\.[A-Z]\w*")


@dataclass(frozen=True)
class Head:
    """A module after the pooling: `dense`, `layer-norm`, `normalize`, `dropout` (which rests at evaluation), `cut`."""

    kind: str
    folder: Path
    inputs: int = 0  # width of what it reads; dense and layer-norm
    outputs: int = 0  # width of what it gives; dense and cut
    activation: str = ""  # path of a class of torch.nn; dense only
    bias: bool = True  # dense only
    residual: bool = False  # dense only


def _dense(folder: Path) -> Head:
    path = folder / "config.json"
    settings = read_object(path)
    _on_sentences(path, settings)
    name = settings.get("activation_function", "torch.nn.modules.activation.Tanh")
    if not isinstance(name, str) or not ACTIVATION.fullmatch(name):
        raise ReproError(f"{path}: the activation {str(name).rsplit('.', 1)[-1]!r} is not supported; torch.nn's are")
    return Head(
        "dense",
        folder,
        size(settings, "in_features", path),
        size(settings, "out_features", path),
        name,
        flag(settings, "bias", path, True),
        flag(settings, "use_residual", path, False),
    )


def _layer_norm(folder: Path) -> Head:
    path = folder / "config.json"
    settings = read_object(path)
    if settings.keys() - {"dimension"}:
        raise ReproError(f"{path}: {', '.join(sorted(settings.keys() - {'dimension'}))} is not supported; remove it")
    return Head("layer-norm", folder, size(settings, "dimension", path))


def _normalize(folder: Path) -> Head:
    path = folder / "config.json"
    if path.exists():
        _on_sentences(path, read_object(path))
    return Head("normalize", folder)


def _on_sentences(path: Path, settings: dict[str, object]) -> None:
    for name in ("module_input_name", "module_output_name"):
        if settings.get(name) not in (None, OUTPUT):
            raise ReproError(f"{path}: {name} = {settings[name]!r} is not supported, {OUTPUT!r} is; name a pooling=…")


HEADS: dict[str, Callable[[Path], Head]] = {
    "Dense": _dense,
    "LayerNorm": _layer_norm,
    "Normalize": _normalize,
    "Dropout": lambda folder: Head("dropout", folder),
}


def cut(path: Path, about: dict[str, object]) -> list[Head]:
    """`truncate_dim`: the first dimensions alone, after all modules."""
    if about.get("truncate_dim") is None:
        return []
    return [Head("cut", path.parent, outputs=size(about, "truncate_dim", path))]
