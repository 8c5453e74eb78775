"""Published tables of facts, such as hyper-parameters or protocols: nothing in them is measured.

What a paper prints stands in the ledger; beside it stands what this suite does, read from where it does it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Facts:
    """A table of facts. `own`: what this suite has for (system, fact), as the ledger names them, where it has any.

    `named_in`: the ledger's column that names a fact, `metric` or `task`.
    """

    id: str
    title: str
    paper: str
    command: str
    source: tuple[str, str]  # paper and table in the ledger
    own: Callable[[], Mapping[tuple[str, str], str]]
    notes: tuple[str, ...] = ()
    named_in: str = "metric"
