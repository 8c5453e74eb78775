"""Signatures: text and data, and which scores may be compared."""

import pytest

from repro.encoders import zoo
from repro.errors import ReproError
from repro.evaluation.config import Options
from repro.results.signature import SYSTEM_FIELDS, Signature, check_comparable
from repro.tables import TABLES
from repro.tasks import TASKS
from repro.training import setups

TEST = "sickr|agg:all|corr:spearman|sim:cos|pool:mean|layers:-1|data:c6c348bde85f|dtype:fp32|v:0.1.0"
FULL = TEST.replace("sickr", "sickr-all").replace("c6c348bde85f", "1f3a00000000")


def check(*texts: str) -> None:
    check_comparable([Signature.parse(text) for text in texts])


def test_a_signature_is_one_short_string_without_empty_fields() -> None:
    protocol = {"suite": "", "agg": "all", "data": "67b5", "limit": ""}
    signature = Signature("sts12", protocol, {"seeds": "5", "dtype": "fp32", "pool": "mean"}, "0.3.0")
    assert str(signature) == "sts12|agg:all|pool:mean|data:67b5|dtype:fp32|seeds:5|v:0.3.0"
    parsed = Signature.parse(str(signature))
    assert (parsed.protocol, parsed.system) == ({"agg": "all", "data": "67b5"}, signature.system)
    assert (parsed.task, parsed.version, str(parsed)) == ("sts12", "0.3.0", str(signature))
    assert parsed.comparable_by == signature.comparable_by


def test_the_two_sick_r_are_kept_apart() -> None:
    with pytest.raises(ReproError, match="not comparable"):
        check(TEST, FULL)


@pytest.mark.parametrize("change", ["pool:cls", "layers:1,-1", "dtype:bf16", "v:0.2.0"])
def test_systems_and_versions_may_differ(change: str) -> None:
    name = change.split(":")[0]
    other = "|".join(change if part.startswith(f"{name}:") else part for part in TEST.split("|"))
    assert other != TEST
    check(TEST, other)


@pytest.mark.parametrize("change", ["agg:wmean", "corr:pearson", "data:000000000000"])
def test_protocols_may_not_differ(change: str) -> None:
    name = change.split(":")[0]
    other = "|".join(change if part.startswith(f"{name}:") else part for part in TEST.split("|"))
    with pytest.raises(ReproError, match=f"not comparable: {name} is"):
        check(TEST, other)
    with pytest.raises(ReproError, match="limit is unset in one and 20 in the other"):
        check(TEST, TEST + "|limit:20")


def test_every_field_of_a_signature_is_either_the_systems_or_the_tasks() -> None:
    stated = {name for recipe in (*zoo.ZOO.values(), *setups.SETUPS.values()) for name in recipe.signature()}
    for table in TABLES.values():
        for row in table.rows:
            for column in table.scored():
                stated |= (row.system.stated(column.slug, Options()) or {}).keys()
    assert stated <= SYSTEM_FIELDS
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
        check(one, other)


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
    assert f"|{field}:{value}" in str(Signature(task, TASKS[task].protocol(metric), {}, ""))
