"""junit.xml: every judged line and every case as a test case; whatever the names hold stays text."""

from __future__ import annotations

import re
from collections.abc import Mapping
from io import BytesIO
from typing import Any
from xml.etree import ElementTree as ET

from evalkit.gating.covering import kinds
from evalkit.gating.snapshot import Snapshot, how_it_ended

# What XML 1.0 cannot hold, not even as a reference.
_FORBIDDEN = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def junit_xml(verdict: Mapping[str, Any], found: Snapshot) -> str:
    """The whole file. A line that is no pass is a failure, a case that failed too; ungraded cases are skipped."""
    root = ET.Element("testsuites", name="evalkit")
    lines = _suite(root, "evalkit.gate")
    names: set[tuple[str, str]] = set()
    for line in kinds(verdict):
        kind = "limit" if "at_least" in line or "at_most" in line else "comparison"
        kind = "coverage" if "due" in line else kind
        tags = f"[{', '.join(line['tags'])}]" if line["tags"] else ""
        case = _case(lines, "evalkit.gate", f"{kind} {line['metric']}{tags}", names)
        if line["answer"] != "pass":
            kind = "skipped" if line["answer"] == "n/a" else "failure"
            _say(case, kind, line["answer"], line["text"])
    cases = _suite(root, f"evalkit.cases.{verdict['system']}")
    for case_id in found.cases:
        ended = how_it_ended(found.cells["passed"][case_id])
        case = _case(cases, f"evalkit.cases.{verdict['system']}", case_id, names)
        if ended != "passed":
            kind = {"failed": "failure", "errors": "error", "ungraded": "skipped"}[ended]
            _say(case, kind, ended, _why(found, case_id, ended))
    for suite in root:
        _count(suite)
    return _written(root)


def _why(found: Snapshot, case_id: str, ended: str) -> str:
    finding = found.findings.get(case_id, {})
    cause = finding.get("cause")
    if cause is None:
        return ended
    return f"{cause} ({finding.get('status')}, {finding.get('side')} side)"


def _suite(root: ET.Element, name: str) -> ET.Element:
    return ET.SubElement(root, "testsuite", name=_clean(name))


def _case(suite: ET.Element, group: str, name: str, names: set[tuple[str, str]]) -> ET.Element:
    """One test case; a name that was cleaned into one that is taken gets a number."""
    unique = clean = _clean(name)
    number = 1
    while (group, unique) in names:
        number += 1
        unique = f"{clean} ({number})"
    names.add((group, unique))
    return ET.SubElement(suite, "testcase", classname=_clean(group), name=unique)


def _say(case: ET.Element, kind: str, what: str, text: str) -> None:
    message = _clean(text)
    told = {"message": message} if kind == "skipped" else {"message": message, "type": what}
    ET.SubElement(case, kind, told)


def _count(suite: ET.Element) -> None:
    cases = list(suite)
    suite.set("tests", str(len(cases)))
    for name, kind in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        suite.set(name, str(sum(case.find(kind) is not None for case in cases)))


def _clean(text: str) -> str:
    return _FORBIDDEN.sub("\ufffd", text)


def _written(root: ET.Element) -> str:
    """The text, read back before anybody gets it."""
    ET.indent(root)
    stream = BytesIO()
    ET.ElementTree(root).write(stream, encoding="utf-8", xml_declaration=True)
    text = stream.getvalue().decode()
    ET.fromstring(text)  # noqa: S314 (our own text)
    return text + "\n"
