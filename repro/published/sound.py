"""Whether a line of a table can be believed: its numbers are numbers, and its parts accord with one another, with the
recipe of its row and with the protocol of its column.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from itertools import chain

from packaging.version import InvalidVersion, Version

from repro.evaluation.config import DTYPES, Options
from repro.evaluation.measurement import protocol_of
from repro.evaluation.system import FREE
from repro.metrics import metric
from repro.published.ledger import ROUNDING
from repro.results.csv_lines import COUNTS, MEASURED, NUMBERS, Line, number
from repro.results.signature import Signature
from repro.revisions import is_commit
from repro.tables.spec import AnyColumn, Average, Column, Difference, Row
from repro.tasks import TASKS
from repro.version import __version__

# what a signature may say of the system and no description states
UNSTATED = frozenset({"on", "prompt"})
FORMS = {"maxlen": r"none|model|[3-9]|[1-9]\d+", "norm": "yes|no|model"}  # of what the model's files decide
COMPARED = frozenset({"match", "within-noise", "deviates"})  # verdicts on a difference
CHECKSUM = re.compile(r" sha256:[0-9a-f]{12}\b")


def faults(
    row: Row, column: Column, line: Mapping[str, str], options: Options, data: str = "", any_version: bool = False
) -> Iterator[str]:
    """What speaks against a measured line, each as the end of a sentence on its cell; nothing: nothing.

    `options`: of the run whose file it stands in. `data`: digest of the column's data, '' where they are not here.
    `any_version`: also numbers of other versions of the suite.
    """
    if bad := _no_number(line):
        yield bad
        return
    if row.system.absent(column.slug):
        yield "has a value, and nothing is measured there"
    yield from _improbable(column, line)
    if line["encoder"] != row.slug:
        yield f"encoder is {line['encoder'] or 'empty'}, its row is {row.slug}"
    yield from _contradictions(column, line)
    yield from _other_weights(row, line)
    signature = Signature.parse(line["signature"])
    if not (signature.version == __version__ or (any_version and _earlier(signature.version))):
        yield f"v is {signature.version or 'unset'}, and this is version {__version__}"
    elif why := _other_protocol(column, signature, options, data) or _other_system(row, column, signature, options):
        yield why


def impossible(table_id: str, column: AnyColumn, line: Line, parts: Mapping[str, Line]) -> str:
    """What speaks against a line whatever ledger, recipe and protocol say, as of `faults`; '': nothing. `parts`: the
    lines, by slug, of the columns that an average or a difference is made of."""
    if bad := _no_number(line):
        return bad
    for name, due in {"table": table_id, "metric": column.metric}.items():
        if line[name] != due:
            return f"{name} is {line[name] or 'empty'}, and that of its column is {due}"
    if not isinstance(column, Column):
        wrong = wrong_derived(column, line, parts)
    elif line["value"]:
        wrong = chain(_improbable(column, line), _unsigned(column, line), _contradictions(column, line))
    else:
        wrong = (f"has no value and says {name}" for name in MEASURED if line[name])
    return next(chain(wrong, _misjudged(line)), "")


def _unsigned(column: Column, line: Line) -> Iterator[str]:
    """Where a number has no signature of its task and metric."""
    signature = Signature.parse(line["signature"])
    if signature.task != column.task:
        yield f"its signature is of {signature.task or 'nothing'}, and its column of {column.task}"
    for name, due in TASKS[column.task].protocol(column.metric).items():
        if due and signature.protocol.get(name, "") != due:
            yield f"its signature has {name}:{signature.protocol.get(name) or 'nothing'}, and its column {name}:{due}"


def _misjudged(line: Line) -> Iterator[str]:
    """Where a verdict does not follow from the numbers beside it."""
    value, published, delta, allowed = (number(line[name]) for name in ("value", "published", "delta", "tolerance"))
    verdict = line["verdict"]
    if (value is None) != (verdict == "not-run"):
        yield f"its verdict is {verdict}, and its value {line['value'] or 'empty'}"
    elif verdict == "no-published" and published is not None:
        yield f"its verdict is {verdict}, and published is {line['published']}"
    elif (verdict in COMPARED) != (delta is not None):
        yield f"its verdict is {verdict or 'empty'}, and delta {line['delta'] or 'empty'}"
    elif value is None or delta is None:
        return
    elif published is None or allowed is None or abs(value - published - delta) > ROUNDING:
        yield f"delta is {line['delta']}, and not the value less the published {line['published'] or 'number'}"
    elif (abs(delta) > allowed + ROUNDING) != (verdict == "deviates"):
        yield f"its verdict is {verdict}, delta {line['delta']} and tolerance {line['tolerance']}"


def wrong_derived(column: Average | Difference, line: Line, parts: Mapping[str, Line]) -> Iterator[str]:
    """What is wrong with an average or a difference, which is made of its parts and nothing else."""
    if any(line[name] for name in MEASURED if name != "value"):
        yield "says how it was measured, and is computed from other columns"
    values = [number(parts[slug]["value"]) if slug in parts else None for slug in column.of]
    whole = [value for value in values if value is not None]
    due = column.value(whole) if len(whole) == len(values) else None
    said = number(line["value"])
    if (due is None) != (not line["value"]) or (due is not None and (said is None or abs(said - due) >= 1e-9)):
        yield f"is {line['value'] or 'empty'}; its parts make {'nothing' if due is None else f'{due:.10g}'}"


def _no_number(line: Mapping[str, str]) -> str:
    bad = next((name for name in (*NUMBERS, *COUNTS) if line[name] and number(line[name]) is None), "")
    return bad and f"{bad} is {line[bad]!r}, which is no finite number"


def _earlier(version: str) -> bool:
    """Whether it is a version before this one."""
    try:
        return Version(version) < Version(__version__)
    except InvalidVersion:
        return False


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
    signature = Signature.parse(line["signature"])
    stated, system = signature.protocol, signature.system
    if str(signature) != line["signature"]:
        yield f"signature is {line['signature']!r}, which is read as {str(signature)!r}"
    if len(line["data_sha256"]) not in (0, 64):
        yield f"data_sha256 is {line['data_sha256']}, which is no SHA-256"
    due = {
        "data_sha256": (line["data_sha256"][:12], stated.get("data", "")),
        "seeds": (line["seeds"], system.get("seeds", "1")),
        "dtype": (DTYPES.get(line["dtype"], line["dtype"]), system.get("dtype", "")),
    }
    if TASKS[column.task].timed:
        due["seeds"] = line["seeds"], stated.get("runs", "1")
    for name, (said, signed) in due.items():
        if said != signed:
            yield f"{name} is {said or 'empty'}, its signature says {signed or 'nothing'}"


def _other_weights(row: Row, line: Mapping[str, str]) -> Iterator[str]:
    """How the weights of a line differ from those that its row names; nothing where the row names none."""
    named = [
        f"{base.weights}@{base.revision} " if is_commit(base.revision) else f"{base.weights}@"
        for base in row.system.bases()
    ]
    if named and line["weights"] and not CHECKSUM.search(line["weights"]):
        yield f"weights is {line['weights']}, without the checksum of its files"
    elif named and not line["weights"].startswith(tuple(named)):
        yield f"weights is {line['weights'] or 'empty'}, and those of its row are {' or '.join(named).strip()}"


def _other_protocol(column: Column, signature: Signature, options: Options, data: str) -> str:
    """How a signature's protocol differs from that of the column; '' where it does not. `data`: '' where not known."""
    wanted = {"task": column.task, **protocol_of(options, column), "data": data[:12]}
    stated = {"task": signature.task, **signature.protocol}
    for name in sorted((stated.keys() | wanted.keys()) - (set() if data else {"data"})):
        if stated.get(name, "") != wanted.get(name, ""):
            return f"{name} is {stated.get(name) or 'unset'}, and that of its column is {wanted.get(name) or 'unset'}"
    return ""


