"""Data sets that come through the hub: NLI, SimCSE's two training files, Wikipedia's sections."""

from __future__ import annotations

import csv
import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from repro import hub
from repro.data.convert import NLI_HEADER
from repro.data.registry import Dataset
from repro.errors import NotAvailable
from repro.hub_cache import is_cached, matches
from repro.revisions import PUBLIC, commit_of

# corpus: hub id, file; both label 0 entailment, 1 neutral, 2 contradiction, and −1 where nobody agreed
NLI_FILES = {
    "SNLI": ("stanfordnlp/snli", "plain_text/train-00000-of-00001.parquet"),
    "MultiNLI": ("nyu-mll/multi_nli", "data/train-00000-of-00001.parquet"),
}
LABELS = ("entailment", "neutral", "contradiction")
# SimCSE's training sets (data/download_wiki.sh, download_nli.sh @49fa580)
SIMCSE = "princeton-nlp/datasets-for-simcse"
# Wikipedia's sections as triplets (Dor et al. 2018): the data set's page names the splits, not their files
SECTIONS = "sentence-transformers/wikipedia-sections"
SECTIONS_CONFIG = "triplet"
TRIPLET_HEADER = ("Sentence1", "Sentence2", "Sentence3")


Place = tuple[str, str]  # hub id, pattern of the names of files


def make(item: Dataset, root: Path, offline: bool) -> None:
    """Write the data set's files below `root`; NotAvailable when the hub's cache lacks them and it cannot be asked."""
    for source in item.sources:
        places, write = _FORMS[source.format]
        path = root / source.path
        path.parent.mkdir(parents=True, exist_ok=True)
        write([file for place in places(path.name) for file in _find(place, offline)], path)


def cached(item: Dataset) -> bool:
    """Whether the data set can be made from the hub's cache alone."""
    try:
        for place in _all_places(item):
            _find(place, True)
    except NotAvailable:
        return False
    return True


def download_size(item: Dataset) -> int:
    """Bytes of its files on the hub that are not in the cache; NotAvailable when the hub cannot say."""
    total = 0
    for repo, pattern in _all_places(item):
        commit, files = hub.sizes(repo, _commit(repo), "dataset")
        names = [name for name in files if matches(name, [pattern], [])]
        total += sum(files[name] for name in names if not is_cached(repo, name, commit, "dataset"))
    return total


def _all_places(item: Dataset) -> set[Place]:
    return {place for source in item.sources for place in _FORMS[source.format][0](source.path.name)}


def _find(place: Place, offline: bool) -> list[Path]:
    """The files, from the cache or downloaded."""
    repo, pattern = place
    folder = hub.snapshot(repo, _commit(repo), [pattern], offline, "dataset")
    files = sorted(folder.glob(pattern))
    if not files:
        raise NotAvailable(f"the data set {repo} has no file {pattern} at {folder.name}, or it is not on this machine")
    return files


def _commit(repo: str) -> str | None:
    """The revision that public code names; ReproError where a lock file says another."""
    return commit_of(repo, PUBLIC[repo].revision)


def _nli_places(name: str) -> list[Place]:
    return list(NLI_FILES.values())


def _simcse_places(name: str) -> list[Place]:
    return [(SIMCSE, name)]


def _section_places(name: str) -> list[Place]:
    return [(SECTIONS, f"{SECTIONS_CONFIG}/{Path(name).stem}*.parquet")]


def _write_nli(files: Sequence[Path], path: Path) -> None:
    """All labelled training pairs of SNLI and MultiNLI in AllNLI's columns (Sentence-BERT §3.1)."""
    with path.open("w", encoding="utf-8", newline="") as out:
        out.write(NLI_HEADER + "\n")
        for corpus, file in zip(NLI_FILES, files, strict=True):
            for premise, hypothesis, label in _rows([file], ("premise", "hypothesis", "label")):
                if label >= 0:
                    texts = (" ".join(text.split()) for text in (premise, hypothesis))
                    out.write("\t".join(["train", corpus, "train", *texts, LABELS[label]]) + "\n")


def _write_simcse(files: Sequence[Path], path: Path) -> None:
    """As it is."""
    shutil.copyfile(files[0], path)


def _write_sections(files: Sequence[Path], path: Path) -> None:
    """One split of the triplets, in the columns that the published archive has."""
    with path.open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(TRIPLET_HEADER)
        writer.writerows(_rows(files, ("anchor", "positive", "negative")))


def _rows(files: Sequence[Path], columns: tuple[str, ...]) -> Iterator[tuple]:  # type: ignore[type-arg]
    """Rows of Parquet files, one batch in memory at a time."""
    import datasets

    datasets.disable_progress_bars()
    try:
        dataset = datasets.load_dataset("parquet", data_files=list(map(str, files)), split="train", streaming=True)
        for batch in dataset.select_columns(list(columns)).iter(batch_size=10_000):
            yield from zip(*(batch[column] for column in columns), strict=True)
    except Exception as error:
        raise NotAvailable(
            f"{files[0].parent}: the downloaded Parquet files cannot be read ({type(error).__name__}); "
            "remove them from the hub's cache and fetch again"
        ) from error


# format in the registry: where its files are on the hub, and how they are written
_FORMS: dict[str, tuple[Callable[[str], list[Place]], Callable[[Sequence[Path], Path], None]]] = {
    "hub-nli": (_nli_places, _write_nli),
    "hub-simcse": (_simcse_places, _write_simcse),
    "hub-sections": (_section_places, _write_sections),
}
