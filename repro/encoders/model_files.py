"""Files of a model folder: JSON, weights in any of their forms, and one checksum over everything that is read."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from pickle import UnpicklingError

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
TEXT_SUFFIXES = frozenset({".json", ".txt", ".model", ".vocab", ".bpe", ".codes", ".tiktoken", ".jinja"}) | {
    ".spm",
    ".tokenizer",
}
NOT_READ = frozenset({"repro.json", "model.safetensors.index.json", "pytorch_model.bin.index.json"})


@contextmanager
def loading_errors(folder: Path, what: str = "the model cannot be loaded") -> Iterator[None]:
    """Whatever a library raises while it reads or runs a model, as one sentence with the cause."""
    try:
        yield
    except (ReproError, KeyboardInterrupt, SystemExit, GeneratorExit):
        raise
    except BaseException as error:  # a panic in a library written in Rust is no Exception
        raise ReproError(f"{folder}: {what}: {_cause(error)}") from error


def _cause(error: BaseException) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()] or [type(error).__name__]
    if isinstance(error, ImportError):
        return f"a package is missing ({lines[0]}); install it"
    if isinstance(error, UnpicklingError) or "weights_only" in str(error):
        return "its pickle holds more than tensors and is not opened; ask for the weights as safetensors"
    if "trust_remote_code" in str(error):
        return "it needs code of its own, which is not run"
    if isinstance(error, KeyError):
        return f"{lines[0]} is missing or unknown"
    first = lines[0].split(" For details look at")[0]  # a report that is not shown
    return (" ".join(lines[:2]) if first.endswith(":") else first)[:200]


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


def flag(settings: dict[str, object], name: str, path: Path, default: bool) -> bool:
    """A setting that is true or false; ReproError for anything else."""
    value = settings.get(name, default)
    if not isinstance(value, bool):
        raise ReproError(f"{path}: {name} = {value!r} should be bool")
    return value


def size(settings: dict[str, object], name: str, path: Path) -> int:
    """A setting that counts dimensions; ReproError where it is missing or something else."""
    value = settings.get(name)
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ReproError(f"{path}: {name} = {value!r} should be a number of dimensions")
    return value


def refuse_pointer(path: Path) -> None:
    """ReproError for what stands in a file's place: a pointer that `git clone` leaves without LFS, or a web page."""
    with path.open("rb") as file:
        start = file.read(64)
    if start.startswith(b"version https://git-lfs.github.com/spec/"):
        raise ReproError(f"{path} is a Git LFS pointer, not the file itself; run `git lfs pull` in its folder")
    if start.lstrip().lower().startswith((b"<!doctype html", b"<html")):
        raise ReproError(f"{path} is a web page, not the file itself; download it again")


def _refuse_dangling(path: Path) -> None:
    """ReproError for a link that leads nowhere: other files would be read in its place."""
    if path.is_symlink() and not path.exists():
        raise ReproError(f"{path} links to a file that is not there; get the whole model folder again")


def weight_files(folder: Path) -> list[Path]:
    """The file that holds a module's weights, or an index and the shards that it names.

    Raises NotAvailable when there are none, ReproError for a shard that is missing or a Git LFS pointer.
    """
    first = _first(folder, WEIGHT_FILES)
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


def head_weights(folder: Path) -> Path:
    """The file that holds the weights of a module after the pooling, which has no shards; raises as weight_files."""
    return _first(folder, WEIGHT_FILES[::2])


def _first(folder: Path, names: Iterable[str]) -> Path:
    for path in (folder / name for name in names):
        _refuse_dangling(path)
        if path.is_file():
            refuse_pointer(path)
            if not path.stat().st_size:
                raise ReproError(f"{path} is empty; get the whole model folder again")
            return path
    raise NotAvailable(f"{folder} holds no weights ({' or '.join(WEIGHT_FILES[::2])})")


def text_files(folder: Path) -> list[Path]:
    """Configurations and vocabularies directly in a folder; ReproError for a link that leads nowhere."""
    paths = sorted(folder.iterdir()) if folder.is_dir() else []
    named = [path for path in paths if path.suffix in TEXT_SUFFIXES and path.name not in NOT_READ]
    for path in named:
        _refuse_dangling(path)
    return [path for path in named if path.is_file()]


def checksum(root: Path, paths: Iterable[Path]) -> str:
    """Hex sha256 over the names below `root` and the contents of these files."""
    state = hashlib.sha256()
    for path in sorted(set(paths)):
        state.update(f"{path.relative_to(root).as_posix()}\0{sha256_of(path)}\n".encode())
    return state.hexdigest()
