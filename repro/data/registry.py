"""The data registry: which public bytes make which data set, and what must hold of the result.

`registry.csv` has one line per public file: URL pinned to a commit, sha256, the file it becomes, the row count
and the label balance (graded pairs: pairs per gold score rounded half up; else: rows per label).
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path, PurePosixPath

from repro.errors import ReproError

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Source:
    """One public file and the file of the data set that it becomes."""

    path: PurePosixPath  # below the data folder, in SentEval's layout
    url: str
    sha256: str
    format: str  # a key of convert.CONVERTERS
    rows: int
    labels: str  # "0:34 1:94 …"


@dataclass(frozen=True)
class Dataset:
    """A data set: its folder (put in place with one rename), its sources, its terms."""

    name: str
    folder: PurePosixPath
    sources: tuple[Source, ...]
    licence: str
    citation: str


# name → (folder, licence, citation)
_ABOUT = {
    "STS12": (
        "STS/STS12-en-test",
        "SemEval-2012 Task 6 terms; MSRvid/MSRpar: Microsoft Research terms",
        "Agirre et al. 2012",
    ),
    "STS13": (
        "STS/STS13-en-test",
        "*SEM 2013 shared task terms; no SMT subset (licence)",
        "Agirre et al. 2013",
    ),
    "STS14": ("STS/STS14-en-test", "SemEval-2014 Task 10 terms", "Agirre et al. 2014"),
    "STS15": ("STS/STS15-en-test", "SemEval-2015 Task 2 terms", "Agirre et al. 2015"),
    "STS16": ("STS/STS16-en-test", "SemEval-2016 Task 1 terms", "Agirre et al. 2016"),
    "STSB": ("STS/STSBenchmark", "CC BY-SA 4.0 / SemEval terms", "Cer et al. 2017"),
    "SICK": ("SICK", "CC BY-NC-SA 3.0", "Marelli et al. 2014"),
}
_ABOUT_VECTORS = {
    "glove-840b-sick": (
        "vectors/glove.840B.300d.sick",
        "PDDL 1.0 (GloVe)",
        "Pennington et al. 2014; the rows of SICK's words, cased",
    ),
}


@cache
def datasets() -> dict[str, Dataset]:
    """All registered data sets by name."""
    sources: dict[str, list[Source]] = {}
    with (HERE / "registry.csv").open(encoding="utf-8", newline="") as file:
        for line in csv.DictReader(file):
            name, rows = line.pop("dataset"), int(line.pop("rows"))
            path = PurePosixPath(line.pop("path"))
            sources.setdefault(name, []).append(Source(path=path, rows=rows, **line))
    about = {name: (f"downstream/{folder}", *rest) for name, (folder, *rest) in _ABOUT.items()}
    about.update({name: (folder, *rest) for name, (folder, *rest) in _ABOUT_VECTORS.items()})
    return {
        name: Dataset(name, PurePosixPath(about[name][0]), tuple(files), *about[name][1:])
        for name, files in sources.items()
    }


def dataset(name: str) -> Dataset:
    """The data set of that name; ReproError lists the names there are."""
    try:
        return datasets()[name]
    except KeyError:
        raise ReproError(f"{name!r} is not a data set; there are: {', '.join(datasets())}") from None


def contracts(item: Dataset) -> Iterator[tuple[PurePosixPath, int, str]]:
    """(path, rows, labels) of each file that the data set must have."""
    seen = set()
    for source in item.sources:
        if source.path not in seen:
            seen.add(source.path)
            yield source.path, source.rows, source.labels
