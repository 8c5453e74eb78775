"""The kinds of system that can stand in a row, but for three that have modules of their own: given, gold and words.

Whatever depends on the kind is answered by it and nowhere else.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from operator import methodcaller

from repro.data import wordnet
from repro.data.corpora import CORPORA
from repro.encoders.cache import Embedded
from repro.encoders.described import describe
from repro.encoders.recipe import BaseRecipe, FittedRecipe, Recipe, TimedRecipe
from repro.errors import NotAvailable
from repro.evaluation import machine, timing, trainings
from repro.evaluation.column import Column
from repro.evaluation.config import DTYPES, Options
from repro.evaluation.encoding import Embed, EncodingUnit, Member
from repro.evaluation.fitting import is_file
from repro.evaluation.identity import identity
from repro.evaluation.measurement import key, over_seeds
from repro.evaluation.session import Need, Session
from repro.evaluation.system import System, by_key, weights_of
from repro.evaluation.trainings import TrainingUnit
from repro.evaluation.units import Unit
from repro.results.result import Result
from repro.tasks import TASKS
from repro.training.data import SETS
from repro.training.recipe import TrainedRecipe


@dataclass(frozen=True)
class Quoted(System):
    """A system outside the zoo: its published numbers stand alone."""

    why: str = "a system outside the zoo; its numbers are quoted from the paper"
    only: tuple[str, ...] = ()

    @property
    def nothing(self) -> str:  # type: ignore[override]
        """Why nothing is ever measured."""
        return self.why

    def absent(self, column: str) -> str:
        """The same reason in every column."""
        return self.why


@dataclass(frozen=True)
class Unknown(System):
    """A row that a file has and the table has not: another run's --encoder or --base."""

    def absent(self, column: str) -> str:
        """'': nothing is known that speaks against a number of it in any column."""
        return ""


@dataclass(frozen=True)
class Pretrained(System):
    """An encoder as it is. `only`: the columns that make sense for it, all when empty; `why`: the others do not."""

    recipe: BaseRecipe
    only: tuple[str, ...] = ()
    why: str = ""

    def absent(self, column: str) -> str:
        """`why` for a column outside `only`, else ''."""
        return self.why if self.only and column not in self.only else ""

    @property
    def base(self) -> BaseRecipe:
        """The encoder that runs the sentences."""
        return self.recipe

    @property
    def unpinned(self) -> str:
        """The hub id of its model where no revision is named, else ''."""
        return self.base.unpinned

    def bases(self) -> list[BaseRecipe]:
        """The one encoder that it is."""
        return [self.base]

    def stated(self, column: str, options: Options) -> dict[str, str] | None:
        """Signature fields of the recipe, and the precision."""
        return {**self.described(self.base), "dtype": DTYPES[self.base.computed_in(options.dtype)], "seeds": ""}

    def described(self, base: BaseRecipe) -> dict[str, str]:
        """Fields of the signature, `base` being the recipe with everything filled in."""
        return base.signature()

    def needs(self, column: Column, session: Session) -> list[Need]:
        """What is missing of the task's data and the encoder's files."""
        return [*session.needs_data(column.task), *session.needs_weights(self.base)]

    def key(self, column: Column, session: Session) -> Mapping[str, object]:
        """What decides its number in a column."""
        return key(session.options, column, identity(self.base, session), session.digest(column.task))

    def stored(self, column: Column, session: Session) -> Result | None:
        """The result stored under its key, or None."""
        return by_key(lambda: self.key(column, session), session)

    def units(self, row: str, column: Column, tasks: Sequence[str], session: Session) -> list[Unit]:
        """The encoding of the column's data set."""
        return [EncodingUnit(TASKS[column.task].dataset, tuple(tasks), (Member(row, self, (column,)),))]

    def weights(self, session: Session) -> str:
        """Name, revision and checksum of the encoder's weights; '' where they are not here."""
        return weights_of(self.base, session)

    def versions(self, task: str, embedded: Embedded, embed: Embed, session: Session) -> list[Embedded]:
        """The vectors as they are."""
        return [embedded]


