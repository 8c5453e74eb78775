"""The lines that a run writes: what it keeps of those that its file had. A two-layer BERT on the embedded data."""

from __future__ import annotations

import os
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from repro import tables
from repro.cli.main import main
from repro.encoders import zoo
from repro.encoders.recipe import TransformerRecipe
from repro.errors import ReproError
from repro.evaluation import written
from repro.evaluation.config import Options
from repro.evaluation.plan import plan
from repro.evaluation.suite import Suite
from repro.published.verify import verify
from repro.results import csv_lines
from tests.conftest import save_tiny_bert
from tests.encoders.folders import edit_json

BANNER = tables.get("sbert-1", "mini").banner
SIZE = "--suite mini --device cpu --offline"
MINI = Options(suite=Suite("mini"), device="cpu")


@pytest.fixture
def model(tmp_path: Path, tiny_bert: Path) -> Path:
    return Path(shutil.copytree(tiny_bert, tmp_path / "model"))


def run(tmp_path: Path, model: Path, more: str = "") -> int:
    arguments = [
        "table",
        "sbert-1",
        *SIZE.split(),
        "--out",
        str(tmp_path),
        "--encoder",
        str(model),
        "--row",
        str(model),
    ]
    return main([*arguments, *more.split()])


def file_of(tmp_path: Path) -> Path:
    return tmp_path / "mini" / "sbert-1.csv"


def measured(tmp_path: Path) -> dict[tuple[str, str], str]:
    return {
        (line["row"], line["column"]): line["value"] for line in csv_lines.from_csv(file_of(tmp_path)) if line["value"]
    }


