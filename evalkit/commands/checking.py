"""What ``evalkit check`` says of a sound suite."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path

from evalkit.records import Suite, SystemSpec
from evalkit.systems import build

COMPLAINTS = 10  # shown at most, of the labels and of the corpus each


def describe(suite: Suite) -> list[str]:
    """What the suite holds, and what looks doubtful."""
    expected = Counter(case.expected.value for case in suite.cases)
    labelled = {
        "relevance labels": sum(case.relevant is not None for case in suite.cases),
        "key points": sum(case.key_points is not None for case in suite.cases),
        "references": sum(case.reference is not None for case in suite.cases),
        "objects": sum(case.reference_object is not None for case in suite.cases),
        "criteria": sum(case.criteria is not None for case in suite.cases),
    }
    lines = [
        f"{suite.name}: {len(suite.cases)} cases, {len(suite.corpus)} documents, digest {suite.digest}",
        "  wanted: " + ", ".join(f"{n} {name}" for name, n in expected.most_common()),
        "  labels: " + ", ".join(f"{n} with {name}" for name, n in labelled.items() if n),
    ]
    return [*map(said, lines), *doubts(suite)]


def said(line: str) -> str:
    """A line for the terminal with its indentation; what the suite says of itself stays text."""
    from evalkit.terminal import plain

    return " " * (len(line) - len(line.lstrip(" "))) + plain(line)


def doubts(suite: Suite) -> list[str]:
    """The warnings of the suite, and what its doctor can tell before any run; nothing is said twice."""
    from evalkit.doctor.examine import examine, told

    found = examine(suite, {})
    known = {complaint.line for complaints in found.values() for complaint in complaints}
    lines = [f"  warning: {warning}" for warning in suite.warnings if warning not in known]
    for part, complaints in found.items():
        lines += [f"  {part}: {line}" for line in told(complaints, COMPLAINTS)]
    return [said(line) for line in lines]


def check_demands(suite: Suite) -> list[str]:
    """What limits and hierarchy ask that nothing known here bears: a warning, since a judge may bring metrics of its own."""
    from evalkit.errors import InvalidInput
    from evalkit.gating.claims import known_metrics
    from evalkit.gating.policy import check_policy, read_policy
    from evalkit.tools import tools_for

    try:
        tools = tools_for(suite)
        causes = sorted(cause.id for cause in tools.causes)
        check_policy(suite, read_policy(suite.folder), known_metrics(tools), causes)
    except InvalidInput as error:
        return [said(f"  warning: {error} (a judge of yours may bring it)")]
    return []


def check_systems(suite: Suite, specs: Sequence[SystemSpec]) -> list[str]:
    """Build every system (which checks its options) and say what it can be asked."""
    return asyncio.run(_built(suite, specs))


async def _built(suite: Suite, specs: Sequence[SystemSpec]) -> list[str]:
    lines = []
    for spec in specs:
        system = build(spec, suite, isolate=True)
        can = ", ".join(sorted(system.capabilities))
        await system.aclose()
        lines.append(said(f"  system {spec.name} ({spec.approach}, {spec.adapter}): can {can}"))
    return lines


def write_schemas(folder: Path) -> str:
    """Copy the published JSON Schemas, so that an editor can complete and check suite files."""
    folder.mkdir(parents=True, exist_ok=True)
    published = [p for p in (files("evalkit") / "schemas").iterdir() if p.name.endswith(".json")]
    for schema in published:
        text = schema.read_text(encoding="utf-8")
        json.loads(text)
        (folder / schema.name).write_text(text, encoding="utf-8")
    return f"  {len(published)} schemas written to {folder}"
