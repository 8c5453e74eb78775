"""The site in a browser, opened from disk: at the width of a desk and of a telephone, in light and in dark."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import pytest

from repro.evaluation.config import Options
from repro.evaluation.plan import plan
from repro.evaluation.significance import compare
from repro.evaluation.suite import Suite
from repro.reports.citation import citation
from repro.results.csv_lines import Line, from_csv
from repro.tables import get
from tests.reports.site.conftest import HOSTILE, Written

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

WIDTHS = {"desk": 1280, "telephone": 400}
Open = Callable[..., "Page"]


@pytest.fixture
def visit(browser: Browser, written: Written) -> Iterator[Open]:
    """A function that opens a page of the site: nothing is asked of the network, nothing goes wrong in a console."""
    wrong: list[str] = []
    contexts = []

    def visited(name: str, width: int = 1280, scheme: str = "light", script: bool = True) -> Page:
        context = browser.new_context(
            viewport={"width": width, "height": 900},
            color_scheme=scheme,  # type: ignore[arg-type]
            java_script_enabled=script,
            permissions=["clipboard-read", "clipboard-write"],
        )
        contexts.append(context)
        context.on("request", lambda request: wrong.append(request.url) if leaves(request.url) else None)
        page = context.new_page()
        page.set_default_timeout(10_000)
        page.on("console", lambda message: wrong.append(message.text) if message.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.goto(f"file://{written.site}/{name}")
        return page

    yield visited
    for context in contexts:
        context.close()
    assert wrong == []


def leaves(url: str) -> bool:
    return not url.startswith(("file://", "data:"))


@pytest.fixture
def lines(written: Written) -> dict[tuple[str, str], Line]:
    return {(line["row"], line["column"]): line for line in from_csv(written.tables / "sbert-1.csv")}


def labels(page: Page) -> list[str]:
    """The rows that are seen, from top to bottom."""
    rows = page.locator("table.scores tr[data-row]:visible th")
    return [text.strip() for text in rows.evaluate_all("heads => heads.map(head => head.textContent)")]


@pytest.mark.parametrize("width", WIDTHS.values(), ids=WIDTHS)
def test_from_the_start_page_to_the_rows_of_a_verdict(visit: Open, lines: dict, width: int) -> None:
    page = visit("index.html", width)
    with page.expect_navigation():  # up to the page's load, which its script comes before
        page.get_by_role("link", name=re.compile(r"^3 deviates, Table 1: unsupervised")).click()
    deviating = dict.fromkeys(line["label"] for line in lines.values() if line["verdict"] == "deviates")
    assert page.locator("#status").inner_text() == f"{len(deviating)} of {len({row for row, _ in lines})} rows"
    assert labels(page) == list(deviating)
    page.select_option("[name=verdict]", "match")
    assert labels(page) == ["all-MiniLM-L6-v2", "all-mpnet-base-v2", HOSTILE]
    page.select_option("[name=verdict]", "")
    page.select_option("[name=group]", "Trained baselines")
    assert labels(page) == ["InferSent - GloVe", "Universal Sentence Encoder"]
    assert page.locator("tr.group:visible").count() == 1


@pytest.mark.parametrize("width", WIDTHS.values(), ids=WIDTHS)
def test_a_column_sorts_by_its_numbers_with_missing_ones_last(visit: Open, lines: dict, width: int) -> None:
    page = visit("sbert-1.html", width)
    in_print = labels(page)
    of_column = {line["label"]: line["value"] for (_, column), line in lines.items() if column == "sickr"}
    measured = {label: float(value) for label, value in of_column.items() if value}
    head = page.locator("table.scores thead th").filter(has_text=re.compile("^SICK-R$"))
    head.get_by_role("button").click()
    falling = sorted(measured, key=lambda label: -round(measured[label], 2))
    assert head.get_attribute("aria-sort") == "descending"
    assert labels(page) == falling + [label for label in in_print if label not in measured]
    head.get_by_role("button").press("Enter")
    assert head.get_attribute("aria-sort") == "ascending"
    assert labels(page)[0] == min(measured, key=lambda label: measured[label])
    assert labels(page)[len(measured) :] == [label for label in in_print if label not in measured]
    page.select_option("[name=basis]", "published")
    assert labels(page)[0] == "BERT CLS-vector"  # 42.63
    head.get_by_role("button").click()
    assert head.get_attribute("aria-sort") == "none"
    assert labels(page) == in_print


@pytest.mark.parametrize("width", WIDTHS.values(), ids=WIDTHS)
def test_a_cell_opens_its_card_and_gives_the_focus_back(visit: Open, lines: dict, width: int) -> None:
    page = visit("sbert-1.html", width)
    line = lines["all-minilm-l6-v2", "sts12"]
    row = page.locator("tr[data-row]").filter(has=page.get_by_role("rowheader", name="all-MiniLM-L6-v2", exact=True))
    cell = row.locator("td button").first
    cell.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Enter")
    card = page.get_by_role("dialog", name="all-MiniLM-L6-v2, STS12")
    text = card.locator("dl").text_content() or ""
    for part in ("72.37", "70.25 to 74.21", "±0.00 ✓", "match, tolerance 0.05", line["signature"], line["weights"]):
        assert part in text
    for part in (line["data_sha256"], line["commit"], f"{line['device']}, {line['dtype']}", line["seconds"]):
        assert part in text
    card.get_by_role("button", name="Copy signature").click()
    card.get_by_text("The signature is copied.").wait_for()
    assert page.evaluate("navigator.clipboard.readText()") == line["signature"]
    card.get_by_role("button", name="Copy citation").click()
    card.get_by_text("The citation is copied.").wait_for()
    assert page.evaluate("navigator.clipboard.readText()") == citation(get("sbert-1"), line)
    page.keyboard.press("Escape")
    assert not card.is_visible()
    assert cell.evaluate("cell => cell === document.activeElement")


def test_where_the_clipboard_is_refused_a_selection_is_copied(visit: Open, lines: dict) -> None:
    page = visit("sbert-1.html")
    page.evaluate("() => { navigator.clipboard.writeText = () => Promise.reject(new Error('refused')) }")
    page.locator("td.deviates button").first.click()
    page.get_by_role("button", name="Copy signature").click()
    page.get_by_text("The signature is copied.").wait_for()
    signature = next(line["signature"] for line in lines.values() if line["verdict"] == "deviates")
    assert page.evaluate("navigator.clipboard.readText()") == signature
    reason = next(line["reason"] for line in lines.values() if line["verdict"] == "deviates")
    assert reason in (page.get_by_role("dialog").text_content() or "")


def test_a_name_of_a_row_is_text(visit: Open) -> None:
    page = visit("sbert-1.html")
    assert HOSTILE in labels(page)
    row = page.locator("tr[data-row]").filter(has=page.get_by_role("rowheader", name=HOSTILE, exact=True))
    row.locator("td button").first.click()
    assert page.get_by_role("heading", name=f"{HOSTILE}, STS12").is_visible()


@pytest.mark.parametrize("width", WIDTHS.values(), ids=WIDTHS)
def test_two_rows_side_by_side_with_the_tests_of_the_command(
    visit: Open, written: Written, width: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REPRO_HOME", str(written.home))
    page = visit("mini/sbert-1.compare.html", width)
    first, second = written.rows
    page.select_option("[name=first]", label=second)
    page.select_option("[name=second]", label=first)
    planned = plan(get("sbert-1", "mini").with_encoders([first, second]), Options(suite=Suite("mini", offline=True)))
    expected = {each.column.label: each for each in compare(planned, second, first)}
    rows = page.locator("table.compared tbody tr")
    shown = {cells[0]: cells for cells in (row.locator("th, td").all_inner_texts() for row in rows.all())}
    assert len(expected) == 8
    for label, each in expected.items():
        _, difference, interval, p, test, one, other, published = shown[label]
        assert float(difference.replace("±", "")) == pytest.approx(each.difference, abs=0.0051)
        assert float(one) - float(other) == pytest.approx(each.difference, abs=0.011)
        bounds = [float(bound.replace("±", "")) for bound in interval.split(" to ")]
        assert bounds == pytest.approx(each.interval, abs=0.0051)
        assert (p, test) == (f"{each.p:.3f}", each.test) if each.p >= 0.001 else ("< 0.001", each.test)
        assert published == ""
    assert shown["Avg."][4] == "follows from other columns"
    page.get_by_role("button", name="Swap").click()
    swapped = rows.first.locator("td").all_inner_texts()
    assert swapped[4:6] == shown["STS12"][6:4:-1]
    assert swapped[2] == shown["STS12"][3]
    page.select_option("[name=second]", label="CLS")
    assert rows.first.locator("td").nth(3).inner_text() == "no stored scores"
    page.reload()  # the address names the rows
    assert page.locator("#second").inner_text() == "CLS"


def test_the_script_rounds_as_the_pages_do(visit: Open) -> None:
    """Python's format is the oracle: exact, and what lies half-way goes to the even digit."""
    page = visit("sbert-1.compare.html")
    halves = [whole + eighth / 8 for whole in (0, 1, 84, 1234) for eighth in (1, 3, 5, 7)]
    numbers = [sign * number for number in (*halves, 2.675, 1.005, 84.4549999999, 0.0049, 0.0) for sign in (1, -1)]
    assert page.evaluate("numbers => numbers.map(fixed)", numbers) == [f"{number:z.2f}" for number in numbers]


