"""The command line: arguments → commands.py."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from repro import __version__, commands, commands_model, commands_search
from repro.errors import ReproError


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
    choices = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def command(name: str, run: object, about: str) -> argparse.ArgumentParser:
        added = choices.add_parser(name, help=about, description=about)
        added.set_defaults(run=run)
        return added

    listed = command("list", commands.listing, "show what there is")
    listed.add_argument(
        "what", nargs="?", choices=["tables", "encoders", "tasks", "data", "trainings"], default="tables"
    )

    table = command("table", commands.table, "regenerate a table")
    table.add_argument("id", help="such as sbert-1; see `repro list tables`")
    table.add_argument("--suite", choices=["paper", "mini"], default="paper", help="mini: the embedded data set")
    table.add_argument("--row", action="append", default=[], metavar="SLUG", help="only this row (repeatable)")
    table.add_argument("--encoder", action="append", default=[], metavar="NAME", help="add a row for this encoder")
    table.add_argument("--task", action="append", default=[], metavar="T", help="only this column (repeatable)")
    table.add_argument("--probe", choices=["exact", "senteval-adam"], help="only this classifier (transfer tasks)")
    table.add_argument("--out", type=Path, default=Path("tables"), metavar="DIR", help="default: tables")
    table.add_argument("--limit", type=_positive, metavar="N", help="only the first N pairs of each subset")
    table.add_argument(
        "--base", action="append", default=[], metavar="NAME", help="train this encoder, as rows of its own"
    )
    table.add_argument(
        "--seeds", type=_positive, metavar="N", help="trainings of each trained row (default: the row's)"
    )
    table.add_argument("--sample", type=_positive, metavar="N", help="train on N examples only")
    table.add_argument("--executor", choices=["local", "debug", "slurm"], help="hand trainings to submitit")
    table.add_argument("--jobs", type=_positive, default=1, metavar="N", help="trainings at a time with --executor")
    table.add_argument("--force", action="store_true", help="compute stored cells again")
    table.add_argument("--dry-run", action="store_true", help="say what would be computed, and stop")
    table.add_argument("--picture", type=Path, metavar="SVG", help="also write what the terminal shows as a picture")
    _data_options(table)
    _device_options(table)

    demo = command("demo", commands.demo, "every table on the embedded data set, offline")
    demo.add_argument("--out", type=Path, default=Path("tables"), metavar="DIR", help="default: tables (below mini/)")
    demo.add_argument("--force", action="store_true", help="compute stored cells again")
    _device_options(demo)
    demo.set_defaults(
        **{"suite": "mini", "row": [], "task": [], "probe": None, "encoder": [], "limit": None, "dry_run": False},
        **{"data": None, "mirror": None, "offline": True, "picture": None},
        **{"base": [], "seeds": None, "sample": None, "executor": None, "jobs": 1},
    )

    train = command("train", commands_model.train, "train one model (under torchrun: data-parallel)")
    train.add_argument("recipe", help="such as stsb or nli,epochs=2; see `repro list trainings`")
    train.add_argument("--base", default="bert-base-avg", metavar="NAME", help="encoder to train (default: BERT-base)")
    train.add_argument("--pooling", help="default: mean")
    train.add_argument("--seed", type=int, default=0)
    train.add_argument("--sample", type=_positive, metavar="N", help="train on N examples only")
    train.add_argument("--accumulate", type=_positive, default=1, metavar="N", help="compute each batch in N parts")
    train.add_argument("--checkpoint-every", type=_positive, default=500, metavar="STEPS")
    train.add_argument("-o", "--output", type=Path, metavar="DIR", help="copy the model to this new folder")
    train.add_argument("--suite", choices=["paper", "mini"], default="paper", help="mini: the embedded data set")
    _data_options(train)
    _device_options(train)

    claims = command("claims", commands.claims, "the papers' findings, held against published and measured numbers")
    claims.add_argument("ids", nargs="*", metavar="ID", help="tables; default: all that have claims")
    claims.add_argument("--out", type=Path, default=Path("tables"), metavar="DIR")

    doctor = command("doctor", commands.doctor, "what is installed and present, and which rows could run now")
    doctor.add_argument("--json", action="store_true", help="print JSON")
    _data_options(doctor)

    verify = command("verify", commands.verify, "hold written tables against the ledger; exit 1 when a cell deviates")
    verify.add_argument("ids", nargs="*", metavar="ID")
    verify.add_argument("--out", type=Path, default=Path("tables"), metavar="DIR")
    verify.add_argument("--suite", choices=["paper", "mini"], default="paper")

    compare = command("compare", commands.compare, "paired tests between two rows of a table")
    compare.add_argument("id")
    compare.add_argument("first", metavar="ROW")
    compare.add_argument("second", metavar="ROW")
    _data_options(compare)
    compare.add_argument("--dtype", choices=["float32", "bfloat16"], default="float32")

    fetch = command("fetch", commands.fetch, "download, check and convert data sets")
    fetch.add_argument("names", nargs="*", metavar="DATASET", help="default: all")
    _data_options(fetch)

    cache = command("cache", commands.cache, "list the stored embeddings, or clear them")
    cache.add_argument("--clear", action="store_true", help="remove all of them")

    encode = command("encode", commands_model.encode, "encode a file of sentences, one a line")
    encode.add_argument("encoder")
    encode.add_argument("file", type=Path)
    encode.add_argument("-o", "--output", type=Path, required=True, metavar="OUT.npy")
    _data_options(encode)
    _device_options(encode)

    similarity = command("similarity", commands_search.similarity, "cosines of sentences of your own")
    similarity.add_argument("encoder")
    similarity.add_argument("sentences", nargs="*", metavar="SENTENCE", help="two of them")
    similarity.add_argument("--pairs", type=Path, metavar="TSV", help="a pair a line, separated by a tab")
    similarity.add_argument("--matrix", type=Path, metavar="FILE", help="all lines with all lines")
    similarity.add_argument("--closest", type=Path, metavar="FILE", help="the closest pairs of lines")
    similarity.add_argument("-k", type=_positive, default=10, metavar="N", help="how many closest pairs (default: 10)")

    search = command("search", commands_search.find, "the sentences of a file nearest to a query, exactly")
    search.add_argument("encoder")
    search.add_argument("file", type=Path, help="one sentence a line")
    search.add_argument("queries", nargs="*", metavar="QUERY")
    search.add_argument("--query-file", type=Path, metavar="FILE", help="one query a line")
    search.add_argument("-k", type=_positive, default=5, metavar="N", help="results of each query (default: 5)")
    search.add_argument("--threshold", type=float, default=-1.0, metavar="COSINE", help="no results below this")
    search.add_argument("--faiss", action="store_true", help="use FAISS's exact index (pip install faiss-cpu)")

    fit = command("fit", commands_search.fit, "fit a whitening on a file of sentences and save it")
    fit.add_argument("encoder")
    fit.add_argument("file", type=Path, help="one sentence a line")
    fit.add_argument("-k", type=_positive, metavar="N", help="dimensions to keep (default: all)")
    fit.add_argument("-o", "--output", type=Path, required=True, metavar="OUT.safetensors")
    for added in (similarity, search, fit):
        _data_options(added)
        _device_options(added)

    bench = command("bench", commands.bench, "print speed ratios measured in this process")
    bench.add_argument("what", choices=["encode", "glove", "score", "probe", "train", "fit", "search"])
    bench.add_argument(
        "--sentences", type=_positive, metavar="N", help="only N of Table 1's sentences, or training examples"
    )
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


if __name__ == "__main__":
    sys.exit(main())
