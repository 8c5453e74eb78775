"""What decides a number: the key under which it is stored."""

from __future__ import annotations

from collections.abc import Mapping

# What decides a number and is not the encoder's files, the recipe, the task's protocol or its data: raise a number when
# those numbers change. A task has its own (`Task.version`).
VERSIONS = {"encoding": 1, "scoring": 1}


def key_of(
    system: Mapping[str, object],
    task: str,
    metric: str,
    protocol: Mapping[str, str],
    data: str,
    version: int,
    dtype: str,
    bootstrap: tuple[int, int],
) -> dict[str, object]:
    """System identity × task × metric × protocol × data × precision × version.

    `system`: its identity, JSON-ready. `data`: hex sha256 of the task's content. `bootstrap`: resamples and seed of the
    interval. No table, row or column is in it, nor the version of a package.
    """
    return {
        "system": dict(system),
        "task": task,
        "metric": metric,
        "protocol": dict(protocol),
        "data": data,
        "versions": VERSIONS | {"task": version},
        "dtype": dtype,
        "bootstrap": list(bootstrap),
    }
