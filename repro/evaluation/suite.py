"""Where a run's data comes from: fetched public files, a user's own SentEval folder, or the embedded set."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any, TypeVar

from repro import memo, revisions
from repro.checksums import reading_only, sha256_of
from repro.data import fetch, hub, pretraining, readers, registry, sources, wordnet
from repro.data.corpora import CORPORA, Corpus
from repro.data.registry import SUITES
from repro.data.wordnet import Synonyms
from repro.errors import NotAvailable, ReproError
from repro.hub import refuse_settings
from repro.paths import home, path_from
from repro.tasks import TASKS
from repro.training import data as training_sets
from repro.training.data import Examples
from repro.training.selection import TRIPLETS

Read = TypeVar("Read")


@dataclass(frozen=True)
class Suite:
    """A named source of evaluation data. `own`: the user's folder, read as it is and never written to.

    `paper` is what the papers used, `mini` the embedded set; the name is part of every signature and cell key.
    Whatever keeps a data set from being read is NotAvailable: it costs the cells that need it.
    """

    name: str = "paper"
    own: Path | None = None
    mirror: Path | None = None
    offline: bool = False
    fetches: bool = True  # False: what is here is read, nothing is downloaded, converted or written

    @property
    def root(self) -> Path:
        """The folder that holds `downstream/`."""
        if self.name == "mini":
            return registry.HERE / "mini"
        return self.own or self.store

    @property
    def store(self) -> Path:
        """The suite's own folder of fetched data, whatever folder is read."""
        return home() / "data"

    def at_rest(self) -> Suite:
        """The same suite for those who plan: `load`, `examples`, `corpus` and `fetch_vectors` only read."""
        return replace(self, fetches=False)

    def load(self, task_name: str, limit: int | None = None) -> Any:
        """The task's data, fetched first where that is this suite's way, held against the registry's counts."""
        task = TASKS[task_name]
        with self._reading():
            return task.load(self.root, self._fetched(task.dataset), limit)

    def examples(self, name: str) -> Examples:
        """The training set of that name."""
        with self._reading():
            if name == pretraining.NAME:
                for item in pretraining.needed(self.name):
                    self._hold(item)
                return Examples((tuple(pretraining.text(self.root, self.name)),), None)
            dataset, file, _ = training_sets.SETS[name]
            return self._whole(dataset, [file], partial(training_sets.read, name))

    def dev(self, name: str) -> Any:
        """What models are selected on, by the name of a selection: a task's pairs, or triplets."""
        if name != "wikisec-dev":
            return self.load(name)
        with self._reading():
            file = "validation.csv"
            triplets = self._whole(self.dev_set(name), [file], lambda folder: readers.read_triplets(folder / file))
            return [triplets.cut(TRIPLETS)]

    def dev_set(self, name: str) -> str:
        """The data set of a selection."""
        return "WIKISEC" if name == "wikisec-dev" else TASKS[name].dataset

    def synonyms(self) -> Synonyms:
        """WordNet's synonyms; NotAvailable where its files are not here."""
        with self._reading():
            return self._whole(wordnet.DATASET, wordnet.FILES, wordnet.read)

    def corpus(self, name: str) -> Corpus:
        """The sentences of that corpus and which of them are pairs; NotAvailable when they cannot be had."""
        dataset, file, read = CORPORA[name]
        with self._reading():
            return self._whole(dataset, [file], lambda folder: read(folder / file))

    def digest(self, dataset: str, what: str, derive: Callable[[], str]) -> str:
        """The digest that `derive` reads data for, or what was kept of it while these very files were read.

        `what` says what is derived of the data set, everything included that decides it beside the files. Of a user's
        own folder nothing is kept: its files have no checksums to hang on. NotAvailable when the data cannot be had.
        """
        item = registry.dataset(dataset, self.name)
        if self._is_own(item):
            return derive()
        with self._reading():
            self._hold(item)
            files = [[str(path), sha256_of(self.root / path)] for path in item.files]
        key: memo.Key = {"digest": what, "files": files, "code": memo.code(), "moses": version("sacremoses")}
        kept = memo.recall(key)
        if kept is None:
            kept = derive()
            memo.remember(key, kept)
        return kept

    def fetch_vectors(self, name: str) -> None:
        """Fetch registered word vectors of that file name; names that are not registered are the user's to bring."""
        if item := registry.of_vectors(name):
            with self._reading():
                self._hold(item)

    def present(self, dataset: str) -> bool:
        """Whether the data set is on this machine, each file with its checksum (a user's own: whether it is there)."""
        return not self.why_missing(dataset)

    def why_missing(self, dataset: str) -> str:
        """What is missing or damaged of a data set, in a sentence; '' when it is present. Nothing is written."""
        try:
            item = registry.dataset(dataset, self.name)
        except ReproError as error:
            return str(error)
        with reading_only():
            return self._wrong(item)

    def can_fetch(self, dataset: str) -> bool:
        """Whether a run would get a data set that is not present: from the mirror, its public address or the hub."""
        item = registry.datasets(self.name).get(dataset)
        if item is None or self._is_own(item) or self._is_embedded(item):
            return False
        if item.from_hub:
            return not self.offline or hub.cached(item)
        if item.public and self.mirror is not None:
            return all(sources.mirrored(source, self.mirror).is_file() for source in item.sources)
        return item.public and not self.offline

    def can_fetch_vectors(self, name: str) -> bool:
        """Whether a run would get the word vectors of that file name."""
        item = registry.of_vectors(name)
        return item is not None and self.can_fetch(item.name)

    def megabytes_of_vectors(self, name: str) -> float | None:
        """Size of the download of the word vectors of that file name, where they are registered."""
        item = registry.of_vectors(name)
        return item.megabytes if item else None

    def _fetched(self, dataset: str) -> registry.Dataset:
        item = registry.dataset(dataset, self.name)
        self._hold(item)
        return item

    def _whole(self, dataset: str, names: Sequence[str], read: Callable[[Path], Read]) -> Read:
        """What `read` makes of a data set's folder, of which it reads the files of these names.

        Files that have no checksum, since the user has put them in place, must have the published number of items.
        """
        item = self._fetched(dataset)
        sources = [source for source in item.contents if source.path.name in names]
        for path in (self.root / source.path for source in sources):
            if not path.is_file():
                raise NotAvailable(f"{path} is not there; {item.cure(path)}")
        made = read(self.root / item.folder)
        if self._is_own(item) or item.is_brought:
            for source in sources:
                if source.rows:
                    source.check_count(dataset, fetch.describe(self.root / source.path, source)[0])
        return made

    def _is_own(self, item: registry.Dataset) -> bool:
        """Whether it is read from the user's folder, as it is; word vectors are looked for in both."""
        return self.own is not None and not item.is_vectors

    def _is_embedded(self, item: registry.Dataset) -> bool:
        return self.name == "mini" and not item.is_vectors

    def _hold(self, item: registry.Dataset) -> None:
        """Have a data set here, with its checksums; NotAvailable when that cannot be. A user's own is as it is."""
        if self._is_own(item):
            for path in item.files:
                if os.path.lexists(self.root / path) and not (self.root / path).is_file():
                    raise NotAvailable(f"{self.root / path} is not a file; put the file there that belongs there")
            return
        if self.fetches and not self._is_embedded(item):
            fetch.fetch(item, self.store, self.mirror, self.offline)
        elif why := self._wrong(item):
            raise NotAvailable(why)

    def _wrong(self, item: registry.Dataset) -> str:
        """The first thing that is missing or damaged in a data set, and what mends it; '' when nothing is."""
        if self._is_own(item):
            lost = [path for path in (self.root / name for name in item.files) if not path.is_file()]
            return f"{lost[0]} is missing from your own folder; {item.cure(lost[0])}" if lost else ""
        root = self.store if item.is_vectors else self.root
        for path, why in fetch.damages(item, root):
            cure = f"`repro fetch {item.name}` gets it"
            if self._is_embedded(item):
                cure = "install the package again"
            elif item.is_brought:
                cure = f"it is yours to bring ({item.citation})"
            return f"{root / path} {why}; {cure}"
        return ""

    @contextmanager
    def _reading(self) -> Iterator[None]:
        try:
            if self.fetches:
                yield
            else:
                with reading_only():
                    yield
        except NotAvailable:
            raise
        except ReproError as error:
            raise NotAvailable(str(error)) from error
        except OSError as error:
            raise NotAvailable(f"{error.filename or self.root} cannot be read ({error.strerror or error})") from error


def chosen(name: str = "paper", own: Path | None = None, mirror: Path | None = None, offline: bool = False) -> Suite:
    """The suite of that name on what was named, else on what REPRO_DATA and REPRO_MIRROR name.

    ReproError for a folder that is none, and for a lock (REPRO_LOCK) that cannot be read.
    """
    revisions.locks()
    refuse_settings()
    if name not in SUITES:
        raise ReproError(f"{name!r} is not a suite; there are: {', '.join(SUITES)}")
    if name == "mini":
        if own is not None:
            raise ReproError("the suite mini is the embedded data set; leave out --data (data=)")
        return Suite("mini", offline=offline)
    own = _folder(own, "REPRO_DATA")
    if own is not None and not (own / "downstream").is_dir():
        raise ReproError(
            f"{own} has no folder downstream/; --data (data=) is the folder that holds SentEval's downstream/"
        )
    return Suite(own=own, mirror=_folder(mirror, "REPRO_MIRROR"), offline=offline)


def _folder(named: Path | None, variable: str) -> Path | None:
    folder = named or path_from(variable)
    if folder is not None and not folder.is_dir():
        raise ReproError(f"{folder}{'' if named else f' (from {variable})'} is not a folder; name one that is there")
    return folder
