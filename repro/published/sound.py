"""Whether a line of a table can be believed: its numbers are numbers, and its parts accord with one another, with the
recipe of its row and with the protocol of its column.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

from repro.encoders.recipe import TimedRecipe, WordVectorRecipe, plain
from repro.evaluation.config import DTYPES, Options, protocol
from repro.metrics import metric
from repro.results.store import protocol_of, signature, system_of
from repro.tables.spec import Column, Row
from repro.tasks import TASKS

Line = dict[str, str]

NUMBERS = ("value", "ci_low", "ci_high", "std", "seconds")
COUNTS = ("seeds", "zero_vectors")
ROUNDING = 1e-9  # beyond a bound: the order of a sum decides
# what a signature may say of the system and no recipe states
UNSTATED = frozenset({"dtype", "seeds", "on", "prompt"})


def normal(line: Mapping[str, str]) -> Line:
    """The line with its numbers as this suite writes them, whatever a spreadsheet made of them; other text stays."""
    return {name: _normal(name, text) for name, text in line.items()}


def _normal(name: str, text: str) -> str:
    if name not in (*NUMBERS, *COUNTS) or not text:
        return text
    value = number(text)
    if value is None:
        return text
    return str(int(value)) if name in COUNTS and value.is_integer() else repr(round(value, 10))


def number(text: str) -> float | None:
    """The finite number that a text is, or None."""
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) and "_" not in text else None  # Python reads 1_0 as ten


def faults(
    row: Row, column: Column, line: Mapping[str, str], options: Options, data: str = "", any_version: bool = False
) -> Iterator[str]:
    """What speaks against a measured line, each as the end of a sentence on its cell; nothing: nothing.

    `options`: of the run whose file it stands in. `data`: digest of the column's data, '' where they are not here.
    `any_version`: also numbers of other versions of the suite.
    """
    bad = next((name for name in (*NUMBERS, *COUNTS) if line[name] and number(line[name]) is None), "")
    if bad:
        yield f"{bad} is {line[bad]!r}, which is no finite number"
        return
    known = row.recipe is not None or row.trained or bool(row.absent)
    if known and not row.runs(column.slug):
        yield "has a value, and nothing is measured there"
    yield from _improbable(column, line)
    if line["encoder"] != row.slug:
        yield f"encoder is {line['encoder'] or 'empty'}, its row is {row.slug}"
    yield from _contradictions(column, line)
    text = line["signature"]
    if why := _other_protocol(column, text, options, data, any_version) or _other_system(row, column, text, options):
        yield why


def _improbable(column: Column, line: Mapping[str, str]) -> Iterator[str]:
    """What no run gives."""
    missing = [name for name in ("weights", "device", "seconds", *COUNTS) if not line[name]]
    if missing:
        yield f"{missing[0]} is empty"
        return
    value, std = float(line["value"]), float(line["std"] or 0)
    seeds, zero, seconds = (float(line[name]) for name in (*COUNTS, "seconds"))
    low, high = metric(column.metric).low, metric(column.metric).high
    for name in ("value", "ci_low", "ci_high"):
        if line[name] and not low - ROUNDING <= float(line[name]) <= high + ROUNDING:
            yield f"{name} is {line[name]}, and {column.metric} is from {low:g} to {high:g}"
    if line["ci_low"] or line["ci_high"]:
        first, last = (float(line[name] or "nan") for name in ("ci_low", "ci_high"))
        if not first - ROUNDING <= value <= last + ROUNDING:
            yield f"value is {line['value']}, its interval {line['ci_low'] or '?'} to {line['ci_high'] or '?'}"
        if seeds != 1:
            yield f"it has the interval of one model, and seeds is {line['seeds']}"
    if not (seeds >= 1 and seeds.is_integer() and zero >= 0 and zero.is_integer()):
        yield f"seeds is {line['seeds']} and zero_vectors {line['zero_vectors']}, expected counts"
    elif bool(line["std"]) != (seeds > 1):
        yield f"std is {line['std'] or 'empty'}, and seeds is {line['seeds']}"
    if std < 0 or seconds < 0:
        yield f"std is {line['std'] or 'empty'} and seconds {line['seconds']}, expected no negative number"


def _contradictions(column: Column, line: Mapping[str, str]) -> Iterator[str]:
    """Where a line and its own signature contradict each other."""
    stated, system = protocol_of(line["signature"]), system_of(line["signature"])
    if len(line["data_sha256"]) not in (0, 64):
        yield f"data_sha256 is {line['data_sha256']}, which is no SHA-256"
    due = {
        "data_sha256": (line["data_sha256"][:12], stated.get("data", "")),
        "seeds": (line["seeds"], system.get("seeds", "1")),
        "dtype": (DTYPES.get(line["dtype"], line["dtype"]), system.get("dtype", "")),
    }
    if TASKS[column.task].timed:
        due["seeds"] = line["seeds"], stated.get("runs", "")
    for name, (said, signed) in due.items():
        if said != signed:
            yield f"{name} is {said or 'empty'}, its signature says {signed or 'nothing'}"


def _other_protocol(column: Column, text: str, options: Options, data: str, any_version: bool) -> str:
    """How a signature's protocol differs from that of the column; '' where it does not."""
    wanted = protocol_of(signature(column.task, protocol(options, column, data)))
    found = protocol_of(text)
    if any_version and "v" in found:
        wanted["v"] = found["v"]
    for name in sorted((found.keys() | wanted.keys()) - (set() if data else {"data"})):
        if found.get(name) != wanted.get(name):
            return f"{name} is {found.get(name, 'unset')}, and that of its column is {wanted.get(name, 'unset')}"
    return ""


def _other_system(row: Row, column: Column, text: str, options: Options) -> str:
    """How a signature's system differs from the recipe of its row; '' where it does not, or nobody knows the recipe."""
    found = system_of(text)
    training = row.training(column.slug)
    recipe = training.cut(options.sample) if training else row.recipe
    stated = recipe.signature() if recipe else {}
    due = {name: stated.get(name, "") for name in stated.keys() | (found.keys() - UNSTATED)} if recipe else {}
    due |= _dtype_and_seeds(row, options)
    for name, wanted in sorted(due.items()):
        said = found.get(name, "")
        free = (wanted == "model" and said) or (name in ("dtype", "prompt") and not wanted)
        if not free and said != wanted and not (name == "maxlen" and _shorter(said, wanted)):
            return f"{name} is {said or 'unset'}, and that of its row is {wanted or 'unset'}"
    return ""


def _dtype_and_seeds(row: Row, options: Options) -> dict[str, str]:
    """What no recipe states: '' where it is free."""
    if row.recipe is None and not row.trained:  # word vectors, perhaps, and perhaps trained
        return {"dtype": DTYPES[options.dtype] if options.dtype == "float32" else ""}
    dtype = row.recipe.dtype if isinstance(row.recipe, TimedRecipe) else options.dtype
    if row.recipe is not None and isinstance(plain(row.recipe), WordVectorRecipe):
        dtype = "float32"
    return {"dtype": DTYPES[dtype], "seeds": str(options.seeds or row.seeds) if row.seeded else ""}


def _shorter(length: str, wanted: str) -> bool:
    """Whether a model's own limit may have made this length in tokens of the one that was asked for."""
    return wanted == "none" or (length.isdigit() and wanted.isdigit() and int(length) <= int(wanted))
