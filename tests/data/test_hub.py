"""SNLI and MultiNLI through the hub's own library, from a small server on loopback."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import datasets
import pytest

from repro.data import hub, registry
from repro.data.labelled import read_nli
from repro.errors import NotAvailable
from tests.conftest import on_loopback

ROWS = {  # labels as both data sets have them: 0 entailment, 1 neutral, 2 contradiction, −1 no agreement
    "SNLI": [("A man  sleeps.", "He rests.", 0), ("A dog.", "A cat.", 2), ("A dog.", "It barks.", -1)],
    "MultiNLI": [("Tab\there", "and a\nnewline", 1)],
}


@pytest.fixture
def endpoint(tmp_path: Path) -> Iterator[str]:
    """Serves the two parquet files at their pinned revisions and nothing else."""
    files = {}
    for corpus, (name, revision, file) in hub.NLI_FILES.items():
        premise, hypothesis, label = zip(*ROWS[corpus], strict=True)
        path = tmp_path / f"{corpus}.parquet"
        columns = {"premise": premise, "hypothesis": hypothesis, "label": label}
        datasets.Dataset.from_dict({key: list(value) for key, value in columns.items()}).to_parquet(str(path))
        files[f"/datasets/{name}/resolve/{revision}/{file}"] = (path.read_bytes(), revision)

    class Handler(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            data, revision = files.get(self.path.split("?")[0], (b"", ""))
            self.send_response(200 if data else 404)
            self.send_header("Content-Length", str(len(data)))
            self.send_header("ETag", f'"{abs(hash(data))}"')
            self.send_header("X-Repo-Commit", revision)
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(data)

        do_GET = do_HEAD

    with on_loopback(Handler) as address:
        yield address


def test_labelled_pairs_of_both_become_all_nli(endpoint: str, tmp_path: Path) -> None:
    environment = {
        **os.environ,
        "HF_ENDPOINT": endpoint,
        "HF_HOME": str(tmp_path / "hf"),
        "HF_HUB_OFFLINE": "0",
        "HF_HUB_DISABLE_XET": "1",
    }
    out = tmp_path / "nli" / "AllNLI.tsv"
    out.parent.mkdir()
    script = (  # from the server, then from the hub's cache alone
        "import sys; from pathlib import Path; from repro.data.hub import all_nli; "
        "found = all_nli(False); assert found == all_nli(True); Path(sys.argv[1]).write_bytes(found)"
    )
    done = subprocess.run([sys.executable, "-c", script, str(out)], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    found = read_nli(out, "train")
    assert found.first == ("A man sleeps.", "A dog.", "Tab here")
    assert found.second == ("He rests.", "A cat.", "and a newline")
    assert found.labels == ("entailment", "contradiction", "neutral")


def test_simcse_s_files_are_pinned_when_first_downloaded(tmp_path: Path) -> None:
    commit = "0123456789abcdef0123456789abcdef01234567"

    class Handler(BaseHTTPRequestHandler):
        """The default branch resolves to one commit; only that one file is there."""

        def do_HEAD(self) -> None:
            there = self.path.split("?")[0].endswith("/wiki1m_for_simcse.txt")
            data = b"one\ntwo\n" if there else b""
            self.send_response(200 if there else 404)
            self.send_header("Content-Length", str(len(data)))
            self.send_header("ETag", '"wiki"')
            self.send_header("X-Repo-Commit", commit)
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(data)

        do_GET = do_HEAD

    script = (
        "from repro.data.hub import SIMCSE, simcse; from repro.encoders.weights import pinned_revision; "
        "assert simcse('wiki1m_for_simcse.txt', False) == simcse('wiki1m_for_simcse.txt', True) == b'one\\ntwo\\n'; "
        "print(pinned_revision(f'datasets/{SIMCSE}'))"
    )
    with on_loopback(Handler) as address:
        environment = {
            **os.environ,
            "HF_ENDPOINT": address,
            "HF_HOME": str(tmp_path / "hf"),
            "HF_HUB_OFFLINE": "0",
            "HF_HUB_DISABLE_XET": "1",
        }
        done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True)
    assert done.stdout.strip() == commit, done.stderr[-2000:]


def test_without_a_hub_it_is_not_available() -> None:
    with pytest.raises(NotAvailable, match="the data set stanfordnlp/snli is not on this machine"):
        hub.all_nli(offline=True)


def test_the_registry_knows_how_many_there_must_be() -> None:
    ((_, rows, labels),) = registry.contracts(registry.dataset("NLI"))
    # labelled training pairs of SNLI and of MultiNLI, as their data set pages give them
    assert rows == 549_367 + 392_702 == sum(int(part.split(":")[1]) for part in labels.split())
