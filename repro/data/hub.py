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


def make(item: Dataset, root: Path, offline: bool) -> None:
    """Write the data set's files below `root`; NotAvailable when the hub's cache lacks them and it cannot be asked."""
    for source in item.sources:
        find, write = _FORMS[source.format]
        path = root / source.path
        path.parent.mkdir(parents=True, exist_ok=True)
        write(find(path.name, offline), path)


def cached(item: Dataset) -> bool:
    """Whether the data set can be made from the hub's cache alone."""
    try:
        for source in item.sources:
            find, _ = _FORMS[source.format]
            find(source.path.name, True)
    except NotAvailable:
        return False
    return True


def _commit(repo: str) -> str | None:
    """The revision that public code names; ReproError where a lock file says another."""
    return commit_of(repo, PUBLIC[repo].revision)


def _nli_files(name: str, offline: bool) -> list[Path]:
    return [hub.file(repo, file, _commit(repo), offline, "dataset") for repo, file in NLI_FILES.values()]


def _simcse_file(name: str, offline: bool) -> list[Path]:
    return [hub.file(SIMCSE, name, _commit(SIMCSE), offline, "dataset")]


def _section_files(name: str, offline: bool) -> list[Path]:
    snapshot = hub.snapshot(SECTIONS, _commit(SECTIONS), [f"{SECTIONS_CONFIG}/*.parquet"], offline, "dataset")
    folder = snapshot / SECTIONS_CONFIG
    split = Path(name).stem
    files = sorted(path for path in folder.rglob("*.parquet") if str(path.relative_to(folder)).startswith(split))
    if not files:
        raise NotAvailable(f"the data set {SECTIONS} has no Parquet file of {split} in {folder}")
    return files


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


# format in the registry: how its files are found on the hub, and how they are written
_FORMS: dict[str, tuple[Callable[[str, bool], list[Path]], Callable[[Sequence[Path], Path], None]]] = {
    "hub-nli": (_nli_files, _write_nli),
    "hub-simcse": (_simcse_file, _write_simcse),
    "hub-sections": (_section_files, _write_sections),
}
