"""What the run could not tell, each with the cheapest way to learn it: no report is complete without."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from evalkit.ledger.ungraded import too_long
from evalkit.pages.links import cases_link
from evalkit.pages.sums import FindingSums
from evalkit.pages.wording import count, listed, points, sentence, signed_points, words

if TYPE_CHECKING:
    from evalkit.comparison.shape import Comparison
    from evalkit.decide import Decision

ALPHA = 0.05
LABELS = ("query", "reference", "key_points")  # texts of a case that a judge wants whole
FACTS, PROBES = 3, 3  # facts of the profile, and probes, that are named

Unknown = dict[str, Any]


def unknowns(
    summary: Mapping[str, Any],
    diagnosis: Mapping[str, Any],
    sums: Mapping[str, FindingSums],
    decision: Decision | None,
    comparison: Comparison | None,
) -> list[Unknown]:
    """Every gap as (what, links, how to settle it), those that touch the most cases first within each kind."""
    return [
        *_cases(diagnosis, sums),
        *_ties(comparison),
        *_symptoms(diagnosis),
        *_variability(diagnosis),
        *_resources(summary),
        *_labels(diagnosis),
        *_profile(decision),
    ]


def _unknown(text: str, settle: str, links: list[tuple[str, str]] | None = None) -> Unknown:
    return {"text": text, "settle": settle, "links": links or []}


def _cases(diagnosis: Mapping[str, Any], sums: Mapping[str, FindingSums]) -> Iterator[Unknown]:
    """Failing cases without a sure cause, and cases without a grade."""
    told = {
        "suspected": "The cause of {} is suspected, not proven.",
        "unexplained": "No rule of ours explains {}.",
        "undetermined": "No cause could be named for {}.",
    }
    yield from _in_doubt(sums)
    for status, text in told.items():
        n = {name: found.statuses[status] - found.in_doubt[status] for name, found in sums.items()}
        if any(n.values()):
            said = text.format(count(sum(n.values()), "failure"))
            yield _unknown(said, _settle(sums, status), _links(n, status))
    yield from _unjudged(diagnosis)
    lost = {n: _unlabelled(own) for n, own in diagnosis["systems"].items()}
    if any(lost.values()):
        yield _unknown(
            f"{count(sum(lost.values()), 'case')} could not be graded and count in no rate.",
            "Give the cases a reference or key points, or use another judge.",
            _links(lost, "ungraded"),
        )


def _in_doubt(sums: Mapping[str, FindingSums]) -> Iterator[Unknown]:
    """Failing answers that may be right for all that their judge can tell."""
    many = sum(sum(found.in_doubt.values()) for found in sums.values())
    if many:
        yield _unknown(
            f"{count(many, 'failing answer')} may be right in other words: review {'it' if many == 1 else 'these'} first.",
            "evalkit review export puts them at its head; a judge that is a model can tell, too.",
        )


def _unlabelled(own: Mapping[str, Any]) -> int:
    """Cases without a grade that the judge did not fail on."""
    return int(own["cases"]["ungraded"] - own.get("unjudged", {"cases": 0})["cases"])


def _unjudged(diagnosis: Mapping[str, Any]) -> Iterator[Unknown]:
    """Cases that have their labels, and no grade for an error of the judge's."""
    for name, own in diagnosis["systems"].items():
        if "unjudged" in own:
            n, reason = own["unjudged"]["cases"], own["unjudged"]["reason"]
            why = f" Most often: {sentence(reason)}" if reason else ""
            lost, settle = _lost(too_long(reason))
            text = f"{lost} {n:,} of {count(own['cases']['due'], 'case')} of {name}.{why}"
            yield _unknown(text, settle, _links({name: n}, "ungraded"))


def _lost(field: str | None) -> tuple[str, str]:
    """What went wrong with cases that were not judged, and what to do; ``field`` was too long, None for another reason."""
    if field is None:
        lost = "The judge gave no usable grade for"
        again = "then run again into the same folder: what it failed on is judged again."
        return lost, f"Look at the judge's endpoint and model, {again}"
    lost = "The texts are too long to be judged in"
    if field in LABELS:
        told = f"Shorten the {words(field)} of these cases, or split the cases; then run again into the same folder"
        return lost, f"{told} with --rerun changed: answers to unchanged questions stand."
    told = (
        "Keep the system's answers shorter (a limit of tokens), and ask it again in a new folder."
    )
    return lost, told