@dataclass(frozen=True)
class PostProcessed(Pretrained):
    """An encoder's vectors under a map that is fitted, without labels, on the vectors of some sentences."""

    recipe: FittedRecipe  # type: ignore[assignment]
    seeds: int = 1

    @property
    def base(self) -> BaseRecipe:
        """The encoder below the map."""
        return self.recipe.base

    @property
    def legend(self) -> str:  # type: ignore[override]
        """The name of the map, whitening or flow, which figures show it under."""
        return self.recipe.name

    @property
    def kept(self) -> str:  # type: ignore[override]
        """How many dimensions a whitening keeps."""
        return self.recipe.kept

    @property
    def seeded(self) -> bool:  # type: ignore[override]
        """Whether the fit depends on a seed."""
        return self.recipe.seeded

    def sets(self) -> list[str]:
        """The data set of the corpus that the map is fitted on; none for `target` and a saved fit."""
        return [CORPORA[self.recipe.source][0]] if self.recipe.source in CORPORA else []

    def stated(self, column: str, options: Options) -> dict[str, str] | None:
        """Signature fields of encoder and map, the precision, and the number of fits."""
        fits = str(len(self.runs(options.seeds))) if self.seeded else ""
        dtype = DTYPES[self.base.computed_in(options.dtype)]
        return {**self.described(self.base), "dtype": dtype, "seeds": fits}

    def described(self, base: BaseRecipe) -> dict[str, str]:
        """Signature fields of encoder and map, `base` being the encoder's recipe with everything filled in."""
        return replace(self.recipe, base=base).signature()

    def needs(self, column: Column, session: Session) -> list[Need]:
        """What is missing of data, weights and the corpus that the map is fitted on."""
        source, needs = self.recipe.source, super().needs(column, session)
        for dataset in self.sets():
            needs += session.needs_set(dataset, methodcaller("corpus", source))
        return needs

    def key(self, column: Column, session: Session) -> Mapping[str, object]:
        """What decides its number: encoder, map, the sentences it is fitted on, and the number of fits."""
        system = describe(self.recipe) | {
            "base": identity(self.base, session),
            "fitted_on": session.corpora.digest(self.recipe, column.task),
            "fits": len(self.runs(session.options.seeds)),
        }
        return key(session.options, column, system, session.digest(column.task))

    def weights(self, session: Session) -> str:
        """The encoder's weights, and the checksum of a saved map where it comes from a file."""
        weights = super().weights(session)
        if not weights or not is_file(self.recipe.source):
            return weights
        return f"{weights}, fit sha256:{session.corpora.digest(self.recipe, '')[:12]}"

    def versions(self, task: str, embedded: Embedded, embed: Embed, session: Session) -> list[Embedded]:
        """The vectors under the map of each seed; the first one's seconds include the encoding."""
        versions = []
        base = session.ready(self.base)
        for number, seed in enumerate(self.runs(session.options.seeds)):
            start = time.perf_counter()
            apply = session.maps.map(self.recipe, base, task, seed, embed)
            vectors = apply(embedded.vectors)
            seconds = time.perf_counter() - start + (0.0 if number else embedded.seconds)
            versions.append(replace(embedded, vectors=vectors, seconds=seconds))
        return versions


@dataclass(frozen=True)
class FineTuned(System):
    """Models that are trained for the row. `trainings`: (column slug, what is trained for it)."""

    trainings: tuple[tuple[str, TrainedRecipe], ...]
    seeds: int = 1
    legend = "trained"
    trained = True
    seeded = True

    def absent(self, column: str) -> str:
        """A reason for a column that no training serves, else ''."""
        return "" if column in self._by_column else "nothing is trained for this column"

    @cached_property
    def _by_column(self) -> dict[str, TrainedRecipe]:
        return dict(self.trainings)

    def recipe(self, column: str, options: Options) -> TrainedRecipe:
        """What is trained for a column, cut to --sample."""
        return self._by_column[column].cut(options.sample)

    @property
    def unpinned(self) -> str:
        """The hub id of the first model that its trainings start from and no revision is named of, else ''."""
        return next((root.unpinned for root in self.bases() if root.unpinned), "")

    def bases(self) -> list[BaseRecipe]:
        """The pretrained encoders that the trainings start from."""
        return list(dict.fromkeys(recipe.root for _, recipe in self.trainings))

    def training_sets(self) -> list[str]:
        """Names of the data sets that any stage of its trainings reads."""
        stages = [stage for _, recipe in self.trainings for stage in recipe.stages]
        read = [SETS[stage.data][0] for stage in stages if stage.data in SETS]
        read += [wordnet.DATASET for stage in stages if stage.needs_synonyms]
        return list(dict.fromkeys(read))

    def stated(self, column: str, options: Options) -> dict[str, str] | None:
        """Signature fields of the column's training, the precision, and the number of seeds."""
        if column not in self._by_column:
            return None
        about = self.recipe(column, options).signature()
        return {**about, "dtype": DTYPES[options.dtype], "seeds": str(len(self.runs(options.seeds)))}

    def weights(self, session: Session) -> str:
        """Those of the base that all its trainings start from; '' where it is not here, or there are several."""
        bases = self.bases()
        return weights_of(bases[0], session) if len(bases) == 1 else ""

    def needs(self, column: Column, session: Session) -> list[Need]:
        """What is missing of the task's data, the base's files, and the training and selection sets."""
        return trainings.needs(self.recipe(column.slug, session.options), column, session)

    def stored(self, column: Column, session: Session) -> Result | None:
        """The mean over the stored results of all seeds and folds; None unless every one is there."""
        try:
            folds = trainings.folds(column.task, session)
            by_seed = [[self._unit(column, seed, fold, session) for fold in folds] for seed in self._runs(session)]
            digest = session.digest(column.task)
        except NotAvailable:  # without the data nobody knows which
            return None
        whole = [[result for result in results if result is not None] for results in by_seed]
        if any(len(results) < len(folds) for results in whole):
            return None
        return over_seeds(whole, digest)

    def units(self, row: str, column: Column, tasks: Sequence[str], session: Session) -> list[Unit]:
        """The trainings of a column whose results are not stored; all of them under --force."""
        recipe = self.recipe(column.slug, session.options)
        try:
            folds: Sequence[str | None] = trainings.folds(column.task, session)
        except NotAvailable:
            folds = [None]
        return [
            TrainingUnit(recipe, seed, fold, ((row, column),), tuple(tasks))
            for seed in self._runs(session)
            for fold in folds
            if session.options.force or fold is None or self._unit(column, seed, fold, session) is None
        ]

    def _runs(self, session: Session) -> range:
        return self.runs(session.options.seeds)

    def _unit(self, column: Column, seed: int, fold: str, session: Session) -> Result | None:
        recipe = self.recipe(column.slug, session.options)
        return by_key(lambda: trainings.unit_key(recipe, column, seed, fold, session), session)


