"""What the systems of a run share: its options, data, corpora and results, each read once."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from operator import methodcaller
from typing import Any, TypeVar

import numpy as np
from filelock import FileLock

from repro.data import hub, registry
from repro.encoders import packages, trained_here, zoo
from repro.encoders.cache import Embedder, EmbeddingCache
from repro.encoders.ready import Ready
from repro.encoders.recipe import BaseRecipe
from repro.errors import NotAvailable, ReproError
from repro.evaluation.config import Options, Say
from repro.evaluation.fitting import Corpora, Maps
from repro.evaluation.suite import Suite
from repro.paths import home
from repro.results.store import Store
from repro.tasks import TASKS

Name = TypeVar("Name")
Item = TypeVar("Item")


@dataclass(frozen=True)
class Need:
    """Something that a unit needs and that is not here. `get` is None where a run could not get it either: `why`."""

    what: str
    why: str
    get: Callable[[Suite], object] | None = field(default=None, compare=False)
    megabytes: float | None = None  # of the download, where the registry knows
    hint: str = ""  # what else would bring it
    ask: Callable[[], int] | None = field(default=None, compare=False)  # how many bytes it is on the hub

    def size(self) -> float | None:
        """Megabytes of the download, as the registry or else the hub says; None where neither does."""
        if self.megabytes is None and self.ask is not None:
            with suppress(NotAvailable):
                return self.ask() / 1e6
        return self.megabytes

    def __str__(self) -> str:
        size = f"{self.megabytes:.1f} MB" if self.megabytes else ""
        about = "; ".join(filter(None, (size, self.hint)))
        return self.what + (f" ({about})" if about else "")


class Session:
    """One look at the disk (`at_rest`: nothing is downloaded, converted or written), or one run of units."""

    def __init__(self, options: Options, at_rest: bool = False, say: Say = lambda line: None) -> None:
        self.options, self.say = options, say
        self.suite = options.suite.at_rest() if at_rest else options.suite
        self.store = Store(home() / "results", replacing=options.force)
        self.corpora = Corpora(self.suite, options.limit)
        self.maps = Maps(self.corpora)
        self.cache = EmbeddingCache()
        self.draws: dict[Hashable, np.ndarray] = {}  # of the bootstrap, (resamples,) each, by what is drawn
        self._data: dict[tuple[str, ...], Any] = {}
        self._digests: dict[tuple[str, ...], str | NotAvailable] = {}
        self._checksums: dict[str, str | NotAvailable] = {}
        self._ready: dict[BaseRecipe, Ready | ReproError] = {}
        self._failed: dict[str, ReproError] = {}  # what could not be fetched, and why
        self._embedder: tuple[list[Ready], Embedder] | None = None

    def data(self, task: str) -> Any:
        """The task's data as its own `load` returns it; NotAvailable says why they are not here."""
        return _once(self._data, TASKS[task].source, lambda: self.suite.load(task, self.options.limit))

    def digest(self, task: str) -> str:
        """Hex sha256 of the task's data; NotAvailable as `data`."""
        source = TASKS[task].source  # what several tasks share is read once
        what = f"{source} {self.options.limit}"
        derive = lambda: TASKS[task].digest(self.data(task))  # noqa: E731
        return _once(self._digests, source, lambda: self.suite.digest(TASKS[task].dataset, what, derive))

    def checksum(self, name: str, dataset: str, read: Callable[[], str]) -> str:
        """Hex sha256 of what is trained or selected on, by its name; NotAvailable says why it is not here."""
        return _once(self._checksums, name, lambda: self.suite.digest(dataset, name, read))

    def ready(self, recipe: BaseRecipe) -> Ready:
        """The recipe's files on this machine; NotAvailable where they are not here, ReproError where they are wrong."""
        if recipe not in self._ready:
            try:
                self._ready[recipe] = zoo.locate(recipe, self.suite.root, offline=True)
            except ReproError as error:
                self._ready[recipe] = error
        ready = self._ready[recipe]
        if isinstance(ready, ReproError):
            raise ready
        return ready

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
            hint = packages.hint(recipe.weights, recipe.revision)
            ask = None if recipe.in_data_folder else partial(zoo.download_size, recipe)
            size = self.suite.megabytes_of_vectors(recipe.weights) if recipe.in_data_folder else None
            yield Need(f"the weights {recipe.weights}", str(error), self._getter(recipe), size, hint, ask)

    def _getter(self, recipe: BaseRecipe) -> Callable[[Suite], object] | None:
        if recipe.in_data_folder:
            get = methodcaller("fetch_vectors", recipe.weights)
            return get if self.suite.can_fetch_vectors(recipe.weights) else None
        elsewhere = not self.suite.offline and recipe.weights not in trained_here.MADE_BY
        return partial(_locate, recipe) if elsewhere else None

    def _data_set(self, dataset: str, why: str, fetch: Callable[[Suite], object]) -> Need:
        item = registry.datasets(self.suite.name).get(dataset)
        get = fetch if self.suite.can_fetch(dataset) else None
        ask = partial(hub.download_size, item) if item and item.from_hub else None
        return Need(f"the data set {dataset}", why, get, item.megabytes if item else None, ask=ask)

    def get(self, needs: Sequence[Need]) -> None:
        """Fetch what is not here, each thing once; NotAvailable with the reason where that fails."""
        for need in needs:
            if need.get is None:
                raise NotAvailable(need.why)
            if need.what not in self._failed:
                self.say(f"fetching {need.what}")
                try:
                    need.get(self.suite)
                    self.look_again()
                    continue
                except ReproError as error:
                    self._failed[need.what] = error
            raise NotAvailable(str(self._failed[need.what]))

    def look_again(self) -> None:
        """What was not here may be here now."""
        lookups: list[dict[Any, Any]] = [self._data, self._digests, self._checksums, self._ready]
        for lookup in lookups:
            for name in [name for name, item in lookup.items() if isinstance(item, ReproError)]:
                del lookup[name]

    def embedder(self, members: Sequence[Ready]) -> Embedder:
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


def _once(known: dict[Name, Item | NotAvailable], name: Name, look: Callable[[], Item]) -> Item:
    """What was looked up under that name before, or is now; why it is not here is remembered, and raised, too."""
    if name not in known:
        try:
            known[name] = look()
        except NotAvailable as error:
            known[name] = error
    item = known[name]
    if isinstance(item, NotAvailable):
        raise item
    return item


def _locate(recipe: BaseRecipe, suite: Suite) -> None:
    zoo.locate(recipe, suite.root)
