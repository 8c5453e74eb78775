"""The nouns of a table module: rows, columns, and the table that holds them. A table is data; it has no procedure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from repro.encoders import zoo
from repro.encoders.own import is_object
from repro.encoders.recipe import TimedRecipe, TransformerRecipe
from repro.errors import ReproError
from repro.evaluation.column import AnyColumn, Average, Column, Difference
from repro.evaluation.given import given
from repro.evaluation.system import System
from repro.evaluation.systems import FineTuned, Quoted, Timed, system_of
from repro.evaluation.words import WordVectors
from repro.tasks import TASKS
from repro.training.recipe import TrainedRecipe
from repro.training.setups import from_named, idle, named_settings, on

__all__ = [
    "BEYOND",
    "FLOW_SEEDS",
    "AnyColumn",
    "Average",
    "Column",
    "ColumnRef",
    "Difference",
    "Ref",
    "Row",
    "Setup",
    "Table",
]
__all__ += ["outside_row", "zoo_row"]
BEYOND = "Beyond the paper"
FLOW_SEEDS = 5  # as in BERT-flow's Table 8


@dataclass(frozen=True)
class ColumnRef:
    """Where in the ledger a column's published numbers stand: task, and metric and group where a task has several."""

    task: str
    metric: str = ""
    group: str = ""
    protocol: str = ""  # what stands for {} in a row's system, where each protocol is a system of its own
    differs: str = ""  # how the published numbers came about otherwise than the column's, so that they are no target


@dataclass(frozen=True)
class Ref:
    """Where in the ledger a row's published numbers stand, and how its files name the table's columns."""

    paper: str
    table: str
    system: str
    group: str = ""
    columns: Mapping[str, ColumnRef] = field(default_factory=dict, repr=False, hash=False)  # by the column's slug


@dataclass(frozen=True)
class Row:
    """One line of a table: a system, and where its published numbers stand."""

    slug: str
    label: str
    group: str
    system: System
    published: Ref | None = None


def zoo_row(slug: str, label: str, group: str, published: Ref | None = None, seeds: int = 1) -> Row:
    """A row that goes by the name of its recipe in the zoo; ReproError where there is none of that name."""
    if slug not in zoo.ZOO:
        raise ReproError(f"{slug!r} is not in the zoo; see `repro list encoders`")
    return Row(slug, label, group, system_of(zoo.ZOO[slug], seeds), published)


def outside_row(slug: str, label: str, group: str, published: Ref) -> Row:
    """A system that the paper compares with and the zoo does not have."""
    return Row(slug, label, group, Quoted(), published)


@dataclass(frozen=True)
class Setup:
    """A row of a table before its base is chosen: what is trained for which columns."""

    slug: str
    label: str
    trainings: tuple[tuple[str, TrainedRecipe], ...]

    def row(
        self,
        base: TransformerRecipe,
        slug: str,
        label: str,
        group: str,
        published: Ref | None = None,
        seeds: int = 1,
    ) -> Row:
        """The row of that base."""
        trainings = tuple((column, on(recipe, base)) for column, recipe in self.trainings)
        return Row(slug, label, group, FineTuned(trainings, seeds), published)

    def system(self, name: str, seeds: int) -> System:
        """What is trained of a named base; its settings that have no effect on it are why nothing is."""
        if why := next(filter(None, (idle(recipe, name) for _, recipe in self.trainings)), ""):
            return Quoted(why)
        return FineTuned(tuple((column, from_named(recipe, name)) for column, recipe in self.trainings), seeds)


