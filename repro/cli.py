"""The command line: arguments → calls. The only module that prints."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from repro import __version__
from repro.errors import ReproError

if TYPE_CHECKING:
    from repro.suite import Suite
    from repro.table import Table


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command; 0 done, 1 a check failed, 2 bad usage or missing input."""
    arguments = _parser().parse_args(argv)
    try:
        return int(arguments.run(arguments))
    except ReproError as error:
        print(f"repro: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("repro: interrupted; stored cells are kept, the same command goes on from there", file=sys.stderr)
        return 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="repro", description="Regenerate published sentence-embedding tables.")
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def command(name: str, run: object, about: str) -> argparse.ArgumentParser:
        added = commands.add_parser(name, help=about, description=about)
        added.set_defaults(run=run)
        return added

    listed = command("list", _list, "show what there is")
    listed.add_argument("what", nargs="?", choices=["tables", "encoders", "tasks", "data"], default="tables")

    table = command("table", _table, "regenerate a table")
    table.add_argument("id", help="such as sbert-1; see `repro list tables`")
    table.add_argument("--suite", choices=["paper", "mini"], default="paper", help="mini: the embedded data set")
    table.add_argument("--row", action="append", default=[], metavar="SLUG", help="only this row (repeatable)")
    table.add_argument("--encoder", action="append", default=[], metavar="NAME", help="add a row for this encoder")
    table.add_argument("--task", action="append", default=[], metavar="T", help="only this column (repeatable)")
    table.add_argument("--probe", choices=["exact", "senteval-adam"], help="only this classifier (transfer tasks)")
    table.add_argument("--out", type=Path, default=Path("tables"), metavar="DIR", help="default: tables")
    table.add_argument("--limit", type=_positive, metavar="N", help="only the first N pairs of each subset")
    table.add_argument("--force", action="store_true", help="compute stored cells again")
    table.add_argument("--dry-run", action="store_true", help="say what would be computed, and stop")
    table.add_argument("--picture", type=Path, metavar="SVG", help="also write what the terminal shows as a picture")
    _data_options(table)
    _device_options(table)

    demo = command("demo", _demo, "every table on the embedded data set, offline")
    demo.add_argument("--out", type=Path, default=Path("tables"), metavar="DIR", help="default: tables (below mini/)")
    demo.add_argument("--force", action="store_true", help="compute stored cells again")
    _device_options(demo)
    demo.set_defaults(
        **{"suite": "mini", "row": [], "task": [], "probe": None, "encoder": [], "limit": None, "dry_run": False},
        **{"data": None, "mirror": None, "offline": True, "picture": None},
    )

    doctor = command("doctor", _doctor, "what is installed and present, and which rows could run now")
    doctor.add_argument("--json", action="store_true", help="print JSON")
    _data_options(doctor)

    verify = command("verify", _verify, "hold written tables against the ledger; exit 1 when a cell deviates")
    verify.add_argument("ids", nargs="*", metavar="ID")
    verify.add_argument("--out", type=Path, default=Path("tables"), metavar="DIR")
    verify.add_argument("--suite", choices=["paper", "mini"], default="paper")

    compare = command("compare", _compare, "paired tests between two rows of a table")
    compare.add_argument("id")
    compare.add_argument("first", metavar="ROW")
    compare.add_argument("second", metavar="ROW")
    _data_options(compare)
    compare.add_argument("--dtype", choices=["float32", "bfloat16"], default="float32")

    fetch = command("fetch", _fetch, "download, check and convert data sets")
    fetch.add_argument("names", nargs="*", metavar="DATASET", help="default: all")
    _data_options(fetch)

    cache = command("cache", _cache, "list the stored embeddings, or clear them")
    cache.add_argument("--clear", action="store_true", help="remove all of them")

    encode = command("encode", _encode, "encode a file of sentences, one a line")
    encode.add_argument("encoder")
    encode.add_argument("file", type=Path)
    encode.add_argument("-o", "--output", type=Path, required=True, metavar="OUT.npy")
    encode.add_argument("--offline", action="store_true")
    _device_options(encode)

    bench = command("bench", _bench, "print speed ratios measured in this process")
    bench.add_argument("what", choices=["encode", "glove", "score", "probe"])
    bench.add_argument("--sentences", type=_positive, metavar="N", help="only N of Table 1's sentences")
    bench.add_argument("--repeats", type=_positive, default=3, metavar="N")
    _data_options(bench)
    return parser


def _positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return value


def _data_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--data", type=Path, metavar="DIR", help="your own SentEval folder (or REPRO_DATA)")
    parser.add_argument("--mirror", type=Path, metavar="DIR", help="read the public files from here (or REPRO_MIRROR)")
    parser.add_argument("--offline", action="store_true", help="neither download data nor weights")


