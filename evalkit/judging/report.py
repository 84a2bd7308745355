"""A judge's check, and people's review of a run, for programs (JSON) and for people (Markdown)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from evalkit.faults.bench_report import interval_json, table
from evalkit.records import Interval

if TYPE_CHECKING:
    from evalkit.judging.check import CheckResult, QuantityCheck
    from evalkit.judging.reviewed import SystemReview
    from evalkit.judging.steadiness import Shift

NAMES = {
    "passages_reversed": "passages in the opposite order",
    "references_reversed": "references in the opposite order",
    "answers_swapped": "answer and reference exchanged",
    "said_twice": "answer said twice",
    "question_restated": "question repeated before the answer",
}


# --- JSON ------------------------------------------------------------------------------------


def check_json(found: CheckResult) -> dict[str, Any]:
    """The content of judge-check.json; equal checks give equal bytes."""
    return {
        "format": 1,
        "judge": {"name": found.judge, "fingerprint": found.fingerprint},
        "labels": {"digest": found.labels, "rows": found.rows, "source": found.source},
        "errors": found.errors,
        "repeats": found.repeats,
        "quantities": {name: quantity_json(one) for name, one in found.quantities.items()},
    }


def quantity_json(one: QuantityCheck) -> dict[str, Any]:
    """One quantity's figures."""
    ceiling, confusion = one.ceiling, one.table
    return {
        "n": one.n,
        "unclear": one.unclear,
        "cut": one.cut,
        "cannot_tell": interval_json(one.cannot_tell),
        "agreement": interval_json(one.agreement),
        "balanced_accuracy": one.balanced_accuracy,
        "kappa": interval_json(one.kappa),
        "kappa_each": one.kappa_each,
        "alpha": dict(one.alpha),
        "alpha_nominal": interval_json(one.alpha_nominal),
        "ceiling": ceiling
        and {
            "annotators": ceiling.annotators,
            "units": ceiling.units,
            "alpha": dict(ceiling.alpha),
            "kappa": ceiling.kappa,
        },
        "auc": one.auc,
        "ece": one.ece,
        "confusion": {
            "true_yes": confusion.true_yes,
            "missed": confusion.missed,
            "false_yes": confusion.false_yes,
            "true_no": confusion.true_no,
            "sensitivity": confusion.sensitivity,
            "specificity": confusion.specificity,
        },
        "length": {name: interval_json(value) for name, value in one.length.items()},
        "self_consistency": interval_json(one.self_consistency),
        "shifts": {name: _shift_json(moved) for name, moved in one.shifts.items()},
    }


def _shift_json(moved: Shift) -> dict[str, Any]:
    return {
        "n": moved.n,
        "flipped": interval_json(moved.flipped),
        "change": moved.change,
        "no_to_yes": interval_json(moved.no_to_yes),
        "yes_to_no": interval_json(moved.yes_to_no),
    }


# --- Markdown --------------------------------------------------------------------------------


def check_markdown(found: CheckResult) -> str:
    """The check as a page: one table of agreement, one of steadiness, and what may gate."""
    failed = f", {found.errors} of which it failed on" if found.errors else ""
    parts = [
        f"Judge `{found.judge}` ({found.fingerprint}) on {found.rows} labelled answers{failed}.",
        table(("", *found.quantities), list(_agreement_rows(list(found.quantities.values())))),
        _steadiness(found),
        "\n".join(_permissions(found)),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _agreement_rows(found: Sequence[QuantityCheck]) -> Iterator[tuple[str, ...]]:
    def row(name: str, values: Sequence[str]) -> tuple[str, ...]:
        return (name, *values)

    yield row("labels (unclear)", [f"{q.n} ({q.unclear})" for q in found])
    yield row("cannot tell", [share(q.cannot_tell) for q in found])
    yield row("agreement", [share(q.agreement) for q in found])
    yield row("balanced accuracy", [number(q.balanced_accuracy) for q in found])
    yield row("kappa", [spread(q.kappa) for q in found])
    yield row("kappa with each annotator", [number(q.kappa_each) for q in found])
    yield row("people's kappa", [number(q.ceiling.kappa if q.ceiling else None) for q in found])
    for level in ("nominal", "ordinal", "interval"):
        yield row(f"alpha, {level}", [number(q.alpha[level]) for q in found])
        people = [number(q.ceiling.alpha[level] if q.ceiling else None) for q in found]
        yield row(f"people's alpha, {level}", people)
    yield row("AUC", [number(q.auc) for q in found])
    yield row("calibration error", [number(q.ece) for q in found])
    yield row(
        "said yes, rightly / wrongly", [f"{q.table.true_yes} / {q.table.false_yes}" for q in found]
    )
    yield row(
        "said no, rightly / wrongly", [f"{q.table.true_no} / {q.table.missed}" for q in found]
    )


def _steadiness(found: CheckResult) -> str:
    rows: list[tuple[str, ...]] = []
    for q in found.quantities.values():
        if q.self_consistency is not None:
            rows.append(
                (
                    q.quantity,
                    f"same verdict {found.repeats} times",
                    share(q.self_consistency),
                    "",
                    "",
                    "",
                )
            )
        for name, moved in q.shifts.items():
            flips = (moved.flipped, moved.no_to_yes, moved.yes_to_no)
            rows.append((q.quantity, NAMES[name], *map(share, flips), f"{moved.change:+.3f}"))
        for name, value in q.length.items():
            rows.append(
                (q.quantity, f"length and {name.replace('_', ' ')}", spread(value), "", "", "")
            )
    head = ("quantity", "what", "share or correlation", "no to yes", "yes to no", "mean change")
    return table(head, rows) if rows else ""


def _permissions(found: CheckResult) -> Iterator[str]:
    from evalkit.judging.gate_notes import may_gate

    for name in found.quantities:
        given = may_gate(found, quantity=name)
        yield f"- {'may gate' if given.allowed else 'may not gate'}: {given.reason}"


def review_markdown(found: Mapping[str, SystemReview]) -> str:
    """What people's reviews say of every system: raw and corrected rates side by side, and agreement."""
    rows = [
        (_name(name), r.quantity, share(r.raw), share(r.people), share(r.corrected), r.method)
        for name, one in found.items()
        for r in one.rates
    ]
    head = ("system", "rate", "judge", "people, random part", "corrected", "how")
    agreed = [
        (_name(name), *_agreed(one))
        for name, review in found.items()
        for one in review.agreement.values()
    ]
    columns = ("system", "quantity", "reviewed", "agreement", "kappa", "people's kappa")
    parts = [
        table(head, rows) if rows else "No review of a random part yet: no corrected rates.",
        table(columns, agreed) if agreed else "",
        "Agreement is over everything reviewed, doubtful grades first: it is worse than over the whole run.",
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _agreed(one: QuantityCheck) -> tuple[str, ...]:
    people = one.ceiling.kappa if one.ceiling else None
    return one.quantity, str(one.n), share(one.agreement), spread(one.kappa), number(people)


def _name(text: str) -> str:
    """A system's name on one line of a table."""
    return " ".join(text.split()).replace("|", "\\|")


def share(found: Interval | None) -> str:
    """A share with its interval in percent."""
    if found is None:
        return "-"
    return f"{found.value:.1%} ({found.low:.1%} to {found.high:.1%})"


def spread(found: Interval | None) -> str:
    """A figure with its interval."""
    return "-" if found is None else f"{found.value:.2f} ({found.low:.2f} to {found.high:.2f})"


def number(value: float | None) -> str:
    """A figure, or a dash for none."""
    return "-" if value is None else f"{value:.2f}"
