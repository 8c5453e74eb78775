"""What `repro export` does: measured numbers of written tables for other programs and pages."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from repro.cli import streams
from repro.cli.general import folder_of
from repro.errors import ReproError
from repro.paths import output_file, output_folder, write_all, write_atomic

if TYPE_CHECKING:
    from repro.reports.exports.selection import Selection

FORMATS = ("json", "bibtex", "citation", "mteb", "model-card")


def export(arguments: argparse.Namespace) -> int:
    """Print the export, or write it where --output says; what MTEB cannot hold is said on standard error."""
    from repro.reports.exports.selection import select
    from repro.tables import named

    if arguments.to == "mteb" and arguments.output is None:
        raise ReproError("MTEB's results are several files; name a folder for them with --output")
    folder = folder_of(arguments)
    paths = [folder / f"{name}.csv" for name in dict.fromkeys(arguments.ids) if named(name, arguments.suite)]
    selections = [select(path, arguments.row, arguments.task, arguments.suite) for path in paths]
    if arguments.to == "mteb":
        return _export_to_mteb(selections, arguments)
    text = _text(selections, arguments.to)
    if arguments.output is None:
        print(text, end="")
    else:
        write_atomic(output_file(arguments.output, folder.glob("*")), text)
        print(f"wrote {arguments.output}")
    return 0


def _export_to_mteb(selections: list[Selection], arguments: argparse.Namespace) -> int:
    from repro.reports.exports.mteb import to_mteb

    files, left_out = to_mteb(selections)
    target = output_folder(arguments.output)
    write_all({target / path: text for path, text in files.items()})
    for sentence in left_out:
        streams.say(sentence)
    print(f"wrote {len(files)} files below {target / 'results'}")
    return 0


def _text(selections: list[Selection], kind: str) -> str:
    if kind == "model-card":
        from repro.reports.exports.model_card import to_model_card  # with what the others do without

        return to_model_card(selections)
    from repro.reports.exports import texts

    return {"json": texts.to_json, "bibtex": texts.to_bibtex, "citation": texts.to_citation}[kind](selections)