def _links(n: Mapping[str, int], status: str) -> list[tuple[str, str]]:
    """A link to the cases of each system that has any."""
    return [(f"{s} {k:,}", cases_link(system=s, status=status)) for s, k in n.items() if k]


def _settle(sums: Mapping[str, FindingSums], status: str) -> str:
    probes = Counter[str]()
    for found in sums.values():
        probes.update({p: n for (held, p), n in found.missing.items() if held == status})
    if probes:
        wanted = (f"{words(name)} ({n:,})" for name, n in probes.most_common(PROBES))
        return f"These probes would settle it, asked or recorded with the answers: {', '.join(wanted)}."
    if status == "suspected":
        return "Read these cases: as they are labelled, no further probe can be asked."
    if status == "unexplained":
        return "Read the cases: a fault that none of our causes describes."
    return "Let the system show what it retrieved and what reached its prompt."


def _ties(comparison: Comparison | None) -> Iterator[Unknown]:
    """Pairs of systems whose pass rates are not told apart."""
    for pair in comparison.pairs if comparison else ():
        for metric in pair.metrics:
            if metric.metric != "passed" or metric.difference is None:
                continue
            if metric.p is not None and metric.p > ALPHA:
                n, apart = count(metric.n, "case"), metric.detectable
                need = f"With {n}, a difference of {points(apart)} would show" if apart else ""
                yield _unknown(
                    f"{pair.a} and {pair.b} are not told apart: {signed_points(metric.difference)} on {n}.",
                    f"{need}; more cases would show less." if need else "Ask more cases.",
                )


def _symptoms(diagnosis: Mapping[str, Any]) -> Iterator[Unknown]:
    """Symptoms that no system could be measured on; those that only some show are told in their section."""
    told: dict[str, dict[str, list[str]]] = {}
    for name, own in diagnosis["systems"].items():
        for symptom in own["symptoms"]:
            if symptom["not_measured"]:
                why = told.setdefault(symptom["id"], {})
                why.setdefault(symptom["not_measured"], []).append(name)
    everybody = len(diagnosis["systems"])
    for symptom_id, reasons in told.items():
        for reason, names in reasons.items():
            of = "" if len(names) == everybody else f" for {listed(names)}"
            yield _unknown(
                f"{words(symptom_id).capitalize()} was not measured{of}.", sentence(reason)
            )


def _variability(diagnosis: Mapping[str, Any]) -> Iterator[Unknown]:
    silent = [
        name
        for name, own in diagnosis["systems"].items()
        if all(value is None for value in own["variability"].values())
    ]
    if silent:
        yield _unknown(
            f"Whether {listed(silent)} {'answers' if len(silent) == 1 else 'answer'} the same way twice.",
            "Ask every question several times: --repeats 5.",
        )


def _resources(summary: Mapping[str, Any]) -> Iterator[Unknown]:
    silent = [n for n, s in summary["systems"].items() if s["usage"]["cost"]["total"] is None]
    if silent:
        yield _unknown(
            f"What an answer of {listed(silent)} costs: no answer reports it.",
            "Give prices in the system's options, or unit_costs in the profile.",
        )


def _labels(diagnosis: Mapping[str, Any]) -> Iterator[Unknown]:
    for part, found in diagnosis["doctor"].items():
        if found:
            yield _unknown(
                f"{count(len(found), 'thing')} in the {part} of the suite {'looks' if len(found) == 1 else 'look'} doubtful.",
                "Read them under About; mend them before acting on single cases.",
            )


def _profile(decision: Decision | None) -> Iterator[Unknown]:
    """Facts that rules of the decision ask for and nobody has given."""
    missing = decision.missing if decision else ()
    if missing:
        names = listed([words(m.fact) for m in missing[:FACTS]])
        more = f" and {len(missing) - FACTS} more" if len(missing) > FACTS else ""
        first = missing[0].settle.replace("`", "")
        yield _unknown(
            f"For the choice of the approach nobody has told: {names}{more}.",
            f"The first: {first}.",
        )
