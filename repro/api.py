"""What a program imports from `repro`: encoders by name, the evaluation of any encoder, and results as data frames.

Nothing heavier than the standard library is imported before a call needs it.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib import import_module
from operator import index
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, SupportsIndex, cast

from repro.encoders.base import Encoder
from repro.errors import NotAvailable, ReproError

if TYPE_CHECKING:
    from pandas import DataFrame

    from repro.results.csv_lines import Line
    from repro.tables.spec import Row, Table

AnyPath = str | os.PathLike[str]


@dataclass(frozen=True, repr=False)
class Results:
    """The numbers of one encoder, in the table's order: one line a number, as in a table's CSV file."""

    table: Table
    lines: Sequence[Line]

    def to_frame(self) -> DataFrame:
        """pandas: `task`, `metric`, `value`, `ci_low` and `ci_high` (95 %), `published`, `delta`, `verdict`, `reason`,
        `signature`, … (README, "Reading a table"); a number that was not measured is NaN and has a `reason`.
        """
        from repro.results import frame

        return _with_tasks(frame.of_lines(self.lines, self.table.id), self.table)

    def __repr__(self) -> str:
        names = (f"{line['column'].partition(':')[0]} {line['metric']}" for line in self.lines)
        return "\n".join(f"{name}: {_shown(line)}" for name, line in zip(names, self.lines, strict=True))


def load_encoder(name: AnyPath, *, device: str = "auto", dtype: str = "float32", offline: bool = False) -> Encoder:
    """An encoder by any name that the command line takes; its `encode(sentences)` gives float32 (n, d).

    `name`: of the zoo (`repro list encoders`), a hub id, a folder, a file of word vectors, with settings behind commas
    (`all-minilm-l6-v2,pooling=cls`, `…,post=whitening,source=nli-sample`), or `module:object` of your own. A map of the
    `target` is fitted on the sentences of each call.
    `device`: auto, cpu, cuda, cuda:N or mps; `dtype`: float32 or bfloat16, of the computation. `offline`: no download.

    Raises ReproError for a name that nothing has, NotAvailable where the files cannot be had. The model is loaded when
    it first encodes.
    """
    from repro.encoders import own
    from repro.encoders.base import DEVICE
    from repro.evaluation.config import DTYPES
    from repro.evaluation.fitting import Loaded
    from repro.evaluation.suite import chosen

    if dtype not in DTYPES:
        raise ReproError(f"dtype {dtype!r} is unknown; choose from {', '.join(DTYPES)}")
    if not isinstance(device, str) or not DEVICE.fullmatch(device):
        raise ReproError(f"device is {device!r}; choose auto, cpu, mps, cuda or a numbered one such as cuda:1")
    text = os.fspath(name) if isinstance(name, str | os.PathLike) else None
    if not isinstance(text, str):
        raise ReproError(f"{name!r} is no name of an encoder; hand in a text or a path")
    if own.is_object(text):
        encoder = own.named(text)
        if not isinstance(encoder, own.OwnEncoder):
            raise ReproError(f"{text} scores pairs of sentences and encodes none; hand its object to evaluate")
        return encoder
    return Loaded(text, chosen(offline=offline), device, dtype)


def evaluate(
    encoder: object,
    tasks: str | Sequence[str],
    *,
    name: str = "",
    version: str = "",
    encode_kwargs: Mapping[str, object] | None = None,
    suite: str = "paper",
    data: AnyPath | None = None,
    mirror: AnyPath | None = None,
    offline: bool = False,
    limit: int | None = None,
) -> Results:
    """The scores of an encoder on tasks, each with its 95 % bootstrap interval and its signature.

    `encoder` is one of

    * what `load_encoder` gives, or such a name: the same system as a table's row, with the same stored results;
    * anything with `encode(list of str)`, such as a SentenceTransformer, or a function of a list of str, that gives an
      array, a tensor, or a list of either or of lists of numbers, one vector for each sentence;
    * SentEval's functions: `repro.SentEval(params, batcher, prepare)`, or just the pair `(batcher, prepare)`;
    * in tasks on pairs alone, what scores them: `score(first, second)`, or `predict(pairs)` as a CrossEncoder has it.

    `tasks`: names of tasks (`repro list tasks`), each for its first metric or as `task:metric`, such as `sts12` or
    `sts12:spearman-wmean`; or a table, such as `sbert-1`, for all of its columns.
    `name` and `version`: of an object. With both its results are stored, and found again by these two, `encode_kwargs`,
    the task and its data: change the version with whatever else decides its vectors, such as weights, or SentEval's
    params. Without them the results are computed each time.
    `encode_kwargs`: for each call of the object, such as {"batch_size": 64, "prompt_name": "query"}.
    `suite`: `paper`, the published data, downloaded when they are first needed, or `mini`, the embedded ones.
    `data`: your own SentEval folder; `mirror`: copies of the public files; both as REPRO_DATA and REPRO_MIRROR.
    `offline`: no download. `limit`: only the first pairs of each file.

    Raises ReproError where the encoder or what it gives is wrong, NotAvailable where nothing of what was asked for can
    be had here. What is missing of some tasks costs these alone, and they say why.
    """
    from repro.evaluation.config import Options
    from repro.evaluation.fitting import Loaded
    from repro.evaluation.plan import plan
    from repro.evaluation.run import run
    from repro.evaluation.suite import chosen
    from repro.evaluation.written import lines_of

    own_data, copies = _folder("data", data), _folder("mirror", mirror)
    options = Options(chosen(suite, own_data, copies, offline), limit=_count(limit))
    if isinstance(encoder, Loaded):
        options = replace(options, device=encoder.device, dtype=encoder.dtype)
        encoder = encoder.name
    table = _asked(tasks, suite).of_run(options.variant)
    table = replace(table, rows=(_row(encoder, table, name, version, encode_kwargs),))
    lines = lines_of(run(plan(table, options)))
    if not any(line["value"] for line in lines):
        raise NotAvailable(next(line["reason"] for line in lines))
    return Results(table, lines)


def _folder(name: str, path: object) -> Path | None:
    """A folder's path; ReproError for what is none."""
    if path is None or isinstance(path, str | os.PathLike):
        return None if path is None else Path(path)
    raise ReproError(f"{name} is {path!r}; give the path of a folder")