@dataclass(frozen=True)
class Timed(System):
    """An encoder whose speed is measured."""

    recipe: TimedRecipe

    def absent(self, column: str) -> str:
        """'': every column of a table of speeds is timed; `needs` refuses a device that is not here."""
        return ""

    @property
    def unpinned(self) -> str:
        """The hub id of its model where no revision is named, else '', as for drawn weights."""
        return "" if self.recipe.random else self.recipe.base.unpinned

    def bases(self) -> list[BaseRecipe]:
        """The encoder; nothing where its weights are drawn."""
        return [] if self.recipe.random else [self.recipe.base]

    def stated(self, column: str, options: Options) -> dict[str, str] | None:
        """Signature fields of the encoder, in the row's own precision whatever the run's is."""
        return {
            **self.recipe.signature(),
            "dtype": DTYPES[self.recipe.base.computed_in(self.recipe.dtype)],
            "seeds": "",
        }

    def needs(self, column: Column, session: Session) -> list[Need]:
        """What is missing of sentences and weights; NotAvailable where the device is, or no pairs can be read."""
        needs = list(session.needs_data(column.task))
        if TASKS[column.task].scores_pairs and self.recipe.base.trainable is None:
            raise NotAvailable("word vectors score no pairs: there is no cross-encoder of them")
        timing.device_for(TASKS[column.task].device)
        for base in self.bases():
            needs += session.needs_weights(base)
        return needs

    def key(self, column: Column, session: Session) -> Mapping[str, object]:
        """What decides its number: the encoder and the machine."""
        hardware = machine.hardware(timing.device_for(TASKS[column.task].device))
        base = describe(self.recipe.base) if self.recipe.random else identity(self.recipe.base, session)
        system = describe(self.recipe) | {"base": base, "hardware": hardware}
        return key(session.options, column, system, session.digest(column.task))

    def stored(self, column: Column, session: Session) -> Result | None:
        """The time stored for this machine, or None."""
        return by_key(lambda: self.key(column, session), session)

    def units(self, row: str, column: Column, tasks: Sequence[str], session: Session) -> list[Unit]:
        """One timing of the row on the column's device."""
        return [timing.TimingUnit(row, self, (column,))]

    def weights(self, session: Session) -> str:
        """Name, revision and checksum of the encoder's weights; '' where they are drawn or not here."""
        return weights_of(self.recipe.base, session) if self.bases() else ""


def system_of(recipe: Recipe, seeds: int = 1) -> System:
    """The system of a recipe: as it is, under its map, or timed."""
    if isinstance(recipe, FittedRecipe):
        return PostProcessed(recipe, seeds=seeds)
    return Timed(recipe) if isinstance(recipe, TimedRecipe) else Pretrained(recipe)
