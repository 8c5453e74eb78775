"""What a page holds of each cell is short, and nothing of it is lost."""

from __future__ import annotations

from pathlib import Path

import pytest

from repro import tables
from repro.reports.citation import citation
from repro.reports.layout import cell_view, lay_out
from repro.reports.site.cards import FIELDS, PLAIN, cards, filled, known_of, parts
from repro.results.csv_lines import from_csv

COMMITTED = Path(__file__).parents[3] / "tables"


@pytest.mark.parametrize("suite", ["paper", "mini"])
@pytest.mark.parametrize("name", ["sbert-1", "sbert-7", "simcse-b2"])
def test_every_field_and_citation_comes_back(name: str, suite: str) -> None:
    table = tables.get(name, suite)
    layout = lay_out(table, from_csv((COMMITTED if suite == "paper" else COMMITTED / suite) / f"{name}.csv"))
    content = cards(layout)
    texts, cells = content["texts"], content["cells"]
    assert isinstance(texts, list)
    assert isinstance(cells, dict)
    assert len(set(texts)) == len(texts)
    for number, line in enumerate(layout.lines):
        found = {
            name: texts[numbers if isinstance(numbers, int) else numbers[number]] for name, numbers in cells.items()
        }
        assert set(found) == set(FIELDS)
        assert {name: found[name] for name in PLAIN} == {name: line[name] for name in PLAIN}
        assert "|".join(filter(None, (found["task"], found["system"], found["rest"]))) == line["signature"]
        if line["value"]:
            known = known_of(cell_view(line, table.decimals), line)
            assert filled(found["cite"], known) == citation(layout.table, line)
        else:
            assert found["cite"] == ""
    assert len({texts[number] for number in set(cells["cite"])}) < len(layout.lines) / 2  # templates are shared


@pytest.mark.parametrize(
    ("signature", "expected"),
    [
        ("", ("", "", "")),
        ("sts12", ("sts12", "", "")),
        ("sts12|agg:all|pool:mean|data:1f|v:0.3", ("sts12|agg:all", "pool:mean", "data:1f|v:0.3")),
        ("sts12|agg:all|data:1f|dtype:fp32", ("sts12|agg:all", "", "data:1f|dtype:fp32")),
        ("cpu|pool:mean|on:x", ("cpu", "pool:mean|on:x", "")),
    ],
)
def test_parts_of_a_signature(signature: str, expected: tuple[str, str, str]) -> None:
    assert parts(signature) == expected
    assert "|".join(filter(None, expected)) == signature
