"""The files of a site: what is in them, how large they are, that they are the same each time, and whom they replace."""

from __future__ import annotations

import json
import re
import shutil
from collections import Counter
from html import unescape
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import pytest

from repro import tables
from repro.cli.main import main
from repro.errors import ReproError
from repro.published.findings import of_table
from repro.reports import facts, figures
from repro.reports.layout import lay_out
from repro.reports.site import pages
from repro.reports.site.write import LISTING, write_site
from repro.results.csv_lines import from_csv
from tests.processes import modules_after
from tests.reports.site.conftest import COMMITTED, HOSTILE, NOT_RUN, Written

TABLES = [f"{folder}{name}.html" for folder in ("", "mini/") for name in tables.TABLES if name != NOT_RUN]
FACTS = [f"{name}.html" for name in tables.FACTS]
PAGES = ["index.html", *FACTS, *TABLES]


class Page(HTMLParser):
    """What a page has of each element: (tag, attributes), and the text in it."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def of(self, *tags: str) -> list[dict[str, str | None]]:
        return [attributes for tag, attributes in self.elements if tag in tags]


def test_there_is_a_page_for_each_table_and_one_that_compares(written: Written) -> None:
    names = {path.relative_to(written.site).as_posix() for path in written.site.rglob("*.html")}
    assert names == {
        *PAGES,
        *(page.replace(".html", ".compare.html") for page in TABLES),
        "mini/sbert-4.html",
        "mini/sbert-4.compare.html",
    }


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_small_with_all_that_it_loads_at_once(written: Written, name: str) -> None:
    """Figures are below the table and load when they come near."""
    page = written.site / name
    loaded = [
        item.get("href") or item.get("src") for item in Page(page).of("link", "script") if item.get("rel") != "icon"
    ]
    sizes = [(page.parent / file).stat().st_size for file in loaded if file]
    assert len(sizes) >= 2
    assert page.stat().st_size + sum(sizes) < (200_000 if name == "index.html" else 500_000)
    assert page.with_suffix(".compare.html").stat().st_size < 500_000 if name in TABLES else True
    assert all(item["loading"] == "lazy" for item in Page(page).of("img"))


def test_nothing_is_loaded_from_elsewhere(written: Written) -> None:
    for path in written.site.rglob("*.*"):
        if path.suffix == ".html":
            loaded = Page(path).of("link", "script", "img", "iframe", "object", "embed", "source", "video", "audio")
            for item in loaded:
                target = item.get("href") or item.get("src")
                assert target is None or target == "data:," or (path.parent / target).is_file(), (path.name, target)
        if path.suffix in (".css", ".js"):
            assert not re.search(r"https?://|url\(|@import|fetch\(|XMLHttp", path.read_text(encoding="utf-8")), (
                path.name
            )


@pytest.mark.parametrize("name", PAGES)
def test_what_machines_read_of_a_page(written: Written, name: str) -> None:
    text = (written.site / name).read_text(encoding="utf-8")
    page = Page(written.site / name)
    assert text.startswith('<!doctype html>\n<html lang="en">')
    assert len(re.findall(r"<title>[^<]{10,}</title>", text)) == 1
    assert [item for item in page.of("meta") if item.get("name") == "description" and item["content"]]
    levels = [int(tag[1]) for tag, _ in page.elements if re.fullmatch(r"h[1-6]", tag)]
    assert levels[0] == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    assert levels.count(1) == 1
    assert len(page.of("caption")) == len(page.of("table"))
    assert all(item.get("scope") for item in page.of("th"))
    assert all("alt" in item for item in page.of("img"))


def test_the_start_page_counts_what_the_csv_files_hold(written: Written) -> None:
    text = (written.site / "index.html").read_text(encoding="utf-8")
    for name in tables.TABLES:
        for folder in ("", "mini/"):
            path = written.tables / f"{folder}{name}.csv"
            links = re.findall(
                rf'href="{folder}{name}\.html#verdict=([\w-]+)" aria-label="(\d+) [^"]*">(\d+)</a>', text
            )
            if not path.is_file():
                assert f"<code>{tables.get(name).command}</code>" in text
                assert not links
                continue
            counted = Counter(line["verdict"] for line in from_csv(path))
            assert {verdict: int(shown) for verdict, _, shown in links} == counted
            assert all(said == shown for _, said, shown in links)
    assert text.count(tables.demo.BANNER) == 1


def test_every_figure_there_is_has_a_caption() -> None:
    assert set(pages.FIGURES) == set(figures.NAMES)


@pytest.mark.parametrize("name", tables.FACTS)
def test_a_page_of_facts_has_what_is_printed_and_the_start_page_leads_to_it(written: Written, name: str) -> None:
    text = unescape((written.site / f"{name}.html").read_text(encoding="utf-8"))
    shown = [fact.text for fact in facts.cells(tables.FACTS[name])]
    assert Counter(re.findall("<td>([^<]+)</td>", text)) == Counter(shown)
    assert f'<a href="{name}.html">' in (written.site / "index.html").read_text(encoding="utf-8")
    assert (written.site / f"{name}.csv").read_bytes() == (written.tables / f"{name}.csv").read_bytes()


def test_the_start_page_has_each_claim_with_what_is_published_and_what_the_base_shows(written: Written) -> None:
    text = (written.site / "index.html").read_text(encoding="utf-8")
    _, _, claims = text.partition('id="claims"')
    rows = [re.findall(r'<td class="text">(.*?)</td>', row, re.DOTALL) for row in claims.split("<tr>")[2:]]
    shown = [tuple(unescape(re.sub(r"<[^>]+>", "", cell)).strip() for cell in row[:4]) for row in rows]
    due = []
    for name in (name for name in tables.TABLES if name != NOT_RUN):
        for claim, (published, base, *_) in of_table(tables.get(name), written.tables):
            marks = {True: " ✓", False: " ✗", None: ""}
            cells = [each.summary + marks[each.holds] for each in (published, base)]
            due.append((claim.sentence.replace("`", ""), name, *cells))
    assert shown == due
    assert any(cell == "does not hold 2/4 ✗" for _, _, cell, _ in shown)


@pytest.mark.parametrize("name", ["flow-2", "simcse-5"])
def test_a_table_page_shows_the_comparisons_of_its_claims(written: Written, name: str) -> None:
    page = unescape((written.site / f"{name}.html").read_text(encoding="utf-8"))
    outcomes = [
        outcome
        for _, found in of_table(tables.get(name), written.tables)
        for finding in found
        for outcome in finding.outcomes
    ]
    assert len(outcomes) > 20
    for one in outcomes:  # what seeds and tests say of them stands behind
        pair = one.comparison
        assert f"<li>{pair.column}: {pair.first} {one.first:.2f}, {pair.second} {one.second:.2f} (" in page


@pytest.mark.parametrize("name", TABLES)
def test_a_table_page_shows_every_number_of_the_csv_without_a_script(written: Written, name: str) -> None:
    suite = "mini" if name.startswith("mini/") else "paper"
    table = tables.get(Path(name).stem, suite)
    layout = lay_out(table, from_csv((written.tables / name).with_suffix(".csv")))
    text = (written.site / name).read_text(encoding="utf-8")
    shown = [
        unescape(re.sub(r"<[^>]+>", " ", cell)).split() for cell in re.findall(r"<td class=[^>]*>(.*?)</td>", text)
    ]
    cells = [cell for section in layout.sections for row in section.rows for cell in row.cells]
    assert len(shown) == len(cells)
    for words, cell in zip(shown, cells, strict=True):
        said = " ".join(words)
        if cell.empty:
            assert said == ""
            continue
        assert said.startswith(cell.measured_text)
        assert cell.published_text in said
        assert cell.delta_text.strip() in said
        assert not cell.interval or "{:.{n}f} to {:.{n}f}".format(*cell.interval, n=cell.decimals) in said
    assert (tables.demo.BANNER in unescape(text)) == (suite == "mini")
    for note in (*layout.table.notes, *(line["comment"] for line in layout.errata)):
        assert note.replace("`", "") in unescape(re.sub(r"</?code>", "", text))


def test_texts_of_others_are_escaped(written: Written) -> None:
    for name in ("sbert-1.html", "sbert-1.compare.html"):
        text = (written.site / name).read_text(encoding="utf-8")
        assert "<script>alert" not in text
        content = re.search(r'<script type="application/json" id="data">(.*?)</script>', text, re.DOTALL)
        assert content
        assert HOSTILE in [row["label"] for row in json.loads(content[1])["rows"]]


def test_written_again_it_has_the_same_bytes(written: Written, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REPRO_HOME", str(written.home))
    site = Path(shutil.copytree(written.site, tmp_path / "site"))
    (site / "index.html").write_text("old")
    write_site(written.tables, site)
    contents = [
        {path.relative_to(root): path.read_bytes() for path in root.rglob("*") if path.is_file()}
        for root in (site, written.site)
    ]
    assert contents[0] == contents[1]
    assert [path.name for path in tmp_path.iterdir() if path.name != "home"] == ["site"]


def test_only_a_site_is_replaced(written: Written, tmp_path: Path) -> None:
    site = tmp_path / "site"
    (site / "mini").mkdir(parents=True)
    (site / "mini/letter.txt").write_text("keep me")
    with pytest.raises(ReproError, match=r"site holds mini/letter.txt, .*; name another with --site"):
        write_site(written.tables, site)
    (site / LISTING).write_text("index.html\n")
    with pytest.raises(ReproError, match=r"holds mini/letter\.txt"):
        write_site(written.tables, site)
    assert (site / "mini/letter.txt").read_text() == "keep me"
    (tmp_path / "file").write_text("")
    with pytest.raises(ReproError, match="file is no folder; name another"):
        write_site(written.tables, tmp_path / "file")


def test_the_command_writes_one_suite_or_both_and_imports_no_torch(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("sbert-2", "sbert-7", "mini/sbert-2"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(COMMITTED / f"{name}.csv", tmp_path / f"{name}.csv")
    code = "import sys; from repro.cli.main import main\nif main(sys.argv[1:]): raise SystemExit(9)"
    modules = modules_after(code, "report", "--html", "--out", str(tmp_path), "--site", str(tmp_path / "site"))
    assert not modules & {"torch", "transformers", "pandas", "matplotlib"}
    assert (tmp_path / "site/sbert-7.html").is_file()
    assert (tmp_path / "site/mini/sbert-2.html").is_file()
    assert main(["report", "--html", "--suite", "mini", "--out", str(tmp_path), "--site", str(tmp_path / "small")]) == 0
    assert capsys.readouterr().out == f"wrote {tmp_path}/small/index.html; open it in a browser\n"
    assert not (tmp_path / "small/sbert-2.html").exists()
    assert "not yet run: <code>make demo</code>" in (tmp_path / "small/index.html").read_text()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["sbert-1"], "the pages are of all tables; leave out sbert-1"),
        ([], "holds no written table; write one with `repro table sbert-1`"),
        (["--suite", "mini"], "holds no written table"),
    ],
)
def test_without_tables_it_is_one_sentence(
    arguments: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "none").mkdir()
    assert (
        main(["report", "--html", *arguments, "--out", str(tmp_path / "none"), "--site", str(tmp_path / "site")]) == 2
    )
    said = capsys.readouterr().err
    assert message in said
    assert said.count("\n") == 1
    assert not (tmp_path / "site").exists()


def test_a_file_of_another_kind_is_named(tmp_path: Path) -> None:
    lines = (COMMITTED / "sbert-2.csv").read_text().splitlines(keepends=True)
    (tmp_path / "sbert-2.csv").write_text("".join(lines[:-1]))
    with pytest.raises(ReproError, match=r"sbert-2.csv is not as this suite wrote it: the cell .* is missing"):
        write_site(tmp_path, tmp_path / "site")
