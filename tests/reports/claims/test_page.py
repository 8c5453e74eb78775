"""The page on claims says what the committed tables and the ledger give, and shows what does not hold."""

from __future__ import annotations

import re
from pathlib import Path

from repro import tables
from repro.data import pretraining
from repro.published.claims import BASE, CLAIMS
from repro.published.findings import Fared, measured, of_table
from repro.reports.claims import page
from repro.reports.claims.ladder import TABLE, ladder, points
from repro.training.setups import MLM_BASE

ROOT = Path(__file__).parents[3]
NUMBERS = {"alignment": 0.3, "uniformity": -2.0, "avg": 40.0}


def all_fared(folder: Path) -> Fared:
    names = dict.fromkeys(claim.table for claim in CLAIMS)
    return [fared for name in names for fared in of_table(tables.get(name), folder)]


def rows_of(text: str) -> list[list[str]]:
    """The cells of every line of a Markdown table."""
    return [re.split(r" (?<!\\)\| ", line.strip("| ")) for line in text.splitlines() if line.startswith("| ")]


def test_the_committed_page_is_what_the_committed_tables_give() -> None:
    table, lines = tables.get(TABLE), measured(ROOT / f"tables/{TABLE}.csv")
    bases = page.trained_bases(ROOT / "tables")
    text = page.to_markdown(all_fared(ROOT / "tables"), ladder(table, lines), points(table, lines), bases)
    assert text == (ROOT / "docs/claims.md").read_text(encoding="utf-8")  # `make claims` writes it again
    for name in re.findall(r"!\[[^]]*\]\(([^)]+)\)", text):
        assert (ROOT / "docs" / name).is_file()
        assert (ROOT / "docs" / name).with_suffix(".png").is_file()


def test_links_lead_to_committed_tables() -> None:
    text = (ROOT / "docs/claims.md").read_text(encoding="utf-8")
    targets = set(re.findall(r"\]\((\.\./[^)]+)\)", text))
    assert targets
    assert all((ROOT / "docs" / target).is_file() for target in targets)


def test_without_any_table_it_says_that_nothing_is_measured(tmp_path: Path) -> None:
    contents = page.files(all_fared(tmp_path), tmp_path)
    (text,) = contents.values()
    assert f"the rows of `{BASE}` in {TABLE}, which are not measured yet" in str(text)
    assert f"a BERT of {MLM_BASE.layers} layers × {MLM_BASE.width}" in str(text)
    assert f"{sum(part.kept for part in pretraining.parts()):,} sentences" in str(text)
    claims = [row for row in rows_of(str(text)) if row[0].startswith("[")]
    assert len(claims) == len(CLAIMS)
    assert {row[-1] for row in claims} == {"not measured", "no such pair measured"}
    (early,) = (row for row in claims if "before STS-B" in row[1])
    assert early[2] == "✗ does not hold 2/4"
    assert "SBERT-base gains 0.68" in early[1]


def test_weights_of_several_machines_are_told_apart(tmp_path: Path) -> None:
    head = "row,column,value,weights"
    for name, checksum in {"sbert-1": "aa", "sbert-2": "aa", "sbert-6": "bb"}.items():
        lines = [head, f"scratch-avg,stsb,50,{BASE}@local sha256:{checksum}", "minilm-avg,stsb,50,other@main sha256:cc"]
        (tmp_path / f"{name}.csv").write_text("\n".join(lines) + "\n")
    text = str(page.files(all_fared(tmp_path), tmp_path)["claims.md"])
    assert "other weights by the same recipe: sha256:aa in sbert-1, sbert-2; sha256:bb in sbert-6." in text
    (tmp_path / "sbert-6.csv").unlink()
    assert "other weights" not in str(page.files(all_fared(tmp_path), tmp_path)["claims.md"])


def test_what_is_measured_is_shown_whether_it_holds_or_not(tmp_path: Path) -> None:
    slugs = ("scratch-cls", "scratch-first-last-avg", "scratch-sup-simcse", "scratch-unsup-simcse")
    sets = ("sts12", "sts13", "sts14", "sts15", "sts16", "stsb", "sickr")
    written = ["row,column,value,std,seeds"]
    for place, slug in enumerate(slugs):
        trained = place > 1
        tail = "0.5,3" if trained else ",1"
        written += [f"{slug},{name},{40 + 10 * place},{tail}" for name in sets]
        # the further down, the better in both and the higher
        written += [f"{slug},alignment,{0.5 - 0.1 * place},,1", f"{slug},uniformity,{-place},,1"]
        written += [f"{slug},avg,{40 + 10 * place},,"]
    (tmp_path / f"{TABLE}.csv").write_text("\n".join(written) + "\n")
    contents = page.files(all_fared(tmp_path), tmp_path)
    assert list(contents) == ["claims.md", "claims.svg", "claims.png"]
    rows = rows_of(str(contents["claims.md"]))
    steps = {row[0]: row[1:] for row in rows if len(row) == 3}
    assert steps["CLS"] == ["40.00", "29.19 ¹"]
    assert steps["first and last layer"] == ["50.00", "56.70 ²"]
    assert steps["supervised SimCSE"] == ["60.00 ± 0.50", "81.57"]
    assert steps["SBERT (NLI)"] == ["not measured", "74.89"]
    claims = {row[1]: row[2:] for row in rows if len(row) == 4 and row[0].startswith(f"[{TABLE}]")}
    assert claims["supervised SimCSE beats unsupervised on every set"] == ["✓ holds 7/7", "✗ does not hold 0/7"]
    over_cls = claims["unsupervised SimCSE raises every set over the [CLS] that it started from"]
    assert over_cls == ["not published", "✓ holds 7/7"]
    (order,) = (cells for text, cells in claims.items() if text.startswith("alignment and uniformity"))
    assert order == ["not published", "✓ holds 6/6"]
    assert "![" in str(contents["claims.md"])
    assert "±: over 3 seeds" in str(contents["claims.md"])
