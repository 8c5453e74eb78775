"""Takes the picture of a table's page that README shows.

python -m tests.reports.site.picture site docs/report.png    # after `repro report --html`
"""

from __future__ import annotations

import sys
from pathlib import Path

from tests.reports.site.conftest import CHROMIUM

PAGE = "sbert-1.html#verdict=measured"
SIZE = {"width": 1280, "height": 720}


def take(site: Path, picture: Path) -> None:
    """Of the rows that were measured, in light."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page(viewport=SIZE, color_scheme="light")  # type: ignore[arg-type]
        page.goto(f"file://{(site / PAGE.partition('#')[0]).resolve()}#{PAGE.partition('#')[2]}")
        page.screenshot(path=picture)
        browser.close()


if __name__ == "__main__":
    take(Path(sys.argv[1]), Path(sys.argv[2]))
