"""Checks as JUnit XML, which CI services show: a suite a table, a case a cell."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from xml.etree import ElementTree

from repro.published.checks import Check

WHOLE = "the table as a whole"  # names the case of what is no cell's
_NO_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # XML 1.0, section 2.2


def to_junit(checks: Mapping[str, Sequence[Check]]) -> bytes:
    """The file of {table's id: its checks}: what is wrong is a failure, what has a remark is skipped.

    No times and no dates: the same checks give the same bytes. Characters that XML cannot hold are left out.
    """
    root = ElementTree.Element("testsuites", {"name": "repro verify"})
    for table, of_table in checks.items():
        suite = ElementTree.SubElement(root, "testsuite", {"name": _clean(table)})
        for check in of_table:
            names = {"classname": _clean(table), "name": _clean(check.cell or WHOLE), "time": "0"}
            case = ElementTree.SubElement(suite, "testcase", names)
            if check.wrong:
                message = {"message": _clean(check.wrong[0]), "type": "failure"}
                ElementTree.SubElement(case, "failure", message).text = _clean("\n".join(check.sentences))
            elif check.remark:
                ElementTree.SubElement(case, "skipped", {"message": _clean(check.remark)})
        _count(suite)
    _count(root)
    ElementTree.indent(root)
    return bytes(ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)) + b"\n"


def _clean(text: str) -> str:
    return _NO_XML.sub("", text)


def _count(element: ElementTree.Element) -> None:
    """Set the attributes that say how many cases are below an element, and of which kind."""
    kinds = {"tests": "testcase", "failures": "failure", "skipped": "skipped"}
    counts = {name: str(sum(1 for _ in element.iter(tag))) for name, tag in kinds.items()}
    element.attrib.update({**counts, "errors": "0", "time": "0"})
