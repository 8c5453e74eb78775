"""A model card's front matter, read by huggingface_hub's own parser."""

from __future__ import annotations

from dataclasses import replace

import pytest
from huggingface_hub import EvalResult, ModelCard

from repro.errors import ReproError
from repro.reports.exports.model_card import to_model_card
from repro.reports.exports.selection import Selection, select
from repro.results.csv_lines import Line
from tests.reports.exports.test_selection import COMMITTED, CSV

NAME = "all-minilm-l6-v2"


def parsed(*selections: Selection) -> list[EvalResult]:
    card = ModelCard(to_model_card(selections) + "\n# A model\n")
    assert card.data.model_name == "all-MiniLM-L6-v2"
    assert card.text.strip() == "# A model"
    results = card.data.eval_results
    assert results is not None
    return list(results)


def test_the_hub_reads_every_measured_number_of_the_row() -> None:
    selection = select(CSV, [NAME], [])
    lines = {line["column"]: line for _, line in selection.scored}
    assert "avg" not in lines
    results = parsed(selection)
    assert [result.metric_value for result in results] == [float(line["value"]) for line in lines.values()]
    for result, line in zip(results, lines.values(), strict=True):
        assert result.dataset_type == line["signature"].partition("|")[0]
        assert result.dataset_revision == f"sha256:{line['data_sha256']}"
        assert (result.task_type, result.metric_type) == ("sentence-similarity", "spearmanr")
        assert result.metric_args == {
            "signature": line["signature"],
            "weights": line["weights"],
            "interval_95": [float(line["ci_low"]), float(line["ci_high"])],
            "repro_commit": line["commit"],
        }


def test_several_tables_and_protocols_stand_side_by_side() -> None:
    protocols = select(COMMITTED / "simcse-b2.csv", ["minilm-avg"], [])
    transfer = select(COMMITTED / "sbert-5.csv", [NAME], [])
    card = to_model_card([select(CSV, [NAME], [])])
    assert card == to_model_card([select(CSV, [NAME], [])])
    results = parsed(select(CSV, [NAME], []), transfer)
    assert {(result.task_type, result.metric_type) for result in results} == {
        ("sentence-similarity", "spearmanr"),
        *(("text-classification", metric) for metric in ("accuracy", "dev-accuracy", "f1")),
    }
    with pytest.raises(ReproError, match="a model card is one row's; name it with --row: all-minilm-l6-v2, minilm-avg"):
        to_model_card([transfer, protocols])


def test_speeds_are_no_metrics_of_a_model() -> None:
    with pytest.raises(ReproError, match="nothing but averages or speeds"):
        to_model_card([select(COMMITTED / "sbert-7.csv", [_measured_row()], [])])


def test_numbers_on_data_of_ones_own_are_no_metrics_of_a_model() -> None:
    selection = select(CSV, ["all-minilm-l6-v2"], ["stsb", "sickr"])
    other = [{**line, "data_sha256": "0" * 64} if line["column"] == "stsb" else line for line in selection.lines]
    card = to_model_card([replace(selection, lines=tuple(other))])
    assert "sickr" in card
    assert "stsb" not in card
    with pytest.raises(ReproError, match="or on other data than the public files"):
        to_model_card([replace(selection, lines=tuple(line for line in other if line["column"] == "stsb"))])


def test_numbers_of_the_embedded_set_are_refused() -> None:
    with pytest.raises(ReproError, match=r"sbert-1 is nothing for a model card: .*not comparable"):
        to_model_card([select(COMMITTED / "mini/sbert-1.csv", [], [], "mini")])


def _measured_row() -> str:
    lines: list[Line] = select(COMMITTED / "sbert-7.csv", [], []).measured
    return lines[0]["row"]
