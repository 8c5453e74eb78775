"""One site for all tests: the committed tables, one of them with a row whose name must be escaped, one not yet run, and
two rows of the mini suite measured here; and a browser that opens it from disk."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from filelock import FileLock

from repro.cli.main import main
from repro.paths import write_atomic
from repro.reports.site.write import write_site
from repro.results.csv_lines import from_csv, to_csv

if TYPE_CHECKING:
    from playwright.sync_api import Browser

COMMITTED = Path(__file__).parents[3] / "tables"
HOSTILE = '<script>alert("row")</script> & {label} </td>'
NOT_RUN = "sbert-4"
CHROMIUM = shutil.which("chromium")


@dataclass(frozen=True)
class Written:
    """Tables, the site of them, the home that holds scores of two rows of the mini suite's sbert-1, and these rows."""

    tables: Path
    site: Path
    home: Path
    rows: tuple[str, str]


@pytest.fixture(scope="session")
def written(tmp_path_factory: pytest.TempPathFactory, tiny_bert: Path, tiny_sbert: Path) -> Written:
    """Written once for all of pytest-xdist's workers, whose first one's models are the two rows."""
    own = tmp_path_factory.getbasetemp()
    root = (own.parent if os.environ.get("PYTEST_XDIST_WORKER") else own) / "site"
    rows = root / "rows"
    with FileLock(f"{root}.lock"):
        if not rows.is_file():
            shutil.rmtree(root, ignore_errors=True)
            _write(root, str(tiny_bert), str(tiny_sbert))
            write_atomic(rows, f"{tiny_bert}\n{tiny_sbert}")
    first, second = rows.read_text().split("\n")
    return Written(root / "tables", root / "site", root / "home", (first, second))


def _write(root: Path, first: str, second: str) -> None:
    folder = root / "tables"
    shutil.copytree(COMMITTED, folder)
    (folder / f"{NOT_RUN}.csv").unlink()
    path = folder / "sbert-1.csv"
    lines = from_csv(path)
    row = [line for line in lines if line["row"] == "all-minilm-l6-v2"]
    lines += [line | {"row": "hostile", "label": HOSTILE, "encoder": line["encoder"] and HOSTILE} for line in row]
    path.write_text(to_csv(lines), encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("REPRO_HOME", str(root / "home"))
        for variable in ("REPRO_DATA", "REPRO_MIRROR"):
            patch.delenv(variable, raising=False)
        rows = [word for name in (first, second) for word in ("--encoder", name, "--row", name)]
        run = ["table", "sbert-1", "--suite", "mini", "--out", str(folder), "--offline", "--device", "cpu"]
        assert main([*run, *rows]) == 0
        write_site(folder, root / "site")


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Debian's Chromium, without a window."""
    if CHROMIUM is None:
        pytest.skip("there is no chromium on this machine; Debian's package of that name brings it")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield opened
        opened.close()