@pytest.mark.parametrize("name", ["index.html", "sbert-1.html", "simcse-b2.html", "sbert-1.compare.html"])
def test_no_page_is_wider_than_a_telephone(visit: Open, name: str) -> None:
    page = visit(name, 400)
    assert page.evaluate("document.documentElement.scrollWidth") <= 400


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", ["index.html", "sbert-1.html", "mini/sbert-1.compare.html"])
def test_nothing_keeps_anyone_out(visit: Open, name: str, scheme: str) -> None:
    """By axe-core's rules: nothing serious, with a card open too."""
    from axe_playwright_python.sync_playwright import Axe

    page = visit(name, scheme=scheme)
    assert page.evaluate("matchMedia('(prefers-color-scheme: dark)').matches") == (scheme == "dark")
    check = lambda: Axe().run(page, options={"preload": False}).response["violations"]  # noqa: E731  # no requests
    violations = check()
    if name == "sbert-1.html":
        page.locator("td.deviates button").first.click()
        violations += check()
        page.keyboard.press("Escape")
        page.select_option("[name=verdict]", "deviates")
        page.check("#intervals")
        page.locator("table.scores thead button").nth(1).click()
        violations += check()
    bad = [(each["id"], each["impact"], each["nodes"][0]["html"]) for each in violations]
    assert [each for each in bad if each[1] in ("serious", "critical")] == []


