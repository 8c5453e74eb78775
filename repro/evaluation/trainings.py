"""Units of rows that are trained: one training with a seed and a fold, and the columns that are scored with it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from operator import methodcaller
from typing import Any, ClassVar

from repro.data import wordnet
from repro.encoders import zoo
from repro.encoders.described import describe
from repro.encoders.known import remember
from repro.encoders.recipe import TransformerRecipe
from repro.errors import ReproError
from repro.evaluation.column import Column
from repro.evaluation.identity import identity
from repro.evaluation.measurement import Subject, key, result_of
from repro.evaluation.session import Need, Session
from repro.evaluation.suite import Suite
from repro.evaluation.units import Outcome
from repro.results.csv_lines import Place
from repro.tasks import TASKS
from repro.training import selection
from repro.training.data import SETS, Examples, graded
from repro.training.recipe import TrainedRecipe

HELD_OUT = "held-out"  # the training set of a recipe that trains on what its task does not test


@dataclass(frozen=True)
class TrainingUnit:
    """One training. `wanted`: (row, column) of what is scored with it, of one task where there is a fold.

    `tasks`: all of the table's on these columns' data sets, whose sentences are encoded together: the last bits of a
    vector depend on what it is encoded with, and a run of some columns is to give what a run of all gives.

    `fold`: of a cross-validated task; None: all of them, one after the other, where the data that say which there are
    have yet to be fetched.
    """

    recipe: TrainedRecipe
    seed: int
    fold: str | None
    wanted: tuple[tuple[str, Column], ...]
    tasks: tuple[str, ...]
    turn: ClassVar[int] = 2  # last
    alone: ClassVar[bool] = False

    @property
    def together(self) -> object:
        """Equal for the same training; a fold is one task's."""
        return self.recipe, self.seed, self.fold, self.wanted[0][1].task if self.fold != "" else ""

    def joined(self, others: Sequence[TrainingUnit]) -> TrainingUnit:
        """This one with all columns that are scored with it."""
        units = (self, *others)
        tasks = dict.fromkeys(task for unit in units for task in unit.tasks)
        return replace(self, wanted=tuple(pair for unit in units for pair in unit.wanted), tasks=tuple(tasks))

    @property
    def title(self) -> str:
        """Rows, seed and fold."""
        rows = ", ".join(dict.fromkeys(row for row, _ in self.wanted))
        return f"{rows}: seed {self.seed}" + (f", {self.fold} of {self.wanted[0][1].task}" if self.fold else "")

    @property
    def cells(self) -> list[Place]:
        """Rows and columns that it serves."""
        return [(row, column.slug) for row, column in self.wanted]

    def run(self, session: Session) -> Outcome:
        """Train the model (unless it is there), score its columns and store a result of each."""
        outcome = Outcome()
        for row, column in self.wanted:
            with outcome.blaming(row, [column]):
                session.get(needs(self.recipe, column, session))
        columns = [column for row, column in self.wanted if (row, column.slug) not in outcome.failed]
        if not columns:
            return outcome
        try:
            for fold in folds(columns[0].task, session) if self.fold is None else [self.fold]:
                self._train(fold, list(dict.fromkeys(columns)), session)
        except ReproError as error:
            for row, column in self.wanted:
                outcome.blame(row, [column], error)
        return outcome

    def _train(self, fold: str, columns: list[Column], session: Session) -> None:
        from repro.training.train import Material, train
        from repro.training.trainer import Options as TrainerOptions

        options, suite = session.options, session.suite
        tasks = dict.fromkeys(column.task for column in columns)
        data = {task: session.data(task) for task in tasks}
        held_out: list[Examples] = []
        if fold:
            (task,) = tasks
            pairs, data[task] = TASKS[task].held_out(data[task], fold)
            held_out.append(graded(pairs.first, pairs.second, pairs.gold))
        read = lambda name: held_out[0] if name == HELD_OUT else suite.examples(name)  # noqa: E731
        material = Material(read, suite.dev, suite.synonyms)
        settings = TrainerOptions(dtype=options.dtype, at_most=options.sample is not None)
        model = train(self.recipe, self.seed, material, options.device, settings)
        self._refuse_replaced(session)
        start = time.perf_counter()
        trained = self.recipe.trained(str(model.folder))
        if self.recipe.cross:
            device, scores, zero = _cross_scores(trained, data, session)
        else:
            device, scores, zero = self._scores(trained, data, fold, session)
        base = session.ready(self.recipe.root)
        if base.revision:
            remember(base.recipe.weights, base.revision, base.identity)
        took = float(str(model.about["seconds"])) + time.perf_counter() - start
        about = self.recipe.signature()
        about |= {name: value for name, value in base.recipe.signature().items() if name in about}  # "model" filled in
        subject = Subject(self.title, about, base.weights, device, options.dtype, took, zero)
        for column in columns:
            digest = session.digest(column.task)
            result = result_of(options, column, subject, scores[column.task], digest)
            session.store.put(unit_key(self.recipe, column, self.seed, fold, session), result)

    def _refuse_replaced(self, session: Session) -> None:
        """ReproError where base or training data are not those that the results will be stored under."""
        suite, root = session.suite, session.ready(self.recipe.root)
        changed = [] if root.identity_now == root.identity else [root.recipe.weights]
        for name, dataset, read in _materials(self.recipe, suite):
            if suite.digest(dataset, name, read) != session.checksum(name, dataset, read):
                changed.append(dataset)
        if changed:
            raise ReproError(f"{changed[0]} was replaced while {self.title} was trained; run it again")

    def _read(self, dataset: str, session: Session) -> dict[str, Any]:
        """What the tasks on a data set score, of those that are here."""
        on_it = [task for task in self.tasks if TASKS[task].dataset == dataset]
        return {task: session.data(task) for task in on_it if not list(session.needs_data(task))}

    def _scores(
        self, trained: TransformerRecipe, data: dict[str, Any], fold: str, session: Session
    ) -> tuple[str, dict[str, Any], int]:
        """(device, scores by task, sentences with a zero vector); one data set after the other is encoded."""
        embedder = session.embedder([zoo.locate(trained)])
        scores: dict[str, Any] = {}
        zero = 0
        for dataset in dict.fromkeys(TASKS[task].dataset for task in data):
            of_it = [task for task in data if TASKS[task].dataset == dataset]
            read = {task: data[task] for task in of_it} if fold else self._read(dataset, session)
            sentences = list(dict.fromkeys(s for task, items in read.items() for s in TASKS[task].sentences(items)))
            embedded = embedder.embed(sentences)[0]
            zero += embedded.zero_vectors
            for task in of_it:
                scores[task] = TASKS[task].score(read[task], sentences, embedded.vectors, self.title)
        return embedded.device, scores, zero


