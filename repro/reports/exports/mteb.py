"""Result files of MTEB: `results/<model>/<revision>/<task>.json`, which its ResultCache loads.

A number is exported where it was measured under MTEB's own protocol, and nowhere else: raw text, one Spearman of
cosines over all pairs of the task (PROTOCOL below). Of this suite's columns these are `stsb` (STSBenchmark) and
`sickr-all` (SICK-R). STS12 to STS16 are measured on SentEval's tokens, MTEB's on raw text, and so they are left out:
for an uncased model both gave the same number to two decimals (× 100), for others nobody knows.

What MTEB says of its own runs is not claimed for these numbers. `dataset_revision` is the checksum of the data that was
read (`sha256:…`), which is no commit of MTEB's data set: the pairs are the same ones, from another file. `mteb_version`
and `evaluation_time` are null: MTEB has not run. The score's `repro_signature` says how it was computed.

A row that is a released model as it is, and is named like it, stands under the model's name and revision. Any other row
of the same weights (another pooling, whitening, a training on top) is an experiment of that model, which MTEB keeps
apart by itself: `results/<model>/<revision>/experiments/row_<row>/`. Weights without a revision have their checksum in
its place, and a model of no organisation on the hub is in `local/`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from repro.data.registry import other_data
from repro.errors import ReproError
from repro.reports.exports.selection import Selection
from repro.results.csv_lines import Line
from repro.results.signature import Signature, difference

TASKS = {f"sts{year}": f"STS{year}" for year in range(12, 17)} | {"stsb": "STSBenchmark", "sickr-all": "SICK-R"}
PROTOCOL = {"agg": "all", "corr": "spearman", "sim": "cos", "text": "raw"}  # of all of them, all on the split `test`
NOT_IN_NAMES = re.compile(r'[<>:"|?*\\/\0]')  # MTEB has _ in their place
# what a model's description needs and a table does not know
UNKNOWN = dict.fromkeys(
    (
        *("loader", "release_date", "languages", "n_parameters", "memory_usage_mb", "max_tokens", "embed_dim"),
        *("license", "open_weights", "public_training_code", "public_training_data", "use_instructions"),
        "training_datasets",
    )
)


@dataclass(frozen=True)
class Model:
    """What MTEB files a row under. `experiment`: '' for a model as it is."""

    name: str
    revision: str
    experiment: str

    @property
    def folder(self) -> PurePosixPath:
        """Where its files stand."""
        folder = PurePosixPath("results", self.name.replace("/", "__").replace(" ", "_"), self.revision)
        return folder / "experiments" / _name(f"row_{self.experiment}") if self.experiment else folder

    @property
    def description(self) -> dict[str, object]:
        """Its model_meta.json."""
        known = {"name": self.name, "revision": self.revision, "framework": [], "similarity_fn_name": "cosine"}
        experiment = {"experiment_kwargs": {"row": self.experiment}} if self.experiment else {}
        return {**known, **UNKNOWN, **experiment}


def model_of(line: Line) -> Model:
    """The model of a line, by its weights (`owner/model@revision sha256:…`) and the name of its row."""
    weights, _, digest = line["weights"].partition(" sha256:")
    name, _, revision = weights.partition("@")
    own = line["row"] == weights or _last(line["row"]) == _last(name)
    if revision in ("", "local"):
        revision = f"sha256-{digest}" if digest else "no_revision_available"
    name = "/".join(map(_name, name.split("/")))
    return Model(name if "/" in name else f"local/{name}", _name(revision), "" if own else line["row"])


def _last(path: str) -> str:
    return path.rstrip("/").rpartition("/")[2].lower()


def _name(text: str) -> str:
    """The text as the name of a file or folder."""
    name = NOT_IN_NAMES.sub("_", text)
    return name if name.strip(".") else "_"


def to_mteb(selections: Sequence[Selection]) -> tuple[dict[PurePosixPath, str], list[str]]:
    """The files by their paths below a folder, and a sentence on columns that are left out for one reason.

    ReproError where nothing is left, or where two numbers would have one file.
    """
    files: dict[PurePosixPath, str] = {}
    left_out: dict[tuple[str, str], dict[str, None]] = {}  # the columns by table and reason
    for selection in selections:
        for column, line in selection.scored:
            signature = Signature.parse(line["signature"])
            if why := _other_protocol(signature) or _other_data(signature.task, line):
                left_out.setdefault((selection.table.id, why), {})[column.slug] = None
                continue
            model = model_of(line)
            path = model.folder / f"{TASKS[signature.task]}.json"
            text = _result(TASKS[signature.task], line)
            if files.setdefault(path, text) != text:
                raise ReproError(f"there are two numbers for {path}; name one table, or one row with --row")
            files[model.folder / "model_meta.json"] = _json(model.description)
    said = [f"{table} without {', '.join(columns)}: {why}" for (table, why), columns in left_out.items()]
    if not files:
        raise ReproError(f"nothing there was measured as MTEB measures ({'; '.join(said) or 'averages alone'})")
    return files, said


def _other_protocol(signature: Signature) -> str:
    """How a score differs from MTEB's of the same data; '' where it does not."""
    if signature.task not in TASKS:
        return f"the task {signature.task} is none of MTEB's"
    stated = {name: text for name, text in signature.protocol.items() if name != "data"}
    return difference(stated, PROTOCOL).replace("in one", "here").replace("in the other", "in MTEB")


def _other_data(task: str, line: Line) -> str:
    """How the data are others than MTEB's, which are the public ones; '' where they are not."""
    why = other_data(task, line["data_sha256"])
    return f"the data {why}" if why else ""


def _result(task: str, line: Line) -> str:
    score = round(float(line["value"]) / 100, 12)
    scores = {
        **{"cosine_spearman": score, "main_score": score, "hf_subset": "default", "languages": ["eng-Latn"]},
        "repro_signature": line["signature"],
    }
    content = {
        "dataset_revision": f"sha256:{line['data_sha256']}",
        "task_name": task,
        "mteb_version": None,
        "scores": {"test": [scores]},
        "evaluation_time": None,
        "kg_co2_emissions": None,
    }
    return _json(content)


def _json(content: Mapping[str, object]) -> str:
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"
