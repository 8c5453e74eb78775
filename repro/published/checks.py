"""What a check says of a table, cell by cell: of `verify.py` against the ledger, of `against.py` against a baseline."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Check:
    """What is said of one cell, or of the table and its files as a whole."""

    table: str
    cell: str = ""  # `row × column`; '': the whole
    wrong: tuple[str, ...] = ()  # what is wrong with it, each the end of a sentence on a cell, a sentence on the whole
    remark: str = ""  # of a cell that there is nothing to hold against: why

    @property
    def sentences(self) -> list[str]:
        """What is wrong, as whole sentences."""
        return [f"{self.table}: {self.cell}: {text}" if self.cell else text for text in self.wrong]
