"""The command line: arguments → the command's function, and whatever happens there → one sentence, an exit status."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Sequence

from repro import signals
from repro.cli import streams
from repro.cli.parser import build_parser
from repro.errors import ReproError
from repro.paths import refusal


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command; 0 done, 1 a check failed, 2 bad usage or missing input, 130 or 143 interrupted by a signal.

    Whatever becomes of the streams, a command whose product is a file writes it; one whose product is its output ends
    with 2 when that cannot be written, and with 0 when its reader has seen enough. REPRO_TRACEBACK=1 shows tracebacks.
    """
    own = argv is None  # the process
    interruption = signals.Interruption()
    with streams.guarded() as (out, err), streams.notices():
        try:
            with interruption.listening(to_the_end=own):
                status = _run(sys.argv[1:] if argv is None else argv, out, interruption)
        except KeyboardInterrupt:
            streams.say(signals.SENTENCE)
            status = interruption.status
            if own:  # its threads need not end what they were given
                err.flush()
                os._exit(status)
    return status


def _run(argv: Sequence[str], out: streams.Guarded, interruption: signals.Interruption) -> int:
    product, arguments = "output", None
    try:
        arguments = build_parser().parse_args(_readable(argv))
        product = arguments.product
        if getattr(arguments, "dry_run", False):
            product = "output"
        elif getattr(arguments, "output", None):  # also of what is printed without --output
            product = "file"
        out.stops = product == "output"
        status = int(arguments.run(arguments))
        out.stops = False
        out.flush()
    except SystemExit as stop:
        status = stop.code if isinstance(stop.code, int) else 2
        if arguments is not None:  # else it is argparse's, which has said why
            streams.say(sentence(stop))
            status = 2
    except streams.Stopped:
        status = 0
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # a panic of a library in Rust is no Exception
        if interruption.number is not None:  # a library made another exception of it
            raise KeyboardInterrupt from None
        if os.environ.get("REPRO_TRACEBACK", "") not in ("", "0"):
            traceback.print_exc()
        streams.say(sentence(error))
        status = 2
    out.stops = False
    if out.broken and product != "file" and status != 2:
        streams.say(f"the output could not be written ({getattr(out.error, 'strerror', None) or out.error})")
        return 2
    return status


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
