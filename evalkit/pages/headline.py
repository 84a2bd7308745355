"""The answer first: what fails and how much, whose fault it is, how sure that is, what to do first, what it brings, what stays open."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from evalkit import plugins
from evalkit.pages.accuracy import accuracy_sentence
from evalkit.pages.comparing import ties
from evalkit.pages.links import cases_link, cause_link, system_link
from evalkit.pages.sums import STATUSES, FindingSums
from evalkit.pages.verdicts import (
    PLAIN_SIDES,
    failing_of,
    gain_sentence,
    next_step,
    oracle_sentence,
    promise,
)
from evalkit.pages.wording import count, percent, percent_bounds, sentence, words

if TYPE_CHECKING:
    from evalkit.comparison.shape import Comparison
    from evalkit.decide import Decision

SIDE_CLAUSES = {
    "retrieval": "Retrieval, not generation, is to blame for most failures",
    "generation": "Generation, not retrieval, is to blame for most failures",
    "contract": "The form of the output is to blame for most failures",
    "suite": "The suite itself is to blame for most failures",
    "system": "Calls that broke are to blame for most failures",
}
OPEN, LEADING = 3, 3  # unknowns, and causes, told at the top
MOST = 0.5


def headline(
    summary: Mapping[str, Any],
    diagnosis: Mapping[str, Any],
    sums: Mapping[str, FindingSums],
    decision: Decision | None = None,
    unknown: Sequence[Mapping[str, Any]] = (),
    comparison: Comparison | None = None,
) -> dict[str, Any]:
    """The opening of the report, about the best system measured (the same one the recommendation is about)."""
    systems, advice = summary["systems"], diagnosis["recommendation"]
    best = best_system(systems)
    shared = {
        "system": best,
        "reasons": [sentence(reason) for reason in advice["reasons"]],
        "against": [sentence(reason) for reason in advice["against"]],
    }
    if best is None:
        return {
            **shared,
            "title": "No case could be graded.",
            "answers": [],
            "first": "Give the cases labels.",
            "gain": "",
        }
    own, measured = diagnosis["systems"][best], systems[best]
    first = _first(advice, own, sums[best], measured["approach"], len(systems))
    brings = _brings(decision, own)
    failing = cases_link(system=best, status="failing")
    return {
        **shared,
        "title": _title(best, systems, own),
        "answers": [
            {**_answer("What fails", *_what(measured), failing), "links": _causes(best, own)},
            _answer("Whose fault", *_whose(own, sums[best]), system_link(best)),
            _answer("How sure", *_sure(own, sums[best]), "#trust"),
            _todo(first, ties(comparison, best)),
            _answer("What it would bring", brings[0], brings[1:], "#compare"),
            _answer("What we could not tell", *_open(unknown), "#unknown"),
        ],
        "first": first,
        "gain": brings[0],
    }


def _todo(first: str, ties: Sequence[str]) -> dict[str, Any]:
    return _answer("What to do first", first.rstrip("."), ties, "#systems", strong=True)


def _answer(
    question: str,
    said: str,
    more: Sequence[str],
    href: str,
    *,
    strong: bool = False,
) -> dict[str, Any]:
    return {
        "question": question,
        "said": said,
        "more": [m for m in more if m],
        "href": href,
        "strong": strong,
        "links": [],
    }


def _causes(best: str, own: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The leading causes with their cases."""
    return [
        (
            f"{words(cause)} {found['cases']:,}",
            cause_link(best, cause),
        )
        for cause, found in list(own["causes"].items())[:LEADING]
    ]


def best_system(systems: Mapping[str, Any]) -> str | None:
    """The system with the highest pass rate, by the rule of the recommendation; None where none was graded."""
    rated = {n: s["pass_rate"]["value"] for n, s in systems.items() if s["pass_rate"]}
    return max(rated, key=lambda n: (rated[n], n)) if rated else None


def _title(best: str, systems: Mapping[str, Any], own: Mapping[str, Any]) -> str:
    rate = systems[best]["pass_rate"]
    share = f"{percent(rate['value'])} of {count(rate['n'], 'case')}"
    said = f"{best} passes {share}"
    if len(systems) > 1:
        said += f", the most of {len(systems)} systems"
    side = _main_side(own)
    return f"{said}. {SIDE_CLAUSES[side]}." if side else f"{said}."


def _main_side(own: Mapping[str, Any]) -> str | None:
    """The side of more than half of the failures beyond chance; None where there is none."""
    if not failing_of(own):
        return None
    side = max(own["sides"], key=lambda n: own["sides"][n]["cases"])
    low = own["sides"][side]["low"]
    return side if low is not None and low > MOST else None


