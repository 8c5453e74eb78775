"""MTEB's own package loads what is exported for it, and nothing of another protocol is exported."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Any

import pytest

from repro.errors import ReproError
from repro.reports.exports.mteb import TASKS, model_of, to_mteb
from repro.reports.exports.selection import Selection, select
from repro.results.csv_lines import Line
from tests.reports.exports.test_selection import COMMITTED, CSV

MODEL, REVISION = "sentence-transformers/all-MiniLM-L6-v2", "8b3219a92973c328a8e22fadcfa821b5dc75636a"
FOLDER = PurePosixPath("results/sentence-transformers__all-MiniLM-L6-v2") / REVISION


def minilm() -> Selection:
    return select(CSV, ["all-minilm-l6-v2"], [])


def value_of(selection: Selection, column: str) -> float:
    return next(float(line["value"]) for line in selection.lines if line["column"] == column)


def write(files: dict[PurePosixPath, str], folder: Path) -> Path:
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")
    return folder


def load(folder: Path, **options: Any) -> Any:
    from mteb import ResultCache

    return ResultCache(folder).load_results(include_remote=False, **options).model_results


def test_mteb_loads_the_numbers_of_a_model(tmp_path: Path) -> None:
    (model,) = load(write(to_mteb([minilm()])[0], tmp_path))
    assert (model.model_name, model.model_revision) == (MODEL, REVISION)
    assert {result.task_name: result.get_score() for result in model.task_results} == {
        "STSBenchmark": pytest.approx(value_of(minilm(), "stsb") / 100, abs=1e-12),
        "SICK-R": pytest.approx(value_of(minilm(), "sickr-all") / 100, abs=1e-12),
    }
    for result in model.task_results:
        assert result.dataset_revision.startswith("sha256:")
        assert (result.mteb_version, result.evaluation_time) == (None, None)
        assert result.languages == ["eng"]
        result.validate_and_filter_scores()  # of the splits and subsets that MTEB's task has
    frame = model.to_dataframe(format="long")
    assert len(frame) == 2


def test_mteb_reads_one_file_and_the_description_of_the_model(tmp_path: Path) -> None:
    from mteb import ResultCache, TaskResult
    from mteb.models import ModelMeta

    write(to_mteb([minilm()])[0], tmp_path)
    result = TaskResult.from_disk(tmp_path / FOLDER / "STSBenchmark.json")
    assert result.scores["test"][0]["main_score"] == result.scores["test"][0]["cosine_spearman"]
    again = ResultCache(tmp_path).load_task_result("STSBenchmark", MODEL, REVISION)
    assert again == result
    meta = ModelMeta.model_validate_json((tmp_path / FOLDER / "model_meta.json").read_text(encoding="utf-8"))
    assert (meta.name, meta.revision) == (MODEL, REVISION)


def test_the_tasks_are_those_of_mteb_and_score_as_it_does() -> None:
    import mteb

    for name in TASKS.values():
        metadata = mteb.get_task(name).metadata
        assert (metadata.main_score, metadata.eval_splits) == ("cosine_spearman", ["test"])
        assert metadata.eval_langs == ["eng-Latn"]


def test_another_pooling_of_the_same_weights_is_an_experiment(tmp_path: Path) -> None:
    selection = minilm()
    whitened = {"row": "minilm-avg:cls/x", "value": "10.5"}
    other = Selection(selection.table, tuple({**line, **whitened} for line in selection.lines if line["value"]))
    folder = write(to_mteb([selection, other])[0], tmp_path)
    assert (folder / FOLDER / "experiments/row_minilm-avg_cls_x/SICK-R.json").is_file()
    both = load(folder, load_experiments="match_name")
    plain, experiment = sorted(both, key=lambda model: model.experiment_name or "")
    assert plain.experiment_name is None
    assert experiment.experiment_name == "row_minilm-avg_cls_x"
    assert {result.get_score() for result in experiment.task_results} == {0.105}
    (only,) = load(folder)
    assert only.experiment_name is None


def test_other_protocols_are_left_out_with_a_sentence() -> None:
    files, left_out = to_mteb([minilm()])
    assert {path.name for path in files} == {"STSBenchmark.json", "SICK-R.json", "model_meta.json"}
    assert left_out == [
        "sbert-1 without sts12, sts13, sts14, sts15, sts16: text is senteval here and raw in MTEB",
        "sbert-1 without sickr: the task sickr is none of MTEB's",
    ]


# what a signature says instead of MTEB's protocol
PROTOCOLS = [
    ("agg:all", "agg:wmean", "agg is wmean here and all in MTEB"),
    ("corr:spearman", "corr:pearson", "corr is pearson here and spearman in MTEB"),
    ("sim:cos", "sim:euclidean", "sim is euclidean here and cos in MTEB"),
    ("text:raw", "text:senteval", "text is senteval here and raw in MTEB"),
    ("text:raw", "text:raw|suite:mini", "suite is mini here and unset in MTEB"),
    ("text:raw", "text:raw|limit:50", "limit is 50 here and unset in MTEB"),
    ("stsb|", "stsb-dev|", "the task stsb-dev is none of MTEB's"),
]


@pytest.mark.parametrize(("ours", "other", "why"), PROTOCOLS)
def test_where_nothing_is_left_that_is_said(ours: str, other: str, why: str) -> None:
    selection = select(CSV, ["all-minilm-l6-v2"], ["stsb"])
    (line,) = selection.lines
    changed = {**line, "signature": line["signature"].replace(ours, other)}
    with pytest.raises(ReproError, match="nothing there was measured as MTEB measures") as error:
        to_mteb([replace(selection, lines=(changed,))])
    assert f"(sbert-1 without stsb: {why})" in str(error.value)


def test_numbers_on_other_data_are_none_of_mtebs_task() -> None:
    selection = minilm()
    lines = [{**line, "data_sha256": "0" * 64} if line["column"] == "stsb" else line for line in selection.lines]
    files, left_out = to_mteb([replace(selection, lines=tuple(lines))])
    assert {path.name for path in files} == {"SICK-R.json", "model_meta.json"}
    assert any(
        said.startswith("sbert-1 without stsb: the data differ from the public files (0000") for said in left_out
    )


def test_a_table_of_other_tasks_has_nothing_for_mteb() -> None:
    with pytest.raises(ReproError, match="the task mr is none of MTEB's"):
        to_mteb([select(COMMITTED / "sbert-5.csv", [], [])])


def test_two_numbers_do_not_share_a_file() -> None:
    first = minilm()
    second = Selection(first.table, tuple({**line, "value": "1"} for line in first.lines if line["column"] == "stsb"))
    assert to_mteb([first, first]) == to_mteb([first])
    with pytest.raises(ReproError, match=r"there are two numbers for .*STSBenchmark\.json"):
        to_mteb([first, second])


# (weights, row) and what MTEB files it under
MODELS = [
    (f"{MODEL}@{REVISION} sha256:53aa51172d14", "all-minilm-l6-v2", (MODEL, REVISION, "")),
    (f"{MODEL}@{REVISION} sha256:53aa51172d14", MODEL, (MODEL, REVISION, "")),
    (f"{MODEL}@{REVISION} sha256:53aa51172d14", "minilm-cls", (MODEL, REVISION, "minilm-cls")),
    (f"{MODEL}@{REVISION} sha256:53aa51172d14", f"{MODEL},pooling=cls", (MODEL, REVISION, f"{MODEL},pooling=cls")),
    ("my-model@local sha256:0123456789ab", "./my-model/", ("local/my-model", "sha256-0123456789ab", "")),
    ("glove.6B.50d.npy@local sha256:01", "glove", ("local/glove.6B.50d.npy", "sha256-01", "glove")),
    ("my:object", "my:object", ("local/my_object", "no_revision_available", "")),
    ("my:object@1/2", "my:object@1/2", ("local/my_object", "1_2", "")),
    ("up@..", "up", ("local/up", "_", "")),
]


@pytest.mark.parametrize(("weights", "row", "expected"), MODELS)
def test_what_a_row_is_filed_under(weights: str, row: str, expected: tuple[str, str, str]) -> None:
    line: Line = {"weights": weights, "row": row}
    model = model_of(line)
    assert (model.name, model.revision, model.experiment) == expected


def test_the_files_are_json_and_the_same_every_time() -> None:
    files, _ = to_mteb([minilm()])
    assert files == to_mteb([minilm()])[0]
    assert all(json.loads(text) for text in files.values())
