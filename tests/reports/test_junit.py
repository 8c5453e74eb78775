"""JUnit XML of checks: counts, escapes, and characters that XML cannot hold; read back with the standard library."""

from __future__ import annotations

from xml.etree import ElementTree

from repro.published.checks import Check
from repro.reports.junit import to_junit

CHECKS = {
    "sbert-1": [
        Check("sbert-1"),
        Check("sbert-1", "mine × sts12", ("moved by +1", 'says <nothing> & "more"')),
        Check("sbert-1", "mine × sts13"),
        Check("sbert-1", "other × sts12", remark="no weights"),
    ],
    "sbert-2": [Check("sbert-2", wrong=("sbert-2.md does not say\x00 what\x1b[0m \ud800sbert-2.csv says",))],
}


def test_each_cell_is_a_case() -> None:
    root = ElementTree.fromstring(to_junit(CHECKS))
    assert root.tag == "testsuites"
    cases = list(root.iter("testcase"))
    assert [(case.get("classname"), case.get("name"), [kind.tag for kind in case]) for case in cases] == [
        ("sbert-1", "the table as a whole", []),
        ("sbert-1", "mine × sts12", ["failure"]),
        ("sbert-1", "mine × sts13", []),
        ("sbert-1", "other × sts12", ["skipped"]),
        ("sbert-2", "the table as a whole", ["failure"]),
    ]


def test_counts() -> None:
    root = ElementTree.fromstring(to_junit(CHECKS))
    names = ("tests", "failures", "errors", "skipped")
    assert [tuple(element.get(name) for name in names) for element in (root, *root)] == [
        ("5", "2", "0", "1"),
        ("4", "1", "0", "1"),
        ("1", "1", "0", "0"),
    ]
    assert [suite.get("name") for suite in root] == ["sbert-1", "sbert-2"]


def test_messages_are_escaped_and_hold_no_control_characters() -> None:
    content = to_junit(CHECKS)
    assert content.startswith(b"<?xml version=")
    first, second = ElementTree.fromstring(content).iter("failure")
    assert first.get("message") == "moved by +1"
    assert first.text == 'sbert-1: mine × sts12: moved by +1\nsbert-1: mine × sts12: says <nothing> & "more"'
    assert second.get("message") == "sbert-2.md does not say what[0m sbert-2.csv says"


def test_no_checks_are_an_empty_file_that_can_be_read_and_bytes_do_not_change() -> None:
    assert ElementTree.fromstring(to_junit({})).get("tests") == "0"
    assert to_junit(CHECKS) == to_junit(CHECKS)
