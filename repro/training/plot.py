"""A training as a picture: loss and dev score over steps."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path


def training(records: Sequence[dict[str, float]], path: Path, measured: str) -> None:
    """Write an SVG from the records of a training log; readable in grey. `measured`: what a look at the dev set is."""
    import matplotlib
    from matplotlib.figure import Figure

    losses = [(record["step"], record["loss"]) for record in records if "loss" in record]
    looks = [(record["step"], record["dev"]) for record in records if "dev" in record]
    figure = Figure(figsize=(6, 3.5), layout="constrained")
    axes = figure.subplots()
    axes.plot(*zip(*losses, strict=True), color="0.55", linewidth=1, label="loss")
    axes.set(xlabel="step", ylabel="loss")
    lines, names = axes.get_legend_handles_labels()
    if looks:
        dev = axes.twinx()
        dev.plot(*zip(*looks, strict=True), color="black", marker="o", label=measured)
        dev.set_ylabel(measured)
        more_lines, more_names = dev.get_legend_handles_labels()
        lines, names = lines + more_lines, names + more_names
    axes.legend(lines, names, loc="center right")
    with matplotlib.rc_context({"svg.hashsalt": "repro"}):  # the same bytes each time
        figure.savefig(path, metadata={"Date": None})
