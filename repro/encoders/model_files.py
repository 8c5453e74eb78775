"""Files of a model folder: JSON, weights in any of their forms, and one checksum over everything that is read."""

from __future__ import annotations

import hashlib
import json
import re
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from pickle import UnpicklingError

from repro.checksums import sha256_of
from repro.errors import NotAvailable, ReproError
from repro.impostors import refuse_file

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
# What else a model is read from, each a JSON object
OBJECTS = ("config.json", "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json")
# transformers reads the shards of a distributed checkpoint before anything else
DISTRIBUTED = re.compile(r"shard-\d{5}-model-\d{5}-of-\d{5}\.safetensors")
NOT_READ = frozenset({"repro.json", "model.safetensors.index.json", "pytorch_model.bin.index.json"})


@contextmanager
def loading_errors(folder: Path, what: str = "the model cannot be loaded") -> Iterator[None]:
    """Whatever a library raises while it reads or runs a model, as one sentence: the file that is damaged, or the
    library's own cause."""
    try:
        yield
    except (ReproError, KeyboardInterrupt, SystemExit, GeneratorExit):
        raise
    except BaseException as error:  # a panic in a library written in Rust is no Exception
        _refuse_damaged(folder)
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
        raise ReproError(f"{path} should hold a JSON object; get the model folder again")
    return content


def read_json(path: Path) -> object:
    """JSON from a regular file; ReproError with the cause, such as a Git LFS pointer in its place."""
    if not path.is_file():
        raise ReproError(f"{path} is missing or not a file; get the whole model folder again")
    refuse_file(path)
    try:
        return json.loads(path.read_text(encoding="utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise ReproError(f"{path} is not valid JSON ({str(error).splitlines()[0]})") from None


def _refuse_damaged(folder: Path) -> None:
    """ReproError naming the first of a model's files that is cut off, or another kind of file than its name says."""
    for path in (folder / name for name in OBJECTS):
        if path.is_file() and path.name == "tokenizer.json" and "model" not in read_object(path):
            raise ReproError(f"{path} describes no tokenizer; get it again")
        if path.is_file():
            read_object(path)
    try:
        paths = weight_files(folder)
    except (NotAvailable, OSError):  # there are none, or by names that no file can have
        return
    for path in paths:
        if path.suffix == ".safetensors" and not _is_whole(path):
            raise ReproError(f"{path} is cut off, or holds no safetensors; get it again")
        if path.suffix == ".bin" and not _holds_tensors(path):
            raise ReproError(f"{path} is cut off, or holds no weights of torch; get it again")


def _is_whole(path: Path) -> bool:
    """Whether a safetensors file is as long as its header says: 8 bytes of length, the header in JSON, the tensors."""
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        try:
            header = json.loads(file.read(length) if length < path.stat().st_size else b"")
            ends = [about["data_offsets"][1] for name, about in header.items() if name != "__metadata__"]
        except (ValueError, TypeError, KeyError, IndexError, AttributeError, RecursionError):
            return False
    return bool(8 + length + max(ends, default=0) == path.stat().st_size)


def _holds_tensors(path: Path) -> bool:
    """Whether a file begins and ends as torch writes one: a whole zip, or before 1.6 a pickle."""
    with path.open("rb") as file:
        start = file.read(2)
    return zipfile.is_zipfile(path) if start == b"PK" else start[:1] == b"\x80"


def flag(settings: dict[str, object], name: str, path: Path, default: bool) -> bool:
    """A setting that is true or false; ReproError for anything else."""
    value = settings.get(name, default)
    if not isinstance(value, bool):
        raise ReproError(f"{path}: {name} = {value!r} should be true or false; mend the file")
    return value


def size(settings: dict[str, object], name: str, path: Path) -> int:
    """A setting that counts dimensions; ReproError where it is missing or something else."""
    value = settings.get(name)
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ReproError(f"{path}: {name} = {value!r} should be a number of dimensions; mend the file")
    return value


def _refuse_dangling(path: Path) -> None:
    """ReproError for a link that leads nowhere: other files would be read in its place."""
    if path.is_symlink() and not path.exists():
        raise ReproError(f"{path} links to a file that is not there; get the whole model folder again")


def weight_files(folder: Path) -> list[Path]:
    """The file that holds a module's weights, or an index and the shards that it names.

    Raises NotAvailable when there are none, ReproError for a shard that is missing or a Git LFS pointer.
    """
    if shards := sorted(path.name for path in folder.glob("shard-*") if DISTRIBUTED.fullmatch(path.name)):
        raise ReproError(f"{folder / shards[0]} is of a distributed checkpoint; save the model as model.safetensors")
    first = _first(folder, weight_forms(folder))
    if first.suffix != ".json":
        return [first]
    index = read_object(first)
    for part in ("weight_map", "metadata"):
        if not isinstance(index.get(part), dict) or (part == "weight_map" and not index[part]):
            raise ReproError(f"{first} has no {part}; get the whole model folder again")
    names = shard_names(index)
    for name in names:
        if not _is_below(name):
            raise ReproError(f"{first}: the shard {name!r} lies outside the model folder")
        if not (folder / name).is_file():
            raise ReproError(f"{folder / name} is missing; {first.name} says that it holds weights")
        refuse_file(folder / name)
    return [first, *(folder / name for name in names)]


def weight_forms(folder: Path) -> tuple[str, ...]:
    """The names that a transformer's weights may have, in the order in which they are looked for: transformers' own, or
    the one that config.json gives."""
    config = folder / "config.json"
    named = read_object(config).get("transformers_weights") if config.is_file() else None
    if named is None:
        return WEIGHT_FILES
    ends = (".safetensors", ".safetensors.index.json")
    if not isinstance(named, str) or not named.endswith(ends) or not _is_below(named):
        raise ReproError(f"{config}: transformers_weights = {named!r} should name a safetensors file in {folder}")
    return (named,)


def shard_names(index: dict[str, object]) -> list[str]:
    """The files that an index of weights names."""
    shards = index.get("weight_map")
    return sorted({str(name) for name in shards.values()}) if isinstance(shards, dict) else []


def _is_below(name: str) -> bool:
    """Whether a path that a file gives stays in the folder."""
    path = PurePosixPath(name)
    return not (path.is_absolute() or ".." in path.parts or "\\" in name or "\0" in name)


def head_weights(folder: Path) -> Path:
    """The file that holds the weights of a module after the pooling, which has no shards; raises as weight_files."""
    return _first(folder, WEIGHT_FILES[::2])


def _first(folder: Path, names: Sequence[str]) -> Path:
    for path in (folder / name for name in names):
        _refuse_dangling(path)
        if path.is_file():
            refuse_file(path)
            if not path.stat().st_size:
                raise ReproError(f"{path} is empty; get the whole model folder again")
            return path
    raise NotAvailable(
        f"{folder} holds no weights ({' or '.join([name for name in names if not name.endswith('.json')] or names)})"
    )


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
