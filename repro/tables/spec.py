"""The nouns of a table module: rows, columns, and the table that holds them. A table is data; it has no procedure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from repro.encoders import zoo
from repro.encoders.recipe import FittedRecipe, Recipe, TimedRecipe, TransformerRecipe
from repro.errors import ReproError
from repro.training.recipe import TrainedRecipe
from repro.training.setups import on

BEYOND = "Beyond the paper"


@dataclass(frozen=True)
class ColumnRef:
    """Where in the ledger a column's published numbers stand: task, and metric and group where a task has several."""

    task: str
    metric: str = ""
    group: str = ""
    protocol: str = ""  # what stands for {} in a row's system, where each protocol is a system of its own


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
    """One line of a table: a system, the recipe that produced it, and its published numbers."""

    slug: str
    label: str
    group: str
    recipe: Recipe | None = None  # None: a system outside the zoo
    published: Ref | None = None
    only: tuple[str, ...] = ()  # column slugs that make sense for this row; empty: all
    absent: str = ""  # why there is nothing to run (no recipe), or nothing outside `only`
    trainings: tuple[tuple[str, TrainedRecipe], ...] = ()  # (column slug, what is trained for it), in place of a recipe
    seeds: int = 1  # trainings, or fits of a flow

    @property
    def trained(self) -> bool:
        """Whether models are trained for the row."""
        return bool(self.trainings)

    @property
    def seeded(self) -> bool:
        """Whether its numbers depend on seeds, and so are judged against their spread."""
        return self.trained or (isinstance(self.recipe, FittedRecipe) and self.recipe.seeded)

    def training(self, column: str) -> TrainedRecipe | None:
        """What is trained for that column."""
        return dict(self.trainings).get(column)

    def runs(self, column: str) -> bool:
        """Whether there is anything to compute in that column."""
        if self.trained:
            return self.training(column) is not None
        return self.recipe is not None and (not self.only or column in self.only)


def zoo_row(slug: str, label: str, group: str, published: Ref | None = None, seeds: int = 1) -> Row:
    """A row that goes by the name of its recipe in the zoo."""
    return Row(slug, label, group, zoo.ZOO[slug], published, seeds=seeds)


def outside_row(slug: str, label: str, group: str, published: Ref) -> Row:
    """A system that the paper compares with and the zoo does not have."""
    why = "a system outside the zoo; its numbers are quoted from the paper"
    return Row(slug, label, group, None, published, absent=why)


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
        return Row(slug, label, group, None, published, trainings=trainings, seeds=seeds)


@dataclass(frozen=True)
class Column:
    """One score: a task and one of its metrics."""

    slug: str
    label: str
    task: str
    metric: str = "spearman-all"
    section: str = ""  # heading under which the column stands; a table of one section needs none


@dataclass(frozen=True)
class Average:
    """The mean of other columns, computed from unrounded values."""

    label: str
    of: tuple[str, ...]
    slug: str = "avg"
    section: str = ""

    @property
    def metric(self) -> str:
        """As in the CSV."""
        return f"mean-of-{len(self.of)}"

    def value(self, values: Sequence[float]) -> float:
        """From the values of the columns `of`."""
        return sum(values) / len(values)


@dataclass(frozen=True)
class Difference:
    """One column less another, such as two probes on one task."""

    slug: str
    label: str
    of: tuple[str, str]
    section: str = ""
    metric: str = "difference"

    def value(self, values: Sequence[float]) -> float:
        """From the values of the columns `of`."""
        return values[0] - values[1]


AnyColumn = Column | Average | Difference


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
        added = [Row(name, _label(name), BEYOND, self._recipe(name)) for name in new]
        return replace(self, rows=(*self.rows, *added))

    def _recipe(self, name: str) -> Recipe:
        """Of a named encoder: as it is, or timed where that is what the table's rows are."""
        recipe = zoo.recipe(name)
        if not any(isinstance(row.recipe, TimedRecipe) for row in self.rows):
            return recipe
        if isinstance(recipe, FittedRecipe | TimedRecipe):
            raise ReproError(f"{name}: {self.id} times an encoder alone; name it without post=")
        return TimedRecipe(recipe)

    def with_bases(self, names: Iterable[str]) -> Table:
        """The table with a row of its own for each named base and each setup, under "Beyond the paper"."""
        added = []
        for name in dict.fromkeys(names):
            base = zoo.recipe(name)
            if not isinstance(base, TransformerRecipe):
                raise ReproError(f"{name} is made of word vectors; --base wants a transformer")
            if not self.setups:
                raise ReproError(f"{self.id} trains nothing; --base goes with tables that do, such as sbert-2")
            for setup in self.setups:
                label = f"{_label(name)}: {setup.label}"
                added.append(setup.row(base, f"{name}:{setup.slug}", label, BEYOND, seeds=self.seeds))
        return replace(self, rows=(*self.rows, *added))

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
