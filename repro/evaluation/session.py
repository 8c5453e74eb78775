"""What the systems of a run share: its options, data, corpora and results, each read once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from operator import methodcaller
from typing import Any

from filelock import FileLock

from repro.data import hub, registry
from repro.encoders import zoo
from repro.encoders.cache import Embedder, EmbeddingCache
from repro.encoders.recipe import BaseRecipe
from repro.errors import NotAvailable, ReproError
from repro.evaluation.config import Options, Say
from repro.evaluation.fitting import Corpora, Maps
from repro.evaluation.suite import Suite
from repro.paths import home
from repro.results.store import Store
from repro.tasks import TASKS


@dataclass(frozen=True)
class Need:
    """Something that a unit needs and that is not here. `get` is None where a run could not get it either: `why`."""

    what: str
    why: str
    get: Callable[[Suite], object] | None = field(default=None, compare=False)
    megabytes: float | None = None  # of the download, where the registry knows
    ask: Callable[[], int] | None = field(default=None, compare=False)  # how many bytes it is on the hub

    def size(self) -> float | None:
        """Megabytes of the download, as the registry or else the hub says; None where neither does."""
        if self.megabytes is None and self.ask is not None:
            with suppress(NotAvailable):
                return self.ask() / 1e6
        return self.megabytes

    def __str__(self) -> str:
        return self.what + (f" ({self.megabytes:.1f} MB)" if self.megabytes else "")


class Session:
    """One look at the disk (`at_rest`: nothing is downloaded, converted or written), or one run of units."""

    def __init__(
        self, options: Options, at_rest: bool = False, say: Say = lambda line: None, progress: bool = False
    ) -> None:
        self.options, self.say, self.progress = options, say, progress
        self.suite = options.suite.at_rest() if at_rest else options.suite
        self.store = Store(home() / "results")
        self.corpora = Corpora(self.suite, options.limit)
        self.maps = Maps(self.corpora)
        self.cache = EmbeddingCache()
        self._data: dict[tuple[str, ...], tuple[Any, str] | NotAvailable] = {}
        self._ready: dict[BaseRecipe, zoo.Ready | ReproError] = {}
        self._failed: dict[str, ReproError] = {}  # what could not be fetched, and why
        self._embedder: tuple[list[zoo.Ready], Embedder] | None = None
        self.checksums: dict[str, str | NotAvailable] = {}  # of what is trained and selected on

    def data(self, task: str) -> Any:
        """The task's data as its own `load` returns it; NotAvailable says why they are not here."""
        return self._loaded(task)[0]

    def digest(self, task: str) -> str:
        """Hex sha256 of the task's data; NotAvailable as `data`."""
        return self._loaded(task)[1]

    def _loaded(self, name: str) -> tuple[Any, str]:
        task = TASKS[name]
        if task.source not in self._data:  # what several tasks share is read once
            try:
                content = self.suite.load(name, self.options.limit)
                self._data[task.source] = content, task.digest(content)
            except NotAvailable as error:
                self._data[task.source] = error
        loaded = self._data[task.source]
        if isinstance(loaded, NotAvailable):
            raise loaded
        return loaded

    def ready(self, recipe: BaseRecipe) -> zoo.Ready:
        """The recipe's files on this machine; NotAvailable where they are not here, ReproError where they are wrong."""
        if recipe not in self._ready:
            try:
                self._ready[recipe] = zoo.locate(recipe, self.suite.root, offline=True)
            except ReproError as error:
                self._ready[recipe] = error
        found = self._ready[recipe]
        if isinstance(found, ReproError):
            raise found
        return found

    def needs_data(self, task: str) -> Iterator[Need]:
        """The task's data, where they are not here."""
        try:
            self.digest(task)
        except NotAvailable as error:
            yield self._data_set(TASKS[task].dataset, str(error), methodcaller("load", task))

    def needs_set(self, dataset: str, get: Callable[[Suite], object]) -> Iterator[Need]:
        """A data set that something else than a task reads, where it is not here."""
        if why := self.suite.why_missing(dataset):
            yield self._data_set(dataset, why, get)

    def needs_weights(self, recipe: BaseRecipe) -> Iterator[Need]:
        """The recipe's files, where they are not here. ReproError where they are wrong."""
        try:
            self.ready(recipe)
        except NotAvailable as error:
            ask = None if recipe.in_data_folder else partial(zoo.download_size, recipe)
            size = self.suite.megabytes_of_vectors(recipe.weights) if recipe.in_data_folder else None
            yield Need(f"the weights {recipe.weights}", str(error), self._getter(recipe), size, ask)

    def _getter(self, recipe: BaseRecipe) -> Callable[[Suite], object] | None:
        if recipe.in_data_folder:
            get = methodcaller("fetch_vectors", recipe.weights)
            return get if self.suite.can_fetch_vectors(recipe.weights) else None
        return None if self.suite.offline else partial(_locate, recipe)

    def _data_set(self, dataset: str, why: str, fetch: Callable[[Suite], object]) -> Need:
        item = registry.datasets(self.suite.name).get(dataset)
        get = fetch if self.suite.can_fetch(dataset) else None
        ask = partial(hub.download_size, item) if item and item.from_hub else None
        return Need(f"the data set {dataset}", why, get, item.megabytes if item else None, ask)

    def get(self, needs: Sequence[Need]) -> None:
        """Fetch what is not here, each thing once; NotAvailable with the reason where that fails."""
        for need in needs:
            if need.get is None:
                raise NotAvailable(need.why)
            if need.what not in self._failed:
                self.say(f"fetching {need.what}")
                try:
                    need.get(self.suite)
                    self._forget()
                    continue
                except ReproError as error:
                    self._failed[need.what] = error
            raise NotAvailable(str(self._failed[need.what]))

    def _forget(self) -> None:
        """What was not here may be here now."""
        self._data = {source: item for source, item in self._data.items() if not isinstance(item, NotAvailable)}
        self._ready = {base: item for base, item in self._ready.items() if not isinstance(item, ReproError)}
        self.checksums = {name: item for name, item in self.checksums.items() if not isinstance(item, NotAvailable)}

    def embedder(self, members: Sequence[zoo.Ready]) -> Embedder:
        """Of one backbone; the last one is kept, with its model."""
        if self._embedder is None or self._embedder[0] != list(members):
            self._embedder = None  # its memory first
            embedder = Embedder(list(members), self.options.device, self.options.dtype, self.cache)
            self._embedder = list(members), embedder
        return self._embedder[1]

    @contextmanager
    def alone(self, name: str) -> Iterator[None]:
        """While no other process is at the unit of that name; at once where the home cannot be written to."""
        folder = home() / "locks"
        lock = FileLock(folder / f"{name}.lock")
        with suppress(OSError):
            folder.mkdir(parents=True, exist_ok=True)
            lock.acquire()
        try:
            yield
        finally:
            lock.release()


def _locate(recipe: BaseRecipe, suite: Suite) -> None:
    zoo.locate(recipe, suite.root)
