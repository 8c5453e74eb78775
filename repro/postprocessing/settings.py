"""The settings of a flow. Apart from flow.py, which brings torch: recipes are read without it."""

from __future__ import annotations

from dataclasses import dataclass

from repro.errors import ReproError

CHOICES = {"coupling": ("additive", "affine"), "mixing": ("reversal", "linear"), "actnorm": ("data", "drawn")}
LIMITS: dict[str, tuple[float, float]] = {  # smallest, largest
    "levels": (1, 20),
    "depth": (1, 1000),
    "width": (1, 65_536),
    "batch_size": (2, 1_000_000),  # of one pair an actnorm learns no scale
    "passes": (1, 1000),
    "epochs": (0, 10_000),
    "learning_rate": (0, 10),
    "weight_decay": (0, 10),
}


@dataclass(frozen=True)
class FlowSettings:
    """The paper's settings unless others are named (Tables 7 and 8, §4: one epoch at 1e-3 on the target).

    Raises ReproError for a value that makes no sense.
    """

    levels: int = 2  # the published code's default, which SimCSE's authors ran, is 3
    depth: int = 3
    width: int = 32
    coupling: str = "additive"  # or affine
    mixing: str = "reversal"  # or linear
    epochs: float = 1.0
    batch_size: int = 32  # pairs of sentences
    learning_rate: float = 1e-3
    weight_decay: float = 0.01
    passes: int | None = None  # how often an epoch reads each pair; None: once
    # `data`: actnorms start as Glow's do, from the first batch (flow/glow_init_hook.py); `drawn`: from TensorFlow's
    # random default, where the published script leaves them: run_siamese.py imports the hook and never registers it
    actnorm: str = "data"

    def __post_init__(self) -> None:
        for name, choices in CHOICES.items():
            if getattr(self, name) not in choices:
                raise ReproError(f"a flow's {name} is {' or '.join(choices)}, not {getattr(self, name)!r}")
        for name, (low, high) in LIMITS.items():
            value = getattr(self, name)
            positive = name in ("epochs", "learning_rate")
            if value is not None and not (low <= value <= high and (value > 0 or not positive)):
                least = "be positive" if positive else f"be at least {low}"
                raise ReproError(f"a flow's {name} must {least} and at most {high}, not {value}")