def _device_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--device", choices=["auto", "cpu", "cuda", "mps"], default="auto")
    parser.add_argument("--dtype", choices=["float32", "bfloat16"], default="float32")


def _folder(given: Path | None, variable: str) -> Path | None:
    found = given or (Path(os.environ[variable]) if os.environ.get(variable) else None)
    if found is not None and not found.is_dir():
        raise ReproError(f"{found} (from {'the command line' if given else variable}) is not a folder")
    return found


def _suite(arguments: argparse.Namespace) -> Suite:
    from repro.suite import Suite

    if getattr(arguments, "suite", "paper") == "mini":
        return Suite("mini", offline=arguments.offline)
    own = _folder(arguments.data, "REPRO_DATA")
    if own is not None and not (own / "downstream").is_dir():
        raise ReproError(f"{own} has no folder downstream/; --data wants the folder that holds SentEval's downstream/")
    return Suite(own=own, mirror=_folder(arguments.mirror, "REPRO_MIRROR"), offline=arguments.offline)


def _list(arguments: argparse.Namespace) -> int:
    if arguments.what == "tables":
        from repro.tables import TABLES

        for table in TABLES.values():
            print(f"{table.id:12} {table.title}")
    elif arguments.what == "encoders":
        from repro.encoders.zoo import ZOO

        for name, recipe in ZOO.items():
            print(f"{name:34} {recipe.weights}  {'|'.join(f'{k}:{v}' for k, v in recipe.signature().items())}")
    elif arguments.what == "tasks":
        from repro.tasks import TASKS

        for name, task in TASKS.items():
            fields = "|".join(f"{k}:{v}" for k, v in task.protocol(task.metrics[0]).items())
            print(f"{name:12} {task.dataset:6} {', '.join(task.metrics):70} {fields}")
    else:
        from repro.data.registry import contracts, datasets

        for item in datasets().values():
            rows = sum(count for _, count, _ in contracts(item))
            print(f"{item.name:16} {rows:6} rows  {item.citation}; {item.licence}")
    return 0


def _table(arguments: argparse.Namespace) -> int:
    from repro import tables

    table = tables.get(arguments.id, arguments.suite).with_encoders(arguments.encoder)
    paths = _run_table(table, arguments)
    if paths:
        print("wrote " + ", ".join(map(str, paths)))
    return 0


def _run_table(table: Table, arguments: argparse.Namespace) -> list[Path]:
    """Plan, compute, write and show one table; the paths written."""
    from repro import latex, render, runner
    from repro.files import write_atomic

    options = runner.Options(
        suite=_suite(arguments),
        rows=(*arguments.row, *(arguments.encoder if arguments.row else ())),
        tasks=_tasks(table, arguments),
        device=arguments.device,
        dtype=arguments.dtype,
        limit=arguments.limit,
        force=arguments.force,
    )
    made = runner.plan(table, options)
    if arguments.dry_run:
        for row, column in made.pending:
            print(f"compute  {row.slug} × {column.slug}")
        for (row_slug, column_slug), why in made.why_not.items():
            print(f"not-run  {row_slug} × {column_slug}: {why}")
        print(f"{len(made.stored)} cells stored, {len(made.pending)} to compute, {len(made.why_not)} not run")
        return []
    runner.execute(made, say=lambda line: print(line, file=sys.stderr), progress=sys.stderr.isatty())
    lines = render.lines_of(made)
    folder = arguments.out if arguments.suite == "paper" else arguments.out / arguments.suite
    texts = {
        ".md": render.to_markdown(table, lines),
        ".csv": render.to_csv(table, lines),
        ".tex": latex.to_latex(table, lines),
    }
    paths = [folder / f"{table.id}{options.variant}{suffix}" for suffix in texts]
    for path, text in zip(paths, texts.values(), strict=True):
        write_atomic(path, text)
    _show(table, lines, arguments.picture)
    return paths


def _tasks(table: Table, arguments: argparse.Namespace) -> tuple[str, ...]:
    """Columns asked for by name, by probe, or both; none: all."""
    from repro.tasks import TASKS

    if arguments.probe is None:
        return tuple(arguments.task)
    columns = table.pick_columns(arguments.task)
    found = [c.slug for c in columns if TASKS[c.task].protocol(c.metric).get("probe") == arguments.probe]
    if not found:
        raise ReproError(f"{table.id} has no column of the probe {arguments.probe} among those asked for")
    return tuple(found)


def _demo(arguments: argparse.Namespace) -> int:
    from repro import tables

    written = [path for name in tables.TABLES for path in _run_table(tables.get(name, "mini"), arguments)]
    print(tables.demo.BANNER)
    print("wrote " + ", ".join(map(str, written)))
    return 0


