"""faults.json and faults.md of one system on one suite: what is noticed, what is named, what cannot be told."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from evalkit.errors import StorageError
from evalkit.faults.bench import NONE, BenchScore, recall_by_class, score
from evalkit.faults.bench_report import (
    INTRODUCTION,
    calibrated,
    confusion_table,
    faults_json,
    interval_json,
    percent,
    summary_table,
    table,
)
from evalkit.faults.inject import BY_ID
from evalkit.faults.power import Power, Trial, all_named, alone, mixed
from evalkit.records import Interval

NOTICED = (
    "A fault is noticed when there is any finding, named when it is the right one. A fault that leaves the "
    "answer right shows nowhere and counts as unnoticed."
)
HALF = 0.5
SHOWN = 10  # failing cases named on the page
Row = tuple[str, str, Interval | None, Interval | None, str]


def _shares(power: Power, hit: Callable[[Trial], bool]) -> dict[str, Interval]:
    """For every fault injected alone, the share of its cases that hit."""
    groups = alone(power.trials)
    shares = recall_by_class((fault, hit(t)) for fault, group in groups.items() for t in group)
    return {fault: shares[fault] for fault in groups}


def named(power: Power) -> dict[str, Interval]:
    """How often the cause of a fault injected alone is named exactly, by fault."""
    return _shares(power, lambda trial: trial.verdict.exact)


def detected(power: Power) -> dict[str, Interval]:
    """How often a fault injected alone leads to any finding, by fault."""
    return _shares(power, lambda trial: trial.verdict.outcome is not None)


def both(power: Power) -> Interval | None:
    """How often all faults of a mixture are named; None without mixtures."""
    return recall_by_class(("", all_named(trial)) for trial in mixed(power.trials)).get("")


def taken_for(trials: Sequence[Trial]) -> str:
    """What wrongly diagnosed trials were taken for, commonest first; empty when all are right."""
    wrong = Counter(t.verdict.given for t in trials if not t.verdict.exact)
    names = {NONE: "unnoticed"}
    return ", ".join(f"{names.get(given, given)} {n}" for given, n in wrong.most_common(3))


def rows(power: Power) -> list[Row]:
    """One row a fault: fault, cause, share noticed, share named, what else it was taken for."""
    noticed, right = detected(power), named(power)
    return [
        (fault, BY_ID[fault].cause, noticed[fault], right[fault], taken_for(group))
        for fault, group in alone(power.trials).items()
    ]


def power_json(power: Power, found: BenchScore, settings: Mapping[str, Any]) -> dict[str, Any]:
    """The content of faults.json."""
    base = faults_json(power.suite, power.system, found, named(power), power.verdicts)
    for verdict, trial in zip(base["verdicts"], power.trials, strict=True):
        verdict["faults"] = list(trial.faults)
        verdict["also"] = sorted(trial.verdict.also)
    return {
        **base,
        "settings": dict(settings),
        "clean": {"cases": power.cases, "failing": list(power.failing)},
        "noticed": {fault: interval_json(share) for fault, share in detected(power).items()},
        "mixed": interval_json(both(power)),
        "not_injected": [
            {"fault": fault, "cause": BY_ID[fault].cause, "reason": reason}
            for fault, reason in power.missing.items()
        ],
        "notes": list(power.notes),
    }


def power_markdown(power: Power, found: BenchScore) -> str:
    """The content of faults.md."""
    parts = [
        f"# Fault bench: {power.system} on {power.suite}",
        INTRODUCTION,
        summary_table(found, {}),
        calibrated(found),
        "## Fault by fault",
        NOTICED,
        table(
            ("fault", "what goes wrong", "cause", "noticed", "named", "else taken for"),
            [
                (f"`{f}`", BY_ID[f].meaning, f"`{cause}`", percent(seen), percent(right), else_)
                for f, cause, seen, right, else_ in rows(power)
            ],
        ),
        _mixtures(power),
        "## Confusion",
        confusion_table(found),
        "## Cases that could not be used",
        _unusable(power),
        "## What this suite cannot tell",
        _missing(power),
        _seldom(power),
        *power.notes,
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _mixtures(power: Power) -> str:
    share = both(power)
    if share is None:
        return "No two faults were injected into one case."
    return f"Two faults in one case: both are named in {percent(share)}."


def _unusable(power: Power) -> str:
    if not power.failing:
        return f"All {power.cases} cases pass without a fault."
    listed = ", ".join(f"`{case}`" for case in power.failing[:SHOWN])
    more = ", ..." if len(power.failing) > SHOWN else ""
    return (
        f"Without any fault {power.cases - len(power.failing)} of {power.cases} cases pass. In the others a fault "
        f"could not be told from what fails anyway, so they are left out of everything above: {listed}{more}. "
        "A system known to be good should pass them all: there, they are false alarms."
    )


def _missing(power: Power) -> str:
    if not power.missing:
        return "Every fault could be injected."
    lines = [
        f"- `{BY_ID[fault].cause}` by `{fault}`: {reason}."
        for fault, reason in power.missing.items()
    ]
    return "\n".join(["Not injected, so nothing is known of them:", "", *lines])


def _seldom(power: Power) -> str:
    """The faults that were injected and mostly not named."""
    weak = [row for row in rows(power) if row[3] is not None and row[3].value < HALF]
    if not weak:
        return ""
    lines = [f"- `{fault}` (`{cause}`): {taken}." for fault, cause, _, _, taken in weak]
    return "\n".join(["Injected, but named in fewer than half of the cases:", "", *lines])


def write_power(
    power: Power, sides: Mapping[str, str], settings: Mapping[str, Any], folder: Path
) -> tuple[BenchScore, Path]:
    """Write both files into ``folder``; the score and the path of faults.md."""
    found = score(power.verdicts, sides)
    content = json.dumps(power_json(power, found, settings), ensure_ascii=False, indent=2)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "faults.json").write_text(content + "\n", encoding="utf-8")
        (folder / "faults.md").write_text(power_markdown(power, found), encoding="utf-8")
    except OSError as error:
        raise StorageError(f"{folder}: cannot be written: {error.strerror}") from error
    return found, folder / "faults.md"
