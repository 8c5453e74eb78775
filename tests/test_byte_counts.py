"""Downloads of other libraries, counted: they draw no bars of their own."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pooch
import pytest

from repro import progress
from repro.byte_counts import counting
from tests.test_progress import Heard

SIZE = 300_000


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    """A file of SIZE bytes on loopback."""
    (tmp_path / "served").mkdir()
    (tmp_path / "served" / "file.bin").write_bytes(bytes(SIZE))

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, format: str, *arguments: object) -> None: ...

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(tmp_path / "served")))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/file.bin"
    server.shutdown()
    server.server_close()


def test_pooch_tells_how_many_bytes_came(address: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    listener = Heard()
    with progress.heard_by(listener), progress.step(0, progress.BYTES) as step:
        downloader = pooch.HTTPDownloader(progressbar=counting(step)(unit="B"))
        pooch.retrieve(address, None, fname="file.bin", path=tmp_path, downloader=downloader)
    assert (step.total, step.done) == (SIZE, SIZE)
    assert "%" not in capfd.readouterr().err


def test_a_bar_that_counts_files_moves_no_bytes() -> None:
    """huggingface_hub makes one bar of files and two of bytes, which grow as files are found."""
    with progress.step(0, progress.BYTES) as step:
        bar = counting(step)
        files, arriving, writing = bar(total=3), bar(total=0, unit="B"), bar(total=0, unit="B")
        files.update(2)
        for size in (100, 50):
            writing.total += size
            arriving.total += size
            arriving.refresh()
        writing.update(120)
    assert (step.total, step.done) == (150, 120)