def _doctor(arguments: argparse.Namespace) -> int:
    import json

    from repro import doctor

    found = doctor.examine(_suite(arguments))
    print(json.dumps(found, indent=1) if arguments.json else doctor.as_text(found))
    return 0


def _show(table: Table, lines: list[dict[str, str]], picture: Path | None) -> None:
    """The measured rows of the first section in the terminal, and as an SVG picture where one is asked for."""
    from rich.console import Console

    from repro.files import write_atomic
    from repro.terminal import grid

    first, *others = table.sections()
    shown, hidden = grid(first, lines)
    console = Console(width=None if sys.stdout.isatty() else 140, record=picture is not None)
    console.print(shown)
    if others:
        print("in the .md file also: " + "; ".join(part.columns[0].section for part in others))
    if picture is not None:
        write_atomic(picture, console.export_svg(title=table.command))
    if any(line["delta"] for line in lines):
        print("measured, and below it the difference to the published number with its verdict")
    if hidden:
        print(f"{hidden} rows were not run; the .md file says why")


def _verify(arguments: argparse.Namespace) -> int:
    from repro.tables import TABLES
    from repro.verify import verify

    failed = 0
    folder = arguments.out if arguments.suite == "paper" else arguments.out / arguments.suite
    ids = arguments.ids or [name for name in TABLES if (folder / f"{name}.csv").is_file()]
    if not ids:
        raise ReproError(f"{folder} holds no written table; write one with `repro table sbert-1`")
    for table_id in ids:
        wrong = verify(table_id, folder, arguments.suite)
        failed += len(wrong)
        for sentence in wrong:
            print(sentence)
        print(f"{table_id}: {'holds' if not wrong else f'{len(wrong)} failures'}")
    return 1 if failed else 0


def _compare(arguments: argparse.Namespace) -> int:
    from repro import runner, tables
    from repro.compare import compare

    table = tables.get(arguments.id).with_encoders(
        name
        for name in (arguments.first, arguments.second)
        if name not in {r.slug for r in tables.get(arguments.id).rows}
    )
    options = runner.Options(suite=_suite(arguments), rows=(arguments.first, arguments.second), dtype=arguments.dtype)
    made = runner.plan(table, options)
    print(f"{arguments.first} − {arguments.second}: difference, its 95 % interval, p")
    for found in compare(made, arguments.first, arguments.second):
        low, high = found.interval
        label = ", ".join(filter(None, [found.column.label, found.column.section]))
        print(f"{label:18} {found.difference:+7.2f}   {low:+.2f} to {high:+.2f}   p = {found.p:.3f} ({found.test})")
    return 0


def _fetch(arguments: argparse.Namespace) -> int:
    from repro.data import fetch, registry

    suite = _suite(arguments)
    for name in arguments.names or registry.datasets():
        folder = fetch.fetch(registry.dataset(name), suite.root, suite.mirror, suite.offline)
        print(f"{name}: {folder}")
    return 0


def _cache(arguments: argparse.Namespace) -> int:
    from datetime import datetime, timezone

    from repro.embeddings import EmbeddingCache

    cache = EmbeddingCache()
    if arguments.clear:
        print(f"removed {cache.clear()} files from {cache.folder}")
        return 0
    entries = cache.entries()
    for entry in entries:
        used = datetime.fromtimestamp(entry.used, timezone.utc).strftime("%Y-%m-%d %H:%M")
        rows, columns = entry.shape
        print(f"{entry.bytes / 1e6:8.1f} MB  {rows:7} × {columns:<5} last used {used} UTC  {entry.encoder}")
    total = sum(entry.bytes for entry in entries)
    print(f"{cache.folder}: {len(entries)} matrices, {total / 1e6:.1f} of {cache.bound / 1e6:.0f} MB")
    return 0


def _encode(arguments: argparse.Namespace) -> int:
    import io

    import numpy as np

    from repro.data.readers import read_lines
    from repro.encoders import zoo
    from repro.files import write_atomic

    if not arguments.file.is_file():
        raise ReproError(f"{arguments.file} is not a file; name a text file with one sentence a line")
    sentences = read_lines(arguments.file)
    group = zoo.build(arguments.encoder, arguments.device, arguments.dtype, arguments.offline)
    encoded = group.encode(sentences, progress=sys.stderr.isatty())[0]
    buffer = io.BytesIO()
    np.save(buffer, encoded.vectors)
    write_atomic(arguments.output, buffer.getvalue())
    note = f", {encoded.zero_vectors} without a known word" if encoded.zero_vectors else ""
    print(f"wrote {arguments.output}: {encoded.vectors.shape[0]} × {encoded.vectors.shape[1]} float32{note}")
    return 0


def _bench(arguments: argparse.Namespace) -> int:
    from repro import bench

    for line in bench.RUNS[arguments.what](_suite(arguments), arguments.sentences, arguments.repeats):
        print(line, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
