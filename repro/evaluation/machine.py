"""The machine that times are taken on, in words."""

from __future__ import annotations

import os
import platform
import sys
from importlib.metadata import version
from pathlib import Path

from repro import memo

ONE_THREAD = "1 thread"


def hardware(device: str, threads: str = "") -> str:
    """What a time was taken on: the GPU's name, or the CPU's with the number of threads; '': as many as torch has."""
    if device == "cpu":
        return f"{_cpu_name()}, {threads or f'{_threads()} threads'}"
    import torch

    return torch.cuda.get_device_name() if device == "cuda" else device


def _threads() -> int:
    """How many threads torch computes with; loading it takes seconds, so its answer to this environment is kept."""
    cores = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    asked = {name: value for name, value in os.environ.items() if name.startswith(("OMP_", "MKL_", "KMP_"))}
    key: memo.Key = {"threads": version("torch"), "cpu": _cpu_name(), "cores": cores, "environment": asked}
    kept = memo.recall(key)
    if kept is None or "torch" in sys.modules:
        import torch

        kept = str(torch.get_num_threads())
        memo.remember(key, kept)
    return int(kept)


def _cpu_name() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="ignore").splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()