def _other_system(row: Row, column: Column, signature: Signature, options: Options) -> str:
    """How a signature's system differs from that of its row; '' where it does not, or nobody knows the row's."""
    stated = row.system.stated(column.slug, options)
    if stated is None:  # word vectors, perhaps, which are float32 whatever is asked for
        wrong = options.dtype == "float32" and signature.system.get("dtype") != "fp32"
        return f"dtype is {signature.system.get('dtype') or 'unset'}, and that of its row is fp32" if wrong else ""
    due = {name: stated.get(name, "") for name in stated.keys() | (signature.system.keys() - UNSTATED)}
    for name, wanted in sorted(due.items()):
        said = signature.system.get(name, "")
        if said and not re.fullmatch(FORMS.get(name, ".*"), said):
            return f"{name} is {said}, which no model has"
        free = (wanted == FREE and said) or (name == "prompt" and not wanted)
        if not free and said != wanted and not (name == "maxlen" and _shorter(said, wanted)):
            return f"{name} is {said or 'unset'}, and that of its row is {wanted or 'unset'}"
    return ""


def _shorter(length: str, wanted: str) -> bool:
    """Whether a model's own limit may have made this length in tokens of the one that was asked for."""
    return wanted == "none" or (length.isdigit() and wanted.isdigit() and int(length) <= int(wanted))
