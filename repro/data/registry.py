"""The data registry: which public bytes make which data set, and what must hold of the result.

`registry.csv` has one line per public file: URL pinned to a commit, sha256, the file it becomes, the reader of that
file (`readers.READERS`), the split or subset that it is, the row count and the label balance (graded pairs: pairs per
gold score rounded half up; else: rows per label). Tasks read the files in this order. `datasets.csv` has a data set's
folder, licence and citation. Lines without a URL: what comes through the hub (hub.py), and what only its
authors give away, which is the user's to put in place (0 rows: nobody says how many, or the line of a file beside it
does). `files.csv` has the sha256 of each file as it lies in the data folder, after conversion. `mini/registry.csv` and
`mini/files.csv`: the same for the embedded data. `digests.csv` has the digest of what each task reads of the public
files, whatever their line ends; tasks on data that only their authors give away are not in it.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from pathlib import Path, PurePosixPath

from repro.errors import ReproError

HERE = Path(__file__).parent
SUITES = ("paper", "mini")  # what the papers used, and the embedded set


@dataclass(frozen=True)
class Source:
    """One public file and the file of the data set that it becomes."""

    path: PurePosixPath  # below the data folder, in SentEval's layout
    reader: str  # of readers.READERS
    split: str  # train, dev, test, the name of a subset; `all` where there is one file, or one a label
    rows: int
    labels: str  # "0:34 1:94 …"
    url: str = ""  # empty for embedded files, the user's own, and what comes through the hub
    sha256: str = ""
    format: str = ""  # of convert.CONVERTERS, of a data set made from several sources, of hub.py (`hub-…`), or `user`
    bytes: int = 0  # of the download; 0 where that is not known

    def check_count(self, dataset: str, count: int) -> None:
        """ReproError unless the file has as many items as are published, where anybody says how many."""
        if self.rows and count != self.rows:
            raise ReproError(
                f"{dataset} {self.path.name}: expected {self.rows} items, found {count}; put the published file in "
                "its place"
            )


@dataclass(frozen=True)
class Dataset:
    """A data set: its folder (put in place with one rename), its sources, its terms."""

    name: str
    folder: PurePosixPath
    sources: tuple[Source, ...]
    licence: str
    citation: str
    digests: tuple[tuple[PurePosixPath, str], ...] = ()  # sha256 of each file where the bytes are known beforehand

    @property
    def contents(self) -> tuple[Source, ...]:
        """The files that readers read, the first source of each: its path, reader, split, rows and labels count."""
        files: dict[PurePosixPath, Source] = {}
        for source in self.sources:
            files.setdefault(source.path, source)
        return tuple(files.values())

    @property
    def megabytes(self) -> float | None:
        """Size of its download, each file counted once; None where one is not known."""
        sizes = {source.url: source.bytes for source in self.sources}
        return sum(sizes.values()) / 1e6 if all(sizes.values()) else None

    @property
    def public(self) -> bool:
        """Whether it is made from pinned URLs."""
        return all(source.url for source in self.sources)

    @property
    def from_hub(self) -> bool:
        """Whether it comes through the hub."""
        return self.sources[0].format.startswith("hub-")

    def cure(self, path: Path) -> str:
        """What brings a file of it that is missing from a folder of the user's own."""
        how = f"put {path.name} in its place ({self.citation})"
        return f"`repro fetch {self.name}` gets it, or {how}" if self.public else how

    @property
    def is_brought(self) -> bool:
        """Whether it is the user's to put in place."""
        return self.sources[0].format == "user"

    @property
    def is_vectors(self) -> bool:
        """Whether it is word vectors, which no evaluation folder of a user's has to hold."""
        return self.folder.parts[0] == "vectors"

    @property
    def files(self) -> tuple[PurePosixPath, ...]:
        """Every file that it must have, gold scores in files of their own included."""
        return tuple(path for path, _ in self.digests) or tuple(dict.fromkeys(source.path for source in self.sources))


@cache
def datasets(suite: str = "paper") -> dict[str, Dataset]:
    """All registered data sets of a suite by name: `paper` (public files) or `mini` (embedded)."""
    root = HERE if suite == "paper" else HERE / suite
    sources: dict[str, list[Source]] = {}
    for line in _read(root / "registry.csv"):
        name, rows = line.pop("dataset"), int(line.pop("rows"))
        path = PurePosixPath(line.pop("path"))
        size = int(line.pop("bytes", "") or 0)
        sources.setdefault(name, []).append(Source(path=path, rows=rows, bytes=size, **line))
    digests = [(PurePosixPath(line["path"]), line["sha256"]) for line in _read(root / "files.csv")]
    return {
        line["dataset"]: Dataset(
            line["dataset"],
            PurePosixPath(line["folder"]),
            tuple(sources[line["dataset"]]),
            line["licence"] if suite == "paper" else "MIT",
            line["citation"] if suite == "paper" else "embedded, written for this project",
            tuple((path, digest) for path, digest in digests if path.parent == PurePosixPath(line["folder"])),
        )
        for line in _read(HERE / "datasets.csv")
        if line["dataset"] in sources
    }


@cache
def public_digests() -> dict[str, str]:
    """Hex sha256 of what a task reads of the public files, by the task's name."""
    return {line["task"]: line["data_sha256"] for line in _read(HERE / "digests.csv")}


def other_data(task: str, digest: str) -> str:
    """How what a task read differs from the public files, '' where it does not or nobody knows."""
    public = public_digests().get(task)
    if not public or not digest or digest == public:
        return ""
    return f"differ from the public files ({digest[:12]}, and theirs are {public[:12]})"


def _read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def dataset(name: str, suite: str = "paper") -> Dataset:
    """The data set of that name; ReproError lists the names there are."""
    known = datasets(suite)
    if name not in known:
        raise ReproError(f"{name!r} is not a data set of the suite {suite!r}; there are: {', '.join(known)}")
    return known[name]


def of_vectors(file: str) -> Dataset | None:
    """The data set of the paper suite whose file of word vectors has that name; None where it is not registered."""
    return next((item for item in datasets().values() if item.sources[0].path.name == file), None)
