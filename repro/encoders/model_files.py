"""Files of a model folder: JSON, weights in any of their forms, and one checksum over everything that is read."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path

from repro.checksums import sha256_of
from repro.errors import NotAvailable, ReproError

# One of these is read, in transformers' order: a file, or an index that names shards.
WEIGHT_FILES = (
    "model.safetensors",
    "model.safetensors.index.json",
    "pytorch_model.bin",
    "pytorch_model.bin.index.json",
)
# What configurations and tokenizers are kept in, whatever their names
TEXT_SUFFIXES = frozenset({".json", ".txt", ".model", ".vocab", ".bpe", ".codes", ".tiktoken", ".jinja"})
NOT_READ = frozenset({"repro.json", "model.safetensors.index.json", "pytorch_model.bin.index.json"})


def read_object(path: Path) -> dict[str, object]:
    """A JSON object from a file; ReproError when it is not there or is something else."""
    content = read_json(path)
    if not isinstance(content, dict):
        raise ReproError(f"{path} should hold a JSON object")
    return content


def read_json(path: Path) -> object:
    """JSON from a regular file; ReproError with the cause, such as a Git LFS pointer in its place."""
    if not path.is_file():
        raise ReproError(f"{path} is missing or not a file; get the whole model folder again")
    refuse_pointer(path)
    try:
        return json.loads(path.read_text(encoding="utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise ReproError(f"{path} is not valid JSON ({str(error).splitlines()[0]})") from None


def refuse_pointer(path: Path) -> None:
    """ReproError when the file is a Git LFS pointer: what `git clone` leaves without LFS."""
    with path.open("rb") as file:
        start = file.read(42)
    if start.startswith(b"version https://git-lfs.github.com/spec/"):
        raise ReproError(f"{path} is a Git LFS pointer, not the file itself; run `git lfs pull` in its folder")


def weight_files(folder: Path) -> list[Path]:
    """The file that holds a module's weights, or an index and the shards that it names.

    Raises NotAvailable when there are none, ReproError for a shard that is missing or a Git LFS pointer.
    """
    first = next((folder / name for name in WEIGHT_FILES if (folder / name).is_file()), None)
    if first is None:
        raise NotAvailable(f"{folder} holds no weights ({' or '.join(WEIGHT_FILES[::2])})")
    refuse_pointer(first)
    if first.suffix != ".json":
        return [first]
    shards = read_object(first).get("weight_map")
    if not isinstance(shards, dict) or not shards:
        raise ReproError(f"{first} has no weight_map; get the whole model folder again")
    names = sorted({str(name) for name in shards.values()})
    for name in names:
        if Path(name).name != name:
            raise ReproError(f"{first}: the shard {name!r} lies outside the model folder")
        if not (folder / name).is_file():
            raise ReproError(f"{folder / name} is missing; {first.name} says that it holds weights")
        refuse_pointer(folder / name)
    return [first, *(folder / name for name in names)]


def text_files(folder: Path) -> list[Path]:
    """Configurations and vocabularies directly in a folder."""
    paths = sorted(folder.iterdir()) if folder.is_dir() else []
    return [path for path in paths if path.suffix in TEXT_SUFFIXES and path.name not in NOT_READ and path.is_file()]


def checksum(root: Path, paths: Iterable[Path]) -> str:
    """Hex sha256 over the names below `root` and the contents of these files."""
    state = hashlib.sha256()
    for path in sorted(set(paths)):
        state.update(f"{path.relative_to(root).as_posix()}\0{sha256_of(path)}\n".encode())
    return state.hexdigest()
