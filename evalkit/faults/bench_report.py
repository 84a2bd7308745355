"""The result of a fault bench for people (faults.md) and for programs (faults.json)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from evalkit.faults.bench import BenchScore, Verdict
from evalkit.records import Interval

INTRODUCTION = (
    "Known faults were injected; the diagnosis did not know which. Shares are of the faulty cases, false alarms "
    "of the healthy ones; in brackets the 95 % interval."
)
SHARES = ("exact", "in_set", "side", "detected", "false_alarms")


def faults_json(
    suite: str,
    system: str,
    found: BenchScore,
    by_fault: Mapping[str, Interval],
    rows: Sequence[Verdict],
) -> dict[str, Any]:
    """The content of faults.json: what the suite can tell, with 95 % intervals, and every case's verdict."""
    return {
        "format": 1,
        "suite": suite,
        "system": system,
        "cases": {"faulty": sum(v.truth is not None for v in rows), "all": len(rows)},
        **{name: interval_json(getattr(found, name)) for name in SHARES},
        "balanced_accuracy": found.balanced_accuracy,
        "balanced_side": found.balanced_side,
        "kappa": found.kappa,
        "faults": {name: interval_json(share) for name, share in by_fault.items()},
        "causes": {name: interval_json(share) for name, share in found.recall.items()},
        "confusion": [
            {"truth": truth, "given": given, "cases": n}
            for (truth, given), n in sorted(found.confusion.items())
        ],
        "calibration": _calibration_json(found),
        "verdicts": [
            {"case_id": v.case_id, "truth": v.wanted, "given": v.given, "confidence": v.confidence}
            for v in rows
        ],
    }


def interval_json(share: Interval | None) -> dict[str, Any] | None:
    """A share with its bounds and its number of cases."""
    if share is None:
        return None
    return {"value": share.value, "low": share.low, "high": share.high, "n": share.n}


def _calibration_json(found: BenchScore) -> dict[str, Any] | None:
    if found.calibration is None:
        return None
    bins = [
        {"low": b.low, "high": b.high, "n": b.n, "confidence": b.confidence, "accuracy": b.accuracy}
        for b in found.calibration.bins
    ]
    return {"error": found.calibration.error, "n": found.calibration.n, "bins": bins}


def percent(share: Interval | None) -> str:
    """A share as text: ``92 % (88-95, n = 240)``; a dash where there is none."""
    if share is None:
        return "-"
    return f"{share.value:.1%} ({share.low:.0%}-{share.high:.0%}, n = {share.n})"


def faults_markdown(
    suite: str,
    system: str,
    found: BenchScore,
    by_fault: Mapping[str, Interval],
    baselines: Mapping[str, BenchScore] | None = None,
) -> str:
    """faults.md: what this suite can and cannot tell, fault by fault."""
    parts = [
        f"# Fault bench: {system} on {suite}",
        INTRODUCTION,
        summary_table(found, baselines or {}),
        calibrated(found),
        "## How often each fault is named",
        table(("fault", "named"), [(f"`{n}`", percent(s)) for n, s in by_fault.items()]),
        "## Confusion",
        confusion_table(found),
    ]
    return "\n\n".join(parts) + "\n"


def summary_table(found: BenchScore, baselines: Mapping[str, BenchScore]) -> str:
    """One row for evalkit and one for each baseline: every share, balanced accuracies and kappa."""
    head = ("", "exact cause", "in the set", "side", "balanced, causes", "balanced, sides", "kappa")
    named = {"**evalkit**": found, **baselines}
    return table((*head, "false alarms"), [_row(name, one) for name, one in named.items()])


def _row(name: str, found: BenchScore) -> tuple[str, ...]:
    shares = (found.exact, found.in_set, found.side)
    indices = (found.balanced_accuracy, found.balanced_side, found.kappa)
    shown = ("-" if value is None else f"{value:.2f}" for value in indices)
    return (name, *map(percent, shares), *shown, percent(found.false_alarms))


def calibrated(found: BenchScore) -> str:
    """How far stated confidence is from how often it was right, in a sentence."""
    if found.calibration is None:
        return "No confidence is stated, so nothing can be said about calibration."
    return (
        f"Expected calibration error {found.calibration.error:.3f} over {found.calibration.n} findings "
        "(ten equal-width bins)."
    )


def calibration_table(found: BenchScore) -> str:
    """Stated confidence beside how often it was right, bin by bin; empty where none is stated."""
    if found.calibration is None:
        return ""
    rows = [
        (f"{b.low:.1f}-{b.high:.1f}", str(b.n), f"{b.confidence:.2f}", f"{b.accuracy:.2f}")
        for b in found.calibration.bins
    ]
    return table(("confidence", "findings", "mean confidence", "right"), rows)


def confusion_matrix(found: BenchScore, order: Sequence[str]) -> str:
    """Injected (rows) against named (columns, by number), in ``order``; labels that never occur are left out.

    A cause that is acceptable for a case counts as the injected one.
    """
    used = {label for pair in found.confusion for label in pair}
    labels = [label for label in order if label in used]
    labels += sorted(used.difference(labels))
    number = {label: str(place) for place, label in enumerate(labels, start=1)}
    injected = [t for t in labels if any(pair[0] == t for pair in found.confusion)]
    named = [g for g in labels if any(pair[1] == g for pair in found.confusion)]
    rows = []
    for truth in injected:
        counts = [found.confusion.get((truth, given), 0) for given in named]
        cells = [_cell(n, right=truth == given) for n, given in zip(counts, named, strict=True)]
        rows.append((f"{number[truth]} `{truth}`", str(sum(counts)), *cells))
    matrix = table(("injected \\ named", "cases", *(number[given] for given in named)), rows)
    others = [f"{number[given]} `{given}`" for given in named if given not in injected]
    return matrix + (f"\n\nFurther columns: {', '.join(others)}." if others else "")


def _cell(n: int, *, right: bool) -> str:
    if not n:
        return ""
    return f"**{n}**" if right else str(n)


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def confusion_table(found: BenchScore) -> str:
    """True cause -> what was named, commonest first."""
    rows = []
    for truth in sorted({t for t, _ in found.confusion}):
        given = Counter({g: n for (t, g), n in found.confusion.items() if t == truth})
        named = ", ".join(f"{g} {n}" for g, n in given.most_common())
        rows.append((truth, str(sum(given.values())), named))
    return table(("true cause", "cases", "named"), rows)