@dataclass(frozen=True)
class Table:
    """A published table: what it is, its rows and columns, and numbered notes on how it was really computed."""

    id: str
    title: str
    paper: str
    rows: tuple[Row, ...]
    columns: tuple[AnyColumn, ...]
    notes: tuple[str, ...] = ()
    decimals: int = 2
    command: str = ""
    banner: str = ""  # a warning that stands at the top of every written file
    setups: tuple[Setup, ...] = ()  # what --base trains
    demo: tuple[Row, ...] = ()  # its rows in the suite `mini`; empty: all-MiniLM-L6-v2 under each pooling
    seeds: int = 1  # of the paper's trained rows

    def of_run(self, variant: str) -> Table:
        """The table as a run of that variant writes it: one that was cut short under a banner, held against nothing.

        `variant`: what the names of its files have beside the table's id, as in `.limit-50`.
        """
        cuts = [part for part in variant.split(".") if part.startswith(("limit-", "sample-"))]
        if not cuts:
            return self
        said = ", ".join("--" + cut.replace("-", " ") for cut in cuts)
        cut = f"Computed on a part of the data ({said}): not comparable with a paper."
        return replace(self, banner=f"{self.banner} {cut}".strip())

    def scored(self) -> Iterator[Column]:
        """The columns that are measured, those computed from others left out."""
        return (column for column in self.columns if isinstance(column, Column))

    def sections(self) -> list[Table]:
        """The table once for each section, with the columns of that section alone, in order."""
        names = dict.fromkeys(column.section for column in self.columns)
        return [replace(self, columns=tuple(c for c in self.columns if c.section == name)) for name in names]

    def with_encoders(self, names: Iterable[str]) -> Table:
        """The table with a row of its own for each named encoder, under "Beyond the paper"."""
        taken = {row.slug for row in self.rows}
        new = [name for name in dict.fromkeys(names) if name not in taken]
        added = [Row(name, _label(name), BEYOND, self._system(name)) for name in new]
        return replace(self, rows=(*self.rows, *added))

    @property
    def times(self) -> bool:
        """Whether a column is a time, of encoding or of a search: nothing may run beside it."""
        return any(TASKS[column.task].timed or TASKS[column.task].times_search for column in self.scored())

    def refuse_trained(self, names: Iterable[str]) -> None:
        """ReproError where a named encoder has the name of a row that is trained, and so is another model."""
        trained = {row.slug for row in self.rows if row.system.training_sets()}
        if name := next((name for name in names if name in trained and name in zoo.ZOO), ""):
            raise ReproError(
                f"{self.id}'s row {name} is a model that is trained from the encoder of that name; choose it with "
                "--row, or name the encoder by its weights and settings, such as scratch-bert,pooling=cls"
            )

    def _system(self, name: str) -> System:
        """Of a named encoder: as it is, or timed, or its word vectors, where that is what the table's rows are."""
        if is_object(name):
            return given(name)
        recipe, asked = zoo.recipe(name), self.id or "the task"
        if any(TASKS[column.task].of_words for column in self.scored()):
            if recipe.trainable is None:
                raise ReproError(f"{name}: {asked} measures a transformer's word vectors; name one, without post=")
            return WordVectors(recipe.trainable)
        if not any(TASKS[column.task].timed for column in self.scored()):
            return system_of(recipe, FLOW_SEEDS)
        if recipe.plain != recipe:
            raise ReproError(f"{name}: {asked} times an encoder alone; name it without post=")
        return Timed(TimedRecipe(recipe.plain))

    def with_bases(self, names: Iterable[str]) -> Table:
        """The table with a row of its own for each named base and each setup, under "Beyond the paper"."""
        added = [row for name in dict.fromkeys(names) for row in self._trained(name)]
        return replace(self, rows=(*self.rows, *added))

    def _trained(self, name: str) -> list[Row]:
        """The rows of a named base."""
        zoo.transformer(name)  # what is no transformer is said first
        if not self.setups:
            raise ReproError(f"{self.id} trains nothing; --base goes with tables that do, such as sbert-2")
        recipes = [recipe for setup in self.setups for _, recipe in setup.trainings if not recipe.cross]
        if "pooling" in named_settings(name) and len({recipe.root.pooling for recipe in recipes}) > 1:
            raise ReproError(f"{name}: the rows of {self.id} have poolings of their own; leave out pooling")
        rows = [
            Row(f"{name}:{setup.slug}", f"{_label(name)}: {setup.label}", BEYOND, setup.system(name, self.seeds))
            for setup in self.setups
        ]
        if all(row.system.nothing for row in rows):
            raise ReproError(rows[0].system.nothing)
        return rows

    def pick_rows(self, slugs: Iterable[str]) -> list[Row]:
        """The rows of those slugs (all when there are none); ReproError lists what there is."""
        wanted = list(slugs)
        known = {row.slug: row for row in self.rows}
        for slug in wanted:
            if slug not in known:
                raise ReproError(f"{self.id} has no row {slug!r}; there are: {', '.join(known)}")
        return [known[slug] for slug in wanted] or list(self.rows)

    def pick_columns(self, slugs: Iterable[str]) -> list[Column]:
        """The measured columns of those slugs (all when there are none); ReproError lists what there is."""
        wanted = list(slugs)
        known = {column.slug: column for column in self.scored()}
        for slug in wanted:
            if slug not in known:
                raise ReproError(f"{self.id} has no task {slug!r}; there are: {', '.join(known)}")
        return [known[slug] for slug in wanted] or list(known.values())

    def asked(self, rows: Iterable[str], columns: Iterable[str]) -> set[tuple[str, str]]:
        """(row, column) of every cell in these rows and columns (all when none is named)."""
        picked = self.pick_columns(columns)
        return {(row.slug, column.slug) for row in self.pick_rows(rows) for column in picked}


def _label(name: str) -> str:
    """A user's name for an encoder on one line: the name of a folder may hold a newline."""
    return " ".join(name.split())
