"""A judge's check, and people's review of a run, for programs (JSON) and for people (Markdown)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from evalkit.errors import EndpointUnusable, NothingToDo
from evalkit.faults.bench_report import interval_json, table
from evalkit.records import Interval

if TYPE_CHECKING:
    from evalkit.judging.check import CheckResult, QuantityCheck
    from evalkit.judging.reviewed import SystemReview
    from evalkit.judging.steadiness import Shift

# What a judge takes to give a verdict.
_NEEDS = {
    "correct": ": it takes a reference",
    "grounded": ": it takes passages, and an answer that claims something",
    "covered": ": it takes key points",
}
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
    """The check as a page: one table of agreement, one of steadiness, what could not be compared, and what may gate."""
    failed = f"; it failed on {found.errors} of them" if found.errors else ""
    compared = [one for one in found.quantities.values() if one.n]
    parts = [
        f"Judge `{found.judge}` ({found.fingerprint}) on labels of {_answers(found.rows)}{failed}. n is what a figure rests on.",
        table(("", *(q.quantity for q in compared)), list(_agreement_rows(compared))),
        _steadiness(found.repeats, compared),
        "\n".join([*(f"- {text}" for text in not_compared(found)), *_permissions(found)]),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def check_compared(found: CheckResult) -> None:
    """``NothingToDo`` with what is missing where not one verdict of the judge could be held against one of people.

    A judge that failed on every answer is ``EndpointUnusable``.
    """
    if any(one.n for one in found.quantities.values()):
        return
    if found.errors >= found.rows:
        raise EndpointUnusable(
            f"the judge {found.judge} failed on all {found.rows} labelled answers"
        )
    missing = (
        "; ".join(not_compared(found)) or "the labels hold no verdict of a person on any answer"
    )
    failed = f"; the judge failed on {found.errors} of {found.rows} answers" if found.errors else ""
    raise NothingToDo(f"nothing can be checked: {missing}{failed}")


def not_compared(found: CheckResult) -> list[str]:
    """Each quantity on which nothing could be held against people, and what is missing for it."""
    return [_missing(one) for one in found.quantities.values() if not one.n]


def _missing(one: QuantityCheck) -> str:
    given = one.cannot_tell.n if one.cannot_tell is not None else 0
    told = []
    if one.unclear:
        told.append(
            f"people are not clear about {_answers(one.unclear)} (a tie, or nobody can tell)"
        )
    if given:
        told.append(
            f"the judge gives no verdict on {_answers(given)}{_NEEDS.get(one.quantity, '')}"
        )
    what = "; ".join(told) or "no answer has a verdict of a person on it"
    return f"nothing to compare on {one.quantity}: {what}"


def _answers(n: int) -> str:
    return f"{n} answer{'s' * (n != 1)}"


def _agreement_rows(found: Sequence[QuantityCheck]) -> Iterator[tuple[str, ...]]:
    def row(name: str, values: Sequence[str]) -> tuple[str, ...]:
        return (name, *values)

    yield row("compared (unclear labels)", [f"{q.n} ({q.unclear})" for q in found])
    yield row("cannot tell", [_share(q.cannot_tell) for q in found])
    yield row("agreement", [_share(q.agreement) for q in found])
    yield row("balanced accuracy", [number(q.balanced_accuracy, q.n) for q in found])
    yield row("kappa", [_spread(q.kappa) for q in found])
    yield row("kappa with each annotator", [number(q.kappa_each, q.rated) for q in found])
    yield row("people's kappa", [_of_people(q) for q in found])
    for level in ("nominal", "ordinal", "interval"):
        yield row(f"alpha, {level}", [number(q.alpha[level], q.n) for q in found])
        people = [_of_people(q, level) for q in found]
        yield row(f"people's alpha, {level}", people)
    yield row("AUC", [number(q.auc, q.n) for q in found])
    yield row("calibration error", [number(q.ece, q.n) for q in found])
    yield row(
        "said yes, rightly / wrongly", [f"{q.table.true_yes} / {q.table.false_yes}" for q in found]
    )
    yield row(
        "said no, rightly / wrongly", [f"{q.table.true_no} / {q.table.missed}" for q in found]
    )


def _of_people(one: QuantityCheck, level: str | None = None) -> str:
    """People's kappa among themselves, or with ``level`` their alpha, on what two or more of them rated."""
    people = one.ceiling
    if people is None:
        return number(None)
    return number(people.kappa if level is None else people.alpha[level], people.units)


def _steadiness(repeats: int, found: Sequence[QuantityCheck]) -> str:
    rows: list[tuple[str, ...]] = []
    for q in found:
        if q.self_consistency is not None:
            rows.append(
                (
                    q.quantity,
                    f"same verdict {repeats} times",
                    _share(q.self_consistency),
                    "",
                    "",
                    "",
                )
            )
        for name, moved in q.shifts.items():
            flips = (moved.flipped, moved.no_to_yes, moved.yes_to_no)
            rows.append(
                (
                    q.quantity,
                    NAMES[name],
                    *map(_share, flips),
                    f"{moved.change:+.3f} (n = {moved.n})",
                )
            )
        for name, value in q.length.items():
            rows.append(
                (q.quantity, f"length and {name.replace('_', ' ')}", _spread(value), "", "", "")
            )
    head = ("quantity", "what", "share or correlation", "no to yes", "yes to no", "mean change")
    return table(head, rows) if rows else ""


def _permissions(found: CheckResult) -> Iterator[str]:
    from evalkit.judging.gate_notes import may_gate

    for name in found.quantities:
        given = may_gate(found, quantity=name)
        yield f"- {'may gate' if given.allowed else 'may not gate'} on {given.reason}"


def review_markdown(found: Mapping[str, SystemReview]) -> str:
    """What people's reviews say of every system: raw and corrected rates side by side, and agreement."""
    rows = [
        (_name(name), r.quantity, _share(r.raw), _share(r.people), _share(r.corrected), r.method)
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
    return one.quantity, str(one.n), _share(one.agreement), _spread(one.kappa), _of_people(one)


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


def number(value: float | None, n: int | None = None) -> str:
    """A figure with what it rests on, or a dash for none."""
    if value is None:
        return "-"
    return f"{value:.2f}" if n is None else f"{value:.2f} (n = {n})"


def _share(found: Interval | None) -> str:
    return _counted(share(found), found)


def _spread(found: Interval | None) -> str:
    return _counted(spread(found), found)


def _counted(text: str, found: Interval | None) -> str:
    """A figure with its interval and the number of things it rests on."""
    return text if found is None else f"{text[:-1]}, n = {found.n})"
