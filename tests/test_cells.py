"""Signatures and the store."""

from pathlib import Path

import numpy as np
import pytest

from repro.cells import Cell, Store, check_comparable, pack, protocol_of, signature, unpack
from repro.errors import ReproError

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


@pytest.mark.parametrize("damage", ["", "{", '{"cell": {}}', '{"cell": {"items": [], "unknown": 1}}'])
def test_an_unreadable_cell_counts_as_not_there(damage: str, tmp_path: Path) -> None:
    store, key = Store(tmp_path), {"row": "row"}
    store.put("sbert-1", key, cell())
    store.path("sbert-1", key).write_text(damage)
    assert store.get("sbert-1", key) is None
