"""Signatures and the store."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from repro.encoders import zoo
from repro.errors import ReproError
from repro.results.store import SYSTEM_FIELDS, Cell, Store, check_comparable, pack, protocol_of, signature, unpack
from repro.tables import TABLES
from repro.tasks import TASKS
from repro.training import setups

TEST = "sickr|agg:all|corr:spearman|sim:cos|pool:mean|layers:-1|data:c6c348bde85f|dtype:fp32|v:0.1.0"
FULL = TEST.replace("sickr", "sickr-all").replace("c6c348bde85f", "1f3a00000000")


def cell(value: float = 1.5) -> Cell:
    return Cell(
        *(
            "sbert-1",
            "row",
            "sts12",
            "spearman-all",
            value,
            1.0,
            2.0,
            TEST,
            "row",
            "w@1",
            "d",
            "cpu",
            "float32",
            0.1,
            "c",
        ),
        items=(pack(np.array([0.5, -0.25])),),
    )


def test_a_signature_is_one_short_string_without_empty_fields() -> None:
    assert signature("sts12", {"suite": "", "agg": "all", "v": "0.1"}) == "sts12|agg:all|v:0.1"


def test_the_two_sick_r_are_kept_apart() -> None:
    with pytest.raises(ReproError, match="not comparable"):
        check_comparable([TEST, FULL])


@pytest.mark.parametrize("change", ["pool:cls", "layers:1,-1", "dtype:bf16"])
def test_encoders_may_differ(change: str) -> None:
    name = change.split(":")[0]
    other = "|".join(change if part.startswith(f"{name}:") else part for part in TEST.split("|"))
    assert other != TEST
    check_comparable([TEST, other])
    assert protocol_of(TEST) == protocol_of(other)


@pytest.mark.parametrize("change", ["agg:wmean", "corr:pearson", "data:000000000000", "v:0.2.0"])
def test_protocols_may_not_differ(change: str) -> None:
    name = change.split(":")[0]
    other = "|".join(change if part.startswith(f"{name}:") else part for part in TEST.split("|"))
    with pytest.raises(ReproError, match=f"not comparable: {name} is"):
        check_comparable([TEST, other])
    with pytest.raises(ReproError, match="limit is unset in one and 20 in the other"):
        check_comparable([TEST, TEST + "|limit:20"])


def test_the_store_gives_back_what_it_got(tmp_path: Path) -> None:
    store, key = Store(tmp_path), {"row": "row"}
    assert store.get("sbert-1", key) is None
    store.put("sbert-1", key, cell())
    assert store.get("sbert-1", key) == cell()
    assert store.get("sbert-1", {"row": "other"}) is None
    np.testing.assert_array_equal(unpack(cell().items[0]), [0.5, -0.25])


def edit(path: Path, **changes: object) -> None:
    """Values of a stored cell changed by hand."""
    stored = json.loads(path.read_text())
    stored["cell"] |= changes
    path.write_text(json.dumps(stored))


DAMAGES: dict[str, Callable[[Path], object]] = {
    "empty": lambda path: path.write_text(""),
    "cut": lambda path: path.write_text(path.read_text()[:40]),
    "not text": lambda path: path.write_bytes(b"\xff\xfe\x00"),
    "nested": lambda path: path.write_text("[" * 100_000),
    "other fields": lambda path: path.write_text('{"cell": {"items": [], "unknown": 1}}'),
    "another value": lambda path: edit(path, value=99.9),
    "no number": lambda path: edit(path, value=float("nan")),
    "a huge number": lambda path: edit(path, value=1e308),
    "text for a number": lambda path: edit(path, value="high"),
    "another row": lambda path: edit(path, row="other"),
    "a folder": lambda path: (path.unlink(), path.mkdir()),
    "a link to itself": lambda path: (path.unlink(), path.symlink_to(path.name)),
    "a FIFO": lambda path: (path.unlink(), os.mkfifo(path)),
}


@pytest.mark.parametrize("how", DAMAGES)
def test_an_altered_cell_counts_as_not_there_and_is_said(
    how: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    store, key = Store(tmp_path), {"row": "row"}
    store.put("sbert-1", key, cell())
    DAMAGES[how](store.path("sbert-1", key))
    assert [Store(tmp_path).get("sbert-1", key) for _ in range(2)] == [
        None,
        None,
    ]  # as a run looks
    (message,) = [record.getMessage() for record in caplog.records]
    assert str(store.path("sbert-1", key)) in message
    assert "computed again" in message
    store.put("sbert-1", key, cell(2.5))
    assert store.get("sbert-1", key) == cell(2.5)
    DAMAGES["another value"](store.path("sbert-1", key))
    assert store.get("sbert-1", key) is None
    assert len(caplog.records) == 2  # another damage is said again


@pytest.mark.parametrize("below", ["", "sbert-1"])
def test_a_store_that_is_a_file_holds_nothing_and_that_is_said_once(
    below: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    store = Store(tmp_path / "store")
    (tmp_path / "store" / below).parent.mkdir(exist_ok=True)
    (tmp_path / "store" / below).write_text("a file")
    for number in range(3):
        assert store.get("sbert-1", {"row": number}) is None
        store.keep("sbert-1", {"row": number}, cell())
    (message,) = [record.getMessage() for record in caplog.records]
    assert "results are not stored, the next run computes them again: " in message
    assert "a part of this path is no folder" in message
    assert (tmp_path / "store" / below).read_text() == "a file"


def test_exchanged_cells_count_as_not_there(tmp_path: Path) -> None:
    store, keys = Store(tmp_path), [{"row": "one"}, {"row": "two"}]
    for key in keys:
        store.put("sbert-1", key, cell())
    paths = [store.path("sbert-1", key) for key in keys]
    contents = [path.read_bytes() for path in paths]
    for path, content in zip(paths, reversed(contents), strict=True):
        path.write_bytes(content)
    assert [store.get("sbert-1", key) for key in keys] == [None, None]


def test_every_field_of_a_signature_is_either_the_systems_or_the_tasks() -> None:
    recipes = [*zoo.ZOO.values(), *setups.SETUPS.values(), *(row.recipe for t in TABLES.values() for row in t.rows)]
    systems = {name for recipe in recipes if recipe is not None for name in recipe.signature()}
    assert systems <= SYSTEM_FIELDS
    protocols = {name for task in TASKS.values() for metric in task.metrics for name in task.protocol(metric)}
    assert not protocols & SYSTEM_FIELDS


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("geometry|metric:alignment|pos:gold>4|data:1", "geometry|metric:alignment|pos:gold>3|data:1"),
        ("speed-cpu|metric:sentences-per-second|runs:5|data:1", "speed-cpu|metric:sentences-per-second|runs:3|data:1"),
        ("sts12|agg:all|text:raw|data:1", "sts12|agg:all|text:senteval|data:1"),
        ("sts12|agg:all|data:1", "sts12|agg:all|data:1|something-new:7"),
    ],
)
def test_fields_of_any_protocol_keep_scores_apart(one: str, other: str) -> None:
    with pytest.raises(ReproError, match="not comparable"):
        check_comparable([one, other])


@pytest.mark.parametrize(
    ("task", "metric", "field", "value"),
    [
        ("geometry", "alignment", "pos", "gold>4"),
        ("speed-cpu", "sentences-per-second", "runs", "5"),
        ("sts12", "spearman-wmean", "agg", "wmean"),
        ("stsb", "pearson-all", "corr", "pearson"),
        ("stsb-senteval", "spearman-all", "text", "senteval"),
        ("mr-adam", "accuracy", "probe", "senteval-adam"),
    ],
)
def test_what_a_task_may_do_otherwise_is_in_its_signature(task: str, metric: str, field: str, value: str) -> None:
    assert f"|{field}:{value}" in signature(task, TASKS[task].protocol(metric))