def test_light_and_dark_are_a_choice_that_lasts(visit: Open) -> None:
    page = visit("index.html", scheme="light")
    ground = "getComputedStyle(document.body).backgroundColor"
    assert page.evaluate(ground) == "rgb(255, 255, 255)"
    page.get_by_role("button", name="Dark").click()
    assert page.evaluate(ground) == "rgb(20, 23, 26)"
    with page.expect_navigation(wait_until="commit"):
        page.get_by_role("link", name="Table 1: unsupervised").first.click()
    page.get_by_role("heading").first.wait_for()  # from the first thing that it shows
    assert page.evaluate(ground) == "rgb(20, 23, 26)"
    page.get_by_role("button", name="Light").wait_for()


def test_without_a_script_the_numbers_are_there_and_nothing_that_needs_one(visit: Open) -> None:
    page = visit("sbert-1.html", script=False)
    assert page.get_by_role("cell", name="72.37 published 72.37 ±0.00 ✓ match").first.is_visible()
    assert not page.locator("#filter").is_visible()
    assert not page.get_by_role("button").count()
    page.get_by_label("95 % intervals").check()
    assert page.get_by_text("70.25 to 74.21").first.is_visible()
    compared = visit("sbert-1.compare.html", script=False)
    assert compared.get_by_text("Choosing rows needs JavaScript").is_visible()


def test_on_paper_there_is_only_what_can_be_read_there(visit: Open) -> None:
    page = visit("sbert-1.html", scheme="dark")
    page.emulate_media(media="print")
    assert not page.locator(".controls").is_visible()
    assert page.evaluate("getComputedStyle(document.querySelector('.scroll')).overflowX") == "visible"
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