def _count(limit: object) -> int | None:
    """A limit as a number, of NumPy's too; ReproError for what counts nothing."""
    if limit is None:
        return None
    if isinstance(limit, bool) or not isinstance(limit, SupportsIndex) or index(limit) < 1:
        raise ReproError(f"limit is {limit!r}; it counts the first pairs of each file")
    return index(limit)


def results(table_id: str, folder: AnyPath = "tables", suite: str = "paper") -> DataFrame:
    """A table's numbers as pandas, one line a number: those of its CSV file, or what is stored where there is none.

    `folder`: where tables are written; its `<table_id>.csv` is read, for the suite `mini` that below `mini/`. Where it
    is not there, the lines are those that a run would write now from the results stored on this machine. The columns
    are those of `Results.to_frame`. Nothing is computed or downloaded.
    ReproError for a table that there is none of, and for a file that this suite did not write.
    """
    from repro.evaluation.config import Options
    from repro.evaluation.plan import plan
    from repro.evaluation.suite import chosen
    from repro.evaluation.written import lines_of
    from repro.results import frame
    from repro.tables import get

    if not isinstance(table_id, str):
        raise ReproError(f"{table_id!r} is no table's id; give one, such as sbert-1")
    table, written = get(table_id, suite), _folder("folder", folder)
    if written is None:
        raise ReproError("folder is None; give the path of the folder of tables")
    path = written / ("" if suite == "paper" else suite) / f"{table_id}.csv"
    if path.is_file():
        return _with_tasks(frame.read(path), table)
    planned = plan(table, Options(chosen(suite, offline=True)))
    waiting = [*((row.slug, column.slug) for row, column in planned.pending), *planned.lacking]
    planned.why_not |= dict.fromkeys(waiting, f"not stored; `repro table {table_id}` computes it")
    return _with_tasks(frame.of_lines(lines_of(planned), table_id), table)


class ResultsRoom(ModuleType):
    """The package repro/results, which is also the function of that name: whichever is imported first, both work."""

    @classmethod
    def opened(cls) -> ResultsRoom:
        """The package, made callable."""
        room = import_module("repro.results")
        room.__class__ = cls
        return cast(ResultsRoom, room)

    def __call__(self, table_id: str, folder: AnyPath = "tables", suite: str = "paper") -> DataFrame:
        """As `repro.api.results`."""
        return results(table_id, folder, suite)


def _asked(names: str | Sequence[str], suite: str) -> Table:
    """The table of that id, or one with a column for each of the tasks."""
    from repro.tables import TABLES, get
    from repro.tables.spec import Column, Table
    from repro.tasks import TASKS

    if isinstance(names, Iterable) and not isinstance(names, str):
        names = list(names)  # of a generator too, which can be read once
    if not isinstance(names, Iterable) or not all(isinstance(name, str) for name in names):
        raise ReproError(f"tasks is {names!r}; give the name of a task or a table, or a list of tasks")
    if isinstance(names, str):
        if names in TABLES:
            return get(names, suite)
        names = [names]
    columns = []
    for name in dict.fromkeys(names):
        task, _, metric = name.partition(":")
        if task not in TASKS:
            raise ReproError(f"{task!r} is neither a table nor a task; see `repro list tables` and `repro list tasks`")
        metric = metric or TASKS[task].metrics[0]
        TASKS[task].protocol(metric)  # or there is none of that name
        columns.append(Column(name, name, task, metric))
    if not columns:
        raise ReproError("there is no task to evaluate on; name at least one, such as stsb")
    return Table("", "", "", (), tuple(columns))


def _row(encoder: object, table: Table, name: str, version: str, encode_kwargs: Mapping[str, object] | None) -> Row:
    """The table's row of a named encoder, or one of its own for an object."""
    from repro.encoders import own
    from repro.evaluation.given import Given
    from repro.tables.spec import BEYOND, Row

    if isinstance(encoder, os.PathLike):
        encoder = os.fspath(encoder)
    if isinstance(encoder, str) and not own.is_object(encoder):
        if name or version or encode_kwargs:
            raise ReproError(
                f"{encoder} is known by its name, and its settings stand behind commas in it; name, version and "
                "encode_kwargs go with an object of your own"
            )
        table.refuse_trained([encoder])
        return next(row for row in table.with_encoders([encoder]).rows if row.slug == encoder)
    given = own.own(own.named(encoder) if isinstance(encoder, str) else encoder, name, version, encode_kwargs)
    return Row(given.title, given.title, BEYOND, Given(given))


def _shown(line: Line) -> str:
    """`72.37 [70.25, 74.22]`, or why there is no number."""
    if not line["value"]:
        return f"not run: {line['reason']}"
    interval = f" [{float(line['ci_low']):z.2f}, {float(line['ci_high']):z.2f}]" if line["ci_low"] else ""
    return f"{float(line['value']):z.2f}{interval}"


def _with_tasks(frame: DataFrame, table: Table) -> DataFrame:
    """The frame with a column `task` beside `column`; '' for averages and differences."""
    names = {column.slug: column.task for column in table.scored()}
    frame.insert(frame.columns.get_loc("column") + 1, "task", [names.get(slug, "") for slug in frame["column"]])
    return frame
