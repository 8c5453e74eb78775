"""Which rows a machine without a GPU measures in an hour or two each: what a weekly run on a hosted runner can do."""

from __future__ import annotations

from repro.data import registry
from repro.encoders.random_weights import layers_of
from repro.evaluation.system import System
from repro.tables.spec import Table

DEEPEST = 12  # layers; those of the base models


def light_rows(table: Table) -> list[str]:
    """The slugs of the light rows: no deeper model, nothing trained or fitted on one of the hub's data sets.

    Those have a million sentences and more. Rows of which nothing is ever measured are left out.
    """
    return [row.slug for row in table.rows if not row.system.nothing and _is_light(row.system)]


def _is_light(system: System) -> bool:
    deepest = DEEPEST if not system.training_sets() else DEEPEST // 2  # a base model trains for a day
    large_sets = [name for name in system.sets() if not registry.dataset(name).public]
    return not large_sets and all((layers_of(base.weights) or 0) <= deepest for base in system.bases())
