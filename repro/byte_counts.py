"""A tqdm for the libraries that download: it draws nothing and tells a step of `progress` how many bytes came."""

from __future__ import annotations

import io
from typing import Any, ClassVar

from tqdm import tqdm

from repro.progress import Step


def counting(of: Step) -> Any:
    """The class of bars that move this step; huggingface_hub makes several and closes none, so the caller ends it."""

    class ByteCount(tqdm):  # type: ignore[type-arg]
        step: ClassVar[Step] = of

        def __init__(self, *arguments: Any, **named: Any) -> None:
            super().__init__(*arguments, **{**named, "file": io.StringIO(), "disable": False})

        def update(self, n: float | None = 1) -> bool | None:
            self.n += n or 0
            if self.unit == "B":  # others count files
                self.step.total = max(self.step.total, self.total or 0)
                self.step.advance(self.n - self.step.done)
            return True

        def __bool__(self) -> bool:  # of tqdm it is False without a total
            return True

        def display(self, *arguments: Any, **named: Any) -> None:
            """Draw nothing."""

    return ByteCount