def _what(system: Mapping[str, Any]) -> tuple[str, list[str]]:
    cases = system["cases"]
    graded = cases["due"] - cases["ungraded"]
    failing = cases["failed"] + cases["errors"]
    more = [f"{cases['passed']:,} of {graded:,} pass."]
    if cases["errors"]:
        more.append(f"{cases['errors']:,} of the failing cases ended in an error.")
    if cases["ungraded"]:
        more.append(f"{count(cases['ungraded'], 'case')} could not be graded and are left out.")
    loss = {key: 1 - system["pass_rate"][end] for key, end in (("low", "high"), ("high", "low"))}
    share = f"{percent(failing / graded)} {percent_bounds(loss)}"
    return f"{failing:,} of {graded:,} cases fail: {share}", more


def _whose(own: Mapping[str, Any], sums: FindingSums) -> tuple[str, list[str]]:
    """The side of the failing cases, the largest part first, and what the gold passages alone change."""
    failing = failing_of(own)
    known = sum(side["cases"] for side in own["sides"].values())
    sides = {n: s for n, s in own["sides"].items() if s["cases"]}
    ranked = sorted(sides.items(), key=lambda s: -s[1]["cases"])
    if not ranked:
        return ("Nobody's: no case fails" if not failing else "Not known"), []
    unknown = failing - known
    name, first = ranked[0]
    oracle = oracle_sentence(sums)
    if unknown > first["cases"]:
        others = ", ".join(f"{PLAIN_SIDES[n]} {s['cases']:,}" for n, s in ranked)
        said = f"Not determined for {unknown:,} of {failing:,} failures"
        return said, [f"The rest: {others}.", oracle]
    parts = [f"{PLAIN_SIDES[n]} {s['cases']:,}" for n, s in ranked[1:]]
    if unknown:
        parts.append(f"not determined {unknown:,}")
    lead = "Mostly " if first["cases"] > failing / 2 and parts else ""
    said = PLAIN_SIDES[name] if lead else PLAIN_SIDES[name].capitalize()
    share = f"{percent(first['share'])} {percent_bounds(first)}"
    rest = [f"The rest: {', '.join(parts)}."] if parts else []
    return f"{lead}{said}: {first['cases']:,} of {failing:,} failures, {share}", [*rest, oracle]


def _sure(own: Mapping[str, Any], sums: FindingSums) -> tuple[str, list[str]]:
    found, failing = sums.statuses, failing_of(own)
    parts = [f"{found[s]:,} {s}" for s in STATUSES if found[s] or s in ("proven", "suspected")]
    more = []
    if failing:
        more.append(accuracy_sentence(probed=sums.probed > 0))
    if found["suspected"]:
        more.append("Suspected: look-alike causes were not told apart by a probe.")
    if sums.warned:
        more.append(f"{count(sums.warned, 'further case')} pass with a warning.")
    said = ", ".join(parts) if failing else "Nothing to explain"
    in_doubt = sum(sums.in_doubt.values())
    return f"{said}; {in_doubt:,} of them may be right in other words" if in_doubt else said, more


def _first(
    advice: Mapping[str, Any],
    own: Mapping[str, Any],
    sums: FindingSums,
    approach: str,
    systems: int,
) -> str:
    """The next step of the best system, as its own row has it; with several systems, which approach to take as well."""
    known = {cause.id: cause for cause in plugins.members("causes")}
    step = next_step(own, approach, known, sums)
    if systems == 1 or advice["approach"] != approach:
        return f"{step.rstrip('.')}."
    return f"Take {words(approach)} as the approach; there, {step[:1].lower()}{step[1:]}."


def _brings(decision: Decision | None, own: Mapping[str, Any]) -> list[str]:
    """What the recommended approach brings, then what mending the largest cause of the best system alone brings."""
    told = ""
    if decision is not None:
        gain = decision.options[0].gain
        if not decision.stays:  # then it is the one action below that brings something
            told = promise(gain.interval, measured=gain.measured, base=decision.base)
    alone = gain_sentence(own["recommendation"]["headroom"])
    return [told, alone] if told else [alone]


def _open(unknown: Sequence[Mapping[str, Any]]) -> tuple[str, list[str]]:
    if not unknown:
        return "Nothing that we know of", []
    more = [u["text"] for u in unknown[:OPEN]]
    left = len(unknown) - OPEN
    if left > 0:
        more.append(f"And {left} more.")
    return count(len(unknown), "open question").capitalize(), more