@pytest.mark.parametrize("stored", [True, False], ids=["stored here", "in the file alone"])
def test_a_run_of_one_column_leaves_the_others_as_they_were(
    stored: bool, tmp_path: Path, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run(tmp_path, model) == 0
    before = measured(tmp_path)
    assert len(before) == 9
    if not stored:
        monkeypatch.setenv("REPRO_HOME", str(tmp_path / "elsewhere"))
    assert run(tmp_path, model, "--task sts12") == 0
    assert measured(tmp_path) == before
    assert verify("sbert-1", tmp_path / "mini", "mini") == []


def test_a_number_that_was_not_asked_for_stays_though_another_is_stored(tmp_path: Path, model: Path) -> None:
    """Another machine's, say, which the table was committed with."""
    assert run(tmp_path, model) == 0
    lines = csv_lines.from_csv(file_of(tmp_path))
    place = (str(model), "stsb")
    for line in lines:
        if (line["row"], line["column"]) == place:
            line["value"], line["device"] = str(float(line["value"]) + 0.25), "cuda"
    file_of(tmp_path).write_text(csv_lines.to_csv(lines, BANNER), encoding="utf-8")
    before = measured(tmp_path)
    assert run(tmp_path, model, "--task sts12") == 0
    after = measured(tmp_path)
    assert after[place] == before[place]
    assert float(after[str(model), "avg"]) == pytest.approx(float(before[str(model), "avg"]) + 0.25 / 7)
    assert run(tmp_path, model, "--task stsb") == 0
    assert float(measured(tmp_path)[place]) == pytest.approx(float(before[place]) - 0.25)


def test_a_run_of_one_row_leaves_the_reasons_of_the_others_as_they_were(tmp_path: Path) -> None:
    def reasons_after(row: str) -> dict[str, set[str]]:
        assert main(["table", "sbert-1", "--offline", "--out", str(tmp_path), "--row", row]) == 0
        lines = csv_lines.from_csv(tmp_path / "sbert-1.csv")
        return {line["row"]: {other["reason"] for other in lines if other["row"] == line["row"]} for line in lines}

    unasked = {"not asked for in this run"}
    first = reasons_after("sbert-nli-base")
    assert all("is missing; `repro fetch " in why for why in first["sbert-nli-base"])
    assert first["sbert-nli-large"] == first["glove-avg"] == unasked
    second = reasons_after("sbert-nli-large")
    assert second["sbert-nli-large"] == second["sbert-nli-base"] == first["sbert-nli-base"]
    assert second["glove-avg"] == unasked


def test_a_run_of_another_row_leaves_the_rows_of_ones_own(tmp_path: Path, model: Path) -> None:
    """Also without --encoder, and with their label and group."""
    assert run(tmp_path, model) == 0
    before = csv_lines.from_csv(file_of(tmp_path))
    shutil.rmtree(Path(os.environ["REPRO_HOME"]))
    assert main(["table", "sbert-1", *SIZE.split(), "--out", str(tmp_path), "--row", "minilm-token-embeddings"]) == 0
    after = csv_lines.from_csv(file_of(tmp_path))
    assert [line for line in after if line["row"] == str(model)] == [
        line for line in before if line["row"] == str(model)
    ]
    assert len([line for line in after if line["value"]]) == 2 * 9
    assert verify("sbert-1", tmp_path / "mini", "mini") == []


def test_a_table_does_not_say_where_this_machine_keeps_things(tmp_path: Path) -> None:
    """Words of WordNet are the user's to bring into the home, which the tests have in a folder of their own."""
    command = ["table", "simcse-1", "--row", "minilm-synonym", "--offline", "--out", str(tmp_path)]
    assert main(command) == 0
    (reason,) = {
        line["reason"] for line in csv_lines.from_csv(tmp_path / "simcse-1.csv") if line["row"] == "minilm-synonym"
    }
    assert os.environ["REPRO_HOME"] not in (tmp_path / "simcse-1.md").read_text()
    assert reason


def test_an_average_of_kept_and_new_numbers_is_computed_anew(tmp_path: Path, model: Path) -> None:
    assert run(tmp_path, model, "--task sts12 --task sts13 --task sts14 --task sts15") == 0
    shutil.rmtree(Path(os.environ["REPRO_HOME"]))
    assert run(tmp_path, model, "--task sts16 --task stsb --task sickr") == 0
    values = {column: float(value) for (_, column), value in measured(tmp_path).items()}
    seven = [values[column] for column in ("sts12", "sts13", "sts14", "sts15", "sts16", "stsb", "sickr")]
    assert values["avg"] == pytest.approx(sum(seven) / 7, abs=1e-9)


@pytest.mark.parametrize("more", ["--task sts12", "--row minilm-token-embeddings"])
def test_a_part_is_refused_where_the_rest_could_not_stand_beside_it(
    more: str, tmp_path: Path, model: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Another version of the suite, say: nothing is computed or written then."""
    assert run(tmp_path, model) == 0
    before = file_of(tmp_path).read_bytes()
    shutil.rmtree(Path(os.environ["REPRO_HOME"]) / "results")  # what is stored could stand there, whatever the version
    monkeypatch.setattr("repro.published.sound.__version__", "9.9")
    monkeypatch.setattr("repro.evaluation.units.run", lambda *_: pytest.fail("computed"))
    arguments = ["table", "sbert-1", *SIZE.split(), "--out", str(tmp_path), *more.split()]
    assert main([*arguments, "--encoder", str(model)] if "task" in more else arguments) == 2
    assert "(v is" in capsys.readouterr().err
    assert file_of(tmp_path).read_bytes() == before


def test_a_whole_run_replaces_what_is_of_another_version_and_says_so(
    tmp_path: Path, model: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(tmp_path, model) == 0
    shutil.rmtree(Path(os.environ["REPRO_HOME"]) / "results")
    monkeypatch.setattr("repro.published.sound.__version__", "9.9")
    assert main(["table", "sbert-1", *SIZE.split(), "--out", str(tmp_path), "--limit", "3"]) == 0  # another file
    assert len(measured(tmp_path)) == 9
    capsys.readouterr()
    assert (
        main(
            [
                "table",
                "sbert-1",
                *SIZE.split(),
                "--out",
                str(tmp_path),
                "--row",
                "minilm-token-embeddings",
                "--task",
                "sts12",
            ]
        )
        == 2
    )
    assert main(["table", "sbert-1", *SIZE.split(), "--out", str(tmp_path), "--device", "cpu"]) == 0
    assert "8 numbers are left out" in capsys.readouterr().err
    assert str(model) not in {row for row, _ in measured(tmp_path)}


def test_lines_name_the_model_by_the_checksum_over_all_its_files(tmp_path: Path, model: Path) -> None:
    found = []
    for number in range(2):
        if number:
            edit_json(model / "tokenizer_config.json", model_max_length=7)
        assert run(tmp_path, model) == 0
        found.append({line["weights"] for line in csv_lines.from_csv(file_of(tmp_path)) if line["value"]} - {""})
        identity = zoo.locate(TransformerRecipe(str(model))).identity
        assert found[number] == {f"{model}@local sha256:{identity[:12]}"}
    assert found[0] != found[1]


def test_numbers_of_a_model_that_changed_do_not_stand_beside_new_ones(
    tmp_path: Path, model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(tmp_path, model) == 0
    before = measured(tmp_path)
    save_tiny_bert(model, seed=7)
    assert run(tmp_path, model, "--task sts12") == 2
    assert "its weights were" in capsys.readouterr().err
    assert measured(tmp_path) == before
    assert run(tmp_path, model) == 0
    after = measured(tmp_path)
    assert after.keys() == before.keys()
    assert all(after[place] != before[place] for place in after)


def test_of_rows_that_are_not_asked_for_those_from_the_same_base_are_held_against_its_files(
    tmp_path: Path, model: Path
) -> None:
    cls, other = f"{model},pooling=cls", str(save_tiny_bert(tmp_path / "other", seed=8))
    assert run(tmp_path, cls) == 0
    save_tiny_bert(model, seed=7)
    table = tables.get("sbert-1", "mini").with_encoders([cls, str(model), other])
    before = csv_lines.from_csv(file_of(tmp_path))
    written.check_nothing_is_lost(plan(table, replace(MINI, rows=(other,))), before)
    with pytest.raises(ReproError, match="its weights were"):
        written.check_nothing_is_lost(plan(table, replace(MINI, rows=(str(model),))), before)


@pytest.mark.parametrize("text", ["nan", "-inf", "1e999", "1_0", "high"])
def test_a_value_that_is_no_number_is_asked_about(
    text: str, tmp_path: Path, model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(tmp_path, model) == 0
    lines = csv_lines.from_csv(file_of(tmp_path))
    next(line for line in lines if line["value"] and line["column"] == "sts13")["value"] = text
    file_of(tmp_path).write_text(csv_lines.to_csv(lines, BANNER), encoding="utf-8")
    before = file_of(tmp_path).read_bytes()
    for part in ("", "--task sts12"):
        assert run(tmp_path, model, part) == 2
        assert f"× sts13 has the value {text!r}; correct it, or move it away" in capsys.readouterr().err
        assert file_of(tmp_path).read_bytes() == before


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("ci_low", "low"),
        ("std", "nan"),
        ("seconds", "x"),
        ("zero_vectors", "many"),
    ],
)
def test_what_is_no_number_is_not_taken_over(
    name: str, text: str, tmp_path: Path, model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(tmp_path, model) == 0
    whole = measured(tmp_path)
    lines = csv_lines.from_csv(file_of(tmp_path))
    next(line for line in lines if line["value"] and line["column"] == "sts13")[name] = text
    file_of(tmp_path).write_text(csv_lines.to_csv(lines, BANNER), encoding="utf-8")
    before = file_of(tmp_path).read_bytes()
    shutil.rmtree(Path(os.environ["REPRO_HOME"]) / "results")
    assert run(tmp_path, model, "--task sts12") == 2
    assert f"({name} is '{text}', which is no finite number)" in capsys.readouterr().err
    assert file_of(tmp_path).read_bytes() == before
    assert run(tmp_path, model) == 0
    assert measured(tmp_path) == whole


@pytest.mark.parametrize(
    "content", ["", "a,b\n1,2\n", "row,column,value\nr,c\n", "row,column,value\nr,c,high\n", "\x00", "\ufeff\n\n"]
)
def test_a_file_that_is_no_table(content: str, tmp_path: Path, model: Path) -> None:
    """What has lines is refused; what has none holds nothing that could be lost."""
    file_of(tmp_path).parent.mkdir()
    file_of(tmp_path).write_text(content, encoding="utf-8")
    status = run(tmp_path, model, "--task sts12")
    assert status == (2 if len(content.strip("\ufeff\x00").splitlines()) > 1 and "," in content else 0)
    if status == 2:
        assert file_of(tmp_path).read_text(encoding="utf-8") == content
