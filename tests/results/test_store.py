"""The store gives back what it got, and nothing that was altered."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from repro.results.result import Result, pack, unpack
from repro.results.signature import Signature
from repro.results.store import Store

SIGNATURE = Signature.parse("sickr|agg:all|corr:spearman|pool:mean|data:c6c348bde85f|dtype:fp32|v:0.3.0")


def result(value: float = 1.5) -> Result:
    about = (SIGNATURE, "w@1", "d", "cpu", "float32", 0.1, "c")
    items = (pack(np.array([0.5, -0.25])),)
    return Result("spearman-all", value, 1.0, 2.0, *about, scores={"spearman-all": value}, items=items)


def test_the_store_gives_back_what_it_got(tmp_path: Path) -> None:
    key = {"system": "one"}
    assert Store(tmp_path).get(key) is None
    Store(tmp_path).put(key, result())
    assert Store(tmp_path).get(key) == result()
    assert Store(tmp_path).get({"system": "other"}) is None
    np.testing.assert_array_equal(unpack(result().items[0]), [0.5, -0.25])


def test_of_two_runs_that_compute_the_same_the_first_one_to_store_it_counts(tmp_path: Path) -> None:
    key = {"system": "one"}
    first, second, forced = Store(tmp_path), Store(tmp_path), Store(tmp_path, replacing=True)
    first.put(key, result(1.5))
    second.put(key, result(2.5))
    assert [store.get(key) for store in (first, second, Store(tmp_path))] == [result(1.5)] * 3
    forced.put(key, result(2.5))
    assert [store.get(key) for store in (forced, Store(tmp_path))] == [result(2.5)] * 2


def edit(path: Path, **changes: object) -> None:
    """Values of a stored result changed by hand."""
    stored = json.loads(path.read_text())
    stored["result"] |= changes
    path.write_text(json.dumps(stored))


DAMAGES: dict[str, Callable[[Path], object]] = {
    "empty": lambda path: path.write_text(""),
    "cut": lambda path: path.write_text(path.read_text()[:40]),
    "not text": lambda path: path.write_bytes(b"\xff\xfe\x00"),
    "nested": lambda path: path.write_text("[" * 100_000),
    "other fields": lambda path: path.write_text('{"result": {"items": [], "unknown": 1}}'),
    "another value": lambda path: edit(path, value=99.9),
    "no number": lambda path: edit(path, value=float("nan")),
    "a huge number": lambda path: edit(path, value=1e308),
    "text for a number": lambda path: edit(path, value="high"),
    "another signature": lambda path: edit(path, signature="sickr|agg:mean"),
    "a folder": lambda path: (path.unlink(), path.mkdir()),
    "a link to itself": lambda path: (path.unlink(), path.symlink_to(path.name)),
    "a FIFO": lambda path: (path.unlink(), os.mkfifo(path)),
}


@pytest.mark.parametrize("how", DAMAGES)
def test_an_altered_result_counts_as_not_there_and_is_said(
    how: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    key = {"system": "one"}
    Store(tmp_path).put(key, result())
    path = Store(tmp_path).path(key)
    DAMAGES[how](path)
    assert [Store(tmp_path).get(key) for _ in range(2)] == [None, None]  # as a run looks
    (message,) = [record.getMessage() for record in caplog.records]
    assert str(path) in message
    assert "computed again" in message
    Store(tmp_path).put(key, result(2.5))
    assert Store(tmp_path).get(key) == result(2.5)
    DAMAGES["another value"](path)
    assert Store(tmp_path).get(key) is None
    assert len(caplog.records) == 2  # another damage is said again


def test_a_store_that_is_a_file_holds_nothing_and_that_is_said_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "store").write_text("a file")
    store = Store(tmp_path / "store")
    for number in range(3):
        assert store.get({"system": number}) is None
        store.put({"system": number}, result())
        assert store.get({"system": number}) == result()  # in this process
    (message,) = [record.getMessage() for record in caplog.records]
    assert "results are not stored, the next run computes them again: " in message
    assert "a part of this path is no folder" in message
    assert (tmp_path / "store").read_text() == "a file"


def test_exchanged_results_count_as_not_there(tmp_path: Path) -> None:
    keys = [{"system": "one"}, {"system": "two"}]
    for key in keys:
        Store(tmp_path).put(key, result())
    paths = [Store(tmp_path).path(key) for key in keys]
    contents = [path.read_bytes() for path in paths]
    for path, content in zip(paths, reversed(contents), strict=True):
        path.write_bytes(content)
    assert [Store(tmp_path).get(key) for key in keys] == [None, None]
