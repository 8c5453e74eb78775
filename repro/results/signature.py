"""Signatures: task, protocol and system of a score as data, written as text in one place, in sacreBLEU's manner."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from repro.errors import ReproError

# Fields that describe the system; all others are the protocol's, and two scores may be compared only where those are
# equal. A field that nobody has listed here therefore keeps scores apart.
SYSTEM_FIELDS = frozenset(
    {
        *("pool", "layers", "maxlen", "norm", "prompt", "tokens", "case", "encoder", "kwargs", "dtype", "seeds"),
        *(
            "fit",
            "whiten",
            "scaling",
            "removed",
            "flow",
            "flowepochs",
            "flowlr",
            "flowdecay",
            "flowbatch",
            "flowpasses",
            "flowinit",
        ),
        *("batching", "weights", "on"),
        *("train", "obj", "epochs", "batch", "lr", "adam", "warmup", "clip", "decay", "select", "sample"),
        *("head", "temp", "trainlen", "bert", "passes"),
        *("augment", "dropout", "encoders", "hardweight", "trainsim", "mlm"),
    }
)
LAST = ("data", "limit", "dtype", "seeds")  # where they stand in the text, before the version


@dataclass(frozen=True)
class Signature:
    """What decides a score. `version` is that of the suite that measured it, and keeps no scores apart."""

    task: str
    protocol: Mapping[str, str]
    system: Mapping[str, str]
    version: str

    def __post_init__(self) -> None:
        for name in ("protocol", "system"):  # an empty field says the same as none
            object.__setattr__(self, name, {field: text for field, text in getattr(self, name).items() if text})

    def __str__(self) -> str:
        """`sts12|agg:all|corr:spearman|…|pool:mean|…|data:67b5…|dtype:fp32|v:0.3.0`; empty fields are left out."""
        fields = {**self.protocol, **self.system}
        ordered = [name for name in fields if name not in LAST] + [name for name in LAST if name in fields]
        texts = [f"{name}:{fields[name]}" for name in ordered]
        return "|".join([self.task, *texts, *([f"v:{self.version}"] if self.version else [])])

    @classmethod
    def parse(cls, text: str) -> Signature:
        """Inverse of `str`."""
        task, *parts = text.split("|")
        fields = dict(part.partition(":")[::2] for part in parts)
        version = fields.pop("v", "")
        system = {name: value for name, value in fields.items() if name in SYSTEM_FIELDS}
        protocol = {name: value for name, value in fields.items() if name not in SYSTEM_FIELDS}
        return cls(task, protocol, system, version)

    @property
    def comparable_by(self) -> dict[str, str]:
        """Task and protocol: what may not differ between two scores that are compared."""
        return {"task": self.task, **self.protocol}


def difference(first: Mapping[str, str], other: Mapping[str, str]) -> str:
    """The first difference between parts of two signatures, in words; '' when they are equal."""
    for name in sorted(first.keys() | other.keys()):
        if first.get(name) != other.get(name):
            return f"{name} is {first.get(name, 'unset')} in one and {other.get(name, 'unset')} in the other"
    return ""


def check_comparable(signatures: Sequence[Signature]) -> None:
    """ReproError when scores were computed under different protocols; it names the first difference."""
    first, *rest = [signature.comparable_by for signature in signatures] or [{}]
    for other in rest:
        if why := difference(first, other):
            raise ReproError(f"these scores are not comparable: {why}")
