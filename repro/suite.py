"""Where a run's data comes from: fetched public files, a user's own SentEval folder, or the embedded set."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from repro.data import fetch, labelled, registry
from repro.data.corpora import CORPORA, Corpus
from repro.errors import NotAvailable, ReproError
from repro.files import home
from repro.tasks import TASKS
from repro.training import data as training_sets
from repro.training.data import Examples
from repro.training.selection import TRIPLETS


@dataclass(frozen=True)
class Suite:
    """A named source of evaluation data. `own`: the user's folder, read as it is and never written to.

    `paper` is what the papers used, `mini` the embedded set; the name is part of every signature and cell key.
    """

    name: str = "paper"
    own: Path | None = None
    mirror: Path | None = None
    offline: bool = False

    @property
    def root(self) -> Path:
        """The folder that holds `downstream/`."""
        if self.name == "mini":
            return registry.HERE / "mini"
        return self.own or home() / "data"

    def load(self, task_name: str, limit: int | None = None) -> Any:
        """The task's data, fetched first where that is this suite's way, held against the registry's counts.

        NotAvailable when the data set is the user's to bring and is not there.
        """
        task = TASKS[task_name]
        item = self._fetched(task.dataset)
        data = task.load(self.root, item)
        task.check_counts(data, item)
        return task.load(self.root, item, limit) if limit else data

    def examples(self, name: str) -> Examples:
        """The training set of that name; NotAvailable when it cannot be had."""
        item = self._fetched(training_sets.SETS[name][0])
        return training_sets.read(name, self.root / item.folder)

    def dev(self, name: str) -> Any:
        """What models are selected on, by the name of a selection: a task's pairs, or triplets."""
        if name == "wikisec-dev":
            folder = self.root / self._fetched("WIKISEC").folder
            return labelled.read_triplets(folder / "validation.csv")[:TRIPLETS]
        return self.load(name)

    def corpus(self, name: str) -> Corpus:
        """The sentences of that corpus and which of them are pairs; NotAvailable when they cannot be had."""
        dataset, read = CORPORA[name]
        return read(self.root / self._fetched(dataset).folder)

    def _fetched(self, dataset: str) -> registry.Dataset:
        try:
            item = registry.dataset(dataset, self.name)
        except ReproError as error:
            raise NotAvailable(str(error)) from error
        if self.own is None and self.name == "paper":
            fetch.fetch(item, self.root, self.mirror, self.offline)
        return item

    def fetch_vectors(self, name: str) -> None:
        """Fetch registered word vectors of that file name; names that are not registered are the user's to bring."""
        for item in registry.datasets().values():
            if item.sources[0].path.name == name:
                try:
                    fetch.fetch(item, home() / "data", self.mirror, self.offline)
                except ReproError as error:
                    raise NotAvailable(str(error)) from error
