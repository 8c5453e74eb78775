"""Models whose word vectors are measured, and no sentence of theirs: the input embeddings, by frequency."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from repro.encoders import zoo
from repro.encoders.recipe import TransformerRecipe
from repro.evaluation.column import Column
from repro.evaluation.measurement import Subject, result_of
from repro.evaluation.session import Session
from repro.evaluation.systems import Pretrained
from repro.evaluation.units import OnDataset, Outcome, Unit
from repro.tasks.words import WORD_TASKS


@dataclass(frozen=True)
class WordVectors(Pretrained):
    """The table of a transformer's input embeddings, whatever pooling and layers its recipe names."""

    recipe: TransformerRecipe

    @cached_property
    def base(self) -> TransformerRecipe:
        """The recipe that reads nothing but the table."""
        return replace(self.recipe, pooling="static", layers=None)

    def units(self, row: str, column: Column, tasks: Sequence[str], session: Session) -> list[Unit]:
        """The count of one corpus."""
        return [WordsUnit(row, WORD_TASKS[column.task].dataset, (column,), self)]


@dataclass(frozen=True)
class WordsUnit(OnDataset):
    """One model's words in one corpus, for all ranges of ranks."""

    system: WordVectors

    def run(self, session: Session) -> Outcome:
        """Count the corpus once, and measure the words of each range of ranks."""
        from repro.encoders.transformer import TransformerEncoder  # torch: not for those who only plan

        outcome = Outcome()
        with outcome.blaming(self.row, self.columns):
            start = time.perf_counter()
            for column in self.columns:
                session.get(self.system.needs(column, session))
            ready, options = session.ready(self.system.base), session.options
            encoder = zoo.Group([ready], "cpu", options.dtype).backbone
            assert isinstance(encoder, TransformerEncoder)
            text = WORD_TASKS[self.columns[0].task].text(session.data(self.columns[0].task))
            counts, table = encoder.vocabulary(text)
            about, weights = self.system.described(ready.recipe), self.system.weights(session)
            for task in dict.fromkeys(column.task for column in self.columns):
                columns = [column for column in self.columns if column.task == task]
                with outcome.blaming(self.row, columns):
                    scores = WORD_TASKS[task].score_words(counts, table, self.row)
                    seconds = time.perf_counter() - start
                    subject = Subject(self.row, about, weights, "cpu", options.dtype, seconds)
                    for column in columns:
                        with outcome.blaming(self.row, [column]):  # one that is not defined costs no other
                            result = result_of(options, column, subject, scores, session.digest(task))
                            session.store.put(self.system.key(column, session), result)
        return outcome