def folds(task: str, session: Session) -> Sequence[str]:
    """Names of the folds; one without a name where the task has a test set. NotAvailable without the data."""
    session.digest(task)  # raises
    return TASKS[task].folds(session.data(task)) if TASKS[task].cross_validated else ("",)


def unit_key(recipe: TrainedRecipe, column: Column, seed: int, fold: str, session: Session) -> Mapping[str, object]:
    """What decides the number that one training gives in one column; NotAvailable without the training set."""
    trained_on = [session.checksum(name, dataset, read) for name, dataset, read in _materials(recipe, session.suite)]
    system = {**describe(recipe), "root": identity(recipe.root, session), "trained_on": trained_on}
    return key(session.options, column, {**system, "seed": seed, "fold": fold}, session.digest(column.task))


def needs(recipe: TrainedRecipe, column: Column, session: Session) -> list[Need]:
    """What the training and its scores need and is not here."""
    lacking = [*session.needs_data(column.task), *session.needs_weights(recipe.root)]
    for stage in recipe.stages:
        if stage.data != HELD_OUT:
            lacking += session.needs_set(SETS[stage.data][0], methodcaller("examples", stage.data))
        if stage.select_every:
            lacking += session.needs_set(session.suite.dev_set(stage.select), methodcaller("dev", stage.select))
        if stage.needs_synonyms:
            lacking += session.needs_set(wordnet.DATASET, methodcaller("synonyms"))
    return lacking


def _materials(recipe: TrainedRecipe, suite: Suite) -> Iterator[tuple[str, str, Callable[[], str]]]:
    """(name, data set, checksum) of what each stage is trained and selected on."""
    for stage in recipe.stages:
        if stage.data != HELD_OUT:
            dataset = SETS[stage.data][0]
            yield stage.data, dataset, lambda name=stage.data: suite.examples(name).digest()  # type: ignore[misc]
        if stage.select_every:
            dataset, name = suite.dev_set(stage.select), stage.select
            yield name, dataset, lambda name=name: selection.checksum(suite.dev(name))  # type: ignore[misc]
        if stage.needs_synonyms:
            yield "synonyms", wordnet.DATASET, lambda: wordnet.digest(suite.synonyms())


def _cross_scores(
    trained: TransformerRecipe, data: dict[str, Any], session: Session
) -> tuple[str, dict[str, Any], int]:
    """(device, scores by task, 0) of a model that reads both sentences at once."""
    from repro.training.cross_encoder import CrossEncoder

    model = CrossEncoder(trained, 1, session.options.device, dtype=session.options.dtype)
    similarity = lambda first, second: model.predict(first, second)[:, 0]  # noqa: E731
    scores = {task: TASKS[task].score_pairs(items, similarity) for task, items in data.items()}
    return model.device, scores, 0
